//! The rules of the house that a compiler does not hold: read from the sources.

use std::path::{Path, PathBuf};

use tests::workspace;

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder)
            .expect("a source folder should be readable")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text =
                    std::fs::read_to_string(&path).expect("a source file should be readable");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&workspace().join(below), &mut found);
    assert!(!found.is_empty(), "there should be sources below {below}");
    found
}

/// Lines of code that say `impl … Drop for`.
fn drops(text: &str) -> Vec<&str> {
    let code = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"));
    code.filter(|line| line.starts_with("impl") && line.contains("Drop for "))
        .collect()
}

#[test]
fn no_entity_type_implements_drop() {
    assert_eq!(
        drops("impl Drop for Mob {\n").len(),
        1,
        "the test should see what it looks for"
    );
    assert_eq!(
        drops("impl<T> std::ops::Drop for Held<T> {").len(),
        1,
        "the test should see generic ones too"
    );
    for below in [
        "actors/src/mechanics",
        "actors/src/tether",
        "actors/src/ground",
    ] {
        for (path, text) in sources(below) {
            let found = drops(&text);
            assert!(
                found.is_empty(),
                "a second panic while unwinding ends the process, so entities have no Drop: {} has {found:?}",
                path.display()
            );
        }
    }
}

#[test]
fn only_the_database_knows_sql() {
    for (path, text) in sources("actors/src") {
        if !path.starts_with(workspace().join("actors/src/database")) {
            assert!(
                !text.contains("sqlx"),
                "only the database service knows SQL, not {}",
                path.display()
            );
        }
    }
}

#[test]
fn the_engine_knows_no_game() {
    let manifest = workspace().join("realm/Cargo.toml");
    let manifest =
        std::fs::read_to_string(manifest).expect("the engine's manifest should be readable");
    for package in ["client", "actors", "sqlx", "actix-web-actors"] {
        let depends = manifest
            .lines()
            .any(|line| line.split(['.', ' ', '=']).next() == Some(package));
        assert!(
            !depends,
            "the engine knows no game and no store, so it should not depend on {package}"
        );
    }
}
