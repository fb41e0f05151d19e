//! The client that was written from `client/PROTOCOL.md` alone, in another language, plays in a realm.

use std::process::{Command, Output};

use actors::gateway::GatewayConfig;
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

#[test]
fn a_client_in_python_kills_the_dog() {
    let made = run(Command::new("bash").arg("tests/python"));
    assert!(
        made.status.success(),
        "the client in Python should have what it needs: {}",
        told(&made)
    );
    let world = World::start(Mode::Local);
    let played = run(Command::new("target/python/bin/python")
        .arg("client/examples/kill_the_dog.py")
        .args([world.url(), "Snake"]));
    assert!(
        played.status.success(),
        "a client that keeps to PROTOCOL.md should kill the dog and find its loot again: {}",
        told(&played)
    );
    tests::play(async {
        let store = world.store().await;
        let account = store.account_by_name("snake").await;
        let account = account.expect("the store should answer");
        assert!(account.is_some(), "the client should have played here");
        let faults = store.check().await.expect("the store should check itself");
        assert!(
            faults.is_empty(),
            "the economy's invariants should hold: {faults:?}"
        );
    });
    world.stop();
}

#[test]
fn the_page_tells_the_gateways_times_and_limits() {
    let page = workspace().join("client/PROTOCOL.md");
    let page = std::fs::read_to_string(page).expect("PROTOCOL.md should be readable");
    let known = format!("{:?}", GatewayConfig::default()).replace(" }", ",");
    let ends = ["_ms", "_per_s", "_per_minute", "_burst", "_address_max"];
    let settings: Vec<&str> = known
        .split([' ', ',', '{', '}'])
        .filter_map(|word| word.strip_suffix(':'))
        .filter(|word| ends.iter().any(|end| word.ends_with(end)))
        .collect();
    assert!(
        settings.len() > 15,
        "the gateway should have times and limits: {known}"
    );
    for setting in settings {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{setting}` | ")))
            .unwrap_or_else(|| panic!("the page should have a row for {setting}"));
        let default = row.split('|').nth(2).map(str::trim).unwrap_or_default();
        assert!(
            known.contains(&format!("{setting}: {default},")),
            "{setting} should not be {default}, as the page says: {known}"
        );
    }
}
