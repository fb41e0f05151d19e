//! A stepped realm: one thread, time that moves between steps only, equal runs from equal seeds; and what a clock by hand
//! shows of frames and of the end of a node.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{Either, select};
use realm::role::{ModuleSpec, Rate, Role, ServiceSpec};
use realm::{
    Address, Cx, Hub, Locale, Messages, Module, ModuleError, Modules, Moment, Node, NodeConfig,
    Run, ServiceCx, Stepper, Trace, message, stepped,
};

use crate::probe::{self, Door, Note, Notes, Say, Tell, Witness};

fn config(
    stepper: &Stepper,
    role: Role,
    modules: Modules,
    seed: u64,
    trace: Option<Trace>,
) -> NodeConfig {
    let hub = Hub::new(stepper.clock().clone());
    NodeConfig {
        clock: stepper.clock().clone(),
        seed,
        outside: stepper.outside().clone(),
        stepped: Some(stepper.here()),
        trace,
        ..probe::config(1, &hub, role, modules)
    }
}

async fn start(stepper: &Stepper, services: Vec<ServiceSpec>, modules: Modules) -> Node {
    let config = config(stepper, probe::role(services), modules, 7, None);
    Node::start(config).await.expect("the node should start")
}

fn run<F: Future>(test: impl FnOnce(Stepper) -> F) -> F::Output {
    stepped(|stepper| probe::within(test(stepper))).expect("a thread should be had")
}

fn at(millis: u64) -> Moment {
    Moment::default() + Duration::from_millis(millis)
}

/// Wanders by chance: passes steps on to its neighbours, at once or later.
struct Walker {
    neighbours: Vec<Address>,
}

#[message]
struct Neighbours(Vec<Address>);

#[message]
struct Step {
    left: u32,
    weight: u32,
}

impl Locale for Walker {
    const NAME: &'static str = "walker";
    type Seed = ();

    fn new((): (), _: &mut Cx<Self>) -> Self {
        Self {
            neighbours: Vec::new(),
        }
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Neighbours>().takes::<Step>();
    }
}

impl Run<Walker> for Neighbours {
    fn run(self, me: &mut Walker, _: &mut Cx<Walker>) {
        me.neighbours = self.0;
    }
}

impl Run<Walker> for Step {
    fn run(self, me: &mut Walker, cx: &mut Cx<Walker>) {
        if self.left == 0 || me.neighbours.is_empty() {
            return;
        }
        let next = me.neighbours[cx.chance().below(me.neighbours.len() as u32) as usize];
        let step = Step {
            left: self.left - 1,
            weight: cx.chance().below(1000),
        };
        if cx.chance().hits(0.5) {
            cx.send(next, step);
        } else {
            let wait = Duration::from_millis(cx.chance().between(1, 200));
            cx.after(wait, move |_, cx| cx.send(next, step));
        }
    }
}

/// Ticks: sends walkers on their way, and asks outside for what takes its time.
struct Weather {
    walkers: RefCell<Vec<Address>>,
    answers: Rc<Answers>,
    asked: Cell<u32>,
}

#[derive(Default)]
struct Answers(RefCell<Vec<u32>>);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NoConfig {}

impl Module for Weather {
    const NAME: &'static str = "weather";
    type Config = NoConfig;

    fn new(_: NoConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        let answers = Rc::new(Answers::default());
        cx.hold(answers.clone());
        Ok(Self {
            walkers: RefCell::default(),
            answers,
            asked: Cell::new(0),
        })
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        let walkers: Vec<Address> = (0..20).map(|_| cx.spawn::<Walker>(())).collect();
        walkers
            .iter()
            .for_each(|walker| cx.send(*walker, Neighbours(walkers.clone())));
        *self.walkers.borrow_mut() = walkers;
        Ok(())
    }

    fn tick(&self, cx: &ServiceCx) {
        let walkers = self.walkers.borrow();
        let first = cx.chance(|chance| chance.below(walkers.len() as u32));
        cx.send(
            walkers[first as usize],
            Step {
                left: 10,
                weight: 0,
            },
        );
        for _ in 0..3 {
            let number = self.asked.get();
            self.asked.set(number + 1);
            // The first of three takes longest.
            let turns = if number.is_multiple_of(3) { 20_000 } else { 0 };
            let work = cx.node().outside().run_blocking(move || {
                (0..turns).for_each(|_| std::thread::yield_now());
                number
            });
            let (answers, inside, walker) = (self.answers.clone(), cx.clone(), walkers[0]);
            cx.run(async move {
                let answer = work.await.expect("the work should end");
                answers.0.borrow_mut().push(answer);
                inside.send(
                    walker,
                    Step {
                        left: 0,
                        weight: answer,
                    },
                );
            });
        }
    }
}

fn weather() -> (Door, Vec<ServiceSpec>, Modules) {
    let door = Door::new();
    let service = probe::service("weather", Rate::Hz(20), &door, &["weather"]);
    (door, vec![service], Modules::new().with::<Weather>())
}

fn trace_of(seed: u64) -> Vec<String> {
    run(async |stepper| {
        let (_door, services, modules) = weather();
        let trace = Trace::new();
        let config = config(
            &stepper,
            probe::role(services),
            modules,
            seed,
            Some(trace.clone()),
        );
        let node = Node::start(config).await.expect("the node should start");
        assert!(
            !stepper.step_until(at(2000), || false).await,
            "time should run out"
        );
        drop(node);
        trace.lines()
    })
}

#[test]
fn two_runs_of_one_seed_leave_equal_traces_and_another_seed_another() {
    let first = trace_of(1);
    assert!(
        first.len() > 300,
        "something should happen in two seconds, not {} mails",
        first.len()
    );
    assert_eq!(first, trace_of(1), "one seed should give one world");
    assert_ne!(first, trace_of(2), "another seed should give another");
}

#[test]
fn a_step_ends_when_work_outside_has_answered_in_the_order_in_which_it_was_asked() {
    run(async |stepper| {
        let (door, services, modules) = weather();
        let node = start(&stepper, services, modules).await;
        for frame in 1..=5 {
            // Steps go from timer to timer; a frame is 50 ms.
            while stepper.clock().now() < at(frame * 50) {
                stepper
                    .step()
                    .await
                    .expect("the frame's timer should be set");
            }
            let answers = door
                .ask(|cx| {
                    cx.held::<Answers>()
                        .expect("the module holds them")
                        .0
                        .borrow()
                        .clone()
                })
                .await;
            let expected: Vec<u32> = (0..frame as u32 * 3).collect();
            assert_eq!(
                answers, expected,
                "after frame {frame} all answers should be in, in order"
            );
        }
        drop(node);
    });
}

/// In its third frame it does what the test plans.
struct Burst {
    ticks: Cell<u32>,
    plan: Rc<Plan>,
}

#[derive(Default)]
struct Plan(Cell<Option<Planned>>);

type Planned = Box<dyn FnOnce(&ServiceCx)>;

impl Module for Burst {
    const NAME: &'static str = "burst";
    type Config = NoConfig;

    fn new(_: NoConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        let plan = Rc::new(Plan::default());
        cx.hold(plan.clone());
        Ok(Self {
            ticks: Cell::new(0),
            plan,
        })
    }

    fn tick(&self, cx: &ServiceCx) {
        self.ticks.set(self.ticks.get() + 1);
        if self.ticks.get() == 3
            && let Some(plan) = self.plan.0.take()
        {
            plan(cx);
        }
    }
}

/// Passes what it is told on to another, one less.
struct Echo(Option<Address>);

/// Names the other.
#[message]
struct Other(Address);

impl Locale for Echo {
    const NAME: &'static str = "echo";
    type Seed = ();

    fn new((): (), _: &mut Cx<Self>) -> Self {
        Self(None)
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Say>().takes::<Other>();
    }
}

impl Run<Echo> for Other {
    fn run(self, me: &mut Echo, _: &mut Cx<Echo>) {
        me.0 = Some(self.0);
    }
}

impl Run<Echo> for Say {
    fn run(self, me: &mut Echo, cx: &mut Cx<Echo>) {
        if let (Some(other), Some(left)) = (me.0, self.0.checked_sub(1)) {
            cx.send(other, Say(left));
        }
    }
}

/// A service with no time for mail, and what the test needs to see of its frames.
struct Busy {
    stepper: Stepper,
    node: Node,
    door: Door,
}

impl Busy {
    async fn new(stepper: Stepper) -> Self {
        let door = Door::new();
        let mut service = probe::service("burst", Rate::Hz(20), &door, &["burst"]);
        service.frame_budget_ms = 0;
        let node = start(&stepper, vec![service], Modules::new().with::<Burst>()).await;
        Self {
            stepper,
            node,
            door,
        }
    }

    async fn plan(&self, plan: impl FnOnce(&ServiceCx) + Send + 'static) {
        self.door
            .ask(|cx| {
                cx.held::<Plan>()
                    .expect("the module holds it")
                    .0
                    .set(Some(Box::new(plan)))
            })
            .await;
    }

    /// Steps to the end of this frame.
    async fn frame(&self, number: u64) {
        while self.stepper.clock().now() < at(number * 50) {
            self.stepper
                .step()
                .await
                .expect("the frame's timer should be set");
        }
    }

    fn mail_run(&self) -> u64 {
        self.node.core().metrics().service("burst").mail_run.get()
    }

    fn mail_waited(&self) -> u64 {
        self.node
            .core()
            .metrics()
            .service("burst")
            .mail_waited
            .get()
    }
}

#[test]
fn mail_past_the_frames_budget_waits_is_counted_and_runs_in_the_next_frames_in_order() {
    const MAILS: u64 = 1000;
    run(async |stepper| {
        let busy = Busy::new(stepper).await;
        let mut notes = Notes::new();
        let from = busy.door.spawn::<Witness>(notes.sender.clone()).await;
        let to = busy.door.spawn::<Witness>(notes.sender.clone()).await;
        busy.plan(move |cx| {
            cx.send(
                from,
                Tell {
                    to,
                    first: 0,
                    end: MAILS,
                },
            )
        })
        .await;
        busy.frame(2).await;
        assert_eq!(
            busy.mail_waited(),
            0,
            "nothing should wait before the burst"
        );
        let mut said = Vec::new();
        let mut frames_with_mail = 0;
        for number in 3..203 {
            busy.frame(number).await;
            let ran = notes.rest();
            frames_with_mail += u32::from(!ran.is_empty());
            said.extend(ran);
        }
        let expected: Vec<Note> = (0..MAILS).map(|number| Note::Said(to, number)).collect();
        assert_eq!(said, expected, "all mail should run, in order");
        assert!(
            frames_with_mail > 3,
            "the burst should take several frames, not {frames_with_mail}"
        );
        assert!(
            busy.mail_waited() >= MAILS / 2,
            "what waited should be counted"
        );
    });
}

#[test]
fn mail_that_causes_mail_keeps_to_the_frames_budget() {
    const HOPS: u64 = 1000;
    run(async |stepper| {
        let busy = Busy::new(stepper).await;
        let first = busy.door.spawn::<Echo>(()).await;
        let second = busy.door.spawn::<Echo>(()).await;
        busy.door
            .ask(move |cx| {
                cx.send(first, Other(second));
                cx.send(second, Other(first));
            })
            .await;
        busy.plan(move |cx| cx.send(first, Say(HOPS))).await;
        busy.frame(3).await;
        assert!(
            busy.mail_run() < HOPS / 2,
            "one frame should not run it all, but ran {}",
            busy.mail_run()
        );
        assert_eq!(busy.mail_waited(), 1, "the next hop should wait");
        busy.frame(203).await;
        assert_eq!(
            busy.mail_run(),
            HOPS + 3,
            "all hops should have run in the end"
        );
    });
}

/// Notes that it drains, and takes its time or never ends.
struct Drainer {
    config: DrainerConfig,
    log: Arc<Mutex<Vec<String>>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct DrainerConfig {
    name: String,
    log: i64,
    takes_ms: u64,
}

impl Module for Drainer {
    const NAME: &'static str = "drainer";
    type Config = DrainerConfig;

    fn new(config: DrainerConfig, _: &ServiceCx) -> Result<Self, ModuleError> {
        let log = probe::unshelve(config.log);
        Ok(Self { config, log })
    }

    async fn drain(self: &Rc<Self>, cx: &ServiceCx) {
        self.note("begins");
        cx.clock()
            .sleep(Duration::from_millis(self.config.takes_ms))
            .await;
        self.note("ends");
    }
}

impl Drainer {
    fn note(&self, what: &str) {
        let line = format!("{} {what}", self.config.name);
        self.log
            .lock()
            .expect("nobody should panic at the log")
            .push(line);
    }
}

/// The same under another name, so that one service can have two.
struct Second(Rc<Drainer>);

impl Module for Second {
    const NAME: &'static str = "second";
    type Config = DrainerConfig;

    fn new(config: DrainerConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self(Rc::new(Drainer::new(config, cx)?)))
    }

    async fn drain(self: &Rc<Self>, cx: &ServiceCx) {
        self.0.drain(cx).await;
    }
}

/// Stops a node whose modules take so long to drain: what they noted, how long it took, and the locales that died.
fn drained(services: &[&[(&'static str, u64)]]) -> (Vec<String>, Duration, u64) {
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let number = probe::shelve(log.clone());
    let (took, died) = run(async |stepper| {
        let doors: Vec<Door> = services.iter().map(|_| Door::new()).collect();
        let specs = services.iter().zip(&doors).map(|(modules, door)| {
            let mut service = probe::service(modules[0].0, Rate::Mail, door, &[]);
            for ((name, takes_ms), kind) in modules.iter().zip(["drainer", "second"]) {
                let mut spec = ModuleSpec::new(kind, toml::Table::new());
                spec.set("name", *name)
                    .set("log", number)
                    .set("takes_ms", *takes_ms as i64);
                service.modules.push(spec);
            }
            service
        });
        let modules = Modules::new().with::<Drainer>().with::<Second>();
        let node = start(&stepper, specs.collect(), modules).await;
        let notes = Notes::new();
        for door in &doors {
            door.spawn::<Witness>(notes.sender.clone()).await;
        }
        let core = node.core().clone();
        let stop = Box::pin(node.stop());
        let stepping = Box::pin(async { while stepper.step().await.is_some() {} });
        let stop = match select(stop, stepping).await {
            Either::Left(_) => None,
            Either::Right(((), stop)) => Some(stop),
        };
        assert!(
            stop.is_none(),
            "the node should stop before nothing is left to wait for"
        );
        (
            stepper.clock().now().since(Moment::default()),
            core.metrics().deaths_of("witness", "ended"),
        )
    });
    let log = log.lock().expect("nobody should panic at the log").clone();
    (log, took, died)
}

#[test]
fn a_node_that_stops_drains_its_modules_from_the_last_to_the_first() {
    let (log, took, died) = drained(&[&[("a", 10), ("b", 10)], &[("c", 10), ("d", 10)]]);
    let expected = [
        "d begins", "d ends", "c begins", "c ends", "b begins", "b ends", "a begins", "a ends",
    ];
    assert_eq!(
        log, expected,
        "each module should drain after all that came later"
    );
    assert!(
        took < Duration::from_secs(1),
        "the node should not wait longer than its modules, not {took:?}"
    );
    assert_eq!(died, 2, "the locales should have ended in order");
}

#[test]
fn a_module_that_never_ends_draining_delays_the_node_within_its_bound_and_takes_no_time_from_others()
 {
    const NEVER: u64 = 1_000_000_000;
    let (log, took, died) = drained(&[&[("a", 1000)], &[("b", NEVER)], &[("c", NEVER)]]);
    let expected = ["c begins", "b begins", "a begins", "a ends"];
    assert_eq!(
        log, expected,
        "those before the stuck ones should still drain"
    );
    assert!(
        took <= Duration::from_secs(5),
        "the node should stop within its bound, not {took:?}"
    );
    assert_eq!(
        died, 3,
        "locales of stuck services should still end in order"
    );
}
