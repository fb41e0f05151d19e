//! Calls: answered once, bounded, ended by reply, deadline or death, across links that lose.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use realm::role::Rate;
use realm::{
    Address, CallError, CallTable, Clock, Cx, Faults, Hub, Locale, Messages, Module, ModuleError,
    Modules, Node, Run, ServiceCx, calls,
};
use serde::{Deserialize, Serialize};

use crate::probe::{self, Door, End, Net, Note, Notes, Watch, Witness};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum PurseError {
    /// So much is missing.
    Short(u32),
    Call(CallError),
}

impl From<CallError> for PurseError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

#[calls(group = "purse", proxy = PurseProxy)]
trait Purse {
    async fn take(&self, amount: u32) -> Result<u32, PurseError>;
    async fn count(&self, operation: u64) -> Result<Address, CallError>;
    async fn never(&self) -> Result<(), CallError>;
}

/// Holds ten coins, and counts how often each operation was executed.
struct PurseModule {
    counts: Rc<Counts>,
    address: Address,
}

#[derive(Default)]
struct Counts(RefCell<HashMap<u64, usize>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoConfig {}

impl Module for PurseModule {
    const NAME: &'static str = "purse";
    type Config = NoConfig;

    fn new(_: NoConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        let counts = Rc::new(Counts::default());
        cx.hold(counts.clone());
        Ok(Self {
            counts,
            address: cx.address(),
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        PurseProxy::serve(calls, self);
    }
}

impl Purse for PurseModule {
    async fn take(&self, amount: u32) -> Result<u32, PurseError> {
        if amount > 10 {
            Err(PurseError::Short(amount - 10))
        } else {
            Ok(10 - amount)
        }
    }

    async fn count(&self, operation: u64) -> Result<Address, CallError> {
        // A request that comes again meets one that is under way, too.
        tokio::task::yield_now().await;
        *self.counts.0.borrow_mut().entry(operation).or_default() += 1;
        Ok(self.address)
    }

    async fn never(&self) -> Result<(), CallError> {
        std::future::pending().await
    }
}

async fn purse(number: u32, net: impl Into<Net>) -> (Node, Door) {
    let door = Door::new();
    let services = vec![probe::service("purse", Rate::Mail, &door, &["purse"])];
    (
        probe::start(number, net, services, Modules::new().with::<PurseModule>()).await,
        door,
    )
}

async fn caller(number: u32, net: impl Into<Net>, pending_max: usize) -> (Node, Door) {
    let door = Door::new();
    let mut service = probe::service("caller", Rate::Mail, &door, &[]);
    service.calls_pending_max = pending_max;
    (
        probe::start(number, net, vec![service], Modules::new()).await,
        door,
    )
}

async fn counts(door: &Door) -> HashMap<u64, usize> {
    door.ask(|cx| {
        cx.held::<Counts>()
            .expect("the module holds them")
            .0
            .borrow()
            .clone()
    })
    .await
}

async fn a_call_brings_the_answer_or_the_methods_own_error(net: Net) {
    let (purse, _inside) = purse(1, &net).await;
    let (node, door) = caller(2, &net, 10).await;
    probe::know(&[&node], "purse", 1).await;
    let taken = door
        .call(|cx| async move { PurseProxy::new(&cx).take(4).await })
        .await;
    assert_eq!(taken, Ok(6), "the answer should come");
    let short = door
        .call(|cx| async move { PurseProxy::new(&cx).take(14).await })
        .await;
    assert_eq!(
        short,
        Err(PurseError::Short(4)),
        "the method's error should come as it is"
    );
    node.stop().await;
    purse.stop().await;
}

#[test]
fn a_call_to_a_group_on_another_node_brings_the_answer_or_the_methods_own_error() {
    let net = Net::Hub(Hub::new(Clock::machine()));
    probe::run(a_call_brings_the_answer_or_the_methods_own_error(net));
}

#[test]
fn a_call_over_nats_brings_the_answer_or_the_methods_own_error() {
    probe::run(a_call_brings_the_answer_or_the_methods_own_error(
        Net::nats(),
    ));
}

#[test]
fn a_group_with_nobody_in_it_is_told_apart_from_a_service_that_does_not_answer() {
    probe::run(async {
        let hub = Hub::new(Clock::machine());
        let (node, door) = caller(2, &hub, 10).await;
        let soon = Duration::from_millis(50);
        let nobody = door
            .call(move |cx| async move { PurseProxy::new(&cx).within(soon).take(1).await })
            .await;
        assert_eq!(
            nobody,
            Err(PurseError::Call(CallError::Nobody)),
            "there is nobody to answer"
        );
        let (purse, inside) = purse(1, &hub).await;
        let late = door
            .call(move |cx| async move { PurseProxy::new(&cx).within(soon).never().await })
            .await;
        assert_eq!(
            late,
            Err(CallError::Deadline),
            "the deadline should end a call to another node"
        );
        let late = inside
            .call(move |cx| async move { PurseProxy::new(&cx).within(soon).never().await })
            .await;
        assert_eq!(
            late,
            Err(CallError::Deadline),
            "the deadline should end a call within a service"
        );
        let here = inside.address().await;
        let locale = inside.spawn::<Witness>(Notes::new().sender.clone()).await;
        let odd = inside
            .call(move |cx| async move { PurseProxy::at(&cx, locale).take(1).await })
            .await;
        assert_eq!(
            odd,
            Err(PurseError::Call(CallError::NotServed)),
            "a locale should answer no calls"
        );
        let named = door
            .call(move |cx| async move { PurseProxy::at(&cx, here).count(1).await })
            .await;
        assert_eq!(
            named,
            Ok(here),
            "a service should be reached by its address"
        );
        purse.kill();
        let gone = door
            .call(move |cx| async move { PurseProxy::at(&cx, here).take(1).await })
            .await;
        assert_eq!(
            gone,
            Err(PurseError::Call(CallError::Gone)),
            "a service of a lost node is gone"
        );
        node.stop().await;
    });
}

#[test]
fn calls_past_the_bound_are_refused_as_busy_and_those_that_end_make_room() {
    probe::run(async {
        let hub = Hub::new(Clock::machine());
        let (purse, _inside) = purse(1, &hub).await;
        let (node, door) = caller(2, &hub, 4).await;
        let soon = Duration::from_millis(200);
        let outcomes = door
            .call(move |cx| async move {
                let proxy = PurseProxy::new(&cx).within(soon);
                join_all((0..5).map(|_| proxy.never())).await
            })
            .await;
        let outcomes = probe::tally(outcomes.into_iter().map(|outcome| format!("{outcome:?}")));
        assert_eq!(
            outcomes.get("Err(Busy)"),
            Some(&1),
            "one call is past the bound: {outcomes:?}"
        );
        assert_eq!(
            outcomes.get("Err(Deadline)"),
            Some(&4),
            "four calls are within it: {outcomes:?}"
        );
        let taken = door
            .call(|cx| async move { PurseProxy::new(&cx).take(1).await })
            .await;
        assert_eq!(taken, Ok(9), "calls that have ended should make room");
        let pending = node.core().metrics().service("caller").calls_pending.get();
        assert_eq!(pending, 0, "no call should be pending any more");
        node.stop().await;
        purse.stop().await;
    });
}

#[test]
fn each_of_two_hundred_calls_executes_once_over_a_link_that_loses_a_fifth() {
    probe::run(async {
        let faults = Faults {
            seed: 11,
            loss: 0.2,
            ..Faults::none()
        };
        let hub = Hub::with_faults(Clock::machine(), faults);
        let (first, first_door) = purse(1, &hub).await;
        let (second, second_door) = purse(2, &hub).await;
        let (node, door) = caller(3, &hub, 200).await;
        let answers = door
            .call(|cx| async move {
                let proxy = PurseProxy::new(&cx).within(Duration::from_secs(50));
                join_all((0..200).map(|operation| proxy.count(operation))).await
            })
            .await;
        assert!(
            answers.iter().all(Result::is_ok),
            "each call should return: {answers:?}"
        );
        assert!(
            hub.lost() > 20,
            "the link should really lose, not only {}",
            hub.lost()
        );
        let mut executed = counts(&first_door).await;
        for (operation, count) in counts(&second_door).await {
            *executed.entry(operation).or_default() += count;
        }
        let twice: Vec<_> = executed.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "no call should execute twice: {twice:?}");
        assert_eq!(executed.len(), 200, "each call should execute");
        let members = probe::tally(answers.into_iter().flatten());
        assert_eq!(members.len(), 2, "both members should have work");
        assert!(
            members.values().all(|count| *count > 60),
            "the work should be spread: {members:?}"
        );
        for node in [node, first, second] {
            node.stop().await;
        }
    });
}

#[test]
fn a_node_asks_its_own_member_of_a_group_first() {
    probe::run(async {
        let hub = Hub::new(Clock::machine());
        let (other, _door) = purse(1, &hub).await;
        let (own, door) = purse(2, &hub).await;
        let me = door.address().await;
        let answers = door
            .call(|cx| async move {
                let proxy = PurseProxy::new(&cx);
                join_all((0..50).map(|operation| proxy.count(operation))).await
            })
            .await;
        assert!(
            answers.into_iter().all(|answer| answer == Ok(me)),
            "no call should leave the node"
        );
        own.stop().await;
        other.stop().await;
    });
}

/// Waits for an answer that never comes.
struct Waiting;

impl Locale for Waiting {
    const NAME: &'static str = "waiting";
    type Seed = ();

    fn new((): (), cx: &mut Cx<Self>) -> Self {
        let proxy = PurseProxy::new(cx.service());
        cx.call(async move { proxy.never().await }, |_, _, _| {});
        Self
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<End>();
    }
}

impl Run<Waiting> for End {
    fn run(self, _: &mut Waiting, cx: &mut Cx<Waiting>) {
        cx.stop();
    }
}

#[test]
fn a_locales_call_ends_with_the_locale() {
    probe::run(async {
        let hub = Hub::new(Clock::machine());
        let (purse, _inside) = purse(1, &hub).await;
        let (node, door) = caller(2, &hub, 10).await;
        let mut notes = Notes::new();
        let watcher = door.spawn::<Witness>(notes.sender.clone()).await;
        let waiting = door.spawn::<Waiting>(()).await;
        door.ask(move |cx| cx.send(watcher, Watch(waiting))).await;
        // The purse has the call when it answers the next one.
        let taken = door
            .call(|cx| async move { PurseProxy::new(&cx).take(1).await })
            .await;
        assert_eq!(taken, Ok(9), "the purse should answer");
        let pending = || node.core().metrics().service("caller").calls_pending.get();
        assert_eq!(pending(), 1, "the locale's call should be pending");
        door.ask(move |cx| cx.send(waiting, End)).await;
        assert!(
            matches!(notes.next().await, Note::Died(..)),
            "the locale should die"
        );
        door.ask(|_| ()).await;
        assert_eq!(pending(), 0, "the call should have ended with its locale");
        node.stop().await;
        purse.stop().await;
    });
}
