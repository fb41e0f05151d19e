//! Follows the other nodes' entries, and takes for lost whoever did not renew its lease. It decides nothing by what it reads
//! alone: an eviction is a compare-and-set delete of the very revision that was not renewed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::kv::{self, Operation};
use futures_util::StreamExt;
use tokio::sync::{mpsc, oneshot};

use super::Own;
use super::bucket::{Bucket, Changed};
use super::entry::{Key, NodeEntry};
use super::keeper::Order;
use super::services::{Hold, Services};
use crate::address::Birth;
use crate::clock::Moment;
use crate::link::nats::Nats;
use crate::link::nats::queue::Known;
use crate::link::{JoinError, Taken};
use crate::lock::lock;

/// The pause before another attempt at what the server did not do.
const AGAIN: Duration = Duration::from_millis(100);
/// Looks at who is late, in one lease.
const LOOKS_PER_LEASE: u32 = 12;

/// What the watcher is asked for.
pub(super) enum Ask {
    /// Tell when this node is in.
    Join(oneshot::Sender<Result<(), JoinError>>),
    /// Take a singular service.
    Hold {
        service: String,
        waits: bool,
        told: oneshot::Sender<Result<u64, Taken>>,
    },
}

/// Another node, as it was seen.
pub(super) struct Seen {
    /// The revision that was seen last; 0 when the bucket has none.
    revision: u64,
    /// Since when, on this node's clock, while this node was in good standing itself.
    since: Moment,
    lease: Duration,
    protocol: u16,
    /// It was renewed before our eyes.
    pub(super) renewed: bool,
}

/// Follows the bucket for one node.
pub(super) struct Watcher {
    own: Arc<Own>,
    bucket: Bucket,
    client: Client,
    known: Known,
    others: BTreeMap<Birth, Seen>,
    /// Who is lost, for good: births are never used twice.
    gone: BTreeSet<Birth>,
    services: Services,
    joins: Option<oneshot::Sender<Result<(), JoinError>>>,
    /// All that was in the bucket when this node came was seen.
    complete: bool,
    looked: Moment,
}

impl Watcher {
    pub(super) fn new(own: Arc<Own>, nats: &Nats, known: Known) -> Self {
        Self {
            looked: own.clock.now(),
            services: Services::new(own.clone()),
            own,
            bucket: Bucket::new(nats),
            client: nats.client.clone(),
            known,
            others: BTreeMap::new(),
            gone: BTreeSet::new(),
            joins: None,
            complete: false,
        }
    }

    /// Follows the bucket for ever.
    pub(super) async fn run(mut self, mut asked: mpsc::UnboundedReceiver<Ask>) {
        loop {
            let (connects, looks) = self.generation();
            match self.bucket.watch().await {
                Ok(changes) => {
                    self.begin();
                    self.follow(changes, &mut asked, (connects, looks)).await;
                }
                Err(error) => tracing::debug!(error, "the bucket of nodes cannot be watched"),
            }
            self.own.clock.sleep(AGAIN).await;
        }
    }

    /// What has to stay the same for a watch to see all: the connection, and the bucket.
    fn generation(&self) -> (u64, u64) {
        let statistics = self.client.statistics();
        let connects = statistics.connects.load(Ordering::Relaxed);
        (connects, self.own.looks.load(Ordering::Relaxed))
    }

    /// Nothing is known of the bucket any more, and nobody is suspect yet.
    fn begin(&mut self) {
        let now = self.own.clock.now();
        self.looked = now;
        for seen in self.others.values_mut() {
            (seen.revision, seen.since, seen.renewed) = (0, now, false);
        }
        self.services.begin(now);
    }

    async fn follow(
        &mut self,
        mut changes: kv::Watch,
        asked: &mut mpsc::UnboundedReceiver<Ask>,
        generation: (u64, u64),
    ) {
        let pause = self.own.lease / LOOKS_PER_LEASE;
        let mut look = self.own.clock.sleep(pause);
        loop {
            tokio::select! {
                change = changes.next() => match change {
                    Some(Ok(entry)) => self.changed(&entry).await,
                    _ => return,
                },
                ask = asked.recv() => match ask {
                    Some(Ask::Join(told)) => self.joins = Some(told),
                    Some(Ask::Hold { service, waits, told }) => {
                        self.services.ask(Hold { service, waits, told });
                    }
                    // The node has ended.
                    None => return,
                },
                () = &mut look => {
                    look = self.own.clock.sleep(pause);
                    if generation != self.generation() || self.client.connection_state() != State::Connected {
                        return;
                    }
                    self.look().await;
                }
            }
            self.settle_join();
            self.services
                .serve(&mut self.bucket, &self.others, &self.gone)
                .await;
        }
    }

    async fn changed(&mut self, entry: &kv::Entry) {
        match (Key::read(&entry.key), entry.operation) {
            (Some(Key::Node(birth)), Operation::Put) => {
                self.written(birth, entry.revision, &entry.value).await;
            }
            (Some(Key::Node(birth)), _) => self.deleted(birth),
            (Some(Key::Service(name)), operation) => {
                let value = (operation == Operation::Put).then_some(&*entry.value);
                let holder = self.services.changed(&name, entry.revision, value);
                // One whose entry the bucket has lost is given a lease to write it anew.
                if let Some(holder) = holder.filter(|holder| !self.gone.contains(holder)) {
                    self.see(holder);
                }
            }
            (None, _) => tracing::warn!(
                key = entry.key,
                "a stranger's key is in the bucket of nodes"
            ),
        }
    }

    fn see(&mut self, birth: Birth) -> &mut Seen {
        let (now, lease, protocol) = (self.own.clock.now(), self.own.lease, self.own.protocol);
        self.others.entry(birth).or_insert(Seen {
            revision: 0,
            since: now,
            lease,
            protocol,
            renewed: false,
        })
    }

    async fn written(&mut self, birth: Birth, revision: u64, value: &[u8]) {
        if birth == self.own.me {
            let written = lock(&self.own.standing).revision;
            self.complete |= written != 0 && revision >= written;
            return;
        }
        if self.gone.contains(&birth) {
            // It was lost, and the bucket has forgotten it: whoever is lost stays so.
            let _ = self.bucket.delete(&Key::Node(birth).text(), revision).await;
            return;
        }
        let Some(protocol) = NodeEntry::protocol(value) else {
            return tracing::warn!(%birth, "an entry could not be read");
        };
        let now = self.own.clock.now();
        let seen = self.see(birth);
        seen.renewed |= seen.revision != 0 && seen.revision != revision;
        (seen.revision, seen.since) = (revision, now);
        let before = std::mem::replace(&mut seen.protocol, protocol);
        let Some(inlet) = self.own.inlet.upgrade() else {
            return;
        };
        if protocol != self.own.protocol {
            if before == self.own.protocol {
                tracing::warn!(%birth, protocol, own = self.own.protocol, "a node speaks another version of the link's protocol");
                inlet.node_metrics().other_protocol.inc();
            }
            return;
        }
        let Some(entry) = NodeEntry::read(value) else {
            return tracing::warn!(%birth, "an announcement could not be read");
        };
        self.see(birth).lease = Duration::from_millis(u64::from(entry.lease_ms));
        let newer = {
            let mut known = lock(&self.known);
            let before = known.get(&birth).map(|node| node.revision);
            known.insert(birth, entry.node.clone());
            before != Some(entry.node.revision)
        };
        if newer {
            inlet.joined(entry.node);
        }
    }

    fn deleted(&mut self, birth: Birth) {
        if birth == self.own.me {
            return self.own.order(Order::Renew);
        }
        self.gone.insert(birth);
        self.others.remove(&birth);
        let known = lock(&self.known).remove(&birth).is_some();
        if let (true, Some(inlet)) = (known, self.own.inlet.upgrade()) {
            inlet.lost(birth);
        }
    }

    /// True while nothing kept this node from seeing the others renew.
    fn in_good_standing(&self, now: Moment) -> bool {
        let late = self.own.lease * 2 / 3;
        let renewed = lock(&self.own.standing).renewed;
        now.since(renewed) < late && now.since(self.looked) < late
    }

    /// Looks who is late, and evicts who is too late.
    async fn look(&mut self) {
        let now = self.own.clock.now();
        let good = self.in_good_standing(now);
        self.looked = now;
        if !good {
            for seen in self.others.values_mut() {
                seen.since = now;
            }
            return self.services.doubt(now);
        }
        let late = |share: u32| {
            let others = self.others.iter();
            others.filter(move |(_, seen)| now.since(seen.since) > seen.lease * share / 2)
        };
        let Some(inlet) = self.own.inlet.upgrade() else {
            return;
        };
        let suspects = i64::try_from(late(1).count()).unwrap_or(i64::MAX);
        inlet.node_metrics().suspects.set(suspects);
        let over: Vec<_> = late(2)
            .map(|(birth, seen)| (*birth, seen.revision))
            .collect();
        for (birth, revision) in over {
            let key = Key::Node(birth).text();
            match self.bucket.delete(&key, revision).await {
                Changed::Done(_) => {
                    tracing::warn!(%birth, "a node did not renew its lease and is lost");
                    inlet.node_metrics().evictions.inc();
                    self.deleted(birth);
                }
                // It was renewed, or somebody else was faster: the bucket says so in a moment.
                Changed::Differs => self.see(birth).since = now,
                Changed::Unknown(error) => {
                    return tracing::warn!(%birth, error, "a node could not be evicted");
                }
            }
        }
        self.looked = self.own.clock.now();
    }

    /// Lets this node in, or not: whoever was there first decides which version is spoken.
    fn settle_join(&mut self) {
        if !self.complete {
            return;
        }
        let own = self.own.protocol;
        let mut older = self.others.range(..self.own.me);
        let strange = |seen: &Seen| seen.protocol != own;
        if let Some((node, seen)) = older.find(|(_, seen)| strange(seen) && seen.renewed) {
            let why = JoinError::Protocol {
                own,
                other: seen.protocol,
                node: *node,
            };
            let (told, _) = oneshot::channel();
            match self.joins.take() {
                Some(joins) => {
                    self.own.order(Order::Leave(told));
                    let _ = joins.send(Err(why));
                }
                None if lock(&self.own.standing).joined => {
                    self.own.order(Order::Leave(told));
                    lock(&self.own.standing).joined = false;
                    self.own.out(why);
                }
                None => {}
            }
            return;
        }
        // One that has not been seen renewing may be dead.
        if self
            .others
            .range(..self.own.me)
            .any(|(_, seen)| strange(seen))
        {
            return;
        }
        if let Some(joins) = self.joins.take() {
            self.own.joined();
            let _ = joins.send(Ok(()));
        }
    }
}
