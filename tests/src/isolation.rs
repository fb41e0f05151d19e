//! Whatever panics in a locale deletes that locale and nothing else.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use realm::role::Rate;
use realm::{Address, Clock, Cx, DeathReason, Hub, Locale, Messages, Modules, Node, Run, message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::probe::{self, Door, Note, Notes, Tell, Watch, Witness, within};

/// Panics that were really raised, wherever.
static RAISED: AtomicU64 = AtomicU64::new(0);

/// Panics without the hook, which would print each time.
fn raise() {
    RAISED.fetch_add(1, Ordering::Relaxed);
    std::panic::resume_unwind(Box::new("injected"));
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Constructor,
    Run,
    Settle,
    Timer,
    Awaited,
    Continuation,
    StateDrop,
    QueuedMail,
}

const PLACES: [Place; 8] = [
    Place::Constructor,
    Place::Run,
    Place::Settle,
    Place::Timer,
    Place::Awaited,
    Place::Continuation,
    Place::StateDrop,
    Place::QueuedMail,
];

/// Panics when it is dropped with a lit fuse.
struct Bomb {
    lit: bool,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.lit {
            raise();
        }
    }
}

/// Panics in one place.
struct Victim {
    place: Place,
    struck: bool,
    state: Bomb,
}

#[message]
struct Strike;

/// Mail that panics when it is dropped.
#[message]
struct Trap {
    set: bool,
}

impl Drop for Trap {
    fn drop(&mut self) {
        if self.set {
            raise();
        }
    }
}

impl Locale for Victim {
    const NAME: &'static str = "victim";
    type Seed = Place;

    fn new(place: Place, _: &mut Cx<Self>) -> Self {
        if place == Place::Constructor {
            raise();
        }
        Self {
            place,
            struck: false,
            state: Bomb { lit: false },
        }
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Strike>().takes::<Trap>();
    }

    fn settle(&mut self, _: &mut Cx<Self>) {
        if self.struck && self.place == Place::Settle {
            raise();
        }
    }
}

impl Run<Victim> for Strike {
    fn run(self, me: &mut Victim, cx: &mut Cx<Victim>) {
        me.struck = true;
        match me.place {
            Place::Constructor | Place::Settle => {}
            Place::Run => raise(),
            Place::Timer => drop(cx.after(Duration::ZERO, |_, _| raise())),
            Place::Awaited => cx.call(
                async {
                    tokio::task::yield_now().await;
                    raise();
                },
                |_, (), _| {},
            ),
            Place::Continuation => {
                cx.call(async { tokio::task::yield_now().await }, |_, (), _| raise())
            }
            Place::StateDrop => {
                me.state.lit = true;
                cx.stop();
            }
            Place::QueuedMail => cx.stop(),
        }
    }
}

impl Run<Victim> for Trap {
    fn run(mut self, _: &mut Victim, _: &mut Cx<Victim>) {
        self.set = false;
    }
}

/// Strikes victims, and lives on.
struct Striker;

#[message]
struct StrikeAll(Vec<(Address, bool)>);

impl Locale for Striker {
    const NAME: &'static str = "striker";
    type Seed = ();

    fn new((): (), _: &mut Cx<Self>) -> Self {
        Self
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<StrikeAll>().takes::<Report>();
    }
}

impl Run<Striker> for StrikeAll {
    fn run(self, _: &mut Striker, cx: &mut Cx<Striker>) {
        for (victim, trap) in self.0 {
            cx.send(victim, Strike);
            if trap {
                cx.send(victim, Trap { set: true });
            }
        }
    }
}

impl Run<Striker> for Report {
    fn run(self, _: &mut Striker, cx: &mut Cx<Striker>) {
        cx.send(self.to, probe::Say(self.number));
    }
}

/// Lives beside the victims and keeps a number.
struct Bystander(u64);

#[message]
struct Report {
    to: Address,
    number: u64,
}

impl Locale for Bystander {
    const NAME: &'static str = "bystander";
    type Seed = u64;

    fn new(seed: u64, _: &mut Cx<Self>) -> Self {
        Self(seed)
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Report>();
    }
}

impl Run<Bystander> for Report {
    fn run(self, me: &mut Bystander, cx: &mut Cx<Bystander>) {
        cx.send(self.to, probe::Say(me.0 + self.number));
    }
}

async fn is_ready(node: &Node) -> bool {
    let admin = node
        .listener("admin")
        .expect("the node should have an admin listener");
    let mut socket = tokio::net::TcpStream::connect(admin)
        .await
        .expect("the admin listener should accept");
    let request = b"GET /readyz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    socket
        .write_all(request)
        .await
        .expect("the admin listener should read");
    let mut answer = String::new();
    socket
        .read_to_string(&mut answer)
        .await
        .expect("the admin listener should answer");
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn ten_thousand_panics_take_ten_thousand_locales_and_nothing_else() {
    const VICTIMS: usize = 10_000;
    const BYSTANDERS: u64 = 100;
    probe::run(async {
        let (here, there) = (Door::new(), Door::new());
        let hub = Hub::new(Clock::machine());
        let services = vec![
            probe::service("world", Rate::Mail, &here, &[]),
            probe::service("watchers", Rate::Mail, &there, &[]),
        ];
        let mut role = probe::role(services);
        for service in &mut role.services {
            service.mailbox_len_max = VICTIMS;
        }
        role.admin = Some(([127, 0, 0, 1], 0).into());
        let mut node = Node::start(probe::config(1, &hub, role, Modules::new()))
            .await
            .expect("the node should start");
        let mut notes = Notes::new();
        let watcher = there.spawn::<Witness>(notes.sender.clone()).await;
        let (striker, bystanders, service) = here
            .ask(|cx| {
                let bystanders: Vec<Address> =
                    (0..BYSTANDERS).map(|n| cx.spawn::<Bystander>(n)).collect();
                (cx.spawn::<Striker>(()), bystanders, cx.address())
            })
            .await;

        let victims: Vec<(Address, Place)> = here
            .ask(move |cx| {
                let victims: Vec<_> = PLACES.into_iter().cycle().take(VICTIMS).collect();
                let spawn = |place| (cx.spawn::<Victim>(place), place);
                let victims: Vec<_> = victims.into_iter().map(spawn).collect();
                victims
                    .iter()
                    .for_each(|(victim, _)| cx.send(watcher, Watch(*victim)));
                victims
            })
            .await;
        // Those whose constructor panics may be dead before the watch: the watcher is told that, too.
        let strikes = victims
            .iter()
            .map(|(victim, place)| (*victim, *place == Place::QueuedMail))
            .collect();
        here.ask(move |cx| cx.send(striker, StrikeAll(strikes)))
            .await;

        let mut dead = BTreeSet::new();
        let mut reasons = Vec::new();
        for note in notes.many(VICTIMS).await {
            let Note::Died(_, death) = note else {
                panic!("the watcher should be told of deaths only, not {note:?}")
            };
            dead.insert(death.address);
            reasons.push(death.reason);
        }
        let expected: BTreeSet<Address> = victims.iter().map(|(victim, _)| *victim).collect();
        assert_eq!(
            dead, expected,
            "each victim should be dead, once, and nobody else"
        );
        let ended = reasons
            .iter()
            .filter(|reason| **reason == DeathReason::Ended)
            .count();
        assert!(
            ended <= VICTIMS / PLACES.len(),
            "only those who ended themselves may have died in order, not {ended}"
        );

        // All who were there and were not struck answer, with what they knew.
        let witness = there.spawn::<Witness>(notes.sender.clone()).await;
        let asked = bystanders.clone();
        here.ask(move |cx| {
            asked.iter().for_each(|bystander| {
                cx.send(
                    *bystander,
                    Report {
                        to: witness,
                        number: 1000,
                    },
                )
            });
            cx.send(
                striker,
                Report {
                    to: witness,
                    number: 5000,
                },
            );
        })
        .await;
        let mut numbers: Vec<u64> = notes
            .many(BYSTANDERS as usize + 1)
            .await
            .into_iter()
            .map(|note| match note {
                Note::Said(_, number) => number,
                other => panic!("nothing but answers should come, not {other:?}"),
            })
            .collect();
        numbers.sort_unstable();
        let expected: Vec<u64> = (1000..1000 + BYSTANDERS).chain([5000]).collect();
        assert_eq!(
            numbers, expected,
            "bystanders should answer with their state, and the sender of the traps should live"
        );

        assert_eq!(
            RAISED.load(Ordering::Relaxed),
            VICTIMS as u64,
            "each victim should have had its panic"
        );
        let metrics = node.core().metrics();
        let traps = (VICTIMS / PLACES.len()) as u64;
        assert_eq!(
            metrics.deaths_of("victim", "panicked"),
            VICTIMS as u64 - traps,
            "panics should be counted"
        );
        assert_eq!(
            metrics.deaths_of("victim", "ended"),
            traps,
            "those with trapped mail ended in order"
        );
        assert_eq!(
            metrics.deaths(),
            VICTIMS as u64,
            "nobody else should have died"
        );
        assert_eq!(
            metrics.service("world").restarts.get(),
            0,
            "the service should not have started anew"
        );
        assert_eq!(
            here.address().await,
            service,
            "the service should still have its address"
        );
        assert_eq!(
            metrics.service("world").locales("victim").get(),
            0,
            "no victim should be counted as living"
        );
        assert!(is_ready(&node).await, "the node should still be ready");
        assert!(
            node.broken().now_or_never().is_none(),
            "the node should not be broken"
        );
        let alive = node.core().directory().len_here();
        assert_eq!(
            alive,
            2 + 1 + 2 + BYSTANDERS as usize,
            "the directory should hold the living only"
        );
        node.stop().await;
    });
}

/// Panics when it is dropped.
struct Mine;

impl Drop for Mine {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("injected"));
    }
}

/// Is dropped with a timer and a call that have not ended, all of which hold what panics.
struct Loaded;

impl Locale for Loaded {
    const NAME: &'static str = "loaded";
    type Seed = mpsc::UnboundedSender<Note>;

    fn new(_: Self::Seed, cx: &mut Cx<Self>) -> Self {
        let [timer, cancelled, future, then] = [Mine, Mine, Mine, Mine];
        cx.after(Duration::from_secs(3600), move |_, _| drop(timer));
        let cancelled = cx.after(Duration::from_secs(3600), move |_, _| drop(cancelled));
        cx.cancel(cancelled);
        let forever = async move {
            let _kept = &future;
            std::future::pending::<()>().await;
        };
        cx.call(forever, move |_, (), _| drop(then));
        Self
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<probe::End>();
    }
}

impl Run<Loaded> for probe::End {
    fn run(self, _: &mut Loaded, cx: &mut Cx<Loaded>) {
        cx.stop();
    }
}

#[test]
fn timers_and_calls_that_panic_as_they_are_dropped_end_with_their_locale() {
    probe::run(async {
        let door = Door::new();
        let hub = Hub::new(Clock::machine());
        let node = probe::start(
            1,
            &hub,
            vec![probe::service("world", Rate::Mail, &door, &[])],
            Modules::new(),
        )
        .await;
        let mut notes = Notes::new();
        let watcher = door.spawn::<Witness>(notes.sender.clone()).await;
        let loaded = door.spawn::<Loaded>(notes.sender.clone()).await;
        let service = door.address().await;
        door.ask(move |cx| {
            cx.send(watcher, Watch(loaded));
            cx.send(loaded, probe::End);
        })
        .await;
        let note = notes.next().await;
        assert!(
            matches!(note, Note::Died(_, death) if death.address == loaded),
            "the locale should have died"
        );
        door.ask(move |cx| {
            cx.send(
                watcher,
                Tell {
                    to: watcher,
                    first: 1,
                    end: 2,
                },
            )
        })
        .await;
        assert_eq!(
            notes.next().await,
            Note::Said(watcher, 1),
            "its neighbour should live on"
        );
        assert_eq!(
            door.address().await,
            service,
            "its service should not have started anew"
        );
        within(node.stop()).await;
    });
}
