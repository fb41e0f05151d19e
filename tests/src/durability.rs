//! What was acknowledged survives `kill -9` of a real process, in each mode.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use actors::database::place::Place;
use actors::database::store::Store;
use client::WebSocket;
use client::player::Player;
use client::smoke::{Story, check_belongings};
use tests::program::realm_binary;
use tests::{Mode, PASSWORD, workspace};

/// A realm in a process of its own, killed when dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) ready: String,
}

impl Process {
    pub(crate) fn start(mode: Mode, data: &Path) -> Self {
        let mut command = Command::new(realm_binary());
        command.arg("up").arg("--data").arg(data).args([
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
        ]);
        match mode {
            Mode::Local => {}
            Mode::Wire => drop(command.args(["--wire", "always"])),
            Mode::Nodes => {
                let names = ["keepers", "mechanics", "mechanics", "gateway"];
                command.args(names.map(|name| format!("tests/roles/{name}.toml")));
            }
            Mode::Split => unreachable!("a split realm has more processes than one"),
        }
        Self::spawn(command)
    }

    /// Runs a command of the kind of `realm up` until it is ready.
    pub(crate) fn spawn(mut command: Command) -> Self {
        command
            .current_dir(workspace())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the command should start");
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("the output is piped");
        BufReader::new(stdout)
            .read_line(&mut ready)
            .expect("the realm should say when it is ready");
        let url = ready
            .split_whitespace()
            .find(|word| word.starts_with("ws://"));
        let url = url
            .unwrap_or_else(|| panic!("the ready line should name the socket, not {ready:?}"))
            .to_owned();
        Self { child, url, ready }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn what_was_looted_survives_a_kill(mode: Mode) {
    let data = tempfile::tempdir().expect("a test needs a temporary folder");
    let mut story = None;
    {
        let mut realm = Process::start(mode, data.path());
        tests::play(async {
            let socket = WebSocket::connect(&realm.url)
                .await
                .expect("the realm should accept a connection");
            let mut player = Player::connect(socket)
                .await
                .expect("the realm should say welcome");
            player
                .register("Survivor", PASSWORD)
                .await
                .expect("a new name should be registered");
            player.enter().await.expect("the avatar should enter");
            let dog = player
                .find("mobs/dog")
                .await
                .expect("a dog should be found");
            player.kill(dog).await.expect("the dog should be killed");
            player
                .loot(dog)
                .await
                .expect("the loot should be acknowledged");
            // SIGKILL, in the moment after the acknowledgement.
            realm.child.kill().expect("the realm should be killed");
            let me = player.me();
            let (items, coins) = (me.items.clone(), me.coins);
            // Experience is saved every few seconds; belongings are there at once.
            story = Some(Story {
                killed: "Dog".to_owned(),
                xp: 0,
                coins,
                items,
                position: player.position(),
            });
        });
    }
    let story = story.expect("the story was told");
    assert!(!story.items.is_empty(), "a dog always has a bone");
    let realm = Process::start(mode, data.path());
    tests::play(async {
        let connect = || WebSocket::connect(&realm.url);
        let entered = check_belongings(connect, "Survivor", PASSWORD, &story).await;
        let entered = entered.expect("what was acknowledged should be there after a kill -9");
        assert_eq!(
            entered.coins, story.coins,
            "no coin should be lost or doubled"
        );
        let store = Store::open(&Place::File(data.path().join("realm.db"))).await;
        let faults = store
            .expect("the database should open")
            .check()
            .await
            .expect("the store should check itself");
        assert!(
            faults.is_empty(),
            "the economy's invariants should hold: {faults:?}"
        );
    });
}

#[test]
fn what_was_looted_survives_a_kill_in_the_local_role() {
    what_was_looted_survives_a_kill(Mode::Local);
}

#[test]
fn what_was_looted_survives_a_kill_when_all_is_written_down() {
    what_was_looted_survives_a_kill(Mode::Wire);
}

#[test]
fn what_was_looted_survives_a_kill_on_four_nodes() {
    what_was_looted_survives_a_kill(Mode::Nodes);
}
