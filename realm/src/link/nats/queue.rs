//! What waits to be sent, and what came: the lanes to the other nodes, the topics' publications, and which topics the node
//! takes part in. Bounded; who hands over too much is told to hold back, and beyond that gets it back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use tokio::sync::Notify;

use super::frame::{HEAD_BYTES, Head, LENGTH_BYTES};
use super::lane::{Came, Lane};
use crate::address::Birth;
use crate::clock::{Clock, Moment};
use crate::link::{Announcement, Inlet, JoinError, Returned};
use crate::lock::lock;
use crate::mail::{Mail, Why};
use crate::metrics::{LinkMetrics, NodeMetrics};

/// What may wait for all nodes together, beside control mail; beyond it mail comes back.
const ALL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What may wait of publications. Beyond it the oldest go: the newest help most those who have missed some.
const TOPICS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Publications that are sent before mail has its turn.
const TOPICS_IN_ROUND: usize = 64;
/// How often it is seen to whether the services need hold back no more.
const HELD_EVERY: Duration = Duration::from_millis(20);

/// The other nodes, by what they announced last.
pub(super) type Known = Arc<Mutex<BTreeMap<Birth, Announcement>>>;

pub(super) struct Queue {
    me: Birth,
    client: Client,
    clock: Clock,
    inlet: Weak<dyn Inlet>,
    known: Known,
    pub(super) counts: Arc<LinkMetrics>,
    state: Mutex<State>,
    /// There is something to send.
    wake: Notify,
    held: Notify,
}

#[derive(Default)]
struct State {
    /// Of every node that mail went to or came from. Of one that is lost, what was heard stays, so that what still comes
    /// from there is no gap.
    lanes: BTreeMap<Birth, Lane>,
    /// Lanes that may have something to send.
    ready: BTreeSet<Birth>,
    /// Lanes that wait for their reader.
    stuck: BTreeSet<Birth>,
    topics: VecDeque<(Arc<str>, Bytes)>,
    topics_bytes: usize,
    /// Topics that the node begins (true) or ceases to take part in.
    parts: BTreeMap<Arc<str>, bool>,
    waiting_bytes: usize,
    held: bool,
}

/// What is to be sent next, in this order.
#[derive(Default)]
pub(super) struct Round {
    pub(super) parts: BTreeMap<Arc<str>, bool>,
    pub(super) topics: Vec<(Arc<str>, Bytes)>,
    pub(super) batches: Vec<(Birth, Vec<u8>)>,
}

impl Queue {
    pub(super) fn new(
        me: Birth,
        client: Client,
        clock: Clock,
        inlet: Weak<dyn Inlet>,
        known: Known,
        counts: Arc<LinkMetrics>,
    ) -> Self {
        Self {
            me,
            client,
            clock,
            inlet,
            known,
            counts,
            state: Mutex::default(),
            wake: Notify::new(),
            held: Notify::new(),
        }
    }

    pub(super) fn mail(&self, to: Birth, parcels: Vec<Vec<u8>>) -> Result<(), Returned> {
        let len_max = self.client.max_payload();
        let mut returned = Returned::default();
        {
            let state = &mut *lock(&self.state);
            // Asked under the lock: a node that is lost a moment later finds its lane here and empties it.
            if !lock(&self.known).contains_key(&to) {
                return Err(Returned::unreachable(parcels));
            }
            let now = self.clock.now();
            let lane = state.lanes.entry(to).or_default();
            let before = lane.waiting_bytes();
            for parcel in parcels {
                let len = LENGTH_BYTES + parcel.len();
                let all = state.waiting_bytes + lane.waiting_bytes() - before;
                let full = lane.is_full_for(len) || all + len > ALL_BYTES_MAX;
                if HEAD_BYTES + len > len_max {
                    tracing::warn!(%to, len = parcel.len(), len_max, "a parcel is longer than the broker takes");
                    self.counts.refused_too_long.inc();
                    returned.parcels.push((parcel, Why::TooLong));
                } else if full && !Mail::is_control_written(&parcel) {
                    self.counts.refused_full.inc();
                    returned.parcels.push((parcel, Why::Full));
                } else {
                    lane.push(&parcel, len_max, now);
                }
            }
            state.waiting_bytes += lane.waiting_bytes() - before;
            let presses = lane.presses(false, now);
            state.ready.insert(to);
            self.show(state);
            if presses && !state.held {
                self.hold(state, true);
            }
        }
        self.wake.notify_one();
        if returned.parcels.is_empty() {
            Ok(())
        } else {
            Err(returned)
        }
    }

    pub(super) fn publish(&self, topic: &Arc<str>, bytes: Bytes) {
        let len_max = self.client.max_payload();
        if bytes.len() > len_max {
            tracing::warn!(%topic, len = bytes.len(), len_max, "a publication is longer than the broker takes");
            self.counts.topics_dropped.inc();
            return;
        }
        {
            let state = &mut *lock(&self.state);
            state.topics_bytes += bytes.len();
            state.topics.push_back((topic.clone(), bytes));
            while state.topics_bytes > TOPICS_BYTES_MAX
                && let Some((_, oldest)) = state.topics.pop_front()
            {
                state.topics_bytes -= oldest.len();
                self.counts.topics_dropped.inc();
            }
        }
        self.wake.notify_one();
    }

    /// Begins or ceases to take part in a topic.
    pub(super) fn part(&self, topic: &Arc<str>, takes: bool) {
        lock(&self.state).parts.insert(topic.clone(), takes);
        self.wake.notify_one();
    }

    /// What is to be sent next; waits until there is something.
    pub(super) async fn next(&self) -> Round {
        loop {
            let (round, asks_at) = self.round();
            if let Some(round) = round {
                return round;
            }
            let woken = std::pin::pin!(self.wake.notified());
            match asks_at {
                None => woken.await,
                Some(at) => {
                    let timer = self.clock.sleep_until(at);
                    futures_util::future::select(woken, timer).await;
                }
            }
        }
    }

    /// What is to be sent now; and if there is nothing, when a reader is to be asked.
    fn round(&self) -> (Option<Round>, Option<Moment>) {
        let state = &mut *lock(&self.state);
        let now = self.clock.now();
        let mut round = Round {
            parts: std::mem::take(&mut state.parts),
            ..Round::default()
        };
        let topics = state.topics.len().min(TOPICS_IN_ROUND);
        round.topics.extend(state.topics.drain(..topics));
        state.topics_bytes -= round
            .topics
            .iter()
            .map(|(_, bytes)| bytes.len())
            .sum::<usize>();
        let mut asks_at: Option<Moment> = None;
        let mut ready = std::mem::take(&mut state.ready);
        ready.append(&mut state.stuck);
        for birth in ready {
            let Some(lane) = state.lanes.get_mut(&birth) else {
                continue;
            };
            let before = lane.waiting_bytes();
            if let Some(batch) = lane.next(self.me, now) {
                state.waiting_bytes -= before - lane.waiting_bytes();
                state.ready.insert(birth);
                round.batches.push((birth, batch));
            } else if let Some(at) = lane.asks_at() {
                state.stuck.insert(birth);
                asks_at = Some(asks_at.map_or(at, |known| known.min(at)));
            }
        }
        self.show(state);
        self.judge(state, now);
        let nothing = round.parts.is_empty() && round.topics.is_empty() && round.batches.is_empty();
        ((!nothing).then_some(round), asks_at)
    }

    /// The head of a batch came; false when the batch is to be dropped.
    pub(super) fn came(&self, head: &Head) -> bool {
        let (came, room) = {
            let state = &mut *lock(&self.state);
            let lane = state.lanes.entry(head.from).or_default();
            let room = lane.told(head.heard, self.clock.now());
            if room {
                state.ready.insert(head.from);
            }
            (lane.came(head.kind, head.number), room)
        };
        if room {
            self.wake.notify_one();
        }
        match came {
            Came::New { missing: 0 } => true,
            Came::New { missing } => {
                tracing::warn!(from = %head.from, missing, "batches from another node are missing");
                self.counts.gap(head.from, missing);
                true
            }
            Came::Old => {
                self.counts.batches_old.inc();
                false
            }
        }
    }

    /// A batch of this length was taken in.
    pub(super) fn took(&self, head: &Head, len: usize) {
        let tells = {
            let state = &mut *lock(&self.state);
            let lane = state.lanes.entry(head.from).or_default();
            let tells = lane.took(head.kind, len);
            if tells {
                state.ready.insert(head.from);
            }
            tells
        };
        if tells {
            self.wake.notify_one();
        }
    }

    /// Sees to it that the services do not hold back for longer than they must, even while nothing can be sent.
    pub(super) async fn watch_held(&self) {
        loop {
            self.held.notified().await;
            loop {
                self.clock.sleep(HELD_EVERY).await;
                let state = &mut *lock(&self.state);
                self.judge(state, self.clock.now());
                if !state.held {
                    break;
                }
            }
        }
    }

    /// True when all that was handed over was given to the broker's client.
    pub(super) fn is_empty(&self) -> bool {
        let state = lock(&self.state);
        state.waiting_bytes == 0 && state.topics.is_empty()
    }

    fn judge(&self, state: &mut State, now: Moment) {
        if state.held && !state.lanes.values().any(|lane| lane.presses(true, now)) {
            self.hold(state, false);
        }
    }

    /// Under the lock, so that the services hear of the changes in their order.
    fn hold(&self, state: &mut State, hold: bool) {
        state.held = hold;
        if hold {
            self.counts.held_back.inc();
            self.held.notify_one();
        }
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.hold_back(hold);
        }
    }

    fn show(&self, state: &State) {
        let bytes = i64::try_from(state.waiting_bytes).unwrap_or(i64::MAX);
        self.counts.queue_bytes.set(bytes);
    }
}

/// Told of the others, before the node is: what waits for one that is lost comes back.
impl Inlet for Queue {
    fn joined(&self, node: Announcement) {
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.joined(node);
        }
    }

    fn lost(&self, node: Birth) {
        let left: Vec<_> = {
            let state = &mut *lock(&self.state);
            let lane = state.lanes.entry(node).or_default();
            state.waiting_bytes -= lane.waiting_bytes();
            let left = lane.empty().collect();
            self.show(state);
            left
        };
        let Some(inlet) = self.inlet.upgrade() else {
            return;
        };
        let left: Vec<_> = left
            .into_iter()
            .flat_map(super::frame::Batch::into_parcels)
            .collect();
        if !left.is_empty() {
            inlet.returned(Returned::unreachable(left));
        }
        inlet.lost(node);
    }

    fn mail(&self, parcels: Vec<Vec<u8>>) {
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.mail(parcels);
        }
    }

    fn returned(&self, returned: Returned) {
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.returned(returned);
        }
    }

    fn hold_back(&self, hold: bool) {
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.hold_back(hold);
        }
    }

    fn link_metrics(&self) -> Arc<LinkMetrics> {
        Arc::clone(&self.counts)
    }

    fn connection_lost(&self) {
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.connection_lost();
        }
    }

    fn leased(&self, until: Option<Moment>) {
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.leased(until);
        }
    }

    fn out(&self, why: JoinError) {
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.out(why);
        }
    }

    fn node_metrics(&self) -> Arc<NodeMetrics> {
        self.inlet
            .upgrade()
            .map(|inlet| inlet.node_metrics())
            .unwrap_or_default()
    }

    fn heard(&self, topic: Arc<str>, bytes: Bytes) {
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.heard(topic, bytes);
        }
    }
}
