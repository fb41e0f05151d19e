//! Finds what a mistyped name was meant to be.

/// "; known are: a, b" and, where one of them is close to `name`, "; did you mean a?".
pub(super) fn known_are(name: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "; none is known".to_owned();
    }
    let mut words = format!("; known are: {}", known.join(", "));
    if let Some(near) = nearest(name, known) {
        words.push_str(&format!("; did you mean {near}?"));
    }
    words
}

/// The closest of `known`, if at most a third of its letters (and at least one may) differ.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (edits(name, candidate), *candidate))
        .filter(|(edits, candidate)| *edits <= (candidate.len() / 3).max(1))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// The Levenshtein distance: letters to insert, delete or replace.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (deleted, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = deleted + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
