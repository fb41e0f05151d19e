//! Words that should not be in the code.

use super::{code, sources};

/// What games have and an engine does not.
const OF_GAMES: [&str; 12] = [
    "avatar",
    "mob",
    "dog",
    "spell",
    "loot",
    "quest",
    "player",
    "monster",
    "weapon",
    "damage",
    "inventory",
    "npc",
];

/// The words of identifiers and texts, in lower case and without a plural's s.
fn words(code: &str) -> impl Iterator<Item = String> {
    let pieces = code.split(|c: char| !c.is_ascii_alphabetic());
    let words = pieces.flat_map(|piece| {
        let starts = piece
            .char_indices()
            .filter(|(at, c)| *at == 0 || c.is_ascii_uppercase());
        let mut starts: Vec<usize> = starts.map(|(at, _)| at).collect();
        starts.push(piece.len());
        let parts: Vec<String> = starts
            .windows(2)
            .map(|two| piece[two[0]..two[1]].to_lowercase())
            .collect();
        parts
    });
    words.map(|word| word.strip_suffix('s').map_or(word.clone(), str::to_owned))
}

#[test]
fn the_engine_knows_no_game() {
    let seen: Vec<String> = words("fn slay(mobs: &LastAvatar) // dog").collect();
    assert!(
        seen.contains(&"mob".into()) && seen.contains(&"avatar".into()),
        "the test should see {seen:?}"
    );
    for below in ["realm/src", "realm/wire/src", "realm/macros/src"] {
        for source in sources(below) {
            let found = words(&source.code).find(|word| OF_GAMES.contains(&word.as_str()));
            assert_eq!(
                found, None,
                "the engine knows no game, but {} does",
                source.path
            );
        }
    }
}

/// The panics that library code may ask for, by the words that say why they cannot come, or what they end.
const EXPECTED: [&str; 4] = [
    "a node's addresses are spent; it must start anew",
    "a runtime on the calling thread needs only what the one beside it has got",
    "the module checks at its start that players' avatars are among the resources",
    "a mechanics service holds its host as long as it has entities",
];

#[test]
fn library_code_panics_only_where_it_says_why() {
    let seen = code("a.unwrap() // no\n// .unwrap()\n#[cfg(test)]\nmod tests {\n.unwrap()\n}");
    assert_eq!(
        seen.matches(".unwrap()").count(),
        1,
        "the test should see code only: {seen:?}"
    );
    let mut used = Vec::new();
    for below in ["realm/src", "realm/wire/src", "actors/src", "client/src"] {
        for source in sources(below) {
            for word in [".unwrap()", "todo!(", "unimplemented!(", "dbg!("] {
                assert!(
                    !source.code.contains(word),
                    "{} should not have {word}",
                    source.path
                );
            }
            for call in source.code.split(".expect(").skip(1) {
                let why = call.split('"').nth(1).unwrap_or_default();
                let known = EXPECTED.iter().find(|known| **known == why);
                assert!(
                    known.is_some(),
                    "{} panics with {why:?}: give an error, or say here why it cannot come",
                    source.path
                );
                used.extend(known);
            }
        }
    }
    for known in EXPECTED {
        assert!(
            used.contains(&known),
            "nothing panics with {known:?} any more"
        );
    }
}
