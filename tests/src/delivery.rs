//! Mail arrives in order and at most once, or comes back.

use std::sync::mpsc as blocking;
use std::time::Duration;

use realm::role::WireMode;
use realm::{Address, Cx, Faults, Inlet, Locale, Messages, Run, Why, message};

use crate::probe::{self, Door, End, Last, Note, Notes, Say, Tell, Witness};
use crate::scene::{Scene, scene, scene_over_nats};

/// Takes nothing but its end.
struct Mute;

impl Locale for Mute {
    const NAME: &'static str = "mute";
    type Seed = ();

    fn new((): (), _: &mut Cx<Self>) -> Self {
        Self
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<End>();
    }
}

impl Run<Mute> for End {
    fn run(self, _: &mut Mute, cx: &mut Cx<Mute>) {
        cx.stop();
    }
}

/// Another message of the class `Say`, with another shape: as an older node would send it.
#[message(name = "Say")]
struct OldSay(String);

/// Says it the old way.
struct Old;

/// Has it speak.
#[message]
struct Speak(Address);

impl Locale for Old {
    const NAME: &'static str = "old";
    type Seed = ();

    fn new((): (), _: &mut Cx<Self>) -> Self {
        Self
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Speak>();
    }
}

impl Run<Old> for Speak {
    fn run(self, _: &mut Old, cx: &mut Cx<Old>) {
        cx.send(self.0, OldSay("hello".to_owned()));
    }
}

/// Rings when it is told something.
struct Bell(blocking::Sender<()>);

impl Locale for Bell {
    const NAME: &'static str = "bell";
    type Seed = blocking::Sender<()>;

    fn new(seed: Self::Seed, _: &mut Cx<Self>) -> Self {
        Self(seed)
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Say>();
    }
}

impl Run<Bell> for Say {
    fn run(self, me: &mut Bell, _: &mut Cx<Bell>) {
        let _ = me.0.send(());
    }
}

/// Says more in one run than an outbox should hold, and listens for the bell before the run is over.
struct Flood {
    bell: blocking::Receiver<()>,
    rung: tokio::sync::mpsc::UnboundedSender<bool>,
}

impl Locale for Flood {
    const NAME: &'static str = "flood";
    type Seed = Self;

    fn new(seed: Self, _: &mut Cx<Self>) -> Self {
        seed
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Tell>();
    }
}

impl Run<Flood> for Tell {
    fn run(self, me: &mut Flood, cx: &mut Cx<Flood>) {
        (self.first..self.end).for_each(|number| cx.send(self.to, Say(number)));
        let _ = me
            .rung
            .send(me.bell.recv_timeout(Duration::from_secs(20)).is_ok());
    }
}

async fn ten_thousand_arrive_in_order(
    wire: WireMode,
    faults: Faults,
    to: impl Fn(&Scene) -> &Door,
) {
    let scene = scene(wire, faults, 20_000).await;
    hundreds_arrive_in_order(scene, to, 100).await;
}

async fn hundreds_arrive_in_order(scene: Scene, to: impl Fn(&Scene) -> &Door, hundreds: u64) {
    let mut notes = Notes::new();
    let from = scene.here.spawn::<Witness>(notes.sender.clone()).await;
    let target = to(&scene).spawn::<Witness>(notes.sender.clone()).await;
    scene
        .here
        .ask(move |cx| {
            for part in 0..hundreds {
                cx.send(
                    from,
                    Tell {
                        to: target,
                        first: part * 100,
                        end: (part + 1) * 100,
                    },
                );
            }
        })
        .await;
    for number in 0..hundreds * 100 {
        assert_eq!(
            notes.next().await,
            Note::Said(target, number),
            "mail should come in order, once"
        );
    }
    scene
        .here
        .ask(move |cx| {
            cx.send(
                from,
                Tell {
                    to: target,
                    first: hundreds * 100,
                    end: hundreds * 100 + 1,
                },
            )
        })
        .await;
    assert_eq!(
        notes.next().await,
        Note::Said(target, hundreds * 100),
        "nothing should come twice"
    );
    scene.stop().await;
}

const DELAYS: Faults = Faults {
    seed: 3,
    delay_min: Duration::ZERO,
    delay_max: Duration::from_millis(3),
    loss: 0.0,
};

#[test]
fn mail_to_another_thread_arrives_in_order_exactly_once() {
    probe::run(ten_thousand_arrive_in_order(
        WireMode::Local,
        Faults::none(),
        |scene| &scene.there,
    ));
}

#[test]
fn mail_within_a_thread_arrives_in_order_exactly_once_when_written_down() {
    probe::run(ten_thousand_arrive_in_order(
        WireMode::Always,
        Faults::none(),
        |scene| &scene.here,
    ));
}

#[test]
fn mail_to_another_thread_arrives_in_order_exactly_once_when_written_down() {
    probe::run(ten_thousand_arrive_in_order(
        WireMode::Always,
        Faults::none(),
        |scene| &scene.there,
    ));
}

#[test]
fn mail_to_another_node_arrives_in_order_exactly_once_over_a_link_that_delays() {
    probe::run(ten_thousand_arrive_in_order(
        WireMode::Local,
        DELAYS,
        |scene| &scene.far,
    ));
}

#[test]
fn two_hundred_thousand_arrive_over_nats_in_order_exactly_once() {
    probe::run(async {
        let scene = scene_over_nats(250_000).await;
        let counts = scene.other.core().metrics().link();
        hundreds_arrive_in_order(scene, |scene| &scene.far, 2000).await;
        let batches = counts.batches_received.get();
        assert!(
            batches < 20_000,
            "mail should come in batches, not one by one: {batches}"
        );
        assert_eq!(
            counts.gaps_from(probe::birth(1)),
            (0, 0),
            "nothing should be missing"
        );
    });
}

/// What cannot be delivered comes back the same way from this thread, another, and another node.
async fn undelivered_mail_comes_back(scene: Scene) {
    let mut notes = Notes::new();
    let me = scene.here.spawn::<Witness>(notes.sender.clone()).await;
    let tell = async |to: Address, count: u64| {
        scene
            .here
            .ask(move |cx| {
                cx.send(
                    me,
                    Tell {
                        to,
                        first: 0,
                        end: count,
                    },
                )
            })
            .await;
    };
    for door in [&scene.here, &scene.there, &scene.far] {
        let dead = door.ask(|cx| cx.node().next_address()).await;
        tell(dead, 2).await;
        for number in 0..2 {
            let back = Note::Back(me, dead, Why::Gone, Some(number));
            assert_eq!(notes.next().await, back, "mail to nobody should come back");
        }

        let mute = door.spawn::<Mute>(()).await;
        tell(mute, 1).await;
        let back = Note::Back(me, mute, Why::NotTaken, Some(0));
        assert_eq!(
            notes.next().await,
            back,
            "mail of a class that is not taken should come back"
        );

        let ending = door.spawn::<Witness>(notes.sender.clone()).await;
        scene
            .here
            .ask(move |cx| {
                cx.send(
                    me,
                    Last {
                        to: ending,
                        number: 9,
                    },
                )
            })
            .await;
        let Note::Back(_, to, why, number) = notes.next().await else {
            panic!("mail to the dying should come back")
        };
        assert_eq!(
            (to, number),
            (ending, Some(9)),
            "mail to the dying should come back"
        );
        assert!(
            matches!(why, Why::Died | Why::Gone),
            "the dying should not refuse for another reason than {why}"
        );
    }
    let full = scene.here.spawn::<Witness>(notes.sender.clone()).await;
    tell(full, 10).await;
    let notes_of_ten = notes.many(10).await;
    for number in 0..4 {
        assert!(
            notes_of_ten.contains(&Note::Said(full, number)),
            "what the mailbox holds should be said"
        );
    }
    for number in 4..10 {
        let back = Note::Back(me, full, Why::Full, Some(number));
        assert!(
            notes_of_ten.contains(&back),
            "mail past the bound should come back"
        );
    }
    let nowhere = Address::new(probe::birth(9), 1).expect("the address is in range");
    for (lost, why) in [(nowhere, Why::Unreachable), (Address::NOBODY, Why::Gone)] {
        tell(lost, 1).await;
        assert_eq!(
            notes.next().await,
            Note::Back(me, lost, why, Some(0)),
            "mail to nowhere should come back"
        );
    }
    assert_eq!(notes.rest(), [], "nothing else should have happened");
    assert_eq!(
        scene.node.core().metrics().dead_letters(),
        0,
        "what comes back is no dead letter"
    );
    scene.stop().await;
}

#[test]
fn undelivered_mail_comes_back_with_the_message() {
    probe::run(async {
        undelivered_mail_comes_back(scene(WireMode::Local, Faults::none(), 4).await).await;
    });
}

#[test]
fn undelivered_mail_comes_back_with_the_message_over_nats() {
    probe::run(async { undelivered_mail_comes_back(scene_over_nats(4).await).await });
}

#[test]
fn undelivered_mail_comes_back_with_the_message_when_written_down() {
    probe::run(async {
        undelivered_mail_comes_back(scene(WireMode::Always, Faults::none(), 4).await).await;
    });
}

#[test]
fn mail_queued_at_a_death_comes_back_as_died() {
    probe::run(async {
        let scene = scene(WireMode::Local, Faults::none(), 10).await;
        let mut notes = Notes::new();
        let me = scene.here.spawn::<Witness>(notes.sender.clone()).await;
        let ending = scene.here.spawn::<Witness>(notes.sender.clone()).await;
        scene
            .here
            .ask(move |cx| {
                cx.send(
                    me,
                    Last {
                        to: ending,
                        number: 9,
                    },
                )
            })
            .await;
        let back = Note::Back(me, ending, Why::Died, Some(9));
        assert_eq!(
            notes.next().await,
            back,
            "mail behind the end should come back"
        );
        scene.stop().await;
    });
}

#[test]
fn mail_that_cannot_be_read_comes_back_and_is_counted() {
    probe::run(async {
        let scene = scene(WireMode::Local, Faults::none(), 10).await;
        let notes = Notes::new();
        let old = scene.here.spawn::<Old>(()).await;
        for (count, door) in [(1, &scene.here), (2, &scene.far)] {
            let reader = door.spawn::<Witness>(notes.sender.clone()).await;
            scene.here.ask(move |cx| cx.send(old, Speak(reader))).await;
            // What it does not take back is a dead letter.
            while scene.node.core().metrics().dead_letters() < count {
                scene.far.ask(|_| ()).await;
                scene.here.ask(|_| ()).await;
            }
        }
        for node in [&scene.node, &scene.other] {
            assert_eq!(
                node.core().metrics().undecodables(),
                1,
                "each node should have counted one"
            );
        }
        scene.stop().await;
    });
}

#[test]
fn mail_that_comes_back_to_nobody_is_a_dead_letter() {
    probe::run(async {
        let scene = scene(WireMode::Local, Faults::none(), 10).await;
        let notes = Notes::new();
        let me = scene.here.spawn::<Witness>(notes.sender.clone()).await;
        let dead = scene.far.ask(|cx| cx.node().next_address()).await;
        scene
            .here
            .ask(move |cx| {
                cx.send(
                    me,
                    Tell {
                        to: dead,
                        first: 0,
                        end: 3,
                    },
                );
                cx.send(me, Last { to: me, number: 1 });
            })
            .await;
        // Three that found nobody, and one that the dead said to itself.
        while scene.node.core().metrics().dead_letters() < 4 {
            scene.here.ask(|_| ()).await;
        }
        scene.stop().await;
    });
}

/// A message that no locale takes.
#[realm::message(name = "tests.stray")]
struct Stray;

async fn dead_letters_have_names(mode: WireMode) {
    let scene = scene(mode, Faults::none(), 10).await;
    let notes = Notes::new();
    let here = scene.here.spawn::<Witness>(notes.sender.clone()).await;
    let far = scene.far.spawn::<Witness>(notes.sender.clone()).await;
    let nowhere = Address::new(probe::birth(9), 1).expect("the address is in range");
    scene
        .here
        .ask(move |cx| {
            [here, far, nowhere]
                .into_iter()
                .for_each(|to| cx.send(to, Stray))
        })
        .await;
    while scene.node.core().metrics().dead_letters() < 3 {
        scene.far.ask(|_| ()).await;
        scene.here.ask(|_| ()).await;
    }
    assert_eq!(
        scene.node.core().metrics().figures().dead_letters,
        [
            ("tests.stray", "not_taken", 2),
            ("tests.stray", "unreachable", 1)
        ],
        "a dead letter should be counted under its name, wherever it came back from"
    );
    scene.stop().await;
}

#[test]
fn a_dead_letter_is_counted_by_the_name_of_its_class() {
    probe::run(dead_letters_have_names(WireMode::Local));
    probe::run(dead_letters_have_names(WireMode::Always));
}

#[test]
fn an_outbox_past_its_bound_is_emptied_before_the_run_is_over() {
    probe::run(async {
        let scene = scene(WireMode::Local, Faults::none(), 10_000).await;
        for door in [&scene.there, &scene.far] {
            let (ring, bell) = blocking::channel();
            let (rung, mut heard) = tokio::sync::mpsc::unbounded_channel();
            let bell_at = door.spawn::<Bell>(ring).await;
            let flood = scene.here.spawn::<Flood>(Flood { bell, rung }).await;
            scene
                .here
                .ask(move |cx| {
                    cx.send(
                        flood,
                        Tell {
                            to: bell_at,
                            first: 0,
                            end: 5000,
                        },
                    )
                })
                .await;
            let rung = probe::within(heard.recv()).await;
            assert_eq!(
                rung,
                Some(true),
                "the first mail should arrive while the sender still runs"
            );
        }
        scene.stop().await;
    });
}

#[test]
fn locales_take_no_mail_while_the_link_asks_to_hold_back_and_end_all_the_same() {
    probe::run(async {
        let scene = scene(WireMode::Local, Faults::none(), 10).await;
        let mut notes = Notes::new();
        let witness = scene.here.spawn::<Witness>(notes.sender.clone()).await;
        let say = async |number: u64| {
            let job = move |cx: &realm::ServiceCx| cx.send(witness, Say(number));
            scene.there.ask(job).await;
        };
        let core = scene.node.core().clone();
        core.hold_back(true);
        say(1).await;
        for _ in 0..100 {
            scene.here.ask(|_| ()).await;
        }
        assert_eq!(notes.rest(), [], "mail should wait while it is held back");
        core.hold_back(false);
        assert_eq!(
            notes.next().await,
            Note::Said(witness, 1),
            "mail should run when it is held back no more"
        );
        core.hold_back(true);
        say(2).await;
        for _ in 0..100 {
            scene.here.ask(|_| ()).await;
        }
        scene.stop().await;
        assert_eq!(
            core.metrics().deaths_of("witness", "ended"),
            1,
            "a locale that holds back should end with its service"
        );
    });
}
