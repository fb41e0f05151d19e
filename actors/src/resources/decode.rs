//! From a table to a typed template, with every fault of the table and not only the first.

use realm::role::nearest;
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// Decodes `table`, which stands at `whole`; whatever is wrong goes to `report` with its place. A decoder stops at its first
/// fault, so the entry at fault is taken out and the rest tried again, until nothing is left to blame. What is only a prototype
/// is `partial`: it may leave fields out. `also` are keys that it could have beside `T`'s own.
pub(super) fn decode<T: DeserializeOwned>(
    mut table: DeTable<'_>,
    whole: Range<usize>,
    partial: bool,
    also: &[&str],
    mut report: impl FnMut(Range<usize>, String),
) -> Option<T> {
    let mut taken_out = Vec::new();
    loop {
        let document = Spanned::new(whole.clone(), table.clone());
        let error = match T::deserialize(Deserializer::from(document)) {
            Ok(template) => return Some(template),
            Err(error) => error,
        };
        let span = error.span().unwrap_or_else(|| whole.clone());
        let message = error.message();
        let missing = message
            .strip_prefix("missing field `")
            .and_then(|rest| rest.strip_suffix('`'));
        let expected = missing
            .is_some_and(|key| partial || taken_out.contains(&(span.clone(), key.to_owned())));
        let blamed = if span == whole {
            None
        } else {
            take_out(&mut table, &whole, &span)
        };
        if !expected {
            let key = blamed.as_ref().map(|(_, key)| key.as_str());
            let on_top = blamed.as_ref().is_some_and(|(place, _)| *place == whole);
            let also = if on_top { also } else { &[] };
            report(span, describe(message, missing, key, also));
        }
        taken_out.push(blamed?);
    }
}

/// Serde's message, with the key if it does not name it, and what an unknown one was meant to be.
fn describe(message: &str, missing: Option<&str>, key: Option<&str>, also: &[&str]) -> String {
    if message.starts_with("unknown field") {
        return unknown(message, also);
    }
    match key {
        Some(key) if missing.is_some() => format!("`{key}`: {message}"),
        Some(key) if !message.contains(&format!("`{key}`")) => format!("`{key}`: {message}"),
        _ => message.to_owned(),
    }
}

/// Serde's message about an unknown field, with the keys that it cannot know of.
fn unknown(message: &str, also: &[&str]) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let field = names.next().unwrap_or_default();
    let known: Vec<&str> = names.chain(also.iter().copied()).collect();
    let mut words = message.to_owned();
    words.extend(also.iter().map(|name| format!(", `{name}`")));
    if let Some(near) = nearest(field, &known) {
        words.push_str(&format!("; did you mean `{near}`?"));
    }
    words
}

/// Removes the innermost entry that stands at `span`; returns the place of the table it was in, and its key.
fn take_out(
    table: &mut DeTable<'_>,
    place: &Range<usize>,
    span: &Range<usize>,
) -> Option<(Range<usize>, String)> {
    for (_, value) in table.iter_mut() {
        let place = value.span();
        let found = match value.get_mut() {
            DeValue::Table(inner) => take_out(inner, &place, span),
            DeValue::Array(items) => items.iter_mut().find_map(|item| {
                let place = item.span();
                match item.get_mut() {
                    DeValue::Table(inner) => take_out(inner, &place, span),
                    _ => None,
                }
            }),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    let holds = |value: &Spanned<DeValue<'_>>| {
        let outer = value.span();
        let item = value
            .get_ref()
            .as_array()
            .is_some_and(|items| items.iter().any(|item| item.span() == *span));
        item || (outer.start <= span.start && span.end <= outer.end)
    };
    let (key, _) = table
        .iter()
        .find(|(key, value)| key.span() == *span || holds(value))?;
    let key = key.get_ref().to_string();
    table.remove(key.as_str());
    Some((place.clone(), key))
}
