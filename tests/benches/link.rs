//! The link over NATS on loopback: how much mail goes from node to node in batches, beside one publish of the bare client for
//! each message; how long a message takes at a steady rate; and a call to another node beside a bare request. Needs
//! `tests/nats`.

#![allow(clippy::disallowed_methods, reason = "a bench waits in real time")]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use realm::metrics::LinkMetrics;
use realm::role::{Cluster, LEASE_MS_DEFAULT, Rate};
use realm::{
    Address, Announcement, Birth, CallError, CallTable, Clock, Cx, Inlet, Link, Locale, Messages,
    Module, ModuleError, Modules, Nats, Network, Returned, Run, ServiceCx, calls, message,
};
use serde::Deserialize;
use tests::broker::Broker;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use common::figures::{Figures, Goal};
use common::inside;
use common::rounds::{Stopwatch, alternate, part};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MESSAGE_LEN: usize = 64;
/// Messages in a round: fewer than the bare client holds before it drops.
const MESSAGES: u64 = 50_000;
/// Messages that a service hands over at a time.
const FLUSH_LEN: u64 = 250;
/// Messages of the run at full rate.
const FULL: u64 = 5_000_000;
/// Messages in a second of the steady run, and for how long.
const STEADY_PER_S: u64 = 100_000;
const STEADY: Duration = Duration::from_secs(5);
/// Calls in a round.
const CALLS: u64 = 500;

/// Counts what comes.
#[derive(Default)]
struct Counter {
    came: AtomicU64,
    awaited: AtomicU64,
    all: Notify,
    held: AtomicBool,
    known: AtomicBool,
    counts: Arc<LinkMetrics>,
}

impl Counter {
    fn one_more(&self, many: u64) {
        let came = self.came.fetch_add(many, Ordering::SeqCst) + many;
        if came >= self.awaited.load(Ordering::SeqCst) {
            self.all.notify_one();
        }
    }

    fn awaits(&self, more: u64) {
        let came = self.came.load(Ordering::SeqCst);
        self.awaited.store(came + more, Ordering::SeqCst);
    }
}

impl Inlet for Counter {
    fn mail(&self, parcels: Vec<Vec<u8>>) {
        self.one_more(parcels.len() as u64);
    }

    fn returned(&self, returned: Returned) {
        panic!("{} parcels came back", returned.parcels.len());
    }

    fn hold_back(&self, hold: bool) {
        self.held.store(hold, Ordering::SeqCst);
    }

    fn link_metrics(&self) -> Arc<LinkMetrics> {
        self.counts.clone()
    }

    fn connection_lost(&self) {}

    fn heard(&self, _: Arc<str>, _: Bytes) {}

    fn joined(&self, _: Announcement) {
        self.known.store(true, Ordering::SeqCst);
    }

    fn lost(&self, _: Birth) {}
}

fn cluster(broker: &Broker) -> Cluster {
    Cluster {
        name: "bench".to_owned(),
        nats: vec![broker.url()],
        user: None,
        password: None,
        ca: None,
        lease_ms: LEASE_MS_DEFAULT,
        start_within_ms: 0,
    }
}

fn birth(number: u32) -> Birth {
    Birth::new(number).expect("the number is in range")
}

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a bench needs a runtime")
}

async fn nats(cluster: &Cluster) -> Nats {
    let nats = Nats::connect(cluster, Clock::machine()).await;
    nats.expect("the broker should take a connection")
}

async fn join(cluster: &Cluster, number: u32) -> (Arc<dyn Link>, Arc<Counter>) {
    let counter = Arc::<Counter>::default();
    let inlet: Arc<dyn Inlet> = counter.clone();
    let inlet: Weak<dyn Inlet> = Arc::downgrade(&inlet);
    let link = nats(cluster).await.connect(birth(number), inlet);
    link.announce(Announcement {
        birth: birth(number),
        role: "bench".to_owned(),
        revision: 1,
        classes: 0,
        services: Vec::new(),
    });
    (link, counter)
}

/// A parcel that begins as a message does.
fn parcel() -> Vec<u8> {
    let mut parcel = vec![7; MESSAGE_LEN];
    parcel[..2].copy_from_slice(&[0x96, 0]);
    parcel
}

async fn send_all(link: &dyn Link, counter: &Counter, many: u64) {
    for _ in 0..many / FLUSH_LEN {
        while counter.held.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        let parcels = (0..FLUSH_LEN).map(|_| parcel()).collect();
        let taken = link.mail(birth(READER), parcels);
        assert!(taken.is_ok(), "a sender that holds back is not refused");
    }
}

/// The nodes without an engine: the others begin at 1, and no birth is used twice.
const SENDER: u32 = 11;
const READER: u32 = 12;

/// Mail in batches beside one publish for each message.
async fn rates(cluster: &Cluster, figures: &mut Figures) {
    let (here, sender) = join(cluster, SENDER).await;
    let (_there, reader) = join(cluster, READER).await;
    while !sender.known.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let connect = async || async_nats::connect(&cluster.nats[0]).await;
    let from = connect().await.expect("the bare client should connect");
    let to = connect().await.expect("the bare client should connect");
    let mut heard = to.subscribe("bare").await.expect("it may subscribe");
    to.flush().await.expect("it may flush");
    let bare = Arc::new(Counter::default());
    let counting = bare.clone();
    tokio::spawn(async move {
        while heard.next().await.is_some() {
            counting.one_more(1);
        }
    });
    let sides = alternate(
        async || {
            reader.awaits(MESSAGES);
            let watch = Stopwatch::start();
            send_all(&*here, &sender, MESSAGES).await;
            reader.all.notified().await;
            watch.nanos() / MESSAGES as f64
        },
        async || {
            bare.awaits(MESSAGES);
            let watch = Stopwatch::start();
            for _ in 0..MESSAGES {
                let published = from.publish("bare", parcel().into()).await;
                published.expect("the bare client should publish");
            }
            bare.all.notified().await;
            watch.nanos() / MESSAGES as f64
        },
    )
    .await;
    figures.add("batched_messages_per_s", 1e9 / sides.ours);
    figures.add("bare_publish_messages_per_s", 1e9 / sides.bare);
    let times = 1.0 / sides.ours_to_bare;
    figures.aim("batched_to_bare_publish", times, Goal::AtLeast(5.0));

    reader.awaits(FULL);
    let before = sender.counts.batches_sent.get();
    let watch = Stopwatch::start();
    send_all(&*here, &sender, FULL).await;
    reader.all.notified().await;
    let seconds = watch.nanos() / 1e9;
    figures.add("full_rate_messages_per_s", FULL as f64 / seconds);
    let batches = sender.counts.batches_sent.get() - before;
    figures.add(
        "full_rate_messages_in_a_batch",
        FULL as f64 / batches as f64,
    );
    let held = sender.counts.held_back.get();
    figures.add("full_rate_times_held_back", held as f64);
    let (_, lost) = reader.counts.gaps_from(birth(SENDER));
    figures.aim("full_rate_batches_lost", lost as f64, Goal::AtMost(0.0));
}

#[calls(group = "far", proxy = FarProxy)]
trait Far {
    async fn echo(&self, number: u64) -> Result<u64, CallError>;
    async fn taker(&self) -> Result<Address, CallError>;
}

struct FarModule(RefCell<Address>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoConfig {}

impl Module for FarModule {
    const NAME: &'static str = "far";
    type Config = NoConfig;

    fn new(_: NoConfig, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self(RefCell::new(Address::NOBODY)))
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        self.0.replace(cx.spawn::<Taker>(()));
        Ok(())
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        FarProxy::serve(calls, self);
    }
}

impl Far for FarModule {
    async fn echo(&self, number: u64) -> Result<u64, CallError> {
        Ok(number)
    }

    async fn taker(&self) -> Result<Address, CallError> {
        Ok(*self.0.borrow())
    }
}

/// How long each message was on its way, in µs.
static WAITS: Mutex<Vec<f64>> = Mutex::new(Vec::new());

/// Notes how long what it takes was on its way.
struct Taker;

/// Says when it was sent, in µs, and has the length of a usual message.
#[message]
struct Sent(u64, [u64; 4]);

impl Locale for Taker {
    const NAME: &'static str = "taker";
    type Seed = ();

    fn new((): (), _: &mut Cx<Self>) -> Self {
        Self
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Sent>();
    }
}

impl Run<Taker> for Sent {
    fn run(self, _: &mut Taker, cx: &mut Cx<Taker>) {
        std::hint::black_box(self.1);
        let mut waits = WAITS.lock().unwrap_or_else(PoisonError::into_inner);
        waits.push(cx.now().micros().saturating_sub(self.0) as f64);
    }
}

fn main() {
    let broker = Broker::start();
    let cluster = cluster(&broker);
    let mut figures = Figures::of("link");
    runtime().block_on(rates(&cluster, &mut figures));

    let aside = runtime();
    let networks: Vec<Arc<dyn Network>> = (0..2)
        .map(|_| -> Arc<dyn Network> { Arc::new(aside.block_on(nats(&cluster))) })
        .collect();
    let bare = aside.block_on(async_nats::connect(&cluster.nats[0]));
    let bare = bare.expect("the bare client should connect");
    let answers = aside.block_on(async_nats::connect(&cluster.nats[0]));
    let answers = answers.expect("the bare client should connect");
    aside.spawn(async move {
        let mut asked = answers.subscribe("asked").await.expect("it may subscribe");
        while let Some(request) = asked.next().await {
            if let Some(reply) = request.reply {
                let _ = answers.publish(reply, request.payload).await;
            }
        }
    });
    let mut far = inside::service("far", Rate::Mail, &["far"]);
    // A busy machine makes the taker late; that is to be seen in the waits, and not as refusals.
    far.mailbox_len_max = 200_000;
    let near = inside::service("near", Rate::Mail, &["job"]);
    let modules = Modules::new().with::<FarModule>();
    let job = move |cx: ServiceCx| async move {
        let far = FarProxy::new(&cx);
        let taker = loop {
            match far.taker().await {
                Ok(taker) => break taker,
                Err(_) => cx.clock().sleep(Duration::from_millis(10)).await,
            }
        };
        let steady = steady(&cx, taker).await;
        (steady, calls_beside_requests(&far, &bare).await)
    };
    let ((waits, sent), (call_us, request_us, call_to_request)) =
        inside::run_joined(vec![far, near], networks, modules, job);
    let mut waits = waits;
    figures.add("steady_messages_per_s", sent as f64 / STEADY.as_secs_f64());
    figures.aim(
        "steady_messages_lost",
        sent as f64 - waits.len() as f64,
        Goal::AtMost(0.0),
    );
    figures.add("steady_p50_ms", part(&mut waits, 0.5) / 1000.0);
    let p99_ms = part(&mut waits, 0.99) / 1000.0;
    figures.aim("steady_p99_ms", p99_ms, Goal::AtMost(10.0));
    figures.add("call_p50_us", call_us);
    figures.add("bare_request_p50_us", request_us);
    figures.aim("call_to_bare_request", call_to_request, Goal::AtMost(2.0));
    figures.write();
}

/// Sends at a steady rate; what each message waited, and how many were sent.
async fn steady(cx: &ServiceCx, taker: Address) -> (Vec<f64>, u64) {
    let start = cx.now();
    let mut sent = 0;
    while cx.now().since(start) < STEADY {
        let micros = u64::try_from(cx.now().since(start).as_micros()).unwrap_or(u64::MAX);
        let due = micros * STEADY_PER_S / 1_000_000;
        while sent < due {
            cx.send(taker, Sent(cx.now().micros(), [u64::MAX; 4]));
            sent += 1;
        }
        cx.clock().sleep(Duration::from_millis(1)).await;
    }
    let until = cx.now() + Duration::from_secs(5);
    while cx.now() < until && taken() < sent {
        cx.clock().sleep(Duration::from_millis(1)).await;
    }
    let waits = std::mem::take(&mut *WAITS.lock().unwrap_or_else(PoisonError::into_inner));
    (waits, sent)
}

fn taken() -> u64 {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
}

/// Medians of a call and of a bare request, in µs, and of the first to the second round by round.
async fn calls_beside_requests(far: &FarProxy, bare: &async_nats::Client) -> (f64, f64, f64) {
    let sides = alternate(
        async || {
            let mut each = Vec::new();
            for number in 0..CALLS {
                let watch = Stopwatch::start();
                assert_eq!(far.echo(number).await, Ok(number), "it should come back");
                each.push(watch.nanos());
            }
            part(&mut each, 0.5)
        },
        async || {
            let mut each = Vec::new();
            for _ in 0..CALLS {
                let watch = Stopwatch::start();
                let answer = bare.request("asked", parcel().into()).await;
                answer.expect("the request should be answered");
                each.push(watch.nanos());
            }
            part(&mut each, 0.5)
        },
    )
    .await;
    (sides.ours / 1000.0, sides.bare / 1000.0, sides.ours_to_bare)
}
