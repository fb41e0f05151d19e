//! The rules of the house that a compiler does not hold: read from the sources, the manifests and ARCHITECTURE.md.

mod imports;
mod licences;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use tests::workspace;

/// A source file of a library or a program; what is only built for tests is left out.
struct Source {
    /// Where it is, from the workspace.
    path: String,
    /// Its text without comments and without its own tests.
    code: String,
}

/// All Rust below a folder of the workspace, tests too.
pub(crate) fn files(below: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        let entries = std::fs::read_dir(folder).expect("a source folder should be readable");
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source should be readable");
                let path = path.strip_prefix(workspace()).unwrap_or(&path);
                found.push((path.display().to_string(), text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&workspace().join(below), &mut found);
    assert!(!found.is_empty(), "there should be sources below {below}");
    found.sort();
    found
}

fn sources(below: &str) -> Vec<Source> {
    let files = files(below);
    let mut tests = BTreeSet::new();
    for (path, text) in &files {
        let stem = path
            .trim_end_matches(".rs")
            .trim_end_matches("/lib")
            .trim_end_matches("/main");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let declared = lines.windows(2).filter(|two| two[0] == "#[cfg(test)]");
        let named = declared.filter_map(|two| two[1].strip_suffix(';')?.rsplit_once("mod "));
        tests.extend(named.map(|(_, name)| format!("{stem}/{name}")));
    }
    let is_test = |path: &str| {
        let of =
            |test: &String| path == format!("{test}.rs") || path.starts_with(&format!("{test}/"));
        tests.iter().any(of)
    };
    let kept = files.into_iter().filter(|(path, _)| !is_test(path));
    kept.map(|(path, text)| Source {
        code: code(&text),
        path,
    })
    .collect()
}

/// The text without comments and without the tests at its end.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end]
        .lines()
        .map(|line| match line.trim_start().starts_with("//") {
            true => "",
            false => line.split(" // ").next().unwrap_or_default(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// The paragraph of ARCHITECTURE.md that begins with these words, without them.
fn paragraph(begins: &str) -> String {
    let text = std::fs::read_to_string(workspace().join("ARCHITECTURE.md"))
        .expect("there is an ARCHITECTURE.md");
    let begin = format!("\n{begins}");
    let (_, rest) = text.split_once(&begin).unwrap_or_else(|| {
        panic!("ARCHITECTURE.md should have a paragraph that begins {begins:?}")
    });
    rest.split("\n\n").next().unwrap_or_default().to_owned()
}

/// Lines of code that say `impl … Drop for`.
fn drops(code: &str) -> Vec<&str> {
    code.lines()
        .map(str::trim)
        .filter(|line| line.starts_with("impl") && line.contains("Drop for "))
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
        for source in sources(below) {
            let found = drops(&source.code);
            assert!(
                found.is_empty(),
                "a second panic while unwinding ends the process, so entities have no Drop: {} has {found:?}",
                source.path
            );
        }
    }
}

#[test]
fn no_file_is_longer_than_one_noun_needs() {
    for below in ["realm", "actors", "client", "tests"] {
        for (path, text) in files(below) {
            let lines = text.lines().count();
            assert!(
                lines <= 600,
                "{path} has {lines} lines, so there are two nouns in it"
            );
        }
    }
}
