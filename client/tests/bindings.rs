//! Holds the files of `client/bindings` against the tables that they were written from, and runs them against what Rust makes
//! of the same bytes. Needs Node, which `tests/node` brings.

#[path = "bindings/random.rs"]
mod random;
#[path = "bindings/vectors.rs"]
mod vectors;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use client::bindings::Language;
use client::{COMMANDS, EVENTS, FrameWriter, Header, SERVER_FRAME_LEN_MAX};
use random::Dice;
use serde_json::Value;
use vectors::spoiled;

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate should lie in the workspace")
}

#[test]
fn the_files_of_the_bindings_are_what_the_tables_say() {
    for (name, text) in Language::JavaScript.files() {
        let path = workspace().join("client/bindings/js").join(name);
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == text,
            "{} should be what the tables say: write it anew with `cargo run -- bindings --lang js`",
            path.display()
        );
    }
}

/// Runs a script of `tests/bindings` in Node, which must like what it finds.
fn node(arguments: &[&Path]) {
    let made = Command::new("bash")
        .arg("tests/node")
        .current_dir(workspace())
        .output()
        .expect("bash should run");
    assert!(
        made.status.success(),
        "the generated JavaScript needs Node to be tested: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let ran = Command::new("target/node/bin/node")
        // Less than a length of 2^32-1 would take, were it believed.
        .arg("--max-old-space-size=256")
        .args(arguments)
        .current_dir(workspace())
        .env("NODE_PATH", workspace().join("target/node/node_modules"))
        .output()
        .expect("Node should run");
    assert!(
        ran.status.success(),
        "{} should find nothing wrong: {}{}",
        arguments[0].display(),
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}

fn script(name: &str) -> PathBuf {
    Path::new("client/tests/bindings").join(name)
}

/// Hands lines to `vectors.mjs`.
fn compare(name: &str, lines: &[Value]) {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text.join("\n")).expect("the vectors should be written");
    node(&[&script("vectors.mjs"), &path]);
}

fn accepted(lines: &[Value]) -> usize {
    lines
        .iter()
        .filter(|line| line["value"].is_object())
        .count()
}

#[test]
fn every_class_goes_both_ways_bit_for_bit() {
    let mut dice = Dice(1);
    let commands = vectors::commands(&mut dice, 150);
    let events = vectors::events(&mut dice, 150);
    let mut lines: Vec<Value> = commands.iter().map(|it| vectors::command(it)).collect();
    lines.extend(events.iter().map(|(id, body)| vectors::event(*id, body)));
    for (name, id) in COMMANDS.iter().chain(EVENTS) {
        let good = lines.iter().filter(|line| {
            let class = &line["value"];
            let kind = class["command"]["type"].as_str().or(class["type"].as_str());
            kind.is_some_and(|kind| is_called(name, kind))
        });
        let good = good.count();
        assert!(
            good >= 3,
            "of {name} ({id}) there should be values that Rust accepts, not {good}"
        );
    }
    compare("classes.jsonl", &lines);
}

/// True of `client.event.logged_in` and `LoggedIn`.
fn is_called(name: &str, kind: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.replace('_', "").eq_ignore_ascii_case(kind) && name.contains(".event.") == is_event(kind)
}

fn is_event(kind: &str) -> bool {
    client::Event::DOCS
        .iter()
        .any(|class| class.type_name == kind)
}

#[test]
fn spoiled_bodies_are_refused_as_rust_refuses_them() {
    let mut dice = Dice(2);
    let commands = vectors::commands(&mut dice, 12);
    let events = vectors::events(&mut dice, 12);
    let mut lines = Vec::new();
    for good in commands.iter().filter(|good| good.len() < 600) {
        for _ in 0..12 {
            lines.push(vectors::command(&spoiled(good, &mut dice)));
        }
    }
    for (id, good) in events.iter().filter(|(_, good)| good.len() < 1200) {
        for _ in 0..12 {
            lines.push(vectors::event(*id, &spoiled(good, &mut dice)));
        }
    }
    // Every place to cut.
    for good in commands.iter().take(COMMANDS.len()) {
        for end in 0..good.len().min(200) {
            lines.push(vectors::command(&good[..end]));
        }
    }
    for (id, good) in events.iter().take(EVENTS.len()) {
        for end in 0..good.len().min(400) {
            lines.push(vectors::event(*id, &good[..end]));
        }
    }
    lines.push(vectors::event(wire::ClassId(7), &[0x90]));
    let accepted = accepted(&lines);
    assert!(
        accepted > 100 && lines.len() - accepted > 1000,
        "some should still be good and most not: {accepted} of {}",
        lines.len()
    );
    compare("spoiled_bodies.jsonl", &lines);
}

#[test]
fn frames_good_and_spoiled_read_as_in_rust() {
    let mut dice = Dice(3);
    let mut lines = vec![vectors::cell(&vectors::full_cell_frame())];
    lines.extend(vectors::every_mask().iter().map(|it| vectors::cell(it)));
    for _ in 0..400 {
        let cell = vectors::random_cell_frame(&mut dice, vectors::any_cell);
        let server = vectors::random_server_frame(&mut dice);
        lines.push(vectors::cell(&cell));
        lines.push(vectors::server(&server));
        for _ in 0..10 {
            lines.push(vectors::cell(&spoiled(&cell, &mut dice)));
        }
        for _ in 0..4 {
            if server.len() < 4000 {
                lines.push(vectors::server(&spoiled(&server, &mut dice)));
            }
        }
    }
    for len in [SERVER_FRAME_LEN_MAX, SERVER_FRAME_LEN_MAX + 1] {
        let mut frame = FrameWriter::new(Header::default());
        let head = frame.len() + 5;
        frame.cell(&vec![7; len - head]);
        lines.push(vectors::server(&frame.finish()));
    }
    let accepted = accepted(&lines);
    assert!(
        accepted > 800 && lines.len() - accepted > 800,
        "some should be good and some not: {accepted} of {}",
        lines.len()
    );
    compare("frames.jsonl", &lines);
}

#[test]
fn a_view_makes_of_frames_what_a_view_in_rust_makes() {
    let mut dice = Dice(4);
    let lines: Vec<Value> = (0..300).map(|_| vectors::view(&mut dice, 60)).collect();
    let gaps = lines
        .iter()
        .flat_map(|line| line["steps"].as_array().into_iter().flatten())
        .filter(|step| step["isGap"] == true)
        .count();
    assert!(gaps > 100, "there should be gaps among the frames: {gaps}");
    compare("views.jsonl", &lines);
}

#[test]
fn a_clock_makes_of_answers_what_a_clock_in_rust_makes() {
    let mut dice = Dice(5);
    let lines: Vec<Value> = (0..200).map(|_| vectors::clock(&mut dice, 60)).collect();
    compare("clocks.jsonl", &lines);
}

#[test]
fn no_bytes_and_no_values_throw_anything_but_a_protocol_error() {
    node(&[&script("strangers.mjs")]);
}

#[test]
fn a_connection_keeps_time_finds_lost_sockets_and_comes_back() {
    node(&[&script("connection.mjs")]);
}

#[test]
fn the_types_are_those_of_the_module() {
    node(&[
        Path::new("target/node/node_modules/typescript/bin/tsc"),
        Path::new("--project"),
        &script("tsconfig.json"),
    ]);
}
