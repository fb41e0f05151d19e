//! Sets a realm of fakes up around a gateway: stepped by hand, or live with a real port.

use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use client::command::{Cast, Enter, Register};
use client::{Closed, Connection, ConnectionError, Event, Happening, Missed, Transport, WebSocket};
use futures_util::future::{Either, select};
use realm::metrics::Metrics;
use realm::role::{ModuleSpec, Rate, Role, ServiceSpec, WireMode};
use realm::{
    Birth, Clock, Hub, Modules, Moment, Node, NodeConfig, Outside, StartError, Stepper, stepped,
};

use super::fakes::{
    DOG, FakeAccounts, FakeBalancer, FakeChat, FakeMechanics, Players, Script, script,
};
use crate::gateway::GatewayModule;
use crate::gateway::memory::{self, MemorySocket};

/// No test takes as long as this, in its own time.
const TEST_WITHIN: Duration = Duration::from_secs(120);

fn role(gateway: &str, wire: WireMode) -> Role {
    let settings = |text: &str| text.parse().expect("the settings should be TOML");
    let service = |name: &str, settings| {
        ServiceSpec::new(name, Rate::Mail, vec![ModuleSpec::new(name, settings)])
    };
    let others = ["accounts", "balancer", "chat", "mechanics", "players"];
    let mut services: Vec<ServiceSpec> = others
        .into_iter()
        .map(|name| service(name, settings("")))
        .collect();
    services.push(service("gateway", settings(gateway)));
    Role {
        cluster: None,
        name: "test".into(),
        path: PathBuf::from("test.toml"),
        admin: None,
        wire,
        services,
    }
}

fn modules() -> Modules {
    Modules::new()
        .with::<FakeAccounts>()
        .with::<FakeBalancer>()
        .with::<FakeChat>()
        .with::<FakeMechanics>()
        .with::<Players>()
        .with::<GatewayModule>()
}

fn config(role: Role, clock: Clock, outside: Outside) -> NodeConfig {
    NodeConfig {
        birth: Birth::new(1).expect("1 is a birth number"),
        role,
        modules: modules(),
        network: std::sync::Arc::new(Hub::new(clock.clone())),
        clock,
        seed: 1,
        outside,
        stepped: None,
        trace: None,
    }
}

/// A stepped realm and its clock.
pub(super) struct Stage {
    stepper: Stepper,
    node: Held,
}

/// A live realm.
pub(super) struct Live {
    address: SocketAddr,
    node: Held,
}

/// The node of a test, until the test takes it.
struct Held(RefCell<Option<Node>>);

impl Held {
    fn new(node: Node) -> Self {
        Self(RefCell::new(Some(node)))
    }

    fn metrics(&self) -> Metrics {
        self.0
            .borrow()
            .as_ref()
            .expect("the node should run")
            .core()
            .metrics()
            .clone()
    }

    async fn stop(&self) {
        let node = self.0.take().expect("the node should run");
        node.stop().await;
    }
}

impl Live {
    /// Where the gateway listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn metrics(&self) -> Metrics {
        self.node.metrics()
    }

    pub(super) async fn stop(&self) {
        self.node.stop().await;
    }
}

/// Plays a test in a stepped realm whose gateway has these settings.
pub(super) fn play<F: Future<Output = ()>>(gateway: &str, test: impl FnOnce(Stage) -> F) {
    play_by(gateway, WireMode::Local, test);
}

/// The same with a choice of when mail is serialized.
pub(super) fn play_by<F: Future<Output = ()>>(
    gateway: &str,
    wire: WireMode,
    test: impl FnOnce(Stage) -> F,
) {
    let role = role(gateway, wire);
    let played = stepped(|stepper| async move {
        script(|script| *script = Script::default());
        let mut config = config(role, stepper.clock().clone(), stepper.outside().clone());
        config.stepped = Some(stepper.here());
        let node = Node::start(config).await.expect("the node should start");
        test(Stage {
            stepper,
            node: Held::new(node),
        })
        .await;
    });
    played.expect("a thread should be there");
}

impl Stage {
    pub(super) fn metrics(&self) -> Metrics {
        self.node.metrics()
    }

    /// Stops the node.
    pub(super) async fn stop(&self) {
        let node = self.node.0.take().expect("the node should run");
        self.tell(node.stop()).await;
    }

    pub(super) fn now(&self) -> Moment {
        self.stepper.clock().now()
    }

    /// Steps until `story` has ended.
    pub(super) async fn tell<R: 'static>(&self, story: impl Future<Output = R> + 'static) -> R {
        let story = actix_rt::spawn(story);
        let until = self.now() + TEST_WITHIN;
        let told = self.stepper.step_until(until, || story.is_finished()).await;
        assert!(told, "the story should end within {TEST_WITHIN:?}");
        story.await.expect("the story should not panic")
    }

    /// Steps for a while.
    pub(super) async fn pass(&self, time: Duration) {
        let until = self.now() + time;
        self.stepper.step_until(until, || false).await;
    }

    /// Connects a client.
    pub(super) async fn connect(&self) -> Connection<MemorySocket> {
        let cx = script(|script| script.cx.clone()).expect("the players' service should be up");
        let socket = self.tell(memory::dial(&cx)).await;
        Connection::new(socket.expect("the gateway should take a client"))
    }

    /// Connects a client and brings it into the world.
    pub(super) async fn player(&self, name: &str) -> Connection<MemorySocket> {
        let connection = self.connect().await;
        let name = name.to_owned();
        self.tell(async move {
            let mut connection = connection;
            go_in(&mut connection, &name).await;
            connection
        })
        .await
    }

    /// Lets a client do something while the realm is stepped.
    pub(super) async fn with<R: 'static, F>(
        &self,
        connection: Connection<MemorySocket>,
        act: impl FnOnce(Connection<MemorySocket>) -> F,
    ) -> R
    where
        F: Future<Output = R> + 'static,
    {
        self.tell(act(connection)).await
    }
}

/// Plays a test in a live realm whose gateway has these settings.
pub(super) fn live<F: Future<Output = ()>>(gateway: &str, test: impl FnOnce(Live) -> F) {
    actix_rt::System::new().block_on(async {
        let node = start_live(gateway).await.expect("the node should start");
        let address = node.listener("client").expect("the gateway should listen");
        let late = std::pin::pin!(Clock::machine().sleep(TEST_WITHIN));
        let test = std::pin::pin!(test(Live {
            address,
            node: Held::new(node)
        }));
        if let Either::Right(_) = select(test, late).await {
            panic!("the test should end within {TEST_WITHIN:?}");
        }
    });
}

pub(super) async fn start_live(gateway: &str) -> Result<Node, StartError> {
    let gateway = format!("listen = \"127.0.0.1:0\"\n{gateway}");
    let outside = Outside::new(tokio::runtime::Handle::current());
    Node::start(config(
        role(&gateway, WireMode::Local),
        Clock::machine(),
        outside,
    ))
    .await
}

/// A live realm that listens where it is told.
pub(super) async fn start_live_at(address: SocketAddr) -> Result<Node, StartError> {
    let gateway = format!("listen = \"{address}\"");
    let outside = Outside::new(tokio::runtime::Handle::current());
    Node::start(config(
        role(&gateway, WireMode::Local),
        Clock::machine(),
        outside,
    ))
    .await
}

pub(super) async fn live_player(address: SocketAddr, name: &str) -> Connection<WebSocket> {
    let socket = WebSocket::connect(&format!("ws://{address}/ws")).await;
    let mut connection = Connection::new(socket.expect("the gateway should take a client"));
    go_in(&mut connection, name).await;
    connection
}

/// Logs in and enters.
pub(super) async fn go_in<T: Transport>(connection: &mut Connection<T>, name: &str) {
    log_in(connection, name).await;
    let entered = connection.ask(20_000, Enter {}, |event| {
        matches!(event, Event::Entered(_)).then_some(())
    });
    entered.await.expect("the avatar should enter");
}

pub(super) async fn log_in<T: Transport>(connection: &mut Connection<T>, name: &str) {
    let register = Register {
        name: name.to_owned(),
        password: "a good password".into(),
    };
    let answer = connection.ask(20_000, register, |event| {
        matches!(event, Event::LoggedIn(_)).then_some(())
    });
    answer.await.expect("the player should be logged in");
}

/// Has the avatar do something.
pub(super) async fn cast<T: Transport>(connection: &mut Connection<T>, spell: &str) -> u32 {
    let cast = Cast {
        spell: spell.to_owned(),
        target: DOG,
    };
    connection
        .command(cast)
        .await
        .expect("the command should go out")
}

/// Waits until a dog is seen with so many hit points, which are the sequence of its cell's last frame.
pub(super) async fn see_dog<T: Transport>(connection: &mut Connection<T>, hp: u16) {
    let seen = connection.until(20_000, "a dog", |_, view| {
        view.entities().any(|(_, dog)| dog.hp == hp).then_some(())
    });
    seen.await
        .unwrap_or_else(|missed| panic!("a dog of {hp} should be seen: {missed}"));
}

/// Waits for an event that `pick` picks.
pub(super) async fn event<T: Transport, R>(
    connection: &mut Connection<T>,
    mut pick: impl FnMut(&Event) -> Option<R>,
) -> R {
    let got = connection.until(60_000, "an event", |happening, _| match happening {
        Happening::Event(event) => pick(event),
        Happening::Frame(_) => None,
    });
    got.await.expect("the event should come")
}

/// Reads until the server closes, and says how it did.
pub(super) async fn closed<T: Transport>(connection: &mut Connection<T>) -> Closed {
    loop {
        match connection.next().await {
            Ok(_) => {}
            Err(ConnectionError::Closed(closed)) => return closed,
            Err(error) => panic!("the server should only close: {error}"),
        }
    }
}

pub(super) fn is_refusal<R>(outcome: Result<R, Missed>, code: client::Code) -> bool {
    matches!(outcome, Err(Missed::Refused { code: got, .. }) if got == code)
}
