//! What a client may ask, and when.

use std::time::Duration;

use client::command::{Enter, Leave, LogIn, Loot, Move, Ping, Resume};
use client::{COMMAND_FRAME_LEN_MAX, Code, Command, CommandFrame, Event, Handle, Transport};
use wire::ClassId;

use super::fakes::script;
use super::stage::{cast, closed, event, is_refusal, log_in, play};

fn login(password: &str) -> Command {
    LogIn {
        name: "Ann".into(),
        password: password.into(),
    }
    .into()
}

#[test]
fn a_command_out_of_turn_is_refused() {
    play("", |stage| async move {
        let connection = stage.connect().await;
        stage
            .with(connection, async |mut connection| {
                let mut refused = async |command: Command, code: Code| {
                    let name = command.name();
                    let outcome = connection.ask(5_000, command, |_| None::<()>).await;
                    assert!(
                        is_refusal(outcome, code),
                        "{name} should be refused with {code:?}"
                    );
                };
                refused(Enter {}.into(), Code::NotLoggedIn).await;
                refused(Move { x: 1.0, y: 1.0 }.into(), Code::NotLoggedIn).await;
                refused(login("wrong"), Code::WrongCredentials).await;
                refused(
                    Resume {
                        token: "0f".repeat(32),
                    }
                    .into(),
                    Code::BadToken,
                )
                .await;
                refused(
                    Move {
                        x: f32::NAN,
                        y: 1.0,
                    }
                    .into(),
                    Code::OutOfBounds,
                )
                .await;
                log_in(&mut connection, "Ann").await;
                let mut refused = async |command: Command, code: Code| {
                    let name = command.name();
                    let outcome = connection.ask(5_000, command, |_| None::<()>).await;
                    assert!(
                        is_refusal(outcome, code),
                        "{name} should be refused with {code:?}"
                    );
                };
                refused(login("right"), Code::AlreadyLoggedIn).await;
                refused(Loot { target: Handle(1) }.into(), Code::NotInWorld).await;
                refused(Leave {}.into(), Code::NotInWorld).await;
                connection
                    .command(Enter {})
                    .await
                    .expect("the command should go out");
                let outcome = connection.ask(5_000, Enter {}, |_| None::<()>).await;
                assert!(
                    is_refusal(outcome, Code::Busy),
                    "one is enough: to enter twice should be refused with Busy"
                );
                event(&mut connection, |event| {
                    matches!(event, Event::Entered(_)).then_some(())
                })
                .await;
                let outcome = connection.ask(5_000, Enter {}, |_| None::<()>).await;
                assert!(
                    is_refusal(outcome, Code::AlreadyInWorld),
                    "who is in cannot enter"
                );
            })
            .await;
    });
}

#[test]
fn two_logins_at_once_are_one_too_many() {
    play("", |stage| async move {
        let connection = stage.connect().await;
        stage
            .with(connection, async |mut connection| {
                connection
                    .command(login("right"))
                    .await
                    .expect("the command should go out");
                let outcome = connection.ask(5_000, login("right"), |_| None::<()>).await;
                assert!(
                    is_refusal(outcome, Code::Busy),
                    "the second should be told to wait"
                );
                event(&mut connection, |event| {
                    matches!(event, Event::LoggedIn(_)).then_some(())
                })
                .await;
            })
            .await;
    });
}

#[test]
fn a_sequence_is_taken_once() {
    play("", |stage| async move {
        let connection = stage.connect().await;
        stage
            .with(connection, async |mut connection| {
                connection.number_after(9);
                let pong = connection.ask(5_000, Ping { client_time_ms: 1 }, |event| match event {
                    Event::Pong(pong) => Some(pong.client_time_ms),
                    _ => None,
                });
                assert_eq!(pong.await, Ok(1), "numbers may begin anywhere");
                connection.number_after(3);
                let outcome = connection
                    .ask(5_000, Ping { client_time_ms: 2 }, |_| None::<()>)
                    .await;
                assert!(
                    is_refusal(outcome, Code::StaleSequence),
                    "a lower number should be refused"
                );
                assert_eq!(
                    connection.header().ack,
                    10,
                    "the acknowledgement should not fall"
                );
            })
            .await;
    });
}

#[test]
fn what_the_avatar_has_not_heard_is_not_acknowledged() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        script(|script| script.deaf = true);
        let connection = stage
            .with(connection, async |mut connection| {
                cast(&mut connection, "hello").await;
                connection
                    .ask(5_000, Ping { client_time_ms: 0 }, |event| {
                        matches!(event, Event::Pong(_)).then_some(())
                    })
                    .await
                    .expect("a ping should be answered");
                assert_eq!(
                    connection.header().ack,
                    2,
                    "the spell is still open, the ping behind it not counted"
                );
                connection
            })
            .await;
        script(|script| script.deaf = false);
        stage
            .with(connection, async |mut connection| {
                let amount = event(&mut connection, |event| match event {
                    Event::Struck(struck) => Some(struck.amount),
                    _ => None,
                });
                assert_eq!(
                    amount.await,
                    3,
                    "the spell should be said again until it is heard"
                );
                assert_eq!(connection.header().ack, 4, "now all is done");
            })
            .await;
    });
}

#[test]
fn a_player_who_asks_too_much_is_told_to_slow_down() {
    // It is the avatar's line that is full here, not the gateway's measure.
    play("commands_burst = 1000", |stage| async move {
        let connection = stage.player("Ann").await;
        script(|script| script.deaf = true);
        let connection = stage
            .with(connection, async |mut connection| {
                for _ in 0..256 {
                    cast(&mut connection, "hello").await;
                }
                let outcome = connection
                    .ask(5_000, Move { x: 1.0, y: 1.0 }, |_| None::<()>)
                    .await;
                assert!(
                    is_refusal(outcome, Code::TooManyCommands),
                    "one more should be refused"
                );
                connection
            })
            .await;
        script(|script| script.deaf = false);
        stage
            .with(connection, async |mut connection| {
                let mut amounts = Vec::new();
                while amounts.len() < 256 {
                    amounts.push(
                        event(&mut connection, |event| match event {
                            Event::Struck(struck) => Some(struck.amount),
                            _ => None,
                        })
                        .await,
                    );
                }
                assert_eq!(
                    amounts,
                    (3..259).collect::<Vec<u32>>(),
                    "each spell should be cast once, in order"
                );
            })
            .await;
    });
}

#[test]
fn a_client_that_knows_no_class_is_sent_away() {
    play("", |stage| async move {
        let cx = script(|script| script.cx.clone()).expect("the players' service should be up");
        let socket = stage.tell(crate::gateway::memory::dial(&cx)).await;
        let mut socket = socket.expect("the gateway should take a client");
        let unreadable = vec![99; COMMAND_FRAME_LEN_MAX];
        let code = stage.tell(async move {
            socket
                .send(unreadable)
                .await
                .expect("the frame should go out");
            for sequence in 1..=10 {
                let frame = CommandFrame {
                    class: ClassId::of("mob.damage"),
                    sequence,
                    body: &[0x90],
                };
                socket
                    .send(frame.encode())
                    .await
                    .expect("the frame should go out");
            }
            client::Connection::new(socket)
        });
        let connection = code.await;
        stage
            .with(connection, async |mut connection| {
                let malformed = event(&mut connection, |event| match event {
                    Event::Refused(refused) => Some((refused.sequence, refused.code)),
                    _ => None,
                });
                assert_eq!(
                    malformed.await,
                    (0, Code::Malformed),
                    "a frame without a head should be refused"
                );
                for sequence in 1..=10 {
                    let refused = event(&mut connection, |event| match event {
                        Event::Refused(refused) => Some((refused.sequence, refused.code)),
                        _ => None,
                    });
                    assert_eq!(
                        refused.await,
                        (sequence, Code::UnknownClass),
                        "each should be refused"
                    );
                }
                assert_eq!(
                    closed(&mut connection).await.code,
                    Some(1008),
                    "ten should be enough"
                );
            })
            .await;
    });
}

#[test]
fn who_does_not_log_in_is_sent_away() {
    play("", |stage| async move {
        let connection = stage.connect().await;
        let began = stage.now();
        stage
            .with(connection, async |mut connection| {
                let code = event(&mut connection, |event| match event {
                    Event::Goodbye(goodbye) => Some(goodbye.code),
                    _ => None,
                });
                assert_eq!(code.await, Code::Idle, "the reason should be told");
                assert_eq!(
                    closed(&mut connection).await.code,
                    Some(1000),
                    "the socket should be closed"
                );
            })
            .await;
        let waited = stage.now().since(began);
        assert!(
            (Duration::from_secs(10)..Duration::from_secs(12)).contains(&waited),
            "ten seconds should be given, not {waited:?}"
        );
    });
}

#[test]
fn a_quiet_world_still_tells_the_time() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        stage
            .with(connection, async |mut connection| {
                let begin = connection.header().server_time_ms;
                // Longer than any silence that the gateway bears: pings keep the socket alive.
                while connection.header().server_time_ms < begin + 60_000 {
                    let before = connection.header().server_time_ms;
                    connection.next().await.expect("the server should go on");
                    let passed = connection.header().server_time_ms - before;
                    assert!(
                        passed <= 2_000,
                        "the time should come every second, not after {passed} ms"
                    );
                }
            })
            .await;
    });
}
