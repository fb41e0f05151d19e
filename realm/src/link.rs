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
use crate::clock::Moment;
use crate::mail::Why;
use crate::metrics::{LinkMetrics, NodeMetrics};

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
    /// Grows with each holder of a singular service; 0 when any number of it may run.
    pub epoch: u64,
}

/// The version of what nodes say to each other: frames, mail, announcements. Nodes of different versions do not speak.
pub const LINK_PROTOCOL: u16 = 1;

/// What a node tells the realm about itself, at its start and whenever one of its services starts anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The node.
    pub birth: Birth,
    /// The role it runs.
    pub role: String,
    /// Grows with each announcement of this node, so that an old one is known when it comes late.
    pub revision: u64,
    /// A hash over the names of all messages and calls that its program knows. Nodes may differ in it: what one does not
    /// know it answers with an error.
    pub classes: u64,
    /// Its services.
    pub services: Vec<ServiceEntry>,
}

/// Why a node may not take part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The others speak another version of the link's protocol.
    #[error(
        "this node speaks version {own} of the link's protocol and node {node}, which was there before, version {other}: run one version, or end the old nodes first"
    )]
    Protocol {
        /// Our version.
        own: u16,
        /// Theirs.
        other: u16,
        /// Who speaks it.
        node: Birth,
    },
    /// The others took this node for lost, and so it is.
    #[error(
        "the others took this node for lost, because it did not renew its lease; start it again"
    )]
    Evicted,
    /// Somebody else runs a singular service that this node ran.
    #[error(
        "node {by} has taken the service '{service}' while this node was cut off; start it again"
    )]
    Deposed {
        /// Which service.
        service: String,
        /// Who has it now.
        by: Birth,
    },
    /// The link did not let the node in.
    #[error(
        "the link did not let this node in for {0} s: see its log, and that of the NATS server"
    )]
    Late(u64),
}

/// A singular service that another node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The node that has it.
    pub by: Birth,
}

/// Something that a link does in its own time.
pub type Doing<T> = Pin<Box<dyn Future<Output = T> + Send>>;

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
    /// Enters the realm with what `node` says; ends when this node knows who is there. Nothing is carried before.
    ///
    /// # Errors
    /// When the others cannot speak with it.
    fn join(&self, node: Announcement) -> Doing<Result<(), JoinError>>;

    /// Takes a singular service; returns its epoch, which grows with each holder. While another node runs the service it
    /// waits, or with `wait` unset says so. A holder that is gone without a word has it until its lease is over.
    ///
    /// # Errors
    /// Who has it, when it is not to wait.
    fn hold(&self, service: &str, wait: bool) -> Doing<Result<u64, Taken>>;

    /// Renews what was announced.
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
    fn leave(&self) -> Doing<()>;

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

    /// This node may act until `until`; without an end while nobody can take it for lost. A link that gives no lease says
    /// nothing.
    fn leased(&self, until: Option<Moment>) {
        let _ = until;
    }

    /// This node takes part no more, and must not act from here on.
    fn out(&self, why: JoinError) {
        let _ = why;
    }

    /// Where the link counts what it does about the other nodes.
    fn node_metrics(&self) -> Arc<NodeMetrics> {
        Arc::default()
    }
}
