//! Messages within one service: a locale sends by `cx.send`, and a round ends when the last message has run. Beside it the
//! same in bare actix on the same thread: an actor sends by `do_send`.

mod common;

use std::rc::Rc;

use actix::{Actor, Handler};
use realm::role::Rate;
use realm::{Address, Cx, Locale, Messages, Modules, Run, message};

use common::figures::{Figures, Goal};
use common::inside;
use common::rounds::{Sides, Stopwatch, alternate};
use common::tally::Tally;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Locales that are sent to, and how often each in a round.
const MANY: usize = 10_000;
const MANY_PASSES: usize = 5;
/// Messages that one sends to one before it waits for them: within a mailbox's bound; and how often in a round.
const BURST: usize = 500;
const BURSTS: usize = 100;

struct Hearer(Rc<Tally>);

#[message]
struct Said(u64);

impl Locale for Hearer {
    const NAME: &'static str = "hearer";
    type Seed = Rc<Tally>;

    fn new(seed: Rc<Tally>, _: &mut Cx<Self>) -> Self {
        Self(seed)
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Said>();
    }
}

impl Run<Hearer> for Said {
    fn run(self, me: &mut Hearer, _: &mut Cx<Hearer>) {
        std::hint::black_box(self.0);
        me.0.one();
    }
}

struct Speaker(Vec<Address>);

#[message]
struct Speak;

impl Locale for Speaker {
    const NAME: &'static str = "speaker";
    type Seed = Vec<Address>;

    fn new(seed: Vec<Address>, _: &mut Cx<Self>) -> Self {
        Self(seed)
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Speak>();
    }
}

impl Run<Speaker> for Speak {
    fn run(self, me: &mut Speaker, cx: &mut Cx<Speaker>) {
        for (number, hearer) in me.0.iter().enumerate() {
            cx.send(*hearer, Said(number as u64));
        }
    }
}

struct BareHearer(Rc<Tally>);

#[derive(actix::Message)]
#[rtype(result = "()")]
struct BareSaid(u64);

impl Actor for BareHearer {
    type Context = actix::Context<Self>;
}

impl Handler<BareSaid> for BareHearer {
    type Result = ();

    fn handle(&mut self, said: BareSaid, _: &mut Self::Context) {
        std::hint::black_box(said.0);
        self.0.one();
    }
}

struct BareSpeaker(Vec<actix::Addr<BareHearer>>);

#[derive(actix::Message)]
#[rtype(result = "()")]
struct BareSpeak;

impl Actor for BareSpeaker {
    type Context = actix::Context<Self>;
}

impl Handler<BareSpeak> for BareSpeaker {
    type Result = ();

    fn handle(&mut self, _: BareSpeak, _: &mut Self::Context) {
        for (number, hearer) in self.0.iter().enumerate() {
            hearer.do_send(BareSaid(number as u64));
        }
    }
}

/// Sends to `hearers` locales, `repeats` times to each in a pass; nanoseconds per message.
fn measure(hearers: usize, repeats: usize, passes: usize) -> Sides {
    let services = vec![inside::service("speech", Rate::Mail, &["job"])];
    inside::run(services, Modules::new(), move |cx| async move {
        let tally = Tally::new();
        let messages = hearers * repeats;
        let ours: Vec<Address> = (0..hearers)
            .map(|_| cx.spawn::<Hearer>(tally.clone()))
            .collect();
        let ours = cx.spawn::<Speaker>(ours.iter().cycle().take(messages).copied().collect());
        let bare: Vec<_> = (0..hearers)
            .map(|_| BareHearer(tally.clone()).start())
            .collect();
        let bare = BareSpeaker(bare.iter().cycle().take(messages).cloned().collect()).start();
        let round = async |speak: &dyn Fn()| {
            let watch = Stopwatch::start();
            for _ in 0..passes {
                tally.expect(messages);
                speak();
                tally.all().await;
            }
            watch.nanos() / (passes * messages) as f64
        };
        alternate(
            async || round(&|| cx.send(ours, Speak)).await,
            async || round(&|| bare.do_send(BareSpeak)).await,
        )
        .await
    })
}

fn main() {
    let mut figures = Figures::of("messages");
    for (name, sides) in [
        ("one_to_ten_thousand", measure(MANY, 1, MANY_PASSES)),
        ("one_to_one", measure(1, BURST, BURSTS)),
    ] {
        figures.add(format!("{name}.realm_ns"), sides.ours);
        figures.add(format!("{name}.actix_ns"), sides.bare);
        figures.aim(
            format!("{name}.speed_to_actix"),
            1.0 / sides.ours_to_bare,
            Goal::AtLeast(0.8),
        );
    }
    figures.write();
}
