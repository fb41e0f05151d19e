//! The command `realm` as an operator meets it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use client::player::Player;
use client::{Code, Missed, WebSocket};
use tests::{Mode, PASSWORD, workspace};

use crate::durability::Process;
use tests::program::realm_binary;

fn realm(arguments: &[&str]) -> Output {
    let mut command = Command::new(realm_binary());
    command
        .args(arguments)
        .current_dir(workspace())
        .stdin(Stdio::null())
        .output()
        .expect("the command should run")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn smoke_kills_the_dog_in_a_realm_of_its_own() {
    let output = realm(&["smoke"]);
    let told = text(&output.stdout);
    assert!(
        output.status.success(),
        "smoke should succeed, but it told {told} {}",
        text(&output.stderr)
    );
    for step in [
        "connect",
        "register",
        "enter",
        "see a dog",
        "walk",
        "kill",
        "loot",
        "leave",
        "come back",
    ] {
        let timed = told
            .lines()
            .any(|line| line.contains(" s  ") && line.ends_with(step));
        assert!(
            timed,
            "the step '{step}' should be told with its time: {told}"
        );
    }
    assert!(
        told.contains("the realm answers in "),
        "the delay to the realm should be told: {told}"
    );
}

#[test]
fn smoke_names_the_step_whose_expectation_is_missed() {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    copy(
        &workspace().join("resources"),
        &folder.path().join("resources"),
    );
    let dog = folder.path().join("resources/mobs/dog.toml");
    let text_of_dog = std::fs::read_to_string(&dog).expect("there is a dog");
    let poor = text_of_dog
        .replace("coins_min = 1", "coins_min = 0")
        .replace("coins_max = 5", "coins_max = 0");
    let poor = poor
        .replace("chance = 1.0", "chance = 0.0")
        .replace("chance = 0.5", "chance = 0.0");
    std::fs::write(&dog, poor).expect("the dog should be made poor");
    let role = std::fs::read_to_string(workspace().join("roles/local.toml"))
        .expect("there is a local role");
    let role_file = folder.path().join("local.toml");
    std::fs::write(&role_file, role.replace("../resources", "resources"))
        .expect("the role should be written");
    let output = realm(&["smoke", "--role", &role_file.display().to_string()]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a missed expectation should end with exit code 1"
    );
    let told = text(&output.stdout);
    assert!(
        told.contains("FAILED at 'loot'"),
        "the failing step should be named: {told}"
    );
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder should be made");
    for entry in std::fs::read_dir(from)
        .expect("a folder should be readable")
        .flatten()
    {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("a file should be copied");
        }
    }
}

#[test]
fn smoke_says_when_there_is_no_realm() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("a listener has an address");
    drop(nobody);
    let output = realm(&["smoke", "--url", &format!("ws://{address}/ws")]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a missed expectation should end with exit code 1"
    );
    let told = text(&output.stdout);
    assert!(
        told.contains("FAILED at 'connect'"),
        "the failing step should be named: {told}"
    );
}

#[test]
fn stats_says_when_there_is_no_realm() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("a listener has an address");
    drop(nobody);
    let output = realm(&["stats", "--admin", &format!("http://{address}")]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "without figures it should end with exit code 1"
    );
    let told = text(&output.stderr);
    assert!(
        told.contains(&address.to_string()),
        "the error should say where nobody answered: {told}"
    );
}

#[test]
fn bindings_are_written_where_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let out = folder.path().join("js");
    let output = realm(&[
        "bindings",
        "--lang",
        "js",
        "--out",
        &out.display().to_string(),
    ]);
    assert!(
        output.status.success(),
        "the files should be written: {}",
        text(&output.stderr)
    );
    for name in ["realm.js", "realm.d.ts"] {
        let kept = std::fs::read(workspace().join("client/bindings/js").join(name));
        assert_eq!(
            std::fs::read(out.join(name)).expect("the file should be there"),
            kept.expect("the kept file should be there"),
            "{name} should be the one that is kept"
        );
    }
    let unknown = realm(&["bindings", "--lang", "cobol"]);
    assert!(
        !unknown.status.success() && text(&unknown.stderr).contains("[possible values: js]"),
        "an unknown language should be refused with those that are known"
    );
}

#[test]
fn check_finds_the_local_role_valid() {
    let output = realm(&["check"]);
    assert!(
        output.status.success(),
        "the local role should be valid: {}",
        text(&output.stderr)
    );
}

#[test]
fn check_tells_every_fault_with_file_and_line() {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let role = folder.path().join("broken.toml");
    let broken = "name = \"broken\"\ncolour = 1\n\n[[service]]\nname = \"a\"\nrate_hz = 0\n\n\
                  [[service.module]]\nname = \"mechanicz\"\n";
    std::fs::write(&role, broken).expect("the role should be written");
    let output = realm(&["check", &role.display().to_string()]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a broken role should end with exit code 1"
    );
    let told = text(&output.stderr);
    for place in ["broken.toml:2:", "broken.toml:6:", "broken.toml:9:"] {
        assert!(
            told.contains(place),
            "a fault at {place} should be told: {told}"
        );
    }
    assert!(
        told.contains("mechanics"),
        "the module that was meant should be suggested: {told}"
    );
}

#[test]
fn up_refuses_a_port_that_is_taken_and_says_which() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken
        .local_addr()
        .expect("a listener has an address")
        .to_string();
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let data = folder.path().display().to_string();
    let output = realm(&[
        "up",
        "--data",
        &data,
        "--listen",
        &address,
        "--admin",
        "127.0.0.1:0",
    ]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a taken port should end with exit code 1"
    );
    assert!(
        text(&output.stderr).contains(&address),
        "the error should name the port: {}",
        text(&output.stderr)
    );
}

#[test]
fn a_second_realm_on_the_same_data_is_refused() {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let _first = Process::start(Mode::Local, folder.path());
    let data = folder.path().display().to_string();
    let output = realm(&[
        "up",
        "--data",
        &data,
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
    ]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "two realms on one database should not both run"
    );
    let told = text(&output.stderr);
    assert!(
        told.contains("another realm") && told.contains(&data),
        "the error should say where: {told}"
    );
}

/// SIGTERM or SIGINT: the clients are told, what they did is saved, and the process ends by itself.
fn a_signal_stops_the_realm_in_order(signal: &str) {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let mut realm = Process::start(Mode::Local, folder.path());
    let mut left_at = (0.0, 0.0);
    tests::play(async {
        let socket = WebSocket::connect(&realm.url)
            .await
            .expect("the realm should accept a connection");
        let mut player = Player::connect(socket)
            .await
            .expect("the realm should say welcome");
        player
            .register("Stayer", PASSWORD)
            .await
            .expect("a new name should be registered");
        player.enter().await.expect("the avatar should enter");
        player
            .walk_to(12.5, 35.5, 0.2)
            .await
            .expect("the way is open");
        left_at = player.position();
        let id = realm.child.id().to_string();
        let told = Command::new("kill").args([signal, &id]).status();
        assert!(
            told.is_ok_and(|status| status.success()),
            "the signal should be sent"
        );
        player.set_deadline("be told", 10_000);
        let told = loop {
            if let Err(told) = player.next().await {
                break told;
            }
        };
        assert_eq!(
            told,
            Missed::Goodbye(Code::Stopping),
            "a stopping realm should say so before it closes"
        );
    });
    let status = realm.child.wait().expect("the realm should end");
    assert!(
        status.success(),
        "a realm that was asked to stop should end with exit code 0, not {status}"
    );
    let again = Process::start(Mode::Local, folder.path());
    tests::play(async {
        let socket = WebSocket::connect(&again.url)
            .await
            .expect("the realm should accept a connection");
        let mut player = Player::connect(socket)
            .await
            .expect("the realm should say welcome");
        player
            .log_in("Stayer", PASSWORD)
            .await
            .expect("the account should be there");
        let entered = player.enter().await.expect("the avatar should enter");
        let off = (entered.x - left_at.0).hypot(entered.y - left_at.1);
        assert!(
            off < 0.5,
            "the avatar should stand where it was left, not {off} tiles off"
        );
    });
}

#[test]
fn sigterm_saves_and_tells() {
    a_signal_stops_the_realm_in_order("-TERM");
}

#[test]
fn sigint_saves_and_tells() {
    a_signal_stops_the_realm_in_order("-INT");
}

#[test]
fn the_ready_line_leads_to_the_page_and_the_metrics() {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let realm = Process::start(Mode::Local, folder.path());
    assert!(
        realm.ready.starts_with("realm ready"),
        "scripts wait for this line: {}",
        realm.ready
    );
    let get = |url: &str| {
        let address = url
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let path = url
            .trim_start_matches("http://")
            .trim_start_matches(&address)
            .to_owned();
        let mut socket =
            std::net::TcpStream::connect(&address).expect("the listener should be there");
        std::io::Write::write_all(
            &mut socket,
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
        .expect("the request should go out");
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut socket, &mut answer).expect("the answer should come");
        answer
    };
    let urls: Vec<&str> = realm
        .ready
        .split_whitespace()
        .filter(|word| word.starts_with("http://"))
        .collect();
    let [page, metrics] = urls[..] else {
        panic!("a page and the metrics should be named: {}", realm.ready)
    };
    let page = get(page);
    assert!(
        page.starts_with("HTTP/1.1 200"),
        "the page should be there: {page}"
    );
    assert!(
        page.contains("/ws") && page.contains("realm smoke"),
        "the page should say how to connect: {page}"
    );
    let told = get(metrics);
    assert!(
        told.contains("realm_frame_ms_bucket"),
        "the metrics should be there: {told}"
    );
    let ready = get(&metrics.replace("/metrics", "/readyz"));
    assert!(
        ready.starts_with("HTTP/1.1 200"),
        "a ready realm should say so: {ready}"
    );
    // Statistics is up before the others, and tells of them a little later.
    while !get(&metrics.replace("/metrics", "/statistics")).contains("\"service\":\"gateway\"") {}
    let told = self::realm(&["stats", "--admin", metrics]);
    let told = text(&told.stdout);
    for start in [
        "node  role",
        "   1  local",
        "   1  mechanics",
        "node  sessions",
    ] {
        assert!(
            told.lines().any(|line| line.starts_with(start)),
            "the figures should have a line that begins with {start:?}:\n{told}"
        );
    }
    let live = get(&metrics.replace("/metrics", "/livez"));
    assert!(
        live.starts_with("HTTP/1.1 200"),
        "a live realm should say so: {live}"
    );
}
