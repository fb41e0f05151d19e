//! The link between nodes of one process. It really carries: everything crosses it as bytes, and it can be told to delay,
//! lose, cut and kill.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;
use tokio::sync::Notify;

use super::faults::Draws;
use super::{Announcement, Doing, Faults, Inlet, JoinError, Link, Network, Returned, Taken};
use crate::address::Birth;
use crate::clock::{Clock, Moment};
use crate::lock::lock;

/// Carries between the nodes that were connected to it. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

struct Shared {
    clock: Clock,
    state: Mutex<State>,
    queued: Notify,
    /// A node is gone: the singular services that it ran are free.
    freed: Notify,
    lost: AtomicU64,
}

struct State {
    nodes: BTreeMap<Birth, Peer>,
    cuts: BTreeSet<(Birth, Birth)>,
    draws: Draws,
    /// What is on its way, a queue for each pair so that delays keep the order.
    travelling: BTreeMap<(Birth, Birth), VecDeque<(Moment, Item)>>,
    /// Who runs each singular service, and its epoch.
    held: BTreeMap<String, (Birth, u64)>,
}

struct Peer {
    inlet: Weak<dyn Inlet>,
    announced: Option<Announcement>,
    topics: BTreeSet<Arc<str>>,
}

/// An item that has arrived, and where.
type Delivery = (Arc<dyn Inlet>, Item);

#[derive(Clone)]
enum Item {
    Mail(Vec<u8>),
    Heard(Arc<str>, Bytes),
}

impl Hub {
    /// A hub that carries everything at once.
    pub fn new(clock: Clock) -> Self {
        Self::with_faults(clock, Faults::none())
    }

    /// A hub with faults. A hub that delays needs [`Hub::courier`] to run.
    pub fn with_faults(clock: Clock, faults: Faults) -> Self {
        let state = State {
            nodes: BTreeMap::new(),
            cuts: BTreeSet::new(),
            draws: Draws::new(faults),
            travelling: BTreeMap::new(),
            held: BTreeMap::new(),
        };
        Self(Arc::new(Shared {
            clock,
            state: Mutex::new(state),
            queued: Notify::new(),
            freed: Notify::new(),
            lost: AtomicU64::new(0),
        }))
    }

    /// Cuts a node off for good, as a dead machine is: nothing reaches it or comes from it, and the others learn that
    /// it is lost. The node itself is not told and goes on in the belief that it acts.
    pub fn kill(&self, node: Birth) {
        let peers = {
            let mut state = lock(&self.0.state);
            if state.nodes.remove(&node).is_none() {
                return;
            }
            state
                .travelling
                .retain(|(from, to), _| *from != node && *to != node);
            state.inlets()
        };
        for inlet in peers {
            inlet.lost(node);
        }
        self.0.freed.notify_waiters();
    }

    /// Takes the node's lease, as a link does that is cut: it must not act until [`Hub::thaw`].
    pub fn freeze(&self, node: Birth) {
        self.lease(node, Some(self.0.clock.now()));
    }

    /// Gives the node a lease without an end.
    pub fn thaw(&self, node: Birth) {
        self.lease(node, None);
    }

    /// Gives the node a lease until `until`.
    pub fn lease(&self, node: Birth, until: Option<Moment>) {
        let inlet = lock(&self.0.state).inlet(node);
        if let Some(inlet) = inlet {
            inlet.leased(until);
        }
    }

    /// As [`Hub::kill`], and the node learns that it is out.
    pub fn evict(&self, node: Birth) {
        let inlet = lock(&self.0.state).inlet(node);
        self.kill(node);
        if let Some(inlet) = inlet {
            inlet.out(JoinError::Evicted);
        }
    }

    /// Cuts the way from `a` to `b`; call it both ways round for a full partition.
    pub fn cut(&self, a: Birth, b: Birth) {
        lock(&self.0.state).cuts.insert((a, b));
    }

    /// Heals all cuts.
    pub fn heal(&self) {
        lock(&self.0.state).cuts.clear();
    }

    /// Parcels that were lost or cut off so far.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Delivers what was delayed. Ends never: spawn it, and drop it with the realm.
    pub async fn courier(self) {
        loop {
            let (due, next) = self.take_due();
            for (inlet, item) in due {
                deliver(&*inlet, item);
            }
            match next {
                Some(moment) => {
                    let sleep = self.0.clock.sleep_until(moment);
                    futures_util::future::select(
                        std::pin::pin!(sleep),
                        std::pin::pin!(self.0.queued.notified()),
                    )
                    .await;
                }
                None => self.0.queued.notified().await,
            }
        }
    }

    /// What is due now, in order, and when the next will be.
    fn take_due(&self) -> (Vec<Delivery>, Option<Moment>) {
        let mut state = lock(&self.0.state);
        let now = self.0.clock.now();
        let state = &mut *state;
        let mut due = Vec::new();
        let mut next: Option<Moment> = None;
        for ((_, to), queue) in &mut state.travelling {
            while queue.front().is_some_and(|(moment, _)| *moment <= now) {
                if let Some((moment, item)) = queue.pop_front()
                    && let Some(inlet) = state.nodes.get(to).and_then(|peer| peer.inlet.upgrade())
                {
                    due.push((moment, inlet, item));
                }
            }
            if let Some((moment, _)) = queue.front() {
                next = Some(next.map_or(*moment, |known| known.min(*moment)));
            }
        }
        due.sort_by_key(|(moment, _, _)| *moment);
        (
            due.into_iter()
                .map(|(_, inlet, item)| (inlet, item))
                .collect(),
            next,
        )
    }

    /// Sends one item on its way, by the faults this hub has.
    fn carry(&self, from: Birth, to: Birth, item: Item) {
        let now = {
            let mut state = lock(&self.0.state);
            let state = &mut *state;
            if !state.nodes.contains_key(&from)
                || state.cuts.contains(&(from, to))
                || state.draws.loses()
            {
                self.0.lost.fetch_add(1, Ordering::Relaxed);
                return;
            }
            match state.draws.delay() {
                None => state.nodes.get(&to).and_then(|peer| peer.inlet.upgrade()),
                Some(delay) => {
                    let queue = state.travelling.entry((from, to)).or_default();
                    let due = self.0.clock.now() + delay;
                    let due = queue.back().map_or(due, |(last, _)| due.max(*last));
                    queue.push_back((due, item));
                    self.0.queued.notify_one();
                    return;
                }
            }
        };
        if let Some(inlet) = now {
            deliver(&*inlet, item);
        }
    }
}

impl Network for Hub {
    fn connect(&self, birth: Birth, inlet: Weak<dyn Inlet>) -> Arc<dyn Link> {
        let known: Vec<_> = {
            let mut state = lock(&self.0.state);
            let peer = Peer {
                inlet: inlet.clone(),
                announced: None,
                topics: BTreeSet::new(),
            };
            state.nodes.insert(birth, peer);
            state
                .nodes
                .values()
                .filter_map(|peer| peer.announced.clone())
                .collect()
        };
        if let Some(inlet) = inlet.upgrade() {
            known.into_iter().for_each(|other| inlet.joined(other));
        }
        Arc::new(End {
            hub: self.clone(),
            me: birth,
        })
    }
}

impl State {
    fn inlet(&self, node: Birth) -> Option<Arc<dyn Inlet>> {
        self.nodes.get(&node).and_then(|peer| peer.inlet.upgrade())
    }

    /// Gives a singular service to `me`, unless a node that lives has it.
    fn take(&mut self, service: &str, me: Birth) -> Result<u64, Taken> {
        let held = self.held.get(service).copied();
        match held {
            Some((by, _)) if by != me && self.nodes.contains_key(&by) => Err(Taken { by }),
            _ => {
                let epoch = held.map_or(1, |(_, epoch)| epoch + 1);
                self.held.insert(service.to_owned(), (me, epoch));
                Ok(epoch)
            }
        }
    }

    fn inlets(&self) -> Vec<Arc<dyn Inlet>> {
        self.nodes
            .values()
            .filter_map(|peer| peer.inlet.upgrade())
            .collect()
    }
}

fn deliver(inlet: &dyn Inlet, item: Item) {
    match item {
        Item::Mail(parcel) => inlet.mail(vec![parcel]),
        Item::Heard(topic, bytes) => inlet.heard(topic, bytes),
    }
}

/// One node's end.
struct End {
    hub: Hub,
    me: Birth,
}

impl Link for End {
    fn join(&self, _: Announcement) -> Doing<Result<(), JoinError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn hold(&self, service: &str, wait: bool) -> Doing<Result<u64, Taken>> {
        let (hub, me, service) = (self.hub.clone(), self.me, service.to_owned());
        Box::pin(async move {
            loop {
                let mut freed = std::pin::pin!(hub.0.freed.notified());
                // From before the look, so that no end of a holder is missed.
                freed.as_mut().enable();
                let taken = lock(&hub.0.state).take(&service, me);
                match taken {
                    Err(_) if wait => freed.await,
                    other => return other,
                }
            }
        })
    }

    fn announce(&self, node: Announcement) {
        let others: Vec<_> = {
            let mut state = lock(&self.hub.0.state);
            let Some(me) = state.nodes.get_mut(&self.me) else {
                return;
            };
            if me
                .announced
                .as_ref()
                .is_none_or(|known| known.revision < node.revision)
            {
                me.announced = Some(node.clone());
            }
            let others = state.nodes.iter().filter(|(birth, _)| **birth != self.me);
            others
                .filter_map(|(_, peer)| peer.inlet.upgrade())
                .collect()
        };
        for other in others {
            other.joined(node.clone());
        }
    }

    fn mail(&self, to: Birth, parcels: Vec<Vec<u8>>) -> Result<(), Returned> {
        if !lock(&self.hub.0.state).nodes.contains_key(&to) {
            return Err(Returned::unreachable(parcels));
        }
        for parcel in parcels {
            self.hub.carry(self.me, to, Item::Mail(parcel));
        }
        Ok(())
    }

    fn publish(&self, topic: &Arc<str>, bytes: Bytes) {
        let takers: Vec<Birth> = lock(&self.hub.0.state)
            .nodes
            .iter()
            .filter(|(birth, peer)| **birth != self.me && peer.topics.contains(topic))
            .map(|(birth, _)| *birth)
            .collect();
        for taker in takers {
            self.hub
                .carry(self.me, taker, Item::Heard(topic.clone(), bytes.clone()));
        }
    }

    fn subscribe(&self, topic: &Arc<str>) {
        if let Some(peer) = lock(&self.hub.0.state).nodes.get_mut(&self.me) {
            peer.topics.insert(topic.clone());
        }
    }

    fn unsubscribe(&self, topic: &Arc<str>) {
        if let Some(peer) = lock(&self.hub.0.state).nodes.get_mut(&self.me) {
            peer.topics.remove(topic);
        }
    }

    fn leave(&self) -> Doing<()> {
        self.hub.kill(self.me);
        Box::pin(std::future::ready(()))
    }

    fn kill(&self) {
        self.hub.kill(self.me);
    }
}
