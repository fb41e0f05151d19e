//! The page in a real browser, and what it is served with. The stories are in `tests/web`; each starts a realm of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};

use tests::{Mode, World, workspace};

use tests::program::realm_binary;

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

/// Brings what the page's tests need, or fails with what is missing.
fn bring(what: &str) {
    let brought = run(Command::new("bash").arg(what));
    assert!(
        brought.status.success(),
        "the page's tests should have what they need: {}",
        told(&brought)
    );
}

fn story(name: &str) {
    bring("tests/node");
    bring("tests/chromium");
    let played = run(Command::new("target/node/bin/node")
        .arg(format!("tests/web/{name}.mjs"))
        .env("REALM_BINARY", realm_binary()));
    assert!(
        played.status.success(),
        "the story {name} should be played to its end: {}",
        told(&played)
    );
}

#[test]
fn a_newcomer_walks_round_a_wall_and_kills_the_dog_before_a_witness() {
    story("kill_the_dog");
}

#[test]
fn both_players_are_back_without_a_reload_after_the_realm_was_killed() {
    story("restart");
}

#[test]
fn the_page_finds_its_socket_behind_a_prefix_and_says_what_it_is_without_script() {
    story("proxy");
}

#[test]
fn behind_a_proxy_with_tls_the_page_plays_by_wss_and_its_policy_holds() {
    story("tls");
}

#[test]
fn the_whole_story_is_played_by_keyboard_alone_and_told_to_screen_readers() {
    story("keyboard");
}

#[test]
fn on_a_phone_nothing_overlaps_and_all_of_it_is_done_by_touch() {
    story("phone");
}

#[test]
fn what_goes_wrong_is_told_and_the_player_can_go_on() {
    story("states");
}

#[test]
fn whatever_is_said_is_shown_as_text() {
    story("text");
}

#[test]
fn the_pages_own_parts_keep_to_their_tests() {
    bring("tests/node");
    let tested = run(Command::new("target/node/bin/node").args(["--test", "client/web/tests/"]));
    assert!(
        tested.status.success(),
        "the page's parts should pass: {}",
        told(&tested)
    );
}

/// Head and body of the answer to a GET with these further headers.
fn get(world: &World, path: &str, more: &str) -> (String, String) {
    let address = world.url().trim_start_matches("ws://");
    let address = address.split('/').next().unwrap_or_default();
    let mut socket = TcpStream::connect(address).expect("the gateway should listen");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}\r\n");
    socket
        .write_all(request.as_bytes())
        .expect("the request should go out");
    let mut answer = Vec::new();
    socket
        .read_to_end(&mut answer)
        .expect("the answer should come");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head.to_lowercase(), body.to_owned())
}

/// What stands between two pieces of a text.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("the page should have {before}"));
    rest.split(after).next().unwrap_or_default()
}

#[test]
fn the_page_is_guarded_and_kept_by_its_hashes() {
    let world = World::start(Mode::Local);
    let (head, page) = get(&world, "/", "");
    assert!(
        head.starts_with("http/1.1 200"),
        "the page should be there: {head}"
    );
    let policy = between(&head, "content-security-policy: ", "\r\n");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "nothing but what is named should be allowed: {policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"),
        "no script and no style within the page, and nothing from elsewhere: {policy}"
    );
    assert!(
        head.contains("cache-control: no-cache")
            && head.contains("x-content-type-options: nosniff"),
        "the page itself should be asked for each time: {head}"
    );
    let tag = between(&head, "etag: ", "\r\n");
    let (again, empty) = get(&world, "/", &format!("If-None-Match: {tag}\r\n"));
    assert!(
        again.starts_with("http/1.1 304") && empty.is_empty(),
        "a page that is known should not be sent again: {again}"
    );

    let script = between(&page, "<script type=\"module\" src=\"", "\"");
    let content = between(&page, "name=\"realm-content\" content=\"", "\"");
    for (path, media) in [(script, "text/javascript"), (content, "application/json")] {
        let (head, body) = get(&world, &format!("/{path}"), "");
        assert!(
            head.starts_with("http/1.1 200") && head.contains(media) && !body.is_empty(),
            "{path} should be there: {head}"
        );
        assert!(
            head.contains("immutable") && head.contains("nosniff"),
            "{path} should be kept for good: {head}"
        );
        let other = path.replacen(|digit: char| digit.is_ascii_hexdigit(), "z", usize::MAX);
        let (head, _) = get(&world, &format!("/{other}"), "");
        assert!(
            head.starts_with("http/1.1 404"),
            "another version should not be mistaken for this one: {head}"
        );
    }
    let version = between(&page, "href=\"assets/", "/");
    for path in [
        "web/index.html",
        "web/package.json",
        "../Cargo.toml",
        "web/%2e%2e/Cargo.toml",
    ] {
        let (head, _) = get(&world, &format!("/assets/{version}/{path}"), "");
        assert!(
            head.starts_with("http/1.1 404"),
            "{path} should not be served: {head}"
        );
    }
    world.stop();
}
