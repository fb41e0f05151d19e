//! The client that `realm bindings` writes for JavaScript plays in a realm.

use std::process::{Command, Output};

use tests::{Mode, World, workspace};

fn run(command: &mut Command) -> Output {
    command
        .current_dir(workspace())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} should run: {error}"))
}

fn told(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// Runs a script against a realm of its own.
fn play(script: &str, name: &str) -> Output {
    let made = run(Command::new("bash").arg("tests/node"));
    assert!(
        made.status.success(),
        "the client in JavaScript should have what it needs: {}",
        told(&made)
    );
    let world = World::start(Mode::Local);
    let played = run(Command::new("target/node/bin/node")
        .env("NODE_PATH", workspace().join("target/node/node_modules"))
        .arg(script)
        .args([world.url(), name]));
    world.stop();
    played
}

#[test]
fn a_client_in_javascript_kills_the_dog() {
    let played = play("client/examples/kill_the_dog.mjs", "Mole");
    assert!(
        played.status.success(),
        "the generated module should be enough to kill the dog and to find its loot again: {}",
        told(&played)
    );
}

#[test]
fn a_client_in_javascript_knows_the_time_and_comes_back_after_its_socket_was_cut() {
    let played = play("client/tests/bindings/live.mjs", "Newt");
    assert!(
        played.status.success(),
        "the connection should see, keep time, resume by itself and give way: {}",
        told(&played)
    );
}
