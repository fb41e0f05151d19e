//! A node whose connection is cut: it stands still before the others take it for lost. The proxy that cuts it is here too.

use std::collections::BTreeSet;
use std::time::Duration;

use realm::{Broken, Clock, JoinError, Moment};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::members::stage::{LEASE, Stage, WAY, until};
use crate::probe::{self, Notes, Tell, Witness, birth, within};

/// How the way is.
#[derive(Clone, Copy, Default)]
struct Way {
    /// Nothing goes from the node, or to it: it waits, as TCP has it.
    cut: [bool; 2],
    /// Connections are ended, and no more are made.
    broken: bool,
    delay: Duration,
}

/// Stands between a node and the broker.
pub(crate) struct Proxy {
    port: u16,
    way: watch::Sender<Way>,
}

impl Proxy {
    pub(crate) async fn start(broker: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a port should be free");
        let port = listener.local_addr().expect("a listener has an address");
        let (way, seen) = watch::channel(Way::default());
        tokio::spawn(accept(listener, broker, seen));
        Self {
            port: port.port(),
            way,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Holds what goes from the node, and what goes to it.
    pub(crate) fn cut(&self, from: bool, to: bool) {
        self.way.send_modify(|way| way.cut = [from, to]);
    }

    /// Ends all connections until [`Proxy::heal`].
    pub(crate) fn break_off(&self) {
        self.way.send_modify(|way| way.broken = true);
    }

    pub(crate) fn heal(&self) {
        self.way
            .send_modify(|way| (way.cut, way.broken) = ([false; 2], false));
    }

    /// Has all take so long, each way.
    pub(crate) fn delay(&self, delay: Duration) {
        self.way.send_modify(|way| way.delay = delay);
    }
}

async fn accept(listener: TcpListener, broker: u16, way: watch::Receiver<Way>) {
    while let Ok((near, _)) = listener.accept().await {
        let Ok(far) = TcpStream::connect(("127.0.0.1", broker)).await else {
            continue;
        };
        if way.borrow().broken || way.has_changed().is_err() {
            continue;
        }
        let (near_in, near_out) = near.into_split();
        let (far_in, far_out) = far.into_split();
        carry(near_in, far_out, 0, way.clone());
        carry(far_in, near_out, 1, way.clone());
    }
}

/// Carries one way, in order.
fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, side: usize, way: watch::Receiver<Way>) {
    let clock = Clock::machine();
    let (late, mut due) = mpsc::unbounded_channel::<(Moment, Vec<u8>)>();
    let (read_way, read_clock) = (way.clone(), clock.clone());
    tokio::spawn(async move {
        let mut bytes = vec![0; 65536];
        let mut broken = read_way.clone();
        loop {
            let read = tokio::select! {
                read = from.read(&mut bytes) => read,
                _ = broken.wait_for(|way| way.broken) => return,
            };
            let Ok(len @ 1..) = read else {
                return;
            };
            let at = read_clock.now() + read_way.borrow().delay;
            let _ = late.send((at, bytes[..len].to_vec()));
        }
    });
    tokio::spawn(async move {
        let mut open = way.clone();
        let mut broken = way.clone();
        while let Some((at, bytes)) = due.recv().await {
            clock.sleep_until(at).await;
            let ended = tokio::select! {
                healed = open.wait_for(|way| !way.cut[side]) => healed.is_err(),
                _ = broken.wait_for(|way| way.broken) => true,
            };
            if ended || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
}

/// A node is cut at a moment of its renewals that the seed says; whoever takes it for lost does so when its world has stopped.
async fn freezes_first(stage: &mut Stage, number: u32, seed: u32, cut: impl Fn(&Proxy)) {
    let proxy = stage.start_behind_proxy(number).await;
    stage.pass(LEASE * (seed % 7) / 20).await;
    let _ = stage.events();
    cut(&proxy);
    let cut_at = stage.clock.now();
    let mut others: BTreeSet<_> = (1..=2).map(birth).collect();
    while !others.is_empty() {
        let (at, lost, moment) = stage.next_loss().await;
        assert_eq!(lost, birth(number), "only the cut node should be lost");
        let actor = stage.nodes.last().expect("the cut node is the last");
        let last = actor.pulse.last();
        assert!(
            last < moment.micros(),
            "seed {seed}: its world should have stopped before it was lost, not {} µs later",
            last.saturating_sub(moment.micros())
        );
        assert!(!actor.node.core().acts(), "it should not act any more");
        assert!(
            moment.since(cut_at) < LEASE + WAY,
            "seed {seed}: it should be lost within its lease"
        );
        if at != birth(number) {
            others.remove(&at);
        }
    }
    let last = stage.nodes.last().map(|one| one.pulse.last());
    proxy.heal();
    let mut out = stage.nodes.pop().expect("the cut node is the last");
    let why = within(out.node.broken()).await;
    assert_eq!(
        why,
        Broken::Out(JoinError::Evicted),
        "the cut node should learn that it is lost"
    );
    assert_eq!(
        Some(out.pulse.last()),
        last,
        "its world should not have moved again"
    );
    out.node.stop().await;
}

#[test]
fn a_node_that_is_cut_off_stops_before_the_others_take_it_for_lost_and_leaves_when_it_learns_so() {
    probe::run(async {
        let mut stage = Stage::with_nodes(2).await;
        for (number, seed) in (3..).zip(0..6) {
            freezes_first(&mut stage, number, seed, |proxy| match seed % 4 {
                0 => proxy.cut(true, true),
                1 => proxy.cut(true, false),
                2 => proxy.break_off(),
                _ => {
                    proxy.delay(LEASE / 6);
                    proxy.cut(true, true);
                }
            })
            .await;
        }
        stage.stop().await;
    });
}

/// Its renewals arrive, but it cannot know: it stands still, and is not lost, for it is heard.
#[test]
fn a_node_that_hears_nothing_stops_too() {
    probe::run(async {
        let mut stage = Stage::with_nodes(2).await;
        let proxy = stage.start_behind_proxy(3).await;
        proxy.cut(false, true);
        let actor = &stage.nodes[2];
        until("it should freeze", || !actor.node.core().acts()).await;
        proxy.heal();
        stage.all_thaw().await;
        stage.nobody_was_lost().await;
        stage.stop().await;
    });
}

/// It was out of reach when the broker lost everything, also that it was lost.
#[test]
fn whoever_is_lost_stays_so_though_the_broker_forgets_it() {
    probe::run(async {
        let mut stage = Stage::with_nodes(2).await;
        let proxy = stage.start_behind_proxy(3).await;
        proxy.break_off();
        for _ in 0..2 {
            let (_, lost, _) = stage.next_loss().await;
            assert_eq!(lost, birth(3), "only the cut node should be lost");
        }
        stage.broker.kill();
        stage.broker.wipe();
        stage.broker.start_again();
        let mut cut = stage.nodes.pop().expect("the cut node is the last");
        stage.all_thaw().await;
        proxy.heal();
        assert_eq!(
            within(cut.node.broken()).await,
            Broken::Out(JoinError::Evicted),
            "the others should not take it back"
        );
        cut.node.stop().await;
        stage.stop().await;
    });
}

/// Only what has a rate, or is singular, freezes: the rest may have said something that arrives when its node is lost.
#[test]
fn what_a_lost_node_has_said_and_comes_in_late_is_dropped() {
    probe::run(async {
        let mut stage = Stage::with_nodes(2).await;
        let proxy = stage.start_behind_proxy(3).await;
        let mut notes = Notes::new();
        let far = stage.nodes[2].door.spawn::<Witness>(notes.sender.clone());
        let far = far.await;
        let near = stage.nodes[0].door.spawn::<Witness>(notes.sender.clone());
        let near = near.await;
        proxy.cut(true, true);
        for _ in 0..2 {
            let (_, lost, _) = stage.next_loss().await;
            assert_eq!(lost, birth(3), "only the cut node should be lost");
        }
        let tell = Tell {
            to: near,
            first: 0,
            end: 1,
        };
        stage.nodes[2].door.ask(move |cx| cx.send(far, tell)).await;
        proxy.heal();
        let metrics = stage.nodes[0].node.core().metrics();
        until("the late mail should be refused", || metrics.refused() > 0).await;
        assert_eq!(notes.rest(), [], "nobody should hear of it");
        stage.stop().await;
    });
}
