//! Who may know whom: the crates, the modules of the engine, the services, and what each outside library is for.

use std::collections::BTreeMap;

use tests::workspace;

use super::{paragraph, sources};

/// The crates of the workspace, and which of them each may depend on.
const CRATES: [(&str, &str, &[&str]); 7] = [
    ("realm/wire", "wire", &[]),
    ("realm/macros", "realm-macros", &[]),
    ("realm", "realm", &["wire", "realm-macros"]),
    ("client", "client", &["wire"]),
    ("tests/servers", "servers", &[]),
    ("actors", "actors", &["wire", "realm", "client", "servers"]),
    (
        "tests",
        "tests",
        &["wire", "realm", "client", "actors", "servers"],
    ),
];

/// What one service uses of another beside its calls (`…Proxy`) and their errors (`…Error`): the values in them, and its
/// messages. Never its state.
const SHARED: [(&str, &[&str]); 6] = [
    ("accounts", &["LoggedIn"]),
    ("balancer", &["Placement"]),
    ("chat", &["Room", "RoomName", "Talker", "Whisper"]),
    (
        "database",
        &["CharacterRow", "Epoch", "NewToken", "OperationId", "Save"],
    ),
    // Its counters, for whoever gathers figures.
    ("gateway", &["GatewayMetrics"]),
    // Whoever reads content reads the tables of a team's own too; and the counts for whoever gathers figures.
    ("mechanics", &["Census", "Components", "Entrance"]),
];
const SERVICES: [&str; 7] = [
    "accounts",
    "balancer",
    "chat",
    "database",
    "gateway",
    "mechanics",
    "statistics",
];
/// What puts the services together, and so knows them.
const ABOVE: [&str; 4] = ["lib", "main", "launch", "cli"];

/// Who alone may name a library.
const ALONE: [(&str, &str); 5] = [
    ("sqlx", "actors/src/database"),
    ("actix_web_actors", "actors/src/gateway"),
    ("actix_http::ws", "actors/src/gateway"),
    ("tungstenite", "client/src/socket"),
    ("async_nats", "realm/src/link/nats"),
];

/// The identifiers that follow `crate::`.
fn named(code: &str) -> Vec<&str> {
    code.split("crate::")
        .skip(1)
        .filter_map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
        .collect()
}

/// The names that `use` items take from `crate::of`, groups written out: their last parts.
fn used<'c>(code: &'c str, of: &str) -> Vec<&'c str> {
    let begin = format!("use crate::{of}::");
    let items = code
        .split(begin.as_str())
        .skip(1)
        .filter_map(|rest| rest.split(';').next());
    let parts = items.flat_map(|item| item.split([',', '{', '}', '\n', ' ']));
    parts
        .map(|part| part.rsplit("::").next().unwrap_or(part))
        .filter(|part| part.starts_with(|c: char| c.is_uppercase()))
        .collect()
}

#[test]
fn crates_depend_on_those_below_them() {
    for (folder, name, below) in CRATES {
        let manifest = workspace().join(folder).join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).expect("a manifest should be readable");
        let manifest: toml::Table = manifest.parse().expect("a manifest should be TOML");
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let depends = manifest.get(kind).and_then(toml::Value::as_table);
            for on in depends.into_iter().flat_map(toml::Table::keys) {
                let ours = CRATES.iter().any(|(_, ours, _)| ours == on);
                assert!(
                    !ours || below.contains(&on.as_str()),
                    "the crate {name} should not depend on {on}"
                );
            }
        }
    }
}

#[test]
fn modules_of_the_engine_know_only_lower_ones() {
    let order = paragraph("Inside `realm/src`, low to high:");
    let mut levels = BTreeMap::new();
    for (level, row) in order.split('→').enumerate() {
        for group in row.split(',') {
            let modules: Vec<&str> = group
                .split('+')
                .map(|name| name.trim().trim_matches('`'))
                .collect();
            for module in &modules {
                levels.insert((*module).to_owned(), (level, modules.join(" + ")));
            }
        }
    }
    for source in sources("realm/src") {
        let module = source
            .path
            .trim_start_matches("realm/src/")
            .trim_end_matches(".rs");
        let module = module.split('/').next().unwrap_or(module);
        if module == "lib" {
            continue;
        }
        let place = |name: &str| {
            let known = levels.get(name);
            known.unwrap_or_else(|| {
                panic!(
                    "ARCHITECTURE.md should say where `{name}` stands, which {} names",
                    source.path
                )
            })
        };
        let (mine, group) = place(module);
        for other in named(&source.code) {
            let (level, with) = place(other);
            assert!(
                level < mine || with == group,
                "{} names crate::{other}, which does not stand below {module}",
                source.path
            );
        }
    }
}

#[test]
fn a_service_uses_anothers_messages_and_calls_and_never_its_state() {
    for source in sources("actors/src") {
        let module = source
            .path
            .trim_start_matches("actors/src/")
            .trim_end_matches(".rs");
        let module = module.split('/').next().unwrap_or(module);
        if ABOVE.contains(&module) {
            continue;
        }
        for (of, shared) in SHARED {
            if of == module {
                continue;
            }
            let names = used(&source.code, of);
            for name in &names {
                assert!(
                    name.ends_with("Proxy") || name.ends_with("Error") || shared.contains(name),
                    "{} uses `{name}` of the service {of}, which is neither a call nor a message of it",
                    source.path
                );
            }
            let mentions = named(&source.code)
                .iter()
                .filter(|name| **name == of)
                .count();
            let items = source.code.matches(&format!("use crate::{of}::")).count();
            assert_eq!(
                mentions, items,
                "{} should name the service {of} in `use` items only",
                source.path
            );
        }
        let service = SERVICES.contains(&module);
        let knows = named(&source.code)
            .into_iter()
            .find(|name| SERVICES.contains(name));
        assert!(
            service || knows.is_none(),
            "{} is no service and should not know {knows:?}",
            source.path
        );
    }
}

#[test]
fn each_library_is_named_only_where_it_belongs() {
    for (library, home) in ALONE {
        for below in ["realm/src", "realm/wire/src", "actors/src", "client/src"] {
            for source in sources(below) {
                assert!(
                    !source.code.contains(library) || source.path.starts_with(home),
                    "only {home} knows {library}, not {}",
                    source.path
                );
            }
        }
    }
}

#[test]
fn actix_is_named_only_where_an_actor_meets_its_thread() {
    let listed = paragraph("**actix** is named only");
    let listed: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
    let mut naming = Vec::new();
    for below in ["realm/src", "actors/src", "client/src"] {
        let sources = sources(below).into_iter();
        let names = |code: &str| code.contains("actix::") || code.contains("actix_");
        naming.extend(
            sources
                .filter(|source| names(&source.code))
                .map(|source| source.path),
        );
    }
    for path in &naming {
        assert!(
            listed.contains(&path.as_str()),
            "{path} names actix, and ARCHITECTURE.md does not say so"
        );
    }
    for path in listed {
        assert!(
            naming.iter().any(|naming| naming == path),
            "{path} names actix no more, but ARCHITECTURE.md says so"
        );
    }
}
