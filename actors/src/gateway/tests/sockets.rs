//! The gateway over real sockets.

use std::net::SocketAddr;

use client::command::{Enter, Ping, Register};
use client::event::Pong;
use client::{COMMAND_FRAME_LEN_MAX, Command, CommandFrame, Event};
use wire::Class;

use super::raw::{BINARY, CLOSE, CONTINUATION, HANDSHAKE, PING, PONG, Raw, TEXT, get};
use super::stage::{cast, closed, event, live, live_player, see_dog, start_live_at};

pub(super) fn encoded(sequence: u32, command: impl Into<Command>) -> Vec<u8> {
    let (class, body) = command.into().encode();
    let frame = CommandFrame {
        class,
        sequence,
        body: &body,
    };
    frame.encode()
}

pub(super) fn spell(sequence: u32, spell: &str) -> Vec<u8> {
    let cast = client::command::Cast {
        spell: spell.into(),
        target: client::Handle(1),
    };
    encoded(sequence, cast)
}

/// A client in the world that does as it likes.
pub(super) async fn raw_player(address: SocketAddr, name: &str) -> Raw {
    let mut raw = Raw::connect(address).await;
    let register = Register {
        name: name.into(),
        password: "a good password".into(),
    };
    raw.frame(BINARY, &encoded(1, register)).await;
    // Welcome, and who it is.
    for _ in 0..2 {
        raw.next().await.expect("the server should answer");
    }
    raw.frame(BINARY, &encoded(2, Enter {})).await;
    raw.next().await.expect("the server should answer");
    raw
}

#[test]
fn a_player_plays_over_a_web_socket() {
    live("", |realm| async move {
        let address = realm.address();
        let mut ann = live_player(address, "Ann").await;
        let mut bob = live_player(address, "Bob").await;
        for hp in 1..=20 {
            cast(&mut ann, "delta 0,0").await;
            see_dog(&mut ann, hp).await;
            see_dog(&mut bob, hp).await;
        }
        assert!(
            ann.take_gaps().is_empty() && bob.take_gaps().is_empty(),
            "no frame should be missing"
        );
        // The goodbyes are read while the node stops, as clients do.
        let stopped = realm.stop();
        let goodbye = event(&mut ann, |event| {
            matches!(event, Event::Goodbye(_)).then_some(())
        });
        futures_util::future::join(stopped, goodbye).await;
        assert_eq!(
            closed(&mut ann).await.code,
            Some(1001),
            "the server goes away"
        );
    });
}

#[test]
fn what_is_no_command_frame_closes_the_socket() {
    live("", |realm| async move {
        let address = realm.address();
        let mut terabyte = vec![BINARY, 0x80 | 127];
        terabyte.extend((1_u64 << 40).to_be_bytes());
        terabyte.extend([0; 4]);
        let mut raw = Raw::connect(address).await;
        raw.bytes(&terabyte).await;
        assert_eq!(
            raw.close_code().await,
            Some(1009),
            "a claim of a terabyte should be refused at once"
        );

        let cases: [(u8, Vec<u8>, u16, &str); 8] = [
            (TEXT, b"hello".to_vec(), 1003, "a text"),
            (TEXT, vec![0xff], 1003, "a text that is none"),
            (TEXT & 0x7f, vec![], 1003, "the fragment of a text"),
            (0x80, vec![1], 1002, "a fragment of nothing"),
            (0xc2, vec![1], 1002, "a compressed frame"),
            (PING, vec![1; 126], 1002, "a long ping"),
            (
                BINARY,
                vec![1; COMMAND_FRAME_LEN_MAX + 1],
                1009,
                "a command that is too long",
            ),
            (0x83, vec![], 1002, "a frame of no known kind"),
        ];
        for (head, body, code, what) in cases {
            let mut raw = Raw::connect(address).await;
            raw.frame(head, &body).await;
            assert_eq!(
                raw.close_code().await,
                Some(code),
                "{what} should be refused"
            );
        }

        let mut raw = Raw::connect(address).await;
        raw.bytes(&[BINARY, 1, 7]).await;
        assert_eq!(
            raw.close_code().await,
            Some(1002),
            "a frame without a mask should be refused"
        );

        let mut raw = Raw::connect(address).await;
        raw.frame(CLOSE, &1000_u16.to_be_bytes()).await;
        assert_eq!(
            raw.close_code().await,
            Some(1000),
            "a close should be answered"
        );
    });
}

#[test]
fn a_command_may_come_in_fragments_but_not_for_ever() {
    live("", |realm| async move {
        let address = realm.address();
        let mut raw = Raw::connect(address).await;
        let ping = encoded(1, Ping { client_time_ms: 7 });
        let (one, other) = ping.split_at(5);
        raw.frame(BINARY & 0x7f, one).await;
        // A ping may come in between.
        raw.frame(PING, b"?").await;
        raw.frame(CONTINUATION & 0x7f, &[]).await;
        raw.frame(CONTINUATION, other).await;
        let (mut answered, mut alive) = (false, false);
        while !(answered && alive) {
            let (head, body) = raw.next().await.expect("the server should go on");
            alive |= head == PONG && body == b"?";
            answered |= head == BINARY && body.windows(4).any(|it| it == Pong::ID.0.to_le_bytes());
        }

        for (len, what) in [(0, "nothing"), (100, "bytes")] {
            let mut raw = Raw::connect(address).await;
            raw.frame(BINARY & 0x7f, &[]).await;
            for _ in 0..200 {
                raw.frame(CONTINUATION & 0x7f, &vec![0; len]).await;
            }
            assert_eq!(
                raw.close_code().await,
                Some(1009),
                "{what} in endless fragments should come to an end"
            );
        }
        let metrics = realm.metrics().encode();
        assert!(
            metrics.contains("realm_gateway_sockets_closed_total{node=\"test\",code=\"1009\"} 2"),
            "it should be counted: {metrics}"
        );
    });
}

#[test]
fn a_flood_of_pings_or_pongs_is_closed() {
    live("", |realm| async move {
        for head in [PING, PONG] {
            let mut raw = Raw::connect(realm.address()).await;
            for _ in 0..2_000 {
                if raw.try_frame(head, b"").await.is_err() {
                    break;
                }
            }
            let mut pongs = 0;
            let code = loop {
                match raw
                    .next()
                    .await
                    .expect("the server should say why it closes")
                {
                    (CLOSE, body) => break body.first_chunk().map(|it| u16::from_be_bytes(*it)),
                    (head, _) => pongs += usize::from(head == PONG),
                }
            };
            assert_eq!(code, Some(1008), "a flood of {head:x} should be refused");
            assert!(pongs < 100, "{pongs} pongs should not be sent for it");
        }
    });
}

#[test]
fn compression_is_declined() {
    live("", |realm| async move {
        let offer = format!(
            "{HANDSHAKE}Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        );
        let (mut raw, answer) = Raw::ask_for(realm.address(), &offer).await;
        assert!(
            answer.starts_with("HTTP/1.1 101"),
            "the handshake should succeed: {answer}"
        );
        assert!(
            !answer.to_lowercase().contains("sec-websocket-extensions"),
            "no extension should be taken: {answer}"
        );
        raw.frame(0xc2, &[1]).await;
        assert_eq!(
            raw.close_code().await,
            Some(1002),
            "who compresses all the same breaks the protocol"
        );
    });
}

#[test]
fn a_client_that_sends_all_at_once_is_heard_in_order() {
    live("commands_burst = 1000", |realm| async move {
        let address = realm.address();
        let mut raw = raw_player(address, "Ann").await;
        let mut all = Vec::new();
        for sequence in 3..203 {
            let body = spell(sequence, "hello");
            all.extend([BINARY, 0x80 | body.len() as u8, 0, 0, 0, 0]);
            all.extend(body);
        }
        raw.bytes(&all).await;
        let mut ack = 0;
        while ack < 202 {
            let (_, frame) = raw.next().await.expect("the server should go on");
            ack = client::ServerFrame::decode(&frame)
                .expect("the frame should be readable")
                .header
                .ack;
        }
        assert_eq!(ack, 202, "every command should be applied");
    });
}

#[test]
fn a_silent_client_is_asked_and_then_cut() {
    live("heartbeat_ms = 50\nsilence_ms = 400", |realm| async move {
        let address = realm.address();
        let mut raw = raw_player(address, "Ann").await;
        let mut pings = 0;
        while let Some((head, _)) = raw.next().await {
            pings += usize::from(head == PING);
        }
        assert!(
            pings > 0,
            "a silent client should be asked for a sign of life"
        );
        let metrics = realm.metrics().encode();
        assert!(
            metrics.contains("realm_gateway_sockets_cut_total{node=\"test\",why=\"silent\"} 1"),
            "the cut should be counted: {metrics}"
        );
        // A client that answers pings is left alone.
        let mut decent = live_player(address, "Bob").await;
        let begin = decent.header().server_time_ms;
        while decent.header().server_time_ms < begin + 1_000 {
            decent
                .next()
                .await
                .expect("a decent client should not be cut");
        }
    });
}

#[test]
fn a_clients_delay_is_measured_by_the_ping_that_it_answers_and_by_nothing_else() {
    live("heartbeat_ms = 50", |realm| async move {
        let measured = || {
            let metrics = realm.metrics().encode();
            let line = metrics
                .lines()
                .find(|line| line.starts_with("realm_client_delay_ms_count"));
            let count = line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
            count.expect("the delay should be exported")
        };
        let mut raw = raw_player(realm.address(), "Ann").await;
        let mut asked = Vec::new();
        while asked.len() < 3 {
            let (head, body) = raw.next().await.expect("the server should go on");
            if head == PING {
                asked.push(body);
            }
        }
        // Nobody asked for these: the second ping was not the one that is measured.
        for pong in [&b""[..], b"12345678", &[0xff; 8], &asked[1], &asked[2]] {
            raw.frame(PONG, pong).await;
        }
        raw.frame(BINARY, &encoded(3, Ping { client_time_ms: 7 }))
            .await;
        let mut ack = 0;
        while ack < 3 {
            let (head, frame) = raw.next().await.expect("the server should go on");
            if head == BINARY {
                let frame = client::ServerFrame::decode(&frame);
                ack = frame.expect("the frame should be readable").header.ack;
            }
        }
        assert_eq!(measured(), 0, "answers to nothing should measure nothing");
        // The same answer twice: the second answers nothing.
        raw.frame(PONG, &asked[0]).await;
        raw.frame(PONG, &asked[0]).await;
        raw.frame(BINARY, &encoded(4, Ping { client_time_ms: 7 }))
            .await;
        while ack < 4 {
            let (head, frame) = raw.next().await.expect("the server should go on");
            if head == BINARY {
                let frame = client::ServerFrame::decode(&frame);
                ack = frame.expect("the frame should be readable").header.ack;
            }
        }
        assert_eq!(measured(), 1, "one answer should be measured once");
    });
}

#[test]
fn a_client_that_does_not_read_is_cut_and_the_others_go_on() {
    live(
        "outbox_bytes_max = 65536\noutbox_slow_bytes = 16384",
        |realm| async move {
            let address = realm.address();
            let mut decent = live_player(address, "Bob").await;
            let mut raw = raw_player(address, "Ann").await;
            let metrics = || realm.metrics().encode();
            let cut = "realm_gateway_sockets_cut_total{node=\"test\",why=\"slow\"} 1";
            // Its avatar tells it more and more, and it takes nothing of it.
            raw.frame(BINARY, &spell(3, "flood 30000")).await;
            let mut hp = 0;
            while !metrics().contains(cut) {
                hp += 1;
                cast(&mut decent, "delta 0,0").await;
                see_dog(&mut decent, hp).await;
            }
            raw.close_code().await;
            cast(&mut decent, "delta 0,0").await;
            see_dog(&mut decent, hp + 1).await;
        },
    );
}

#[test]
fn the_page_says_what_this_is() {
    live("realm_name = \"Meadow & Co\"", |realm| async move {
        let address = realm.address();
        let page = get(address, "/", "").await;
        assert!(
            page.starts_with("HTTP/1.1 200"),
            "the page should be there: {page}"
        );
        assert!(
            page.contains("content-security-policy: default-src 'none'"),
            "the page should load nothing: {page}"
        );
        assert!(
            page.contains("<h1>Meadow &amp; Co</h1>"),
            "the realm should be named: {page}"
        );
        assert!(
            page.contains("realm smoke --url ws://realm.test/ws"),
            "the page should say how to try it: {page}"
        );
        assert!(
            get(address, "/other", "").await.starts_with("HTTP/1.1 404"),
            "there is nothing else"
        );
    });
}

#[test]
fn a_handshake_that_should_not_be_is_refused() {
    live("", |realm| async move {
        let address = realm.address();
        let foreign = format!("{HANDSHAKE}Origin: https://evil.test\r\n");
        let long = format!("{HANDSHAKE}X-Long: {}\r\n", "x".repeat(9_000));
        assert!(
            get(address, "/ws", &foreign)
                .await
                .starts_with("HTTP/1.1 403"),
            "a foreign page should be refused"
        );
        assert!(
            get(address, "/ws", &long).await.starts_with("HTTP/1.1 431"),
            "a long head should be refused"
        );
        assert!(
            get(address, "/ws", "").await.starts_with("HTTP/1.1 400"),
            "a plain request should be refused"
        );
        let mut raw = Raw::connect(address).await;
        assert!(
            raw.next().await.is_some(),
            "a program without an origin should be welcome"
        );
    });
}

#[test]
fn a_taken_port_is_named() {
    live("", |realm| async move {
        let address = realm.address();
        let error = start_live_at(address)
            .await
            .err()
            .expect("the port is taken");
        let said = error.to_string();
        assert!(
            said.contains(&address.to_string()),
            "the address should be named: {said}"
        );
        assert!(
            said.contains("`listen`"),
            "the way out should be named: {said}"
        );
    });
}
