//! Who is there: each node keeps an entry in the realm's bucket and renews it, and watches those of the others. Whoever does
//! not renew is taken for lost, once and for all, when its lease is over; ARCHITECTURE.md, "Nodes and leases", has the rules.

mod bucket;
mod entry;
mod keeper;
mod services;
mod watcher;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::{mpsc, oneshot};

use super::Nats;
use super::queue::Known;
use crate::address::Birth;
use crate::clock::{Clock, Moment};
use crate::link::{Announcement, Doing, Inlet, JoinError, Taken};
use crate::lock::lock;
use bucket::Bucket;
use keeper::{Keeper, Order};
use watcher::{Ask, Watcher};

/// A node that was not let in after this long gives up.
const JOIN_WITHIN: Duration = Duration::from_secs(30);

/// A node stops acting so long before its lease is over: what runs has that time to come to its end, and clocks to differ.
fn margin(lease: Duration) -> Duration {
    lease / 6
}

/// The realm's nodes as one of them sees them.
#[derive(Clone)]
pub(super) struct Members {
    own: Arc<Own>,
    asks: mpsc::UnboundedSender<Ask>,
}

/// A node's own standing, which its two tasks share.
struct Own {
    me: Birth,
    protocol: u16,
    lease: Duration,
    clock: Clock,
    inlet: Weak<dyn Inlet>,
    orders: mpsc::UnboundedSender<Order>,
    standing: Mutex<Standing>,
    /// The singular services that this node runs, and their epochs.
    held: Mutex<BTreeMap<String, u64>>,
    /// Grows when the bucket was lost, and has to be watched from its beginning.
    looks: AtomicU64,
}

#[derive(Default)]
struct Standing {
    /// What the last renewal was written as.
    revision: u64,
    /// When the last renewal was acknowledged.
    renewed: Moment,
    until: Moment,
    joined: bool,
}

impl Own {
    /// A renewal was acknowledged: the node may act until `until`, if it is in.
    fn renewed(&self, revision: u64, until: Moment) {
        let joined = {
            let mut standing = lock(&self.standing);
            standing.revision = revision;
            standing.renewed = self.clock.now();
            standing.until = until;
            standing.joined
        };
        if let (true, Some(inlet)) = (joined, self.inlet.upgrade()) {
            inlet.leased(Some(until));
        }
    }

    /// The node is in.
    fn joined(&self) {
        let until = {
            let mut standing = lock(&self.standing);
            standing.joined = true;
            standing.until
        };
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.leased(Some(until));
        }
    }

    fn out(&self, why: JoinError) {
        tracing::error!(birth = %self.me, "{why}");
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.out(why);
        }
    }

    fn look_again(&self) {
        self.looks.fetch_add(1, Ordering::Relaxed);
    }

    fn order(&self, order: Order) {
        // The keeper ends when the node is out, and then nobody misses what it would have written.
        let _ = self.orders.send(order);
    }
}

impl Members {
    /// What keeps this node's entry and follows the others, once it is run. Nothing is written before [`Members::join`].
    pub(super) fn new(
        nats: &Nats,
        me: Birth,
        inlet: Weak<dyn Inlet>,
        known: Known,
    ) -> (Self, [Doing<()>; 2]) {
        let (orders, ordered) = mpsc::unbounded_channel();
        let (asks, asked) = mpsc::unbounded_channel();
        if let Some(inlet) = inlet.upgrade() {
            // Not in yet: it must not act.
            inlet.leased(Some(nats.clock.now()));
        }
        let own = Arc::new(Own {
            me,
            protocol: nats.protocol,
            lease: nats.lease,
            clock: nats.clock.clone(),
            inlet,
            orders,
            standing: Mutex::default(),
            held: Mutex::default(),
            looks: AtomicU64::new(0),
        });
        let keeper = Keeper::new(own.clone(), Bucket::new(nats));
        let watcher = Watcher::new(own.clone(), nats, known);
        let keeping: [Doing<()>; 2] = [Box::pin(keeper.run(ordered)), Box::pin(watcher.run(asked))];
        (Self { own, asks }, keeping)
    }

    /// Writes the entry; ends when this node knows who is there.
    pub(super) async fn join(self, node: Announcement) -> Result<(), JoinError> {
        let (told, wait) = oneshot::channel();
        self.ask(Ask::Join(told));
        self.announce(node);
        let timer = std::pin::pin!(self.own.clock.sleep(JOIN_WITHIN));
        match select(wait, timer).await {
            Either::Left((Ok(joined), _)) => joined,
            _ => Err(JoinError::Late(JOIN_WITHIN.as_secs())),
        }
    }

    /// Takes a singular service, as [`Link::hold`](crate::Link::hold) says.
    pub(super) async fn hold(self, service: String, waits: bool) -> Result<u64, Taken> {
        let (told, wait) = oneshot::channel();
        self.ask(Ask::Hold {
            service,
            waits,
            told,
        });
        match wait.await {
            Ok(answer) => answer,
            // The node has ended.
            Err(_) => std::future::pending().await,
        }
    }

    /// Tells the others.
    pub(super) fn announce(&self, node: Announcement) {
        self.own.order(Order::Announce(node));
    }

    /// Tells the others that this node is gone.
    pub(super) async fn leave(&self) {
        let (told, wait) = oneshot::channel();
        self.own.order(Order::Leave(told));
        let _ = wait.await;
    }

    fn ask(&self, ask: Ask) {
        // The watcher ends with the node only.
        let _ = self.asks.send(ask);
    }
}
