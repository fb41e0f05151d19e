//! How a session stands to the chat service.

use std::time::Duration;

use client::Code;
use client::command::{Join, Say};

use super::fakes::script;
use super::stage::{is_refusal, log_in, play};

fn say(room: &str, text: &str) -> Say {
    Say {
        room: room.to_owned(),
        text: text.to_owned(),
    }
}

/// How often the chat service was told of a player in these rooms.
fn told_of(name: &str, rooms: &[&str]) -> usize {
    let line = format!("here {name} {rooms:?}");
    script(|script| script.log.iter().filter(|known| **known == line).count())
}

#[test]
fn a_chat_service_that_has_forgotten_a_player_is_told_again() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        let connection = stage
            .with(connection, async |mut connection| {
                let room = "room:traders".to_owned();
                let sent = connection.command(Join { room }).await;
                let sent = sent.expect("the command should go out");
                let joined = connection.until(5_000, "the room", |_, _| Some(()));
                joined.await.expect("the room should be joined");
                while connection.header().ack < sent {
                    connection.next().await.expect("the server should go on");
                }
                connection
            })
            .await;
        assert_eq!(
            told_of("Ann", &[]),
            1,
            "a player should be known from the log-in on"
        );

        script(|script| script.chat_forgets = true);
        let connection = stage
            .with(connection, async |mut connection| {
                let sent = connection.command(say("realm", "hello")).await;
                let sent = sent.expect("the command should go out");
                while connection.header().ack < sent {
                    connection.next().await.expect("the server should go on");
                }
                connection
            })
            .await;
        assert_eq!(
            told_of("Ann", &["room:traders"]),
            1,
            "it should be told of the player and its rooms"
        );
        let said = script(|script| {
            script
                .log
                .iter()
                .filter(|line| *line == "say hello")
                .count()
        });
        assert_eq!(said, 1, "what was asked of it should be asked again");

        // A service that fails starts anew, and learns of all players, also of those who say nothing.
        let _there = stage
            .with(connection, async |mut connection| {
                let outcome = connection
                    .ask(20_000, say("realm", "panic"), |_| None::<()>)
                    .await;
                assert!(
                    is_refusal(outcome, Code::Unavailable),
                    "what was lost with the service should be refused"
                );
                connection
            })
            .await;
        stage.pass(Duration::from_secs(3)).await;
        assert_eq!(
            told_of("Ann", &["room:traders"]),
            2,
            "the new service should be told of the player and its rooms"
        );
    });
}

#[test]
fn nobody_talks_near_who_is_nowhere() {
    play("", |stage| async move {
        let connection = stage.connect().await;
        stage
            .with(connection, async |mut connection| {
                let before = connection
                    .ask(5_000, say("realm", "a"), |_| None::<()>)
                    .await;
                assert!(
                    is_refusal(before, Code::NotLoggedIn),
                    "who is nobody should not talk"
                );
                log_in(&mut connection, "Ann").await;
                let outside = connection
                    .ask(5_000, say("near", "a"), |_| None::<()>)
                    .await;
                assert!(
                    is_refusal(outside, Code::NotInWorld),
                    "nobody is near who is not in the world"
                );
                let nowhere = connection
                    .ask(5_000, say("here", "a"), |_| None::<()>)
                    .await;
                assert!(
                    is_refusal(nowhere, Code::NoSuchRoom),
                    "there is no such room"
                );
                connection
            })
            .await;
    });
}
