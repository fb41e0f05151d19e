//! What a client may send, what its refusals come to, and that nobody else feels it.

use std::time::Duration;

use client::command::{Enter, Ping};
use client::{Code, Connection, Event, Transport};

use super::fakes::script;
use super::raw::{BINARY, CLOSE};
use super::sockets::{encoded, raw_player};
use super::stage::{
    Stage, cast, closed, event, is_refusal, live, live_player, log_in, play, see_dog,
};

/// The figure of a metric with one label.
fn figure(metrics: &str, name: &str, label: &str) -> u64 {
    let line = metrics
        .lines()
        .find(|line| line.starts_with(name) && line.contains(label));
    let figure = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    figure.unwrap_or(0)
}

fn suspected(stage: &Stage, label: &str) -> u64 {
    let metrics = stage.metrics().encode();
    figure(&metrics, "realm_gateway_suspected_total", label)
}

/// Sends so many pings and waits for none.
async fn pings<T: Transport>(connection: &mut Connection<T>, count: u64) {
    for client_time_ms in 0..count {
        let sent = connection.command(Ping { client_time_ms }).await;
        sent.expect("the command should go out");
    }
}

/// Everything up to the close: pongs, refusals, the goodbye, the close code.
async fn aftermath<T: Transport>(
    connection: &mut Connection<T>,
) -> (usize, usize, Option<Code>, Option<u16>) {
    let (mut pongs, mut refused, mut goodbye) = (0, 0, None);
    loop {
        match connection.next().await {
            Ok(client::Happening::Event(Event::Pong(_))) => pongs += 1,
            Ok(client::Happening::Event(Event::Refused(it))) => {
                assert_eq!(it.code, Code::TooManyCommands, "nothing else is wrong");
                refused += 1;
            }
            Ok(client::Happening::Event(Event::Goodbye(it))) => goodbye = Some(it.code),
            Ok(_) => {}
            Err(client::ConnectionError::Closed(closed)) => {
                return (pongs, refused, goodbye, closed.code);
            }
            Err(error) => panic!("the server should only close: {error}"),
        }
    }
}

#[test]
fn a_flood_is_answered_in_measure_and_sent_away() {
    play("", |stage| async move {
        let connection = stage.connect().await;
        let told = stage
            .with(connection, async |mut connection| {
                pings(&mut connection, 1_000).await;
                aftermath(&mut connection).await
            })
            .await;
        let (pongs, refused, goodbye, code) = told;
        assert!(
            (120..125).contains(&pongs),
            "the burst should be answered and no more: {pongs}"
        );
        assert!(
            (10..20).contains(&refused),
            "the rest should be refused in measure: {refused}"
        );
        assert_eq!(goodbye, Some(Code::Expelled), "the reason should be told");
        assert_eq!(code, Some(1008), "a flood should be sent away");
        assert_eq!(suspected(&stage, "kicked"), 1, "it should be counted");
        let refused = figure(
            &stage.metrics().encode(),
            "realm_gateway_commands_refused_total",
            "TooManyCommands",
        );
        assert!(
            (400..600).contains(&refused),
            "every frame up to the end should be counted, not {refused}"
        );
    });
}

#[test]
fn an_honest_pace_is_never_refused() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        let mut connection = connection;
        // Ten a second for half a minute, and then the burst of a moment without a network.
        for _ in 0..300 {
            stage.pass(Duration::from_millis(100)).await;
            connection = stage
                .with(connection, async |mut connection| {
                    cast(&mut connection, "hello").await;
                    connection
                })
                .await;
        }
        stage
            .with(connection, async |mut connection| {
                for _ in 0..100 {
                    cast(&mut connection, "hello").await;
                }
                let last = cast(&mut connection, "last").await;
                let refused = event(&mut connection, |event| match event {
                    Event::Refused(refused) => Some(Some(refused.code)),
                    Event::Struck(struck) if struck.amount == last => Some(None),
                    _ => None,
                });
                assert_eq!(refused.await, None, "nothing should be refused");
            })
            .await;
        assert_eq!(suspected(&stage, ""), 0, "nobody should be suspected");
    });
}

#[test]
fn who_is_suspected_is_slowed_until_it_passes() {
    let settings = "commands_per_s = 10\ncommands_burst = 40\nlogin_within_ms = 600000\n\
                    [suspicion]\nnote = 8\nslow = 16\nkick = 1000\nhalf_life_ms = 10000";
    play(settings, |stage| async move {
        let connection = stage.connect().await;
        let connection = stage
            .with(connection, async |mut connection| {
                connection.resume_after(9);
                pings(&mut connection, 1).await;
                for _ in 0..2 {
                    connection.resume_after(3);
                    let outcome = connection
                        .ask(5_000, Ping { client_time_ms: 0 }, |_| None::<()>)
                        .await;
                    assert!(
                        is_refusal(outcome, Code::StaleSequence),
                        "a stale number should be refused"
                    );
                }
                connection.resume_after(100);
                connection
            })
            .await;
        assert_eq!(suspected(&stage, "noted"), 1, "one should be noted");
        assert_eq!(suspected(&stage, "slowed"), 1, "two should be slowed");
        stage.pass(Duration::from_secs(4)).await;
        let answered = async |mut connection: Connection<_>| {
            let mut pongs = 0;
            for client_time_ms in 0..15 {
                let asked = connection
                    .ask(120_000, Ping { client_time_ms }, |event| {
                        matches!(event, Event::Pong(_)).then_some(())
                    })
                    .await;
                pongs += usize::from(asked.is_ok());
            }
            (connection, pongs)
        };
        let (connection, pongs) = stage.with(connection, answered).await;
        assert_eq!(
            pongs, 10,
            "a quarter of the burst should be answered while it is slowed"
        );
        stage.pass(Duration::from_secs(60)).await;
        let (_, pongs) = stage.with(connection, answered).await;
        assert_eq!(pongs, 15, "later it should be as free as before");
    });
}

#[test]
fn who_is_sent_away_from_the_world_leaves_its_avatar_there() {
    let settings = "[suspicion]\nnote = 1\nslow = 1\nkick = 1";
    play(settings, |stage| async move {
        let connection = stage.player("Ann").await;
        stage
            .with(connection, async |mut connection| {
                connection.resume_after(0);
                let sent = connection.command(Ping { client_time_ms: 0 }).await;
                sent.expect("the command should go out");
                assert_eq!(
                    closed(&mut connection).await.code,
                    Some(1008),
                    "it should be sent away"
                );
            })
            .await;
        stage.pass(Duration::from_secs(9)).await;
        let leaves = || script(|script| script.log.iter().filter(|it| *it == "leave").count());
        assert_eq!(leaves(), 0, "its avatar should stay for its grace");
        stage.pass(Duration::from_secs(2)).await;
        assert_eq!(leaves(), 1, "and leave then");
    });
}

#[test]
fn what_follows_the_goodbye_is_not_read() {
    let settings = "[suspicion]\nnote = 1\nslow = 1\nkick = 1";
    play(settings, |stage| async move {
        let connection = stage.connect().await;
        stage
            .with(connection, async |mut connection| {
                log_in(&mut connection, "Ann").await;
                connection.resume_after(0);
                for command in [Enter {}, Enter {}] {
                    let sent = connection.command(command).await;
                    sent.expect("the command should go out");
                }
                closed(&mut connection).await;
            })
            .await;
        let entered = script(|script| script.log.iter().any(|it| it.starts_with("place")));
        assert!(!entered, "nobody should enter after the goodbye");
    });
}

#[test]
fn a_flood_over_a_socket_ends_and_others_do_not_feel_it() {
    live("", |realm| async move {
        let address = realm.address();
        let mut decent = live_player(address, "Bob").await;
        let mut flood = raw_player(address, "Ann").await;
        let mut all = Vec::new();
        for sequence in 3..5_003 {
            let body = encoded(sequence, Ping { client_time_ms: 0 });
            all.extend([BINARY, 0x80 | body.len() as u8, 0, 0, 0, 0]);
            all.extend(body);
        }
        let mut hp = 0;
        let story = async {
            // The server may close before it has taken all.
            let _ = flood.try_bytes(&all).await;
            let mut answers = 0;
            loop {
                match flood.next().await {
                    Some((CLOSE, body)) => return (answers, body),
                    Some(_) => answers += 1,
                    None => return (answers, Vec::new()),
                }
                if answers % 10 == 0 {
                    hp += 1;
                    cast(&mut decent, "delta 0,0").await;
                    see_dog(&mut decent, hp).await;
                }
            }
        };
        let (answers, close) = story.await;
        assert!(
            answers < 400,
            "a flood of 5,000 should not get {answers} answers"
        );
        assert_eq!(
            close.first_chunk().map(|code| u16::from_be_bytes(*code)),
            Some(1008),
            "it should be sent away"
        );
        cast(&mut decent, "delta 0,0").await;
        see_dog(&mut decent, hp + 1).await;
    });
}
