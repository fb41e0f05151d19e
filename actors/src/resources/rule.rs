//! What has to be right between values: that ids lead to something, that a least is not above a most. Works on tables, so that
//! a value of the wrong type elsewhere hides nothing.

use super::Kind;
use super::page::Pages;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The ids in a kind's tables: where, and what they have to lead to.
const IDS: [(Kind, &[&str], Kind); 3] = [
    (Kind::Entity, &["combat", "spells"], Kind::Spell),
    (Kind::Entity, &["loot", "drops", "item"], Kind::Item),
    (Kind::Object, &["stock", "drops", "item"], Kind::Item),
];

/// The pairs of a least and a most.
const PAIRS: [(Kind, &[&str], &[&str]); 3] = [
    (Kind::Entity, &["loot", "coins_min"], &["loot", "coins_max"]),
    (
        Kind::Object,
        &["stock", "coins_min"],
        &["stock", "coins_max"],
    ),
    (Kind::Spell, &["damage_min"], &["damage_max"]),
];

/// Checks a merged table.
pub(super) fn check(
    kind: Kind,
    table: &DeTable<'_>,
    pages: &Pages<'_>,
    mut report: impl FnMut(Range<usize>, String),
) {
    for (_, path, wanted) in IDS.iter().filter(|(of, ..)| *of == kind) {
        let mut seen = BTreeSet::new();
        for value in values(table, path) {
            let Some(id) = value.get_ref().as_str() else {
                continue;
            };
            if let Some(message) = pages.refuse(id, *wanted) {
                report(value.span(), message);
            } else if *wanted == Kind::Spell && !seen.insert(id) {
                report(value.span(), format!("`{id}` is listed twice"));
            }
        }
    }
    for (_, least, most) in PAIRS.iter().filter(|(of, ..)| *of == kind) {
        let (Some(low), Some(high)) = (number(table, least), number(table, most)) else {
            continue;
        };
        if low.0 > high.0 {
            let message = format!(
                "`{}` is {}, above `{}` which is {}",
                least.join("."),
                low.0,
                most.join("."),
                high.0
            );
            report(low.1, message);
        }
    }
}

/// The place of one key, if it is there.
pub(super) fn place(table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    Some(table.get(key)?.span())
}

/// The values at the end of a path of keys; a list stands for each of its items.
fn values<'a, 't>(table: &'a DeTable<'t>, path: &[&str]) -> Vec<&'a Spanned<DeValue<'t>>> {
    let Some((key, rest)) = path.split_first() else {
        return Vec::new();
    };
    let Some(value) = table.get(*key) else {
        return Vec::new();
    };
    let items = match value.get_ref() {
        DeValue::Array(items) => items.iter().collect(),
        _ => vec![value],
    };
    if rest.is_empty() {
        return items;
    }
    items
        .into_iter()
        .filter_map(|item| item.get_ref().as_table())
        .flat_map(|inner| values(inner, rest))
        .collect()
}

fn number(table: &DeTable<'_>, path: &[&str]) -> Option<(u64, Range<usize>)> {
    let value = *values(table, path).first()?;
    let integer = value.get_ref().as_integer()?;
    Some((
        u64::from_str_radix(integer.as_str(), integer.radix()).ok()?,
        value.span(),
    ))
}
