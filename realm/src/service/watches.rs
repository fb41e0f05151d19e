//! Who of a service watches whom. Kept on the watcher's side too, because a lost node cannot tell of its dead, and
//! because a watcher that dies should leave nothing behind with those it watched.

use std::collections::BTreeSet;

use crate::address::{Address, Birth};

/// Pairs, in both orders.
#[derive(Default)]
pub(super) struct Watches {
    by_watcher: BTreeSet<(Address, Address)>,
    by_watched: BTreeSet<(Address, Address)>,
}

impl Watches {
    pub(super) fn add(&mut self, watcher: Address, watched: Address) {
        self.by_watcher.insert((watcher, watched));
        self.by_watched.insert((watched, watcher));
    }

    /// The watcher knows of the death.
    pub(super) fn told(&mut self, watcher: Address, watched: Address) {
        self.by_watcher.remove(&(watcher, watched));
        self.by_watched.remove(&(watched, watcher));
    }

    /// Takes out all that `watcher` watches.
    pub(super) fn leave(&mut self, watcher: Address) -> Vec<Address> {
        let pairs = self.by_watcher.range((watcher, Address::NOBODY)..);
        let watched: Vec<Address> = pairs
            .take_while(|(by, _)| *by == watcher)
            .map(|(_, watched)| *watched)
            .collect();
        for watched in &watched {
            self.told(watcher, *watched);
        }
        watched
    }

    /// Who of a lost node was watched, and by whom.
    pub(super) fn lost(&self, node: Birth) -> Vec<(Address, Address)> {
        let Some(first) = Address::new(node, 0) else {
            return Vec::new();
        };
        let pairs = self.by_watched.range((first, Address::NOBODY)..);
        pairs
            .take_while(|(watched, _)| watched.birth() == Some(node))
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_that_leaves_and_a_node_that_is_lost_take_their_own_pairs_only() {
        let at = |node, counter| Address::new(Birth::new(node).unwrap(), counter).unwrap();
        let mut watches = Watches::default();
        watches.add(at(1, 1), at(2, 7));
        watches.add(at(1, 2), at(2, 7));
        watches.add(at(1, 1), at(3, 7));
        assert_eq!(
            watches.leave(at(1, 1)),
            [at(2, 7), at(3, 7)],
            "a watcher should leave all whom it watched"
        );
        let lost = watches.lost(Birth::new(2).unwrap());
        assert_eq!(
            lost,
            [(at(2, 7), at(1, 2))],
            "the other watcher should still be told"
        );
        assert!(
            watches.lost(Birth::new(3).unwrap()).is_empty(),
            "nobody watches the third node any more"
        );
    }
}
