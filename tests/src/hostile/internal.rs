//! What the realm says to itself is not for clients: each class of its messages and each of its calls, under a client's
//! command frame, is an unknown command, before a login and in the world. The classes are read from the sources, so that a
//! new one is tried as soon as it is written.

use std::collections::BTreeMap;

use client::{COMMANDS, Code};
use wire::ClassId;

use super::Answer;
use super::attacker::Attacker;
use super::honest::Honest;
use super::raw::Raw;
use super::stage::Stage;
use crate::house::files;

/// Names of all messages and calls of the engine and the world.
fn internal() -> Vec<String> {
    let mut names = Vec::new();
    for below in ["actors/src", "realm/src"] {
        for (path, text) in files(below) {
            names.extend(
                messages(&text).unwrap_or_else(|line| {
                    panic!("{path} has a message that cannot be read: {line}")
                }),
            );
            names.extend(calls(&text));
        }
    }
    names
}

/// The names of what is written with `#[message]`; a line that could not be read is an error.
fn messages(text: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let line = line
            .trim_start_matches("#[realm::")
            .trim_start_matches("#[");
        if !(line == "message]" || line.starts_with("message(")) {
            continue;
        }
        if let Some(name) = line.split('"').nth(1) {
            names.push(name.to_owned());
            continue;
        }
        let declared = lines
            .by_ref()
            .find(|line| line.contains("struct ") || line.contains("enum "));
        let declared = declared.ok_or_else(|| line.to_owned())?;
        let name = declared
            .split(|char: char| !char.is_alphanumeric() && char != '_')
            .skip_while(|word| !["struct", "enum"].contains(word))
            .nth(1);
        names.push(name.ok_or_else(|| declared.to_owned())?.to_owned());
    }
    Ok(names)
}

/// The names of the methods of what is written with `#[calls]`.
fn calls(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut group = None;
    for line in text.lines() {
        if let Some(arguments) = line.trim().strip_prefix("#[calls(") {
            group = arguments.split('"').nth(1);
        } else if line == "}" {
            group = None;
        } else if let (Some(group), Some((_, method))) = (group, line.split_once("async fn ")) {
            let method = method.split('(').next().unwrap_or_default();
            names.push(format!("{group}.{method}"));
        }
    }
    names
}

#[test]
fn every_message_and_call_is_found_in_the_sources() {
    let names = internal();
    for known in [
        "gateway.from_client",
        "gateway.stop",
        "chat.whisper",
        "Harm",
        "Intents",
        "News",
        "TakeLoot",
        "accounts.log_in",
        "database.register",
        "mechanics.enter",
        "balancer.place",
        "gateway.connect",
    ] {
        assert!(
            names.iter().any(|name| name == known),
            "{known} should be among {names:?}"
        );
    }
    let (mut read, mut written) = (0, 0);
    for (_, text) in ["actors/src", "realm/src"].into_iter().flat_map(files) {
        let code = text.lines().map(str::trim);
        let code = code.filter(|line| !line.starts_with("//"));
        written += code
            .filter(|line| line.contains("message]") || line.contains("[message("))
            .count();
        read += messages(&text).map_or(0, |names| names.len());
    }
    assert_eq!(read, written, "each `#[message]` should have been read");
}

/// Sends each class as a command; none may be known. A connection is left before its tenth unknown class ends it.
async fn refused_all(attacker: &mut Attacker, classes: &BTreeMap<ClassId, String>, enters: bool) {
    let all: Vec<_> = classes.iter().collect();
    for some in all.chunks(9) {
        let mut raw: Raw = attacker.open().await.expect("the gateway should accept");
        if enters {
            attacker
                .log_in_on(&mut raw)
                .await
                .expect("a player should log in");
            attacker
                .enter_on(&mut raw)
                .await
                .expect("a player should enter");
        }
        for (class, name) in some {
            let sequence = raw.class(**class, &[0x90]).await;
            let got = raw
                .refusal(sequence)
                .await
                .expect("the answer should be readable");
            assert_eq!(
                got,
                Answer::Refused(Code::UnknownClass),
                "{name} is the realm's own, and should be unknown to a client (in the world: {enters})"
            );
        }
        let serves = raw.serves().await.expect("the answer should be readable");
        assert_eq!(serves, Answer::Harmless, "the connection should go on");
    }
}

#[test]
fn no_internal_message_or_call_is_a_command() {
    let classes: BTreeMap<ClassId, String> = internal()
        .into_iter()
        .map(|name| (ClassId::of(&name), name))
        .collect();
    for (name, class) in COMMANDS {
        assert!(
            !classes.contains_key(class),
            "{name} should not share a number with a message of the realm"
        );
    }
    let stage = Stage::start(false);
    let mut honest = Honest::start(stage.url(), "Honest");
    honest.plays_on();
    tests::play(async {
        let before = stage.figures().await;
        let mut attackers = stage.attackers(1);
        for enters in [false, true] {
            refused_all(&mut attackers[0], &classes, enters).await;
        }
        let refused = stage
            .figures()
            .await
            .sum("realm_gateway_commands_refused_total", "UnknownClass");
        assert_eq!(
            refused,
            2.0 * classes.len() as f64,
            "each should be counted as unknown"
        );
        drop(attackers);
        honest.plays_on();
        stage.recovers(&before).await;
    });
    honest.stop();
    stage.stop();
}
