//! A death is told to those who watch.

use realm::role::WireMode;
use realm::{Death, DeathReason, Faults};

use crate::probe::{self, Last, Note, Notes, Say, Tell, Watch, Witness};
use crate::scene::scene;

#[test]
fn a_death_is_told_to_who_watched_before_and_to_who_watches_after() {
    probe::run(async {
        let scene = scene(WireMode::Local, Faults::none(), 10).await;
        let mut notes = Notes::new();
        let watcher = scene.here.spawn::<Witness>(notes.sender.clone()).await;
        for door in [&scene.here, &scene.there, &scene.far] {
            let watched = door.spawn::<Witness>(notes.sender.clone()).await;
            let watch = move |cx: &realm::ServiceCx| cx.send(watcher, Watch(watched));
            scene.here.ask(watch).await;
            scene.here.ask(watch).await;
            scene
                .here
                .ask(move |cx| {
                    cx.send(
                        watcher,
                        Last {
                            to: watched,
                            number: 1,
                        },
                    )
                })
                .await;
            let died = |reason| {
                Note::Died(
                    watcher,
                    Death {
                        address: watched,
                        reason,
                    },
                )
            };
            let told = notes.many(2).await;
            assert!(
                told.contains(&died(DeathReason::Ended)),
                "the death should be told, once: {told:?}"
            );
            assert!(
                told.iter().any(|note| matches!(note, Note::Back(..))),
                "the mail should come back: {told:?}"
            );
            scene.here.ask(watch).await;
            assert_eq!(
                notes.next().await,
                died(DeathReason::Gone),
                "a watch on the dead should be told at once"
            );
        }
        assert_eq!(notes.rest(), [], "nobody should be told twice");
        scene.stop().await;
    });
}

#[test]
fn a_lost_node_is_the_death_of_all_who_lived_there() {
    probe::run(async {
        let scene = scene(WireMode::Local, Faults::none(), 10).await;
        let mut notes = Notes::new();
        let watcher = scene.here.spawn::<Witness>(notes.sender.clone()).await;
        let other = scene.there.spawn::<Witness>(notes.sender.clone()).await;
        let (first, second) = (
            scene.far.spawn::<Witness>(notes.sender.clone()).await,
            scene.far.spawn::<Witness>(notes.sender.clone()).await,
        );
        scene
            .here
            .ask(move |cx| {
                for watched in [first, second, other] {
                    cx.send(watcher, Watch(watched));
                }
                cx.send(
                    watcher,
                    Tell {
                        to: watcher,
                        first: 0,
                        end: 1,
                    },
                );
            })
            .await;
        assert_eq!(
            notes.next().await,
            Note::Said(watcher, 0),
            "the watches should have begun"
        );
        scene.hub.kill(probe::birth(2));
        let died = |address| {
            Note::Died(
                watcher,
                Death {
                    address,
                    reason: DeathReason::NodeLost,
                },
            )
        };
        assert_eq!(
            notes.many(2).await,
            [died(first), died(second)],
            "both should be told, and nobody else"
        );
        scene
            .here
            .ask(move |cx| cx.send(watcher, Watch(first)))
            .await;
        assert_eq!(
            notes.next().await,
            died(first),
            "a watch on a lost node should be told at once"
        );
        scene.here.ask(move |cx| cx.send(watcher, Say(1))).await;
        assert_eq!(
            notes.next().await,
            Note::Said(watcher, 1),
            "the watcher should live"
        );
        scene.stop().await;
    });
}
