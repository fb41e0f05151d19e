//! Calls to a module's method: within one thread, across two, one after the other and a thousand at a time. Beside them the
//! same by `Addr::send` of bare actix, which has no bound, no deadline and no wire.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use actix::{Actor, Handler};
use futures_util::future::join_all;
use realm::role::Rate;
use realm::{CallError, CallTable, Module, ModuleError, Modules, ServiceCx, calls};
use serde::Deserialize;

use common::figures::Figures;
use common::inside;
use common::rounds::{Stopwatch, alternate, median, part};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Calls in a round.
const CALLS: usize = 5_000;
/// Calls that are pending at a time when they are pipelined.
const PIPELINED: usize = 1_000;

#[calls(group = "echo", proxy = EchoProxy)]
trait Echo {
    async fn echo(&self, number: u64) -> Result<u64, CallError>;
}

struct EchoModule;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoConfig {}

impl Module for EchoModule {
    const NAME: &'static str = "echo";
    type Config = NoConfig;

    fn new(_: NoConfig, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self)
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        EchoProxy::serve(calls, self);
    }
}

impl Echo for EchoModule {
    async fn echo(&self, number: u64) -> Result<u64, CallError> {
        Ok(number)
    }
}

struct BareEcho;

#[derive(actix::Message)]
#[rtype(result = "u64")]
struct BareNumber(u64);

impl Actor for BareEcho {
    type Context = actix::Context<Self>;
}

impl Handler<BareNumber> for BareEcho {
    type Result = u64;

    fn handle(&mut self, number: BareNumber, _: &mut Self::Context) -> u64 {
        number.0
    }
}

/// What one side did in a round.
#[derive(Default)]
struct Waits {
    p50_ns: RefCell<Vec<f64>>,
}

impl Waits {
    /// Makes a round of calls, `pending` at a time; nanoseconds per call, from the first to the last.
    async fn round(&self, pending: usize, call: impl AsyncFn(u64) -> u64) -> f64 {
        let each = RefCell::new(Vec::with_capacity(CALLS));
        let watch = Stopwatch::start();
        let one_line = async |line: usize| {
            for number in 0..CALLS / pending {
                let number = (line + number * pending) as u64;
                let watch = Stopwatch::start();
                assert_eq!(call(number).await, number, "the number should come back");
                each.borrow_mut().push(watch.nanos());
            }
        };
        join_all((0..pending).map(one_line)).await;
        let nanos = watch.nanos() / CALLS as f64;
        self.p50_ns
            .borrow_mut()
            .push(part(&mut each.borrow_mut(), 0.5));
        nanos
    }

    fn p50_us(&self) -> f64 {
        median(self.p50_ns.take()) / 1000.0
    }
}

fn measure(figures: &mut Figures, name: &str, threads: usize, pending: usize) {
    let services = match threads {
        1 => vec![inside::service("both", Rate::Mail, &["echo", "job"])],
        _ => vec![
            inside::service("echo", Rate::Mail, &["echo"]),
            inside::service("asks", Rate::Mail, &["job"]),
        ],
    };
    let measured = inside::run(
        services,
        Modules::new().with::<EchoModule>(),
        move |cx| async move {
            let other = (threads > 1).then(actix_rt::Arbiter::new);
            let bare = match &other {
                Some(other) => BareEcho::start_in_arbiter(&other.handle(), |_| BareEcho),
                None => BareEcho.start(),
            };
            let proxy = EchoProxy::new(&cx);
            let (ours_waits, bare_waits) = (Waits::default(), Waits::default());
            let ours = async |number| proxy.echo(number).await.expect("the echo should answer");
            let theirs = async |number| {
                bare.send(BareNumber(number))
                    .await
                    .expect("the echo should answer")
            };
            let sides = alternate(
                async || ours_waits.round(pending, ours).await,
                async || bare_waits.round(pending, theirs).await,
            )
            .await;
            if let Some(other) = other {
                other.stop();
            }
            (sides, ours_waits.p50_us(), bare_waits.p50_us())
        },
    );
    let (sides, p50_us, bare_p50_us) = measured;
    figures.add(format!("{name}.realm_calls_per_s"), 1e9 / sides.ours);
    figures.add(format!("{name}.realm_p50_us"), p50_us);
    figures.add(format!("{name}.actix_calls_per_s"), 1e9 / sides.bare);
    figures.add(format!("{name}.actix_p50_us"), bare_p50_us);
    figures.add(format!("{name}.speed_to_actix"), 1.0 / sides.ours_to_bare);
}

fn main() {
    let mut figures = Figures::of("calls");
    measure(&mut figures, "one_thread", 1, 1);
    measure(&mut figures, "one_thread.thousand_pending", 1, PIPELINED);
    measure(&mut figures, "two_threads", 2, 1);
    measure(&mut figures, "two_threads.thousand_pending", 2, PIPELINED);
    figures.write();
}
