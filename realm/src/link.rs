//! What carries mail and topics between nodes. The engine hands over bytes and gets bytes; nothing above this seam knows
//! whether a channel in the process or a message broker is behind it.

mod faults;
mod hub;
mod nats;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::address::{Address, Birth};
use crate::mail::Why;
use crate::metrics::LinkMetrics;

pub use faults::Faults;
pub use hub::Hub;
pub use nats::{Nats, NatsError};

/// One service of a node: where it is, and for which groups it answers calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEntry {
    /// The service's name in its role.
    pub name: String,
    /// Its present incarnation.
    pub address: Address,
    /// The call groups it answers for.
    pub groups: Vec<String>,
}

/// What a node tells the realm about itself, at its start and whenever one of its services starts anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The node.
    pub birth: Birth,
    /// The role it runs.
    pub role: String,
    /// Grows with each announcement of this node, so that an old one is known when it comes late.
    pub revision: u64,
    /// Its services.
    pub services: Vec<ServiceEntry>,
}

/// Parcels that come back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// What could not be carried, and why: no link reaches the node, too much is waiting, or it is too long.
    pub parcels: Vec<(Vec<u8>, Why)>,
}

impl Returned {
    /// No such node is known.
    pub fn unreachable(parcels: Vec<Vec<u8>>) -> Self {
        let parcels = parcels.into_iter();
        Self {
            parcels: parcels.map(|parcel| (parcel, Why::Unreachable)).collect(),
        }
    }
}

/// What joins nodes: gives each its end of the link.
pub trait Network: Send + Sync + 'static {
    /// The end of node `birth`, which gets its mail through `inlet` and is told there of the others.
    fn connect(&self, birth: Birth, inlet: Weak<dyn Inlet>) -> Arc<dyn Link>;
}

/// A node's end of a link. All methods return at once.
pub trait Link: Send + Sync + 'static {
    /// Joins the realm, or renews what was announced.
    fn announce(&self, node: Announcement);

    /// Carries parcels to a node, in order and at most once.
    ///
    /// # Errors
    /// Gives back those that it does not take. What it has taken and then cannot carry goes to [`Inlet::returned`].
    fn mail(&self, to: Birth, parcels: Vec<Vec<u8>>) -> Result<(), Returned>;

    /// Tells all other nodes that take part in `topic`.
    fn publish(&self, topic: &Arc<str>, bytes: Bytes);

    /// Takes part in `topic`.
    fn subscribe(&self, topic: &Arc<str>);

    /// Takes part no more.
    fn unsubscribe(&self, topic: &Arc<str>);

    /// Leaves the realm in order: the others learn at once that this node is gone. It begins with the call; the future ends
    /// when it is done.
    fn leave(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Ends without a word, as a dead machine does. The others learn in their own time that this node is lost.
    fn kill(&self);
}

/// Where a link puts what arrives. Called from any thread.
pub trait Inlet: Send + Sync + 'static {
    /// Parcels for this node.
    fn mail(&self, parcels: Vec<Vec<u8>>);

    /// Parcels of this node that were taken and could not be carried.
    fn returned(&self, returned: Returned);

    /// Too much waits to leave this node: it should send less, until it is told that it need not. In the order of the
    /// changes.
    fn hold_back(&self, hold: bool);

    /// Where this node's end of the link counts.
    fn link_metrics(&self) -> Arc<LinkMetrics>;

    /// The connection to the broker is gone; the link tries again by itself.
    fn connection_lost(&self);

    /// Something was published on a topic that this node takes part in.
    fn heard(&self, topic: Arc<str>, bytes: Bytes);

    /// Another node joined, or announced itself anew.
    fn joined(&self, node: Announcement);

    /// A node is gone for good, and with it all its addresses.
    fn lost(&self, node: Birth);
}
