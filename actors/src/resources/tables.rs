//! Tables that entities may have beside the built-in ones. Knows the type that each is decoded to, and not what it is for.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::decode::decode;

/// What a table says, without its type.
pub(crate) type AnySpec = Arc<dyn Any + Send + Sync>;

type Report<'r> = &'r mut dyn FnMut(Range<usize>, String);
type Decode = fn(DeTable<'_>, Range<usize>, bool, Report<'_>) -> Option<AnySpec>;

/// The keys of an entity that are built in.
const BUILT_IN: [&str; 9] = [
    "abstract",
    "prototype",
    "name",
    "health",
    "motion",
    "combat",
    "brain",
    "loot",
    "experience",
];

/// The tables that are not built in, by name.
#[derive(Clone, Default)]
pub struct Tables(BTreeMap<&'static str, Decode>);

/// One such table of one entity.
#[derive(Clone, Debug)]
pub(crate) struct OwnTable {
    pub(crate) name: &'static str,
    pub(crate) spec: AnySpec,
}

impl Tables {
    /// Adds the table `name`, decoded to a `T`.
    ///
    /// # Panics
    /// When there is a table of that name already: two pieces of code would each believe that it is theirs.
    pub fn with<T: DeserializeOwned + Send + Sync + 'static>(mut self, name: &'static str) -> Self {
        let known = self.0.contains_key(name) || BUILT_IN.contains(&name);
        assert!(!known, "entities have a table `{name}` already");
        self.0.insert(name, |table, place, partial, report| {
            let spec = decode::<T>(table, place, partial, &[], report)?;
            Some(Arc::new(spec))
        });
        self
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    /// Takes these tables out of an entity's. What is wrong in them goes to `report`; of a prototype, which is `partial`,
    /// nothing is kept.
    pub(super) fn take_out(
        &self,
        table: &mut DeTable<'_>,
        partial: bool,
        report: &mut impl FnMut(Range<usize>, String),
    ) -> Vec<OwnTable> {
        let mut own = Vec::new();
        for (name, decode) in &self.0 {
            let Some(value) = table.remove(*name) else {
                continue;
            };
            let place = value.span();
            match value.into_inner() {
                DeValue::Table(inner) => {
                    let spec = decode(inner, place, partial, report).filter(|_| !partial);
                    own.extend(spec.map(|spec| OwnTable { name, spec }));
                }
                _ => report(place, format!("`{name}`: must be a table")),
            }
        }
        own
    }
}
