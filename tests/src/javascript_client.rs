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

/// Runs Node with what `arguments` makes of the URL of a realm of its own.
fn play(arguments: impl FnOnce(&str) -> Vec<String>) -> Output {
    let made = run(Command::new("bash").arg("tests/node"));
    assert!(
        made.status.success(),
        "the client in JavaScript should have what it needs: {}",
        told(&made)
    );
    let world = World::start(Mode::Local);
    let played = run(Command::new("target/node/bin/node")
        .env("NODE_PATH", workspace().join("target/node/node_modules"))
        .args(arguments(world.url())));
    world.stop();
    played
}

fn script(path: &str, url: &str, name: &str) -> Vec<String> {
    [path, url, name].map(str::to_owned).into()
}

#[test]
fn a_client_in_javascript_kills_the_dog() {
    let played = play(|url| script("client/examples/kill_the_dog.mjs", url, "Mole"));
    assert!(
        played.status.success(),
        "the generated module should be enough to kill the dog and to find its loot again: {}",
        told(&played)
    );
}

#[test]
fn a_client_in_javascript_knows_the_time_and_comes_back_after_its_socket_was_cut() {
    let played = play(|url| script("client/tests/bindings/live.mjs", url, "Newt"));
    assert!(
        played.status.success(),
        "the connection should see, keep time, resume by itself and give way: {}",
        told(&played)
    );
}

#[test]
fn the_readmes_client_in_javascript_says_hello() {
    let readme = std::fs::read_to_string(workspace().join("README.md"));
    let readme = readme.expect("README.md should be readable");
    let (_, after) = readme
        .split_once("```js\n")
        .expect("README.md should have a client in JavaScript");
    let (client, _) = after.split_once("```").expect("its block should end");
    let played = play(|url| {
        let here = client
            .replace("ws://127.0.0.1:7777/ws", url)
            .replace("./realm.js", "./client/bindings/js/realm.js");
        // Node 20 has no WebSocket of its own, as browsers do.
        let before = "import { createRequire } from \"node:module\";\n\
                      globalThis.WebSocket = createRequire(`${process.cwd()}/`)(\"ws\").WebSocket;";
        let after =
            "await new Promise((heard) => connection.on(\"said\", heard));\nconnection.close();";
        let run = [before, &here, after].join("\n");
        ["--input-type=module", "-e", &run]
            .map(str::to_owned)
            .into()
    });
    assert!(
        played.status.success() && told(&played).contains("Ann: hello"),
        "the client of README.md should hear itself: {}",
        told(&played)
    );
}
