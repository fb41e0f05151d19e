//! Nodes of one process, each with a connection of its own to one broker, some of them through a proxy that can be cut. Each
//! tells when its world last moved.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use realm::role::{Cluster, ModuleSpec, Rate, ServiceSpec, Singular};
use realm::{
    Address, Birth, CallError, CallTable, Clock, Hub, Module, ModuleError, Modules, Moment, Nats,
    Node, ServiceCx, StartError, calls,
};
use tests::broker::Broker;
use tokio::sync::mpsc;

use super::cut::Proxy;
use crate::probe::{self, Door, within};

/// The lease of all nodes here.
pub(crate) const LEASE: Duration = Duration::from_millis(900);
/// What a busy machine may take on top of what a rule says.
pub(crate) const WAY: Duration = Duration::from_millis(600);

/// What happens on the stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// One node learnt that another is lost.
    Lost(Birth, Birth, Moment),
    /// A service's modules started, with this epoch.
    Started(Birth, u64),
}

#[calls(group = "ear", proxy = EarProxy)]
trait Ears {
    async fn who(&self) -> Result<Address, CallError>;
}

/// Hears of losses.
struct Ear {
    to: mpsc::UnboundedSender<Event>,
    address: Address,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelved {
    to: i64,
}

impl Module for Ear {
    const NAME: &'static str = "ear";
    type Config = Shelved;

    fn new(config: Shelved, cx: &ServiceCx) -> Result<Self, ModuleError> {
        let to = (*probe::unshelve::<mpsc::UnboundedSender<Event>>(config.to)).clone();
        let address = cx.address();
        Ok(Self { to, address })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        EarProxy::serve(calls, self);
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        let _ = self.to.send(Event::Started(cx.node().birth(), cx.epoch()));
        Ok(())
    }

    fn node_lost(&self, node: Birth, cx: &ServiceCx) {
        let _ = self.to.send(Event::Lost(cx.node().birth(), node, cx.now()));
    }
}

impl Ears for Ear {
    async fn who(&self) -> Result<Address, CallError> {
        Ok(self.address)
    }
}

/// When a world moved.
#[derive(Default)]
pub(crate) struct Pulse {
    last: AtomicU64,
    /// The longest time between two beats, in microseconds.
    pause: AtomicU64,
    beats: AtomicU64,
}

impl Pulse {
    /// The last beat, in microseconds of the clock.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::SeqCst)
    }

    pub(crate) fn beats(&self) -> u64 {
        self.beats.load(Ordering::SeqCst)
    }

    /// The longest time between two beats since the last asking.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_micros(self.pause.swap(0, Ordering::SeqCst))
    }
}

/// A world that moves in frames.
struct Heart(Arc<Pulse>);

impl Module for Heart {
    const NAME: &'static str = "heart";
    type Config = Shelved;

    fn new(config: Shelved, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self(probe::unshelve::<Pulse>(config.to)))
    }

    fn tick(&self, cx: &ServiceCx) {
        let now = cx.now().micros();
        let last = self.0.last.swap(now, Ordering::SeqCst);
        if last != 0 {
            self.0.pause.fetch_max(now - last, Ordering::SeqCst);
        }
        self.0.beats.fetch_add(1, Ordering::SeqCst);
    }
}

/// A node on the stage.
pub(crate) struct Actor {
    pub(crate) node: Node,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) door: Door,
}

/// The stage.
pub(crate) struct Stage {
    pub(crate) broker: Broker,
    pub(crate) clock: Clock,
    pub(crate) nodes: Vec<Actor>,
    events: mpsc::UnboundedReceiver<Event>,
    to: mpsc::UnboundedSender<Event>,
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is: impl Fn() -> bool) {
    let clock = Clock::machine();
    let end = clock.now() + Duration::from_secs(20);
    while !is() {
        assert!(clock.now() < end, "{what}");
        clock.sleep(Duration::from_millis(5)).await;
    }
}

fn modules() -> Modules {
    Modules::new().with::<Ear>().with::<Heart>()
}

fn with_number(module: &str, number: i64) -> ModuleSpec {
    let mut spec = ModuleSpec::new(module, toml::Table::new());
    spec.set("to", number);
    spec
}

impl Stage {
    pub(crate) fn new() -> Self {
        let (to, events) = mpsc::unbounded_channel();
        Self {
            broker: Broker::start(),
            clock: Clock::machine(),
            nodes: Vec::new(),
            events,
            to,
        }
    }

    pub(crate) async fn with_nodes(count: u32) -> Self {
        let mut stage = Self::new();
        for number in 1..=count {
            stage.start(number).await;
        }
        stage.all_thaw().await;
        let _ = stage.events();
        stage
    }

    pub(crate) fn cluster(url: String) -> Cluster {
        Cluster {
            name: "stage".to_owned(),
            nats: vec![url],
            user: None,
            password: None,
            lease_ms: u32::try_from(LEASE.as_millis()).expect("the lease is short"),
            start_within_ms: 10_000,
            ca: None,
        }
    }

    /// Starts a node with a world, and an ear of its own.
    pub(crate) async fn start(&mut self, number: u32) {
        let url = self.broker.url();
        let started = self.try_start(number, url, None).await;
        started.expect("the node should start");
    }

    /// The same, with an ear that is singular.
    pub(crate) async fn start_singular(
        &mut self,
        number: u32,
        singular: Singular,
    ) -> Result<(), StartError> {
        let url = self.broker.url();
        self.try_start(number, url, Some(singular)).await
    }

    /// The same, behind a proxy.
    pub(crate) async fn start_behind_proxy(&mut self, number: u32) -> Proxy {
        let proxy = Proxy::start(self.broker.port()).await;
        let started = self.try_start(number, proxy.url(), None).await;
        started.expect("the node should start");
        proxy
    }

    /// The same, with an ear that is singular.
    pub(crate) async fn start_singular_behind_proxy(
        &mut self,
        number: u32,
        singular: Singular,
    ) -> Proxy {
        let proxy = Proxy::start(self.broker.port()).await;
        let started = self.try_start(number, proxy.url(), Some(singular)).await;
        started.expect("the node should start");
        proxy
    }

    async fn try_start(
        &mut self,
        number: u32,
        url: String,
        singular: Option<Singular>,
    ) -> Result<(), StartError> {
        let nats = Nats::connect(&Self::cluster(url), self.clock.clone()).await;
        let nats = nats.expect("the broker should be there");
        self.start_on(number, nats, singular).await
    }

    /// The same, on a connection that is there.
    pub(crate) async fn start_on(
        &mut self,
        number: u32,
        nats: Nats,
        singular: Option<Singular>,
    ) -> Result<(), StartError> {
        let pulse = Arc::<Pulse>::default();
        let door = Door::new();
        let mut world = ServiceSpec::new("world", Rate::Hz(50), Vec::new());
        world
            .modules
            .push(with_number("heart", probe::shelve(pulse.clone())));
        let mut ears = ServiceSpec::new("ears", Rate::Mail, Vec::new());
        ears.modules
            .push(with_number("ear", probe::shelve(Arc::new(self.to.clone()))));
        ears.singular = singular;
        let doors = probe::service("doors", Rate::Mail, &door, &[]);
        let role = probe::role(vec![doors, world, ears]);
        let hub = Hub::new(self.clock.clone());
        let mut config = probe::config(number, &hub, role, modules());
        config.network = Arc::new(nats);
        let node = within(Node::start(config)).await?;
        self.nodes.push(Actor { node, pulse, door });
        Ok(())
    }

    /// The next loss, whatever else happens.
    pub(crate) async fn next_loss(&mut self) -> (Birth, Birth, Moment) {
        loop {
            if let Event::Lost(at, lost, moment) = self.next().await {
                return (at, lost, moment);
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Event {
        within(self.events.recv())
            .await
            .expect("the stage holds a sender itself")
    }

    /// What has happened and was not asked for.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    /// Lets time pass: for what should not happen in it.
    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    pub(crate) async fn all_freeze(&self) {
        for one in &self.nodes {
            until("each node should freeze", || !one.node.core().acts()).await;
        }
    }

    /// No world moves as long as another lease would last.
    pub(crate) async fn stay_frozen(&self) {
        let before: Vec<_> = self.nodes.iter().map(|one| one.pulse.beats()).collect();
        self.pass(LEASE).await;
        let after: Vec<_> = self.nodes.iter().map(|one| one.pulse.beats()).collect();
        assert_eq!(after, before, "a frozen world should not move");
    }

    /// All worlds move again, within 5 s.
    pub(crate) async fn all_thaw(&self) {
        let began = self.clock.now();
        for one in &self.nodes {
            let before = one.pulse.beats();
            until("each world should move again", || {
                one.pulse.beats() > before
            })
            .await;
        }
        let took = self.clock.now().since(began);
        assert!(
            took < Duration::from_secs(5),
            "play should go on within 5 s, not after {took:?}"
        );
    }

    /// Nobody was lost, nor is within another lease; all know all.
    pub(crate) async fn nobody_was_lost(&mut self) {
        self.pass(LEASE + WAY).await;
        let losses: Vec<_> = self.events();
        let losses = losses
            .iter()
            .filter(|event| matches!(event, Event::Lost(..)));
        assert_eq!(losses.count(), 0, "nobody should be lost");
        for one in &self.nodes {
            assert!(one.node.core().acts(), "each node should act");
            assert_eq!(
                one.node.core().directory().members("ear").len(),
                self.nodes.len(),
                "each node should know all"
            );
        }
    }

    pub(crate) async fn stop(self) {
        for one in self.nodes {
            one.node.stop().await;
        }
    }
}
