//! Says where an address, a durable id or a group of services is. It holds no game state, and what it says of other
//! nodes is a hint where to look: the target decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use crate::address::{Address, Birth};
use crate::link::Announcement;
use crate::lock::lock;
use crate::mailbox::Mailbox;

/// A thing that outlives its incarnations: a character, a channel. `kind` tells number spaces apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DurableId {
    /// Which kind of thing the number counts.
    pub kind: u16,
    /// The number within its kind.
    pub number: u64,
}

/// Who acts for a durable id, as far as this node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Grows each time the id changes owner; the database is the authority.
    pub epoch: u64,
    /// The node and incarnation that act for it.
    pub address: Address,
}

/// One node's directory.
pub struct Directory {
    here: DashMap<Address, Arc<Mailbox>, FxBuildHasher>,
    owners: DashMap<DurableId, Owner, FxBuildHasher>,
    nodes: Mutex<Nodes>,
}

#[derive(Default)]
struct Nodes {
    known: BTreeMap<Birth, Announcement>,
    /// Births that are over: what they announced may still come in late. They are never used twice.
    lost: BTreeSet<Birth>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self {
            here: DashMap::default(),
            owners: DashMap::default(),
            nodes: Mutex::default(),
        }
    }

    pub(crate) fn put(&self, address: Address, post: Arc<Mailbox>) {
        self.here.insert(address, post);
    }

    pub(crate) fn remove(&self, address: Address) {
        self.here.remove(&address);
    }

    /// Calls `with` on the mailbox of a local address. The entry is locked meanwhile: `with` must not change the
    /// directory.
    pub(crate) fn with<R>(
        &self,
        address: Address,
        with: impl FnOnce(&Arc<Mailbox>) -> R,
    ) -> Option<R> {
        self.here.get(&address).map(|post| with(post.value()))
    }

    /// True when `address` is alive on this node.
    pub fn is_here(&self, address: Address) -> bool {
        self.here.contains_key(&address)
    }

    /// How many addresses are alive on this node.
    pub fn len_here(&self) -> usize {
        self.here.len()
    }

    /// Notes the owner of a durable id. A lower epoch than the one known is refused, and the known owner returned.
    ///
    /// # Errors
    /// The owner that stands.
    pub fn claim(&self, id: DurableId, owner: Owner) -> Result<(), Owner> {
        match self.owners.entry(id) {
            Entry::Occupied(known) if known.get().epoch > owner.epoch => Err(*known.get()),
            Entry::Occupied(mut known) => {
                known.insert(owner);
                Ok(())
            }
            Entry::Vacant(free) => {
                free.insert(owner);
                Ok(())
            }
        }
    }

    /// The owner of a durable id, if this node knows one.
    pub fn owner(&self, id: DurableId) -> Option<Owner> {
        self.owners.get(&id).map(|owner| *owner)
    }

    /// Forgets the owner of `id`, unless somebody else has taken it since.
    pub fn release(&self, id: DurableId, address: Address) {
        self.owners
            .remove_if(&id, |_, owner| owner.address == address);
    }

    /// The services of the realm that answer for `group`, in the order of their addresses.
    pub fn members(&self, group: &str) -> Vec<Address> {
        let nodes = lock(&self.nodes);
        let mut members: Vec<Address> = nodes
            .known
            .values()
            .flat_map(|node| node.services.iter())
            .filter(|service| service.groups.iter().any(|name| name == group))
            .map(|service| service.address)
            .collect();
        members.sort_unstable();
        members
    }

    /// Notes what a node announced, unless something newer is known of it.
    pub(crate) fn learn(&self, node: Announcement) {
        let mut nodes = lock(&self.nodes);
        let newer = nodes
            .known
            .get(&node.birth)
            .is_none_or(|known| known.revision < node.revision);
        if newer && !nodes.lost.contains(&node.birth) {
            nodes.known.insert(node.birth, node);
        }
    }

    pub(crate) fn lose(&self, node: Birth) {
        {
            let mut nodes = lock(&self.nodes);
            nodes.known.remove(&node);
            nodes.lost.insert(node);
        }
        self.owners
            .retain(|_, owner| owner.address.birth() != Some(node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::ServiceEntry;

    #[test]
    fn what_a_node_announced_late_changes_nothing() {
        let directory = Directory::new();
        let birth = Birth::new(7).unwrap();
        let address = |counter| Address::new(birth, counter).unwrap();
        let announce = |revision, counter| {
            let services = vec![ServiceEntry {
                name: "store".to_owned(),
                address: address(counter),
                groups: vec!["store".to_owned()],
            }];
            directory.learn(Announcement {
                birth,
                role: "test".to_owned(),
                revision,
                services,
            });
        };
        announce(2, 20);
        announce(1, 10);
        assert_eq!(
            directory.members("store"),
            [address(20)],
            "an older announcement should not replace a newer"
        );
        directory.lose(birth);
        announce(3, 30);
        assert!(
            directory.members("store").is_empty(),
            "a lost node should not come back"
        );
    }
}
