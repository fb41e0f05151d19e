//! The licences of all that is built into the realm, as `deny.toml` allows them.

use std::process::Command;

use tests::workspace;

/// True when `allowed` satisfies an SPDX expression: `A OR B`, `A AND (B OR C)`, `A WITH exception`; old manifests write
/// `A/B` for OR.
fn satisfied(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any_of(&mut rest, allowed);
    met && rest.is_empty()
}

fn any_of(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = all_of(words, allowed);
    while let Some(rest) = words.strip_prefix(&["OR"]) {
        *words = rest;
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while let Some(rest) = words.strip_prefix(&["AND"]) {
        *words = rest;
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &[String]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    *words = rest;
    if *first == "(" {
        let met = any_of(words, allowed);
        *words = words.strip_prefix(&[")"]).unwrap_or(words);
        return met;
    }
    let mut name = (*first).to_owned();
    if let [with @ "WITH", exception, rest @ ..] = words {
        name = format!("{name} {with} {exception}");
        *words = rest;
    }
    allowed.contains(&name)
}

/// Each package of the locked tree and its licence, as far as this machine builds them.
fn packages() -> Vec<(String, String)> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--locked",
        "--offline",
        "--workspace",
        "--edges",
        "normal,build,dev",
    ]);
    tree.args(["--prefix", "none", "--no-dedupe", "--format", "{p}\t{l}"]);
    let output = tree
        .current_dir(workspace())
        .output()
        .expect("cargo should run");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo should know the locked tree: {told}"
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let mut packages: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(package, licence)| (package.to_owned(), licence.trim().to_owned()))
        .collect();
    packages.sort();
    packages.dedup();
    assert!(
        packages.len() > 100,
        "the tree should be there, not {} packages",
        packages.len()
    );
    packages
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed_and_no_licence_is_allowed_in_vain() {
    let deny =
        std::fs::read_to_string(workspace().join("deny.toml")).expect("there is a deny.toml");
    let deny: toml::Table = deny.parse().expect("deny.toml should be TOML");
    let allowed = deny["licenses"]["allow"]
        .as_array()
        .expect("deny.toml should allow licences");
    let allowed: Vec<String> = allowed
        .iter()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let packages = packages();
    for (package, licence) in &packages {
        assert!(
            satisfied(licence, &allowed),
            "{package} is under {licence:?}, which deny.toml does not allow"
        );
    }
    for dropped in &allowed {
        let without: Vec<String> = allowed
            .iter()
            .filter(|name| *name != dropped)
            .cloned()
            .collect();
        let needed = packages
            .iter()
            .any(|(_, licence)| !satisfied(licence, &without));
        assert!(
            needed,
            "nothing needs {dropped:?}: deny.toml should not allow it"
        );
    }
}

#[test]
fn an_expression_is_met_as_it_is_written() {
    let allowed = ["MIT".to_owned(), "Unicode-3.0".to_owned()];
    for met in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
    ] {
        assert!(satisfied(met, &allowed), "{met} should be met");
    }
    for unmet in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "MIT WITH exception",
        "(MIT OR GPL-3.0) AND ISC",
        "MIT MIT",
    ] {
        assert!(!satisfied(unmet, &allowed), "{unmet:?} should not be met");
    }
}
