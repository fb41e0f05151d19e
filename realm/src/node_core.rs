//! What the threads of a node share: its directory, its topics, its end of the link, and what becomes of mail that was
//! refused. It runs no code of modules or locales.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::address::{Address, Birth};
use crate::chance::Secrets;
use crate::clock::{Clock, Moment};
use crate::directory::Directory;
use crate::error::CallError;
use crate::lease::Lease;
use crate::link::{Announcement, Doing, Inlet, JoinError, Link, Returned, ServiceEntry, Taken};
use crate::lock::lock;
use crate::mail::{Death, DeathReason, Letter, Mail, Undelivered, Why};
use crate::mailbox::Gate;
use crate::message::Payload;
use crate::metrics::{LinkMetrics, Metrics, NodeMetrics};
use crate::names::Names;
use crate::outside::Outside;
use crate::pages::Pages;
use crate::role::WireMode;
use crate::trace::Trace;

/// The part of a node that its threads share.
pub struct NodeCore {
    birth: Birth,
    clock: Clock,
    seed: u64,
    stepped: bool,
    wire: WireMode,
    directory: Directory,
    metrics: Metrics,
    names: Names,
    pages: Pages,
    outside: Outside,
    trace: Option<Trace>,
    link: OnceLock<Arc<dyn Link>>,
    /// Shut while the link asks to hold mail back.
    gate: Gate,
    counter: AtomicU64,
    topics: Mutex<BTreeMap<Arc<str>, Vec<Address>>>,
    announced: Mutex<Announcement>,
    /// The services that live, announced or not.
    services: Mutex<BTreeSet<Address>>,
    listeners: Mutex<BTreeMap<&'static str, SocketAddr>>,
    lease: Lease,
    /// The singular services that wait for another node to end.
    standing_by: Mutex<BTreeSet<String>>,
    breaks: mpsc::UnboundedSender<Broken>,
}

/// Why a node cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The service of this name is beyond restarting.
    Service(String),
    /// It takes part no more.
    Out(JoinError),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(name) => write!(f, "the service '{name}' cannot go on"),
            Self::Out(why) => why.fmt(f),
        }
    }
}

impl NodeCore {
    /// A node that has announced nothing but itself, of this role, and the end of the line by which it says that it cannot go
    /// on.
    pub(crate) fn new(
        announced: Announcement,
        wire: WireMode,
        clock: Clock,
        seed: u64,
        outside: Outside,
        trace: Option<Trace>,
        stepped: bool,
    ) -> (Self, mpsc::UnboundedReceiver<Broken>) {
        let (breaks, broken) = mpsc::unbounded_channel();
        let core = Self {
            birth: announced.birth,
            lease: Lease::new(clock.clone()),
            standing_by: Mutex::default(),
            breaks,
            clock,
            seed,
            stepped,
            wire,
            directory: Directory::new(),
            metrics: Metrics::new(announced.role.clone()),
            names: Names::default(),
            pages: Pages::default(),
            outside,
            trace,
            link: OnceLock::new(),
            gate: Gate::default(),
            counter: AtomicU64::new(1),
            topics: Mutex::default(),
            announced: Mutex::new(announced),
            services: Mutex::default(),
            listeners: Mutex::default(),
        };
        (core, broken)
    }

    pub(crate) fn link_to(&self, link: Arc<dyn Link>) {
        if self.link.set(link).is_err() {
            tracing::error!("a node was linked twice");
        }
    }

    /// Where a listener of this node really is.
    pub(crate) fn listener(&self, what: &str) -> Option<SocketAddr> {
        lock(&self.listeners).get(what).copied()
    }

    /// Enters the realm.
    pub(crate) async fn join(&self) -> Result<(), JoinError> {
        let node = lock(&self.announced).clone();
        self.link().join(node).await
    }

    /// How long the node may act.
    #[inline]
    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The node cannot go on.
    pub(crate) fn breaks(&self, why: Broken) {
        // A node that is gone needs no telling.
        let _ = self.breaks.send(why);
    }

    /// False while the node may not act because its lease ran out: services with a rate and singular ones stand still.
    pub fn acts(&self) -> bool {
        self.lease.holds()
    }

    /// The singular services of this node that wait for another node to end.
    pub fn standing_by(&self) -> Vec<String> {
        lock(&self.standing_by).iter().cloned().collect()
    }

    pub(crate) fn stands_by(&self, service: &str, yes: bool) {
        let len = {
            let mut standing_by = lock(&self.standing_by);
            match yes {
                true => standing_by.insert(service.to_owned()),
                false => standing_by.remove(service),
            };
            standing_by.len()
        };
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        self.metrics.nodes().standing_by.set(len);
    }

    /// This start's number.
    pub fn birth(&self) -> Birth {
        self.birth
    }

    /// The node's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The node's directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The node's metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The pages that the admin listener serves beside the engine's own.
    pub fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Has every service note what its thread has used; the metrics tell it a moment later. Services with a rate do so in
    /// each frame anyway.
    pub fn measure_threads(&self) {
        self.tell_services(|| Letter::Measure);
    }

    /// The name of the role it runs.
    pub fn role(&self) -> String {
        lock(&self.announced).role.clone()
    }

    /// Where slow work goes.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Notes where a listener of this node really is, for the ready line.
    pub fn listens(&self, what: &'static str, at: SocketAddr) {
        lock(&self.listeners).insert(what, at);
    }

    /// An address that was never used. It need not be a locale's: ids that must never repeat may be taken from here.
    ///
    /// # Panics
    /// After 2^33 addresses: the service that asks restarts until its node leaves, and a new start has a new birth.
    pub fn next_address(&self) -> Address {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        Address::new(self.birth, counter).expect("a node's addresses are spent; it must start anew")
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn secrets(&self, whose: Address) -> Secrets {
        if self.stepped {
            Secrets::seeded(self.seed ^ whose.get())
        } else {
            Secrets::machine()
        }
    }

    #[inline]
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn wire(&self) -> WireMode {
        self.wire
    }

    /// Locales take no mail while it is shut.
    #[inline]
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn link(&self) -> &dyn Link {
        self.link.get().map_or(&NoLink, |link| &**link)
    }

    #[inline]
    pub(crate) fn trace(&self, from: Address, to: Address, class: &'static str, payload: &Payload) {
        if let Some(trace) = &self.trace {
            trace.note(self.clock.now(), from, to, class, payload);
        }
    }

    /// The service of this node that answers for `group`, if one does.
    pub(crate) fn local_member(&self, group: &str) -> Option<Address> {
        lock(&self.announced)
            .services
            .iter()
            // Of singular services the directory knows the latest.
            .filter(|service| service.epoch == 0)
            .find(|service| service.groups.iter().any(|name| name == group))
            .map(|service| service.address)
    }

    /// A service has a mailbox from now on.
    pub(crate) fn service_lives(&self, address: Address) {
        lock(&self.services).insert(address);
    }

    /// A service serves: the realm is told.
    pub(crate) fn service_up(&self, entry: ServiceEntry) {
        self.announce(|services| {
            services.retain(|service| service.name != entry.name);
            services.push(entry);
        });
    }

    /// A service serves no more: the realm is told.
    pub(crate) fn service_down(&self, address: Address) {
        self.announce(|services| services.retain(|service| service.address != address));
    }

    /// A service has no mailbox any more.
    pub(crate) fn service_gone(&self, address: Address) {
        lock(&self.services).remove(&address);
    }

    fn announce(&self, change: impl FnOnce(&mut Vec<ServiceEntry>)) {
        let node = {
            let mut announced = lock(&self.announced);
            let before = announced.services.clone();
            change(&mut announced.services);
            if announced.services == before {
                return;
            }
            announced.revision += 1;
            announced.clone()
        };
        self.joined(node.clone());
        self.link().announce(node);
    }

    pub(crate) fn subscribe(&self, topic: &Arc<str>, address: Address) {
        let mut topics = lock(&self.topics);
        let takers = topics.entry(topic.clone()).or_default();
        takers.push(address);
        if takers.len() == 1 {
            self.link().subscribe(topic);
        }
    }

    pub(crate) fn unsubscribe(&self, topic: &Arc<str>, address: Address) {
        let mut topics = lock(&self.topics);
        let Some(takers) = topics.get_mut(topic) else {
            return;
        };
        takers.retain(|taker| *taker != address);
        if takers.is_empty() {
            topics.remove(topic);
            self.link().unsubscribe(topic);
        }
    }

    pub(crate) fn publish(&self, from: Address, topic: &Arc<str>, bytes: Bytes) {
        self.link().publish(topic, bytes.clone());
        self.hear(from, topic, bytes);
    }

    fn hear(&self, from: Address, topic: &Arc<str>, bytes: Bytes) {
        let takers = lock(&self.topics).get(topic).cloned().unwrap_or_default();
        for taker in takers {
            let letter = Letter::Heard {
                topic: topic.clone(),
                bytes: bytes.clone(),
            };
            self.post_now(taker, Mail { from, letter });
        }
    }

    /// What happens to mail that was refused: it goes back to its sender, as far as there is one.
    pub(crate) fn bounce(&self, to: Address, mail: Mail, why: Why) {
        if let Some((to, mail)) = self.returned(to, mail, why) {
            self.post_now(to, mail);
        }
    }

    /// What goes back of mail that was refused, and to whom.
    pub(crate) fn returned(&self, to: Address, mail: Mail, why: Why) -> Option<(Address, Mail)> {
        let Mail { from, letter } = mail;
        let letter = match letter {
            Letter::Message { class, payload } => {
                self.metrics.refused_mail("any", why.label());
                Letter::Undelivered(Undelivered::new(to, class, why, payload))
            }
            Letter::Request { call, .. } => {
                let error = match why {
                    Why::Full => CallError::Busy,
                    Why::Malformed => CallError::Malformed,
                    Why::TooLong => CallError::TooLong,
                    _ => CallError::Gone,
                };
                Letter::Reply {
                    call,
                    answer: Err(error),
                }
            }
            Letter::Watch => {
                let reason = if why == Why::Unreachable {
                    DeathReason::NodeLost
                } else {
                    DeathReason::Gone
                };
                Letter::Death(Death {
                    address: to,
                    reason,
                })
            }
            Letter::Undelivered(back) => {
                self.dead_letter(back);
                return None;
            }
            Letter::Heard { .. } => {
                self.metrics.refused_mail("topic", why.label());
                return None;
            }
            // The caller is there and would wait for its deadline.
            Letter::Reply {
                call,
                answer: Ok(_),
            } if why == Why::TooLong => {
                let answer = Err(CallError::TooLong);
                return Some((
                    to,
                    Mail {
                        from,
                        letter: Letter::Reply { call, answer },
                    },
                ));
            }
            // An answer or a notice for somebody who is gone has done its work.
            Letter::Reply { .. }
            | Letter::Unwatch
            | Letter::Death(_)
            | Letter::NodeLost(_)
            | Letter::Members
            | Letter::Measure => return None,
        };
        Some((from, Mail { from: to, letter }))
    }

    /// Counts a message that nobody took back.
    pub(crate) fn dead_letter(&self, back: Undelivered) {
        if !back.is_taken() {
            let (class, why) = (self.names.of(back.class), back.why.label());
            tracing::debug!(class, id = %back.class, why, to = %back.to, "a message reached nobody");
            self.metrics.dead_letter(class, why);
        }
    }

    /// Puts mail into its mailbox from whatever thread this is, or onto the link.
    pub(crate) fn post_now(&self, to: Address, mail: Mail) {
        if to.birth() == Some(self.birth) {
            let mut mail = Some(mail);
            let refused = self.directory.with(to, |post| {
                mail.take().and_then(|mail| post.post(mail).err())
            });
            match (refused.flatten(), mail) {
                (Some((mail, why)), _) => self.bounce(to, mail, why),
                (None, Some(mail)) => self.bounce(to, mail, Why::Gone),
                (None, None) => {}
            }
            return;
        }
        let Some(birth) = to.birth() else {
            return self.bounce(to, mail, Why::Gone);
        };
        match mail.encode(to) {
            Ok(parcel) => self.send_far(birth, vec![parcel]),
            Err((mail, why)) => self.bounce(to, mail, why),
        }
    }

    /// Gives parcels to the link; what it refuses goes back.
    pub(crate) fn send_far(&self, birth: Birth, parcels: Vec<Vec<u8>>) {
        if let Err(returned) = self.link().mail(birth, parcels) {
            self.returned_by_link(returned);
        }
    }

    fn returned_by_link(&self, returned: Returned) {
        for (parcel, why) in returned.parcels {
            match Mail::decode(&parcel) {
                Ok((to, mail)) => self.bounce(to, mail, why),
                Err(_) => self.metrics.undecodable("parcel"),
            }
        }
    }

    fn tell_services(&self, letter: impl Fn() -> Letter) {
        let services = lock(&self.services).clone();
        for service in services {
            self.post_now(
                service,
                Mail {
                    from: Address::NOBODY,
                    letter: letter(),
                },
            );
        }
    }
}

impl Inlet for NodeCore {
    fn mail(&self, parcels: Vec<Vec<u8>>) {
        for parcel in parcels {
            match Mail::decode(&parcel) {
                // What it says now it says without a lease.
                Ok((_, mail))
                    if mail
                        .from
                        .birth()
                        .is_some_and(|from| self.directory.is_lost(from)) =>
                {
                    self.metrics.refused_mail("any", "lost sender");
                }
                Ok((to, mail)) if to.birth() == Some(self.birth) => self.post_now(to, mail),
                Ok((to, mail)) => self.bounce(to, mail, Why::Gone),
                Err(error) => {
                    tracing::warn!(%error, "a parcel from another node could not be read");
                    self.metrics.undecodable("parcel");
                }
            }
        }
    }

    fn heard(&self, topic: Arc<str>, bytes: Bytes) {
        self.hear(Address::NOBODY, &topic, bytes);
    }

    fn returned(&self, returned: Returned) {
        self.returned_by_link(returned);
    }

    fn hold_back(&self, hold: bool) {
        if hold {
            self.gate.shut();
        } else {
            self.gate.open();
        }
    }

    fn link_metrics(&self) -> Arc<LinkMetrics> {
        self.metrics.link()
    }

    fn connection_lost(&self) {
        self.metrics.link_lost();
    }

    fn joined(&self, node: Announcement) {
        let (birth, classes) = (node.birth, node.classes);
        let other = classes != lock(&self.announced).classes;
        if self.directory.learn(node) && other {
            tracing::warn!(node = %birth, "its program knows other messages and calls than this one");
            self.metrics.nodes().other_classes.inc();
        }
        self.tell_services(|| Letter::Members);
    }

    fn lost(&self, node: Birth) {
        self.directory.lose(node);
        self.tell_services(|| Letter::NodeLost(node));
    }

    fn leased(&self, until: Option<Moment>) {
        self.lease.give(until);
    }

    fn out(&self, why: JoinError) {
        self.lease.end();
        self.breaks(Broken::Out(why));
    }

    fn node_metrics(&self) -> Arc<NodeMetrics> {
        self.metrics.nodes()
    }
}

/// Before a node is linked it is alone.
struct NoLink;

impl Link for NoLink {
    fn join(&self, _: Announcement) -> Doing<Result<(), JoinError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn hold(&self, _: &str, _: bool) -> Doing<Result<u64, Taken>> {
        Box::pin(std::future::ready(Ok(1)))
    }

    fn announce(&self, _: Announcement) {}

    fn mail(&self, _: Birth, parcels: Vec<Vec<u8>>) -> Result<(), Returned> {
        Err(Returned::unreachable(parcels))
    }

    fn publish(&self, _: &Arc<str>, _: Bytes) {}

    fn subscribe(&self, _: &Arc<str>) {}

    fn unsubscribe(&self, _: &Arc<str>) {}

    fn leave(&self) -> Doing<()> {
        Box::pin(std::future::ready(()))
    }

    fn kill(&self) {}
}
