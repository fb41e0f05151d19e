//! What the README says of extending a realm, done as it says: its Rust is the command `team`, its files are that command's
//! role and content, and a player meets what they make.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use client::command::Cast;
use client::player::Player;
use client::{Event, Handle, Happening, WebSocket};
use tempfile::TempDir;
use tests::{PASSWORD, workspace};

use crate::command_line::copy;
use crate::durability::Process;

const TEAM: &str = env!("CARGO_BIN_EXE_team");

/// A team's folder: the roles and resources of this repository, and the files that the README shows. Its pilgrims live where
/// dogs do.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    for part in ["roles", "resources"] {
        copy(&workspace().join(part), &folder.path().join(part));
    }
    let readme = fs::read_to_string(workspace().join("README.md")).expect("there is a README");
    let blocks = readme.split("\n```toml\n# ").skip(1);
    let blocks = blocks.filter_map(|block| block.split("\n```").next()?.split_once('\n'));
    let mut written = Vec::new();
    for (path, text) in blocks {
        fs::write(folder.path().join(path), text).expect("a file should be written");
        written.push(path);
    }
    let expected = [
        "resources/mobs/wolf.toml",
        "roles/shrine.toml",
        "resources/mobs/pilgrim.toml",
    ];
    assert_eq!(written, expected, "the README should show these files");
    change(
        folder.path(),
        "resources/maps/meadow.tmx",
        "mobs/dog",
        "mobs/pilgrim",
    );
    folder
}

fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let file = folder.join(file);
    let text = fs::read_to_string(&file).expect("a file should be readable");
    assert!(text.contains(from), "{} should have {from}", file.display());
    fs::write(file, text.replace(from, to)).expect("a file should be written");
}

fn check(folder: &Path) -> Output {
    let mut command = Command::new(TEAM);
    command.arg("check").arg(folder.join("roles/shrine.toml"));
    command
        .stdin(Stdio::null())
        .output()
        .expect("the command of the team should run")
}

fn up(folder: &Path) -> Process {
    let mut command = Command::new(TEAM);
    command
        .arg("up")
        .arg(folder.join("roles/shrine.toml"))
        .arg("--data")
        .arg(folder.join("data"));
    command.args(["--listen", "127.0.0.1:0"]);
    Process::spawn(command)
}

/// Strikes a pilgrim until its hit points rise between two frames, or it is dead; true if they rose.
async fn rises(player: &mut Player<WebSocket>, pilgrim: Handle) -> bool {
    let hp_of = |player: &Player<WebSocket>| {
        player
            .connection()
            .view()
            .get(pilgrim)
            .map_or(0, |near| near.hp)
    };
    let mut hp = hp_of(player);
    while hp > 0 {
        player
            .approach(pilgrim, 1.2)
            .await
            .expect("the pilgrim should be reached");
        let strike = Cast {
            spell: "spells/strike".to_owned(),
            target: pilgrim,
        };
        let sent = player
            .connection_mut()
            .command(strike)
            .await
            .expect("the connection should hold");
        loop {
            let happening = player.next().await.expect("the realm should go on");
            let before = std::mem::replace(&mut hp, hp_of(player));
            if hp > before {
                return true;
            }
            match happening {
                Happening::Event(Event::Struck(struck)) if struck.target == pilgrim => break,
                Happening::Event(Event::Refused(refused)) if refused.sequence == sent => break,
                _ => {}
            }
        }
    }
    false
}

/// Whether a player, who meets pilgrim after pilgrim, sees one of them healed within so many of their lives.
async fn somebody_is_healed(url: &str, lives: u32) -> bool {
    let socket = WebSocket::connect(url)
        .await
        .expect("the realm should accept a connection");
    let mut player = Player::connect(socket)
        .await
        .expect("the realm should say welcome");
    player
        .register("Doubter", PASSWORD)
        .await
        .expect("a new name should be registered");
    player
        .enter()
        .await
        .expect("the avatar should enter the world");
    player.set_deadline("see a pilgrim healed", 80_000);
    for _ in 0..lives {
        let pilgrim = player
            .find("mobs/pilgrim")
            .await
            .expect("a pilgrim should be found");
        if rises(&mut player, pilgrim).await {
            return true;
        }
    }
    false
}

#[test]
fn a_component_a_message_a_module_a_role_and_a_mob_as_the_readme_shows_them_play_together() {
    let folder = folder();
    let checked = check(folder.path());
    let told = String::from_utf8_lossy(&checked.stderr);
    assert!(
        checked.status.success(),
        "the files of the README should be valid: {told}"
    );
    let realm = up(folder.path());
    tests::play(async {
        assert!(
            somebody_is_healed(&realm.url, 3).await,
            "a hurt pilgrim should pray, and be blessed"
        );
    });
}

#[test]
fn without_the_module_of_the_readme_its_component_does_nothing() {
    let folder = folder();
    change(
        folder.path(),
        "roles/shrine.toml",
        "{ name = \"shrine\", blessing_hp = 2 }, ",
        "",
    );
    let realm = up(folder.path());
    tests::play(async {
        assert!(
            !somebody_is_healed(&realm.url, 1).await,
            "nobody should be healed without a shrine"
        );
    });
}

#[test]
fn a_wrong_word_in_a_teams_own_table_is_refused_with_its_place() {
    let pilgrim = "resources/mobs/pilgrim.toml";
    #[rustfmt::skip]
    let rows = [
        ("[faith]", "[fath]", "pilgrim.toml:4:2: unknown field `fath`", "did you mean `faith`?"),
        ("prays_below_hp", "prays_below", "pilgrim.toml:5:1: unknown field `prays_below`", "did you mean"),
        ("= 30", "= \"much\"", "pilgrim.toml:5:18: `prays_below_hp`: invalid type", "expected u32"),
        ("prays_below_hp = 30", "", "pilgrim.toml:4:1: missing field `prays_below_hp`", ""),
        ("[faith]\nprays_below_hp = 30", "faith = 1", "pilgrim.toml:4:9: `faith`: must be a table", ""),
    ];
    for (from, to, place, words) in rows {
        let folder = folder();
        change(folder.path(), pilgrim, from, to);
        let checked = check(folder.path());
        let told = String::from_utf8_lossy(&checked.stderr).replace('│', " ");
        // A report breaks its lines where it likes.
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!checked.status.success(), "{to:?} should be refused");
        assert!(
            told.contains(place) && told.contains(words),
            "{to:?} should be told at {place}: {told}"
        );
    }
}
