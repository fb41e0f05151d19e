//! The birth of locales, up to the answer to the first message of each. Beside it the same in bare actix.

mod common;

use std::rc::Rc;

use actix::{Actor, Handler};
use realm::role::Rate;
use realm::{Address, Cx, Locale, Messages, Modules, Run, ServiceCx, message};

use common::figures::{Figures, Goal};
use common::inside;
use common::rounds::{Stopwatch, alternate};
use common::tally::Tally;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Born at a time, so that their answers are within the bound of one mailbox; and how often in a round.
const WAVE: usize = 1_000;
const WAVES: usize = 5;

struct Newborn;

#[message]
struct Hello {
    from: Address,
}

impl Locale for Newborn {
    const NAME: &'static str = "newborn";
    type Seed = ();

    fn new((): (), _: &mut Cx<Self>) -> Self {
        Self
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Hello>();
    }
}

impl Run<Newborn> for Hello {
    fn run(self, _: &mut Newborn, cx: &mut Cx<Newborn>) {
        cx.send(self.from, Here);
    }
}

struct Parent(Rc<Tally>);

#[message]
struct Here;

impl Locale for Parent {
    const NAME: &'static str = "parent";
    type Seed = Rc<Tally>;

    fn new(seed: Rc<Tally>, _: &mut Cx<Self>) -> Self {
        Self(seed)
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Here>();
    }
}

impl Run<Parent> for Here {
    fn run(self, me: &mut Parent, _: &mut Cx<Parent>) {
        me.0.one();
    }
}

struct BareNewborn(Rc<Tally>);

#[derive(actix::Message)]
#[rtype(result = "()")]
struct BareHello {
    from: actix::Addr<BareParent>,
}

impl Actor for BareNewborn {
    type Context = actix::Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.0.one();
    }
}

impl Handler<BareHello> for BareNewborn {
    type Result = ();

    fn handle(&mut self, hello: BareHello, _: &mut Self::Context) {
        hello.from.do_send(BareHere);
    }
}

struct BareParent(Rc<Tally>);

#[derive(actix::Message)]
#[rtype(result = "()")]
struct BareHere;

impl Actor for BareParent {
    type Context = actix::Context<Self>;
}

impl Handler<BareHere> for BareParent {
    type Result = ();

    fn handle(&mut self, _: BareHere, _: &mut Self::Context) {
        self.0.one();
    }
}

/// Nanoseconds per locale; their deaths are not measured.
async fn locales(cx: &ServiceCx, parent: Address, tally: &Tally) -> f64 {
    let mut nanos = 0.0;
    let others = cx.node().directory().len_here();
    for _ in 0..WAVES {
        let mut born = Vec::with_capacity(WAVE);
        tally.expect(WAVE);
        let watch = Stopwatch::start();
        for _ in 0..WAVE {
            let newborn = cx.spawn::<Newborn>(());
            cx.send(newborn, Hello { from: parent });
            born.push(newborn);
        }
        tally.all().await;
        nanos += watch.nanos();
        born.into_iter().for_each(|newborn| cx.end(newborn));
        while cx.node().directory().len_here() > others {
            tokio::task::yield_now().await;
        }
    }
    nanos / (WAVE * WAVES) as f64
}

async fn actors(parent: &actix::Addr<BareParent>, tally: &Tally, ended: &Rc<Tally>) -> f64 {
    let mut nanos = 0.0;
    for _ in 0..WAVES {
        let mut born = Vec::with_capacity(WAVE);
        tally.expect(WAVE);
        ended.expect(WAVE);
        let watch = Stopwatch::start();
        for _ in 0..WAVE {
            let newborn = BareNewborn(ended.clone()).start();
            newborn.do_send(BareHello {
                from: parent.clone(),
            });
            born.push(newborn);
        }
        tally.all().await;
        nanos += watch.nanos();
        drop(born);
        ended.all().await;
    }
    nanos / (WAVE * WAVES) as f64
}

fn main() {
    let services = vec![inside::service("nursery", Rate::Mail, &["job"])];
    let sides = inside::run(services, Modules::new(), |cx| async move {
        let (tally, ended) = (Tally::new(), Tally::new());
        let ours = cx.spawn::<Parent>(tally.clone());
        let bare = BareParent(tally.clone()).start();
        alternate(
            async || locales(&cx, ours, &tally).await,
            async || actors(&bare, &tally, &ended).await,
        )
        .await
    });
    let mut figures = Figures::of("spawn");
    figures.add("realm_ns", sides.ours);
    figures.add("actix_ns", sides.bare);
    figures.aim("time_to_actix", sides.ours_to_bare, Goal::AtMost(2.0));
    figures.write();
}
