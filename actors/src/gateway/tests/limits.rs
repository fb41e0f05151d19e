//! What a client may send, what its refusals come to, and that nobody else feels it.

use std::time::Duration;

use client::command::{Enter, LogIn, Ping, Register, Resume};
use client::{Code, Command, Connection, Event, Transport};

use super::fakes::script;
use super::raw::{BINARY, CLOSE, HANDSHAKE, Raw, get};
use super::sockets::{encoded, raw_player};
use super::stage::{
    Stage, cast, closed, event, is_refusal, live, live_player, log_in, play, see_dog, start_live,
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
                connection.number_after(9);
                pings(&mut connection, 1).await;
                for _ in 0..2 {
                    connection.number_after(3);
                    let outcome = connection
                        .ask(5_000, Ping { client_time_ms: 0 }, |_| None::<()>)
                        .await;
                    assert!(
                        is_refusal(outcome, Code::StaleSequence),
                        "a stale number should be refused"
                    );
                }
                connection.number_after(100);
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
                connection.number_after(0);
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
                connection.number_after(0);
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
        for sequence in 3..50_003 {
            let body = encoded(sequence, Ping { client_time_ms: 0 });
            all.extend([BINARY, 0x80 | body.len() as u8, 0, 0, 0, 0]);
            all.extend(body);
        }
        let mut hp = 0;
        let story = async {
            flood.bytes(&all).await;
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
            "a flood of 50,000 should not get {answers} answers"
        );
        assert_eq!(
            close.first_chunk().map(|code| u16::from_be_bytes(*code)),
            Some(1008),
            "it should be sent away"
        );
        flood.frame(CLOSE, &1008_u16.to_be_bytes()).await;
        let end = flood.end().await;
        assert!(
            end.is_ok(),
            "the socket should end in order, or the reason may be lost: {end:?}"
        );
        cast(&mut decent, "delta 0,0").await;
        see_dog(&mut decent, hp + 1).await;
    });
}

#[test]
fn an_address_has_so_many_connections_and_no_more() {
    live("connections_per_address_max = 2", |realm| async move {
        let address = realm.address();
        let first = Raw::connect(address).await;
        let _second = Raw::connect(address).await;
        let (_third, told) = Raw::ask_for(address, HANDSHAKE).await;
        assert!(
            told.starts_with("HTTP/1.1 429"),
            "the third should be told to come back: {told}"
        );
        assert!(
            told.to_lowercase().contains("retry-after: 10\r\n"),
            "and when: {told}"
        );
        let forged = format!("{HANDSHAKE}X-Forwarded-For: 203.0.113.1\r\n");
        let told = get(address, "/ws", &forged).await;
        assert!(
            told.starts_with("HTTP/1.1 429"),
            "nobody should be believed who is not trusted: {told}"
        );
        // The two that were told hold their places until they end; then the first's is free too.
        drop((first, _third));
        while let (_, told) = Raw::ask_for(address, HANDSHAKE).await
            && !told.starts_with("HTTP/1.1 101")
        {
            assert!(told.starts_with("HTTP/1.1 429"), "{told}");
        }
        let metrics = realm.metrics().encode();
        let away = figure(&metrics, "realm_gateway_turned_away_total", "open");
        assert!(away >= 2, "it should be counted, not {away}");
    });
}

#[test]
fn a_crowd_from_one_address_is_not_even_answered() {
    live("connections_per_address_max = 2", |realm| async move {
        let address = realm.address();
        let mut crowd = Vec::new();
        for _ in 0..10 {
            let silent = tokio::net::TcpStream::connect(address).await;
            crowd.push(silent.expect("the system should accept"));
        }
        let mut ended = 0;
        for silent in &mut crowd[4..] {
            let read = tokio::io::AsyncReadExt::read(silent, &mut [0; 16]).await;
            ended += usize::from(matches!(read, Ok(0) | Err(_)));
        }
        assert_eq!(ended, 6, "past twice as many all should be closed at once");
        drop(crowd);
        while let (_, told) = Raw::ask_for(address, HANDSHAKE).await
            && !told.starts_with("HTTP/1.1 101")
        {
            assert!(told.starts_with("HTTP/1.1 429"), "{told}");
        }
    });
}

#[test]
fn the_files_of_the_page_have_a_rate_of_their_own() {
    let settings = "connections_per_address_per_s = 1\nconnections_per_address_burst = 2\n\
                    assets_per_address_per_s = 1\nassets_per_address_burst = 5";
    live(settings, |realm| async move {
        let address = realm.address();
        let page = get(address, "/", "").await;
        let (_, script) = page
            .split_once("type=\"module\" src=\"")
            .expect("the page should have a script");
        let script = format!("/{}", script.split('"').next().unwrap_or_default());
        for _ in 0..5 {
            let told = get(address, &script, "").await;
            assert!(told.starts_with("HTTP/1.1 200"), "five may be had: {told}");
        }
        let told = get(address, &script, "").await;
        assert!(told.starts_with("HTTP/1.1 429"), "no more: {told}");
        let told = get(address, "/ws", HANDSHAKE).await;
        // It closes its connection, so it is no handshake; but it was let so far.
        assert!(
            told.starts_with("HTTP/1.1 400"),
            "who has loaded the page should be let in: {told}"
        );
    });
}

#[test]
fn an_address_comes_so_often_and_no_more() {
    let settings = "connections_per_address_per_s = 1\nconnections_per_address_burst = 3";
    live(settings, |realm| async move {
        let address = realm.address();
        for _ in 0..3 {
            let told = get(address, "/", "").await;
            assert!(told.starts_with("HTTP/1.1 200"), "three may come: {told}");
        }
        let told = get(address, "/ws", HANDSHAKE).await;
        assert!(
            told.starts_with("HTTP/1.1 429"),
            "the fourth should be told to come back: {told}"
        );
        assert!(
            told.to_lowercase().contains("retry-after: 1\r\n"),
            "and when: {told}"
        );
        assert_eq!(
            figure(
                &realm.metrics().encode(),
                "realm_gateway_turned_away_total",
                "rate"
            ),
            1,
            "it should be counted"
        );
    });
}

#[test]
fn those_behind_a_trusted_proxy_count_each_for_itself() {
    let settings = "connections_per_address_max = 1\ntrusted_proxies = [\"127.0.0.1\"]";
    live(settings, |realm| async move {
        let address = realm.address();
        let from = |client: &str| format!("{HANDSHAKE}X-Forwarded-For: 198.51.100.1, {client}\r\n");
        let ask = async |client: &str| Raw::ask_for(address, &from(client)).await;
        let (_ann, told) = ask("203.0.113.1").await;
        assert!(told.starts_with("HTTP/1.1 101"), "Ann may come: {told}");
        let (_bob, told) = ask("203.0.113.2").await;
        assert!(
            told.starts_with("HTTP/1.1 101"),
            "Bob comes from elsewhere: {told}"
        );
        let (_, told) = ask("203.0.113.1").await;
        assert!(
            told.starts_with("HTTP/1.1 429"),
            "Ann is here already: {told}"
        );
        drop(_ann);
        while let (_, told) = ask("203.0.113.1").await
            && !told.starts_with("HTTP/1.1 101")
        {
            assert!(told.starts_with("HTTP/1.1 429"), "{told}");
        }
    });
}

/// What each of these is told on a connection of its own.
async fn told(stage: &Stage, commands: Vec<Command>) -> Vec<Option<Code>> {
    let mut told = Vec::new();
    for command in commands {
        let connection = stage.connect().await;
        let code = stage
            .with(connection, async |mut connection| {
                let sent = connection.command(command).await;
                sent.expect("the command should go out");
                event(&mut connection, |event| match event {
                    Event::Refused(refused) => Some(Some(refused.code)),
                    Event::LoggedIn(_) => Some(None),
                    _ => None,
                })
                .await
            })
            .await;
        told.push(code);
    }
    told
}

#[test]
fn an_address_logs_in_so_often_and_no_more_each_time_the_same() {
    let settings = "logins_per_address_per_minute = 1\nlogins_per_address_burst = 3\n\
                    registrations_per_address_per_minute = 1\nregistrations_per_address_burst = 2\n\
                    login_within_ms = 600000";
    let once = || {
        let (out, outcome) = std::sync::mpsc::channel();
        play(settings, |stage| async move {
            let (name, password) = (String::from("Ann"), String::from("correct horse"));
            let log_in = || {
                let (name, password) = (name.clone(), password.clone());
                Command::from(LogIn { name, password })
            };
            let register = || {
                let (name, password) = (name.clone(), password.clone());
                Command::from(Register { name, password })
            };
            let token = "0f".repeat(32);
            let first = vec![
                register(),
                register(),
                register(),
                log_in(),
                Resume { token }.into(),
                log_in(),
                log_in(),
            ];
            let mut codes = told(&stage, first).await;
            let began = stage.now();
            // Time goes from timer to timer: somebody has to have one.
            let _idle = stage.connect().await;
            stage.pass(Duration::from_secs(61)).await;
            codes.extend(told(&stage, vec![log_in(), log_in()]).await);
            let sent = out.send((codes, began.micros()));
            sent.expect("the test should wait for it");
        });
        outcome.recv().expect("the story should be told")
    };
    let (codes, began) = once();
    let away = Some(Code::TooManyLogins);
    assert_eq!(
        codes,
        [
            None,
            None,
            away,
            None,
            Some(Code::BadToken),
            None,
            away,
            None,
            away
        ],
        "two may register, three log in or resume, and one more after a minute"
    );
    assert_eq!(once(), (codes, began), "one seed should be one story");
}

#[test]
fn limits_that_make_no_sense_are_refused_by_name() {
    actix_rt::System::new().block_on(async {
        for (settings, said) in [
            (
                "[suspicion]\nnote = 60",
                "must ascend: note 60, slow 50, kick 100",
            ),
            (
                "[suspicion]\nslow = 200",
                "must ascend: note 25, slow 200, kick 100",
            ),
            ("[suspicion]\nhalf_life_ms = 0", "nonzero"),
            ("commands_per_s = 0", "nonzero"),
            ("commands_burst = 3", "commands_burst must be 4 to 1000000"),
            (
                "logins_per_address_burst = 2000000",
                "logins_per_address_burst must be at most 1000000",
            ),
            (
                "heartbeat_ms = 20",
                "controls_per_s must be at most 1000000, and leave room",
            ),
            (
                "connections_per_address_max = 0",
                "connections_per_address_max must be at least 1",
            ),
            ("trusted_proxies = [\"localhost\"]", "trusted_proxies"),
        ] {
            let error = start_live(settings).await.err();
            let error = error.unwrap_or_else(|| panic!("{settings} should be refused"));
            let error = error.to_string();
            assert!(
                error.contains(said),
                "{settings} should be refused as {said}: {error}"
            );
        }
    });
}
