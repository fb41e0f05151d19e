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

    /// The services of the realm that answer for `group`, in the order of their addresses. Of a singular service it is the
    /// one with the highest epoch.
    pub fn members(&self, group: &str) -> Vec<Address> {
        let nodes = lock(&self.nodes);
        let services = nodes.known.values().flat_map(|node| node.services.iter());
        let of_group = services
            .filter(|service| service.groups.iter().any(|name| name == group))
            .collect::<Vec<_>>();
        let latest = of_group.iter().map(|service| service.epoch).max();
        let mut members: Vec<Address> = of_group
            .into_iter()
            .filter(|service| Some(service.epoch) == latest)
            .map(|service| service.address)
            .collect();
        members.sort_unstable();
        members
    }

    /// True for a node that is gone for good.
    pub(crate) fn is_lost(&self, node: Birth) -> bool {
        lock(&self.nodes).lost.contains(&node)
    }

    /// Notes what a node announced, unless something newer is known of it; true when the node was not known.
    pub(crate) fn learn(&self, node: Announcement) -> bool {
        let mut nodes = lock(&self.nodes);
        let newer = nodes
            .known
            .get(&node.birth)
            .is_none_or(|known| known.revision < node.revision);
        if newer && !nodes.lost.contains(&node.birth) {
            return nodes.known.insert(node.birth, node).is_none();
        }
        false
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
                epoch: 0,
            }];
            directory.learn(Announcement {
                birth,
                role: "test".to_owned(),
                revision,
                classes: 0,
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

    #[test]
    fn of_a_singular_service_the_one_with_the_highest_epoch_is_a_member() {
        let directory = Directory::new();
        let mut latest = None;
        for (number, epoch) in [(7, 2), (8, 3), (9, 1)] {
            let birth = Birth::new(number).unwrap();
            let address = Address::new(birth, 1).unwrap();
            if epoch == 3 {
                latest = Some(address);
            }
            directory.learn(Announcement {
                birth,
                role: "test".to_owned(),
                revision: 1,
                classes: 0,
                services: vec![ServiceEntry {
                    name: "balancer".to_owned(),
                    address,
                    groups: vec!["balancer".to_owned()],
                    epoch,
                }],
            });
        }
        assert_eq!(
            directory.members("balancer"),
            Vec::from_iter(latest),
            "who held it before should answer no calls"
        );
    }
}
