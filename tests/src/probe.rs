//! What the engine's tests have in common: nodes built in code, a door into a running service, and a locale that tells
//! the test all that happens to it. Nothing of a game is in here.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use realm::role::{Cluster, LEASE_MS_DEFAULT, ModuleSpec, Rate, Role, ServiceSpec, WireMode};
use realm::{
    Address, Birth, CallError, CallTable, Clock, Cx, Death, Hub, Locale, Messages, Module,
    ModuleError, Modules, Nats, Network, Node, NodeConfig, Outside, Run, ServiceCx, Undelivered,
    Why, calls, message,
};
use tests::broker::Broker;
use tokio::sync::{mpsc, oneshot};

/// Fails instead of hanging.
#[allow(
    clippy::disallowed_methods,
    reason = "a hang can only be told by the machine's clock"
)]
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("what the test waits for should come in time")
}

/// Runs a test on a system of its own.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    actix_rt::System::new().block_on(within(test))
}

pub(crate) fn birth(number: u32) -> Birth {
    Birth::new(number).expect("the number should be a birth number")
}

/// A service with a door and more modules.
pub(crate) fn service(name: &str, rate: Rate, door: &Door, more: &[&str]) -> ServiceSpec {
    let more = more
        .iter()
        .map(|module| ModuleSpec::new(*module, toml::Table::new()));
    ServiceSpec::new(
        name,
        rate,
        std::iter::once(door.spec()).chain(more).collect(),
    )
}

pub(crate) fn role(services: Vec<ServiceSpec>) -> Role {
    Role {
        name: "test".to_owned(),
        path: "(code)".into(),
        admin: None,
        wire: WireMode::Local,
        cluster: None,
        services,
    }
}

/// A node on the machine's clock.
pub(crate) fn config(number: u32, hub: &Hub, role: Role, modules: Modules) -> NodeConfig {
    NodeConfig {
        birth: birth(number),
        role,
        modules: modules.with::<DoorModule>(),
        clock: Clock::machine(),
        seed: 7,
        outside: Outside::new(tokio::runtime::Handle::current()),
        network: Arc::new(hub.clone()),
        stepped: None,
        trace: None,
    }
}

/// What joins the nodes of a test.
#[derive(Clone)]
pub(crate) enum Net {
    Hub(Hub),
    Nats(Arc<Broker>),
}

impl Net {
    /// Over a broker of the test's own.
    pub(crate) fn nats() -> Self {
        Self::Nats(Arc::new(Broker::start()))
    }

    /// What one more node is joined by.
    pub(crate) async fn network(&self) -> Arc<dyn Network> {
        match self {
            Self::Hub(hub) => Arc::new(hub.clone()),
            Self::Nats(broker) => {
                let nats = Nats::connect(&cluster(broker), Clock::machine()).await;
                Arc::new(nats.expect("the broker should take a connection"))
            }
        }
    }
}

impl From<&Hub> for Net {
    fn from(hub: &Hub) -> Self {
        Self::Hub(hub.clone())
    }
}

impl From<&Net> for Net {
    fn from(net: &Net) -> Self {
        net.clone()
    }
}

/// A realm on a broker that waits for nothing.
pub(crate) fn cluster(broker: &Broker) -> Cluster {
    Cluster {
        name: "test".to_owned(),
        nats: vec![broker.url()],
        user: None,
        password: None,
        ca: None,
        lease_ms: LEASE_MS_DEFAULT,
        start_within_ms: 0,
    }
}

pub(crate) async fn start(
    number: u32,
    net: impl Into<Net>,
    services: Vec<ServiceSpec>,
    modules: Modules,
) -> Node {
    let hub = Hub::new(Clock::machine());
    let config = NodeConfig {
        network: net.into().network().await,
        ..config(number, &hub, role(services), modules)
    };
    Node::start(config).await.expect("the node should start")
}

/// Waits until all these nodes know so many members of the group.
pub(crate) async fn know(nodes: &[&Node], group: &str, members: usize) {
    for node in nodes {
        within(async {
            while node.core().directory().members(group).len() != members {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// Where a test leaves what a module of a service thread should find: a role carries numbers only.
static SHELF: Mutex<Vec<Arc<dyn Any + Send + Sync>>> = Mutex::new(Vec::new());

pub(crate) fn shelve<T: Any + Send + Sync>(value: Arc<T>) -> i64 {
    let mut shelf = SHELF.lock().expect("nobody should panic at the shelf");
    shelf.push(value);
    shelf.len() as i64 - 1
}

pub(crate) fn unshelve<T: Any + Send + Sync>(number: i64) -> Arc<T> {
    let shelf = SHELF.lock().expect("nobody should panic at the shelf");
    let found = usize::try_from(number)
        .ok()
        .and_then(|number| shelf.get(number))
        .cloned();
    found
        .and_then(|value| value.downcast().ok())
        .expect("the shelf should hold what the role names")
}

type Job = Box<dyn FnOnce(&ServiceCx) + Send>;
type Jobs = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Job>>>;

/// Lets a test act inside a service, also after it has started anew.
pub(crate) struct Door {
    jobs: mpsc::UnboundedSender<Job>,
    number: i64,
}

impl Door {
    pub(crate) fn new() -> Self {
        let (jobs, inside) = mpsc::unbounded_channel();
        let inside: Jobs = Arc::new(tokio::sync::Mutex::new(inside));
        Self {
            jobs,
            number: shelve(Arc::new(inside)),
        }
    }

    pub(crate) fn spec(&self) -> ModuleSpec {
        let mut spec = ModuleSpec::new(DoorModule::NAME, toml::Table::new());
        spec.set("jobs", self.number);
        spec
    }

    /// How many hold the inner side: modules and tasks of the living incarnation.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&unshelve::<Jobs>(self.number))
    }

    /// Does `job` on the service's thread, and does not wait for it. A panic in it is a panic of the module.
    pub(crate) fn push(&self, job: impl FnOnce(&ServiceCx) + Send + 'static) {
        let sent = self.jobs.send(Box::new(job));
        assert!(sent.is_ok(), "the door should be open");
    }

    /// Does `job` on the service's thread.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        job: impl FnOnce(&ServiceCx) -> R + Send + 'static,
    ) -> R {
        let (done, wait) = oneshot::channel();
        self.push(move |cx| drop(done.send(job(cx))));
        within(wait).await.expect("the job should end")
    }

    /// Awaits a future on the service's thread.
    pub(crate) async fn call<R: Send + 'static, F: Future<Output = R> + 'static>(
        &self,
        job: impl FnOnce(ServiceCx) -> F + Send + 'static,
    ) -> R {
        within(self.begin(job)).await.expect("the job should end")
    }

    /// Begins a future on the service's thread; its output comes when it ends.
    pub(crate) fn begin<R: Send + 'static, F: Future<Output = R> + 'static>(
        &self,
        job: impl FnOnce(ServiceCx) -> F + Send + 'static,
    ) -> oneshot::Receiver<R> {
        let (done, wait) = oneshot::channel();
        self.push(move |cx| {
            let future = job(cx.clone());
            cx.run(async move { drop(done.send(future.await)) });
        });
        wait
    }

    pub(crate) async fn spawn<L: Locale<Seed: Send>>(&self, seed: L::Seed) -> Address {
        self.ask(move |cx| cx.spawn::<L>(seed)).await
    }

    pub(crate) async fn address(&self) -> Address {
        self.ask(ServiceCx::address).await
    }
}

/// By this the nodes of a test know each other's services, and each that its own mail has gone out.
#[calls(group = "door", proxy = KnockProxy)]
pub(crate) trait Knock {
    async fn knock(&self) -> Result<(), CallError>;
}

impl Knock for DoorModule {
    async fn knock(&self) -> Result<(), CallError> {
        Ok(())
    }
}

/// The inner side of a [`Door`].
pub(crate) struct DoorModule(Jobs);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DoorConfig {
    jobs: i64,
}

impl Module for DoorModule {
    const NAME: &'static str = "door";
    type Config = DoorConfig;

    fn new(config: DoorConfig, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self(Jobs::clone(&unshelve::<Jobs>(config.jobs))))
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        KnockProxy::serve(calls, self);
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        let (jobs, inside) = (self.0.clone(), cx.clone());
        cx.run(async move {
            while let Some(job) = { jobs.lock().await.recv().await } {
                job(&inside);
            }
        });
        Ok(())
    }
}

/// What a [`Witness`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// It was told a number.
    Said(Address, u64),
    /// A number that it said came back from there.
    Back(Address, Address, Why, Option<u64>),
    /// Somebody whom it watches died.
    Died(Address, Death),
}

/// Tells the test what happens to it.
pub(crate) struct Witness(mpsc::UnboundedSender<Note>);

/// Says a number.
#[message]
#[derive(Debug, PartialEq)]
pub(crate) struct Say(pub(crate) u64);

/// Has a witness say the numbers from the first to before the last.
#[message]
pub(crate) struct Tell {
    pub(crate) to: Address,
    pub(crate) first: u64,
    pub(crate) end: u64,
}

/// Has a witness end another, and say a number to it before it can have ended.
#[message]
pub(crate) struct Last {
    pub(crate) to: Address,
    pub(crate) number: u64,
}

/// Has a witness watch somebody.
#[message]
pub(crate) struct Watch(pub(crate) Address);

/// Ends a witness.
#[message]
pub(crate) struct End;

impl Locale for Witness {
    const NAME: &'static str = "witness";
    type Seed = mpsc::UnboundedSender<Note>;

    fn new(seed: Self::Seed, _: &mut Cx<Self>) -> Self {
        Self(seed)
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Say>()
            .takes::<Tell>()
            .takes::<Last>()
            .takes::<Watch>()
            .takes::<End>();
    }

    fn undelivered(&mut self, mail: &mut Undelivered, cx: &mut Cx<Self>) {
        let said = mail.take::<Say>().map(|said| said.0);
        let _ = self
            .0
            .send(Note::Back(cx.address(), mail.to, mail.why, said));
    }

    fn died(&mut self, death: Death, cx: &mut Cx<Self>) {
        let _ = self.0.send(Note::Died(cx.address(), death));
    }
}

impl Run<Witness> for Say {
    fn run(self, me: &mut Witness, cx: &mut Cx<Witness>) {
        let _ = me.0.send(Note::Said(cx.address(), self.0));
    }
}

impl Run<Witness> for Tell {
    fn run(self, _: &mut Witness, cx: &mut Cx<Witness>) {
        (self.first..self.end).for_each(|number| cx.send(self.to, Say(number)));
    }
}

impl Run<Witness> for Last {
    fn run(self, _: &mut Witness, cx: &mut Cx<Witness>) {
        cx.send(self.to, End);
        cx.send(self.to, Say(self.number));
    }
}

impl Run<Witness> for Watch {
    fn run(self, _: &mut Witness, cx: &mut Cx<Witness>) {
        cx.watch(self.0);
    }
}

impl Run<Witness> for End {
    fn run(self, _: &mut Witness, cx: &mut Cx<Witness>) {
        cx.stop();
    }
}

/// The test's end of its witnesses.
pub(crate) struct Notes {
    pub(crate) sender: mpsc::UnboundedSender<Note>,
    receiver: mpsc::UnboundedReceiver<Note>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver }
    }

    pub(crate) async fn next(&mut self) -> Note {
        within(self.receiver.recv())
            .await
            .expect("the test holds a sender itself")
    }

    pub(crate) async fn many(&mut self, count: usize) -> Vec<Note> {
        let mut notes = Vec::with_capacity(count);
        while notes.len() < count {
            notes.push(self.next().await);
        }
        notes
    }

    /// What has come and was not asked for.
    pub(crate) fn rest(&mut self) -> Vec<Note> {
        std::iter::from_fn(|| self.receiver.try_recv().ok()).collect()
    }
}

/// Counts by key, for what should happen exactly so often.
pub(crate) fn tally<T: std::hash::Hash + Eq>(of: impl IntoIterator<Item = T>) -> HashMap<T, usize> {
    of.into_iter().fold(HashMap::new(), |mut counts, one| {
        *counts.entry(one).or_default() += 1;
        counts
    })
}
