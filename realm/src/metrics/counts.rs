//! A counter by labels that can be read back, which a family of the registry cannot.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Mutex;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::lock::lock;

/// A counter for each set of labels. The labels come from the code or the role, never from the wire: each set is kept
/// until the node ends.
pub struct Counts<L> {
    by: Family<L, Counter>,
    known: Mutex<BTreeMap<L, Counter>>,
}

impl<L> Counts<L>
where
    L: EncodeLabelSet + Clone + Ord + Hash + fmt::Debug + Send + Sync + 'static,
{
    /// Counts that are exported under `name`.
    pub fn register(registry: &mut Registry, name: &str, help: &str) -> Self {
        let by = Family::default();
        registry.register(name, help, by.clone());
        Self {
            by,
            known: Mutex::default(),
        }
    }

    /// Counts one.
    pub fn count(&self, labels: &L) {
        self.count_many(labels, 1);
    }

    /// Counts so many.
    pub fn count_many(&self, labels: &L, many: u64) {
        if let Some(count) = self.by.get(labels) {
            count.inc_by(many);
            return;
        }
        let count = self.by.get_or_create_owned(labels);
        count.inc_by(many);
        lock(&self.known).insert(labels.clone(), count);
    }

    /// How many have these labels.
    pub fn of(&self, labels: &L) -> u64 {
        self.by.get(labels).map_or(0, |count| count.get())
    }

    /// How many there are, whatever their labels.
    pub fn total(&self) -> u64 {
        lock(&self.known).values().map(Counter::get).sum()
    }

    /// All of them, in the order of their labels.
    pub fn each(&self) -> Vec<(L, u64)> {
        let known = lock(&self.known);
        let each = known.iter();
        each.map(|(labels, count)| (labels.clone(), count.get()))
            .collect()
    }
}

impl<L: fmt::Debug> fmt::Debug for Counts<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").finish_non_exhaustive()
    }
}
