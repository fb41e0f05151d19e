//! The way into the world, and back into it.

use client::command::{Enter, Leave, Ping};
use client::{Code, Event};

use super::fakes::script;
use super::stage::{cast, event, is_refusal, log_in, play, see_dog};
use crate::mechanics::EnterError;

fn is_entered(event: &Event) -> Option<()> {
    matches!(event, Event::Entered(_)).then_some(())
}

fn places() -> Vec<String> {
    script(|script| {
        script
            .log
            .iter()
            .filter(|line| line.starts_with("place"))
            .cloned()
            .collect()
    })
}

#[test]
fn a_full_channel_is_not_the_end() {
    play("", |stage| async move {
        script(|script| script.enter = [EnterError::Full, EnterError::Full].into());
        stage.player("Ann").await;
        assert_eq!(places().len(), 3, "the balancer should be asked again");
        let refused = script(|script| script.log.iter().filter(|line| *line == "refused").count());
        assert_eq!(refused, 2, "the balancer should learn who is full");
    });
}

#[test]
fn a_full_world_says_so() {
    play("", |stage| async move {
        script(|script| script.enter = vec![EnterError::Full; 5].into());
        let connection = stage.connect().await;
        stage
            .with(connection, async |mut connection| {
                log_in(&mut connection, "Ann").await;
                let outcome = connection.ask(20_000, Enter {}, is_entered).await;
                assert!(
                    is_refusal(outcome, Code::Full),
                    "after five full channels the world is full"
                );
                connection
                    .ask(20_000, Enter {}, is_entered)
                    .await
                    .expect("later there may be room");
            })
            .await;
    });
}

#[test]
fn a_host_that_fails_is_reported_lost() {
    play("", |stage| async move {
        script(|script| script.enter = [EnterError::NoSuchChannel].into());
        stage.player("Ann").await;
        assert_eq!(
            places(),
            ["place, lost false", "place, lost true"],
            "the balancer should learn which host failed"
        );
    });
}

#[test]
fn a_world_that_stays_shut_is_given_up_after_a_while() {
    play("", |stage| async move {
        script(|script| script.enter = vec![EnterError::NoSuchChannel; 1_000].into());
        let connection = stage.connect().await;
        let began = stage.now();
        stage
            .with(connection, async |mut connection| {
                log_in(&mut connection, "Ann").await;
                let outcome = connection.ask(60_000, Enter {}, is_entered).await;
                assert!(
                    is_refusal(outcome, Code::Unavailable),
                    "the player should not wait for ever"
                );
            })
            .await;
        let waited = stage.now().since(began).as_secs();
        assert!(
            (8..=11).contains(&waited),
            "about ten seconds should be tried, not {waited}"
        );
    });
}

#[test]
fn who_leaves_may_come_back() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        stage
            .with(connection, async |mut connection| {
                let left = connection.ask(5_000, Leave {}, |event| {
                    matches!(event, Event::Left(_)).then_some(())
                });
                left.await.expect("the avatar should leave");
                assert_eq!(
                    connection.view().cells().count(),
                    0,
                    "nothing should be seen from outside"
                );
                connection
                    .ask(5_000, Enter {}, is_entered)
                    .await
                    .expect("the way back should be open");
                cast(&mut connection, "delta 0,0").await;
                see_dog(&mut connection, 1).await;
            })
            .await;
    });
}

#[test]
fn a_lost_avatar_returns_and_nothing_is_applied_twice() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        stage
            .with(connection, async |mut connection| {
                cast(&mut connection, "panic").await;
                let unheard = cast(&mut connection, "hello").await;
                let refused = event(&mut connection, |event| match event {
                    Event::Refused(refused) => Some((refused.sequence, refused.code)),
                    Event::Struck(_) => {
                        panic!("what the dead avatar did not hear should never happen")
                    }
                    _ => None,
                });
                let panicked = refused.await;
                assert_eq!(
                    panicked,
                    (unheard - 1, Code::Unavailable),
                    "the fatal spell was never acknowledged"
                );
                let refused = event(&mut connection, |event| match event {
                    Event::Refused(refused) => Some((refused.sequence, refused.code)),
                    _ => None,
                });
                assert_eq!(
                    refused.await,
                    (unheard, Code::Unavailable),
                    "nor was the one behind it"
                );
                event(&mut connection, is_entered).await;
                let pong = connection.ask(5_000, Ping { client_time_ms: 0 }, |event| {
                    matches!(event, Event::Pong(_)).then_some(())
                });
                pong.await.expect("the session should go on");
                assert_eq!(
                    connection.header().ack,
                    unheard + 1,
                    "nothing should be left open"
                );
                cast(&mut connection, "delta 1,0").await;
                see_dog(&mut connection, 1).await;
            })
            .await;
        assert_eq!(
            places(),
            ["place, lost false", "place, lost false"],
            "an avatar that panicked says nothing against its host"
        );
    });
}

#[test]
fn an_avatar_that_ends_unasked_returns_elsewhere() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        stage
            .with(connection, async |mut connection| {
                cast(&mut connection, "end").await;
                event(&mut connection, is_entered).await;
            })
            .await;
        assert_eq!(
            places(),
            ["place, lost false", "place, lost true"],
            "a host that ends its avatars is closing"
        );
    });
}

#[test]
fn a_player_whose_avatar_does_not_return_stands_outside() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        script(|script| script.enter = vec![EnterError::NoSuchChannel; 1_000].into());
        stage
            .with(connection, async |mut connection| {
                cast(&mut connection, "panic").await;
                event(&mut connection, |event| {
                    matches!(event, Event::Left(_)).then_some(())
                })
                .await;
                let outcome = connection.ask(5_000, Leave {}, |_| None::<()>).await;
                assert!(
                    is_refusal(outcome, Code::NotInWorld),
                    "the session should know that it is outside"
                );
            })
            .await;
    });
}
