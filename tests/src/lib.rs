//! The harness of the whole-realm tests: a world in one of four modes, on threads or in processes of its own, with data of its
//! own.
//! A test's body is the same in each mode.

pub mod broker;
pub mod fleet;
pub mod fuzz;
pub mod program;
pub mod soak;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc as blocking;
use std::thread::JoinHandle;
use std::time::Duration;

use actors::database::place::{DatabaseConfig, Environment, Place};
use actors::database::store::Store;
use actors::launch::{self, DATABASE_FILE, Launch};
use client::WebSocket;
use client::player::Player;
use realm::role::{Role, WireMode};
use realm::{Clock, Faults, Hub, Node, Outside};
use servers::Postgres;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use fleet::Fleet;

/// How the realm of a test is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The local role.
    Local,
    /// The local role, every message serialized.
    Wire,
    /// Four nodes in one process (gateway; account, balancer, database; mechanics; mechanics) over a link that delays and
    /// loses by a seed.
    Nodes,
    /// Each role in a process of its own, database, mechanics and gateway in two, on NATS and PostgreSQL.
    Split,
}

/// The index of the first mechanics node in [`Mode::Nodes`].
pub const FIRST_MECHANICS: usize = 1;
/// Nothing that a test waits for takes this long; what does has failed.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running realm. It is stopped in order by [`World::stop`], and ended when dropped.
pub struct World {
    /// Where its data lie.
    pub data: PathBuf,
    /// Where clients connect, by node.
    gateways: Vec<(usize, String)>,
    /// Connections made so far: they go to the gateways in turn.
    connections: AtomicUsize,
    clock: Clock,
    running: Running,
    place: Place,
    _folder: Option<TempDir>,
}

/// What runs the nodes.
enum Running {
    /// A thread of this process.
    Here(mpsc::UnboundedSender<Order>, Option<JoinHandle<()>>),
    /// Processes.
    Apart(Fleet),
}

enum Order {
    Kill(usize, oneshot::Sender<()>),
    Replace(usize, oneshot::Sender<Option<String>>),
    Metrics(oneshot::Sender<Vec<String>>),
    Pages(&'static str, oneshot::Sender<Vec<String>>),
    Stop,
}

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The roles of a mode, in the order of their start. The gateway is the last.
pub fn roles(mode: Mode) -> Vec<Role> {
    let names = launch::modules().names();
    let load = |path: &str| {
        Role::load(workspace().join(path), &names).unwrap_or_else(|faults| panic!("{faults:?}"))
    };
    let mut roles = match mode {
        Mode::Local | Mode::Wire => vec![load("roles/local.toml")],
        Mode::Nodes => vec![
            load("tests/roles/keepers.toml"),
            load("tests/roles/mechanics.toml"),
            load("tests/roles/mechanics.toml"),
            load("tests/roles/gateway.toml"),
        ],
        Mode::Split => {
            let names = [
                "database",
                "database",
                "account",
                "balancer",
                "chat",
                "mechanics",
                "mechanics",
                "gateway",
                "gateway",
            ];
            let roles = names.map(|name| load(&format!("roles/{name}.toml")));
            roles.into()
        }
    };
    for role in &mut roles {
        role.admin = None;
        if let Some(accounts) = role.module_mut("accounts") {
            accounts.set("hash_memory_kib", 64).set("hash_passes", 1);
        }
    }
    roles
}

/// Splits roles over nodes of their own, with two gateways: the last two. Those of [`Mode::Split`] are so already.
pub fn two_gateways(split: &mut Vec<Role>) {
    let is_gateway = |role: &&Role| role.name == "gateway";
    if split.iter().filter(is_gateway).count() < 2 {
        *split = roles(Mode::Nodes);
        split.extend(split.last().cloned());
    }
}

/// Lets a crowd come from one address, such as all players of a load test from this machine. What one client may send stays
/// as it is.
pub fn admit_crowd(roles: &mut [Role]) {
    for role in roles {
        if let Some(gateway) = role.module_mut("gateway") {
            for limit in [
                "connections_per_address_max",
                "connections_per_address_per_s",
                "connections_per_address_burst",
                "logins_per_address_per_minute",
                "logins_per_address_burst",
                "registrations_per_address_per_minute",
                "registrations_per_address_burst",
            ] {
                gateway.set(limit, 1_000_000);
            }
        }
    }
}

impl World {
    /// Starts a realm with fresh data.
    pub fn start(mode: Mode) -> Self {
        let folder = tempfile::tempdir().expect("a test needs a temporary folder");
        let mut world = Self::start_with(mode, folder.path(), |_| {});
        world._folder = Some(folder);
        world
    }

    /// Starts a realm on data that may be there already, with roles that `change` has been at.
    pub fn start_with(mode: Mode, data: &Path, change: impl FnOnce(&mut Vec<Role>)) -> Self {
        let mut roles = roles(mode);
        change(&mut roles);
        if mode == Mode::Split {
            let url = Postgres::shared().database();
            for role in &mut roles {
                if let Some(database) = role.module_mut("database") {
                    database.set("url", url.as_str());
                }
            }
            let fleet = Fleet::start(data, roles);
            return Self {
                place: place_of(&url),
                data: data.to_owned(),
                gateways: fleet.gateways(),
                connections: AtomicUsize::new(0),
                clock: Clock::machine(),
                running: Running::Apart(fleet),
                _folder: None,
            };
        }
        let (ready, wait) = blocking::channel();
        let (orders, taken) = mpsc::unbounded_channel();
        let launch_data = data.to_owned();
        let clock = Clock::machine();
        let realms_clock = clock.clone();
        let thread = std::thread::spawn(move || {
            let aside = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build();
            let aside = aside.expect("a test needs a runtime for the database");
            let clock = realms_clock;
            let faults = match mode {
                Mode::Nodes => Faults {
                    seed: 7,
                    delay_min: Duration::from_millis(1),
                    delay_max: Duration::from_millis(8),
                    loss: 0.01,
                },
                _ => Faults::none(),
            };
            let hub = Hub::with_faults(clock.clone(), faults);
            aside.spawn(hub.clone().courier());
            let launch = Launch {
                data: launch_data,
                listen: Some("127.0.0.1:0".to_owned()),
                admin: None,
                wire: (mode == Mode::Wire).then_some(WireMode::Always),
                clock,
                modules: launch::modules(),
                seed: 1,
                outside: Outside::new(aside.handle().clone()),
                nats: Default::default(),
                hub,
                stepped: None,
                trace: None,
            };
            actix_rt::System::new().block_on(run(launch, roles, ready, taken));
            aside.shutdown_background();
        });
        let gateways = match wait.recv_timeout(PATIENCE) {
            Ok(Ok(gateways)) => gateways,
            Ok(Err(error)) => panic!("the realm should start: {error}"),
            Err(_) => panic!("the realm should start in time"),
        };
        Self {
            data: data.to_owned(),
            gateways,
            connections: AtomicUsize::new(0),
            clock,
            running: Running::Here(orders, Some(thread)),
            place: Place::File(data.join(DATABASE_FILE)),
            _folder: None,
        }
    }

    /// Where clients connect: the first gateway.
    pub fn url(&self) -> &str {
        &self.gateways[0].1
    }

    /// The nodes that have a gateway, and where clients connect to each.
    pub fn gateways(&self) -> &[(usize, String)] {
        &self.gateways
    }

    /// Connects a client, each to the next gateway.
    pub async fn connect(&self) -> Result<WebSocket, client::Closed> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        WebSocket::connect(&self.gateways[number % self.gateways.len()].1).await
    }

    /// The processes, in [`Mode::Split`].
    ///
    /// # Panics
    /// In the other modes.
    pub fn fleet(&self) -> &Fleet {
        match &self.running {
            Running::Apart(fleet) => fleet,
            Running::Here(..) => panic!("only a split realm is a fleet"),
        }
    }

    /// A player of this name, registered and in the world.
    pub async fn player(&self, name: &str) -> Player<WebSocket> {
        let socket = self
            .connect()
            .await
            .expect("the gateway should accept a connection");
        let mut player = Player::connect(socket)
            .await
            .expect("the realm should say welcome");
        player
            .register(name, PASSWORD)
            .await
            .expect("a new name should be registered");
        player
            .enter()
            .await
            .expect("the avatar should enter the world");
        player
    }

    /// Ends a node as a dead machine ends.
    pub async fn kill(&self, node: usize) {
        match &self.running {
            Running::Here(orders, _) => ask(orders, |done| Order::Kill(node, done)).await,
            Running::Apart(fleet) => fleet.kill(node),
        }
    }

    /// Starts another node of the same role in a place whose node was killed; where clients connect, if it has a gateway.
    pub async fn replace(&self, node: usize) -> Option<String> {
        match &self.running {
            Running::Here(orders, _) => ask(orders, |done| Order::Replace(node, done)).await,
            Running::Apart(fleet) => {
                fleet.start_again(node);
                let mut gateways = fleet.gateways().into_iter();
                gateways
                    .find(|(number, _)| *number == node)
                    .map(|(_, url)| url)
            }
        }
    }

    /// The metrics of all nodes, as Prometheus reads them.
    pub async fn metrics(&self) -> Vec<String> {
        match &self.running {
            Running::Here(orders, _) => ask(orders, Order::Metrics).await,
            Running::Apart(fleet) => fleet.pages("/metrics").await,
        }
    }

    /// What the admin listener of each node that lives would show at `path`.
    pub async fn pages(&self, path: &'static str) -> Vec<String> {
        match &self.running {
            Running::Here(orders, _) => ask(orders, |done| Order::Pages(path, done)).await,
            Running::Apart(fleet) => fleet.pages(path).await,
        }
    }

    /// The clock of all nodes.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Stops all nodes in order, as SIGTERM does.
    pub fn stop(mut self) {
        self.end();
    }

    /// Opens the store beside the running realm, to look into it.
    pub async fn store(&self) -> Store {
        Store::open(&self.place)
            .await
            .expect("the realm's database should open")
    }

    fn end(&mut self) {
        match &mut self.running {
            Running::Here(orders, thread) => {
                let _ = orders.send(Order::Stop);
                if let Some(thread) = thread.take()
                    && thread.join().is_err()
                    && !std::thread::panicking()
                {
                    panic!("the realm's thread should not panic");
                }
            }
            Running::Apart(fleet) => fleet.stop(),
        }
    }
}

/// The database on a server with this url.
pub fn place_of(url: &str) -> Place {
    let environment = Environment {
        url: Some(url.to_owned()),
        password: None,
    };
    Place::new(&DatabaseConfig::default(), &environment).expect("a server's url names a place")
}

async fn ask<T>(
    orders: &mpsc::UnboundedSender<Order>,
    order: impl FnOnce(oneshot::Sender<T>) -> Order,
) -> T {
    let (done, wait) = oneshot::channel();
    assert!(
        orders.send(order(done)).is_ok(),
        "the realm should be running"
    );
    wait.await.expect("the realm should do what it is asked")
}

impl Drop for World {
    fn drop(&mut self) {
        self.end();
    }
}

/// The password of every player in the tests.
pub const PASSWORD: &str = "correct horse";

async fn run(
    launch: Launch,
    roles: Vec<Role>,
    ready: blocking::Sender<Result<Vec<(usize, String)>, String>>,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    let mut nodes: Vec<_> = match launch.start(roles.clone()).await {
        Ok(nodes) => nodes.into_iter().map(Some).collect(),
        Err(error) => return drop(ready.send(Err(error.to_string()))),
    };
    let url_of = |node: &Node| {
        let address = node.listener("client")?;
        Some(format!("ws://{address}/ws"))
    };
    let gateways: Vec<(usize, String)> = nodes
        .iter()
        .enumerate()
        .filter_map(|(number, node)| Some((number, url_of(node.as_ref()?)?)))
        .collect();
    let gateways = match gateways.is_empty() {
        true => Err("no gateway listens".to_owned()),
        false => Ok(gateways),
    };
    if ready.send(gateways).is_err() {
        return;
    }
    while let Some(order) = orders.recv().await {
        match order {
            Order::Kill(node, done) => {
                if let Some(node) = nodes.get_mut(node).and_then(Option::take) {
                    node.kill();
                }
                let _ = done.send(());
            }
            Order::Replace(number, done) => {
                // Whoever waits sees an error as no answer.
                if let Ok(node) = launch.start_one(roles[number].clone()).await {
                    let _ = done.send(url_of(&node));
                    nodes[number] = Some(node);
                }
            }
            Order::Metrics(done) => {
                let _ = done.send(
                    nodes
                        .iter()
                        .flatten()
                        .map(|node| node.core().metrics().encode())
                        .collect(),
                );
            }
            Order::Pages(path, done) => {
                let pages = nodes.iter().flatten();
                let pages = pages.filter_map(|node| node.core().pages().read(path));
                let _ = done.send(pages.map(|(_, page)| page).collect());
            }
            Order::Stop => break,
        }
    }
    launch::stop(nodes.into_iter().flatten().collect()).await;
}

/// Runs a test's body on a runtime of its own, and fails it when it takes too long.
pub fn play<F: Future<Output = ()>>(body: F) {
    play_within(PATIENCE, body);
}

/// The same, of a body that takes longer than a test does, and has a result.
pub fn play_within<F: Future>(within: Duration, body: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a test needs a runtime");
    #[allow(
        clippy::disallowed_methods,
        reason = "a test that hangs has to be ended in real time"
    )]
    let ended = runtime.block_on(async { tokio::time::timeout(within, body).await });
    ended.expect("the test should not wait for ever")
}

/// Runs an async body of one [`World`] in each of the four modes.
#[macro_export]
macro_rules! in_each_mode {
    ($($(#[$attribute:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn body($world: &$crate::World) $body

            #[test]
            fn local() {
                let world = $crate::World::start($crate::Mode::Local);
                $crate::play(body(&world));
                world.stop();
            }

            #[test]
            fn wire() {
                let world = $crate::World::start($crate::Mode::Wire);
                $crate::play(body(&world));
                world.stop();
            }

            #[test]
            fn nodes() {
                let world = $crate::World::start($crate::Mode::Nodes);
                $crate::play(body(&world));
                world.stop();
            }

            #[test]
            fn split() {
                let world = $crate::World::start($crate::Mode::Split);
                $crate::play(body(&world));
                world.stop();
            }
        }
    )*};
}
