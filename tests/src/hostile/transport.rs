//! What a stranger may do to the connection: handshakes, frames, and silence.

use client::command::{Join, Say};
use client::{COMMAND_FRAME_LEN_MAX, Code, Event};
use futures_util::future::join_all;

use super::raw::{BINARY, CLOSE, NO_CODE, PING, Raw, TEXT, UPGRADE, head, status_of};
use super::stage::pause;
use super::{Answer, Attacker, Odd, rows};

/// Sends a request, and tells its status.
async fn asked(attacker: &Attacker, head: &str) -> Result<Answer, Odd> {
    let answer = attacker.connect().await?.ask(head).await?;
    Ok(status_of(&answer).map_or(Answer::Cut, Answer::Status))
}

/// Shakes hands, sends some bytes, and tells what comes of it.
async fn sent(attacker: &Attacker, bytes: &[u8]) -> Result<Answer, Odd> {
    let mut raw = attacker.open().await?;
    raw.bytes(bytes).await;
    raw.end().await
}

async fn sent_frame(attacker: &Attacker, head: u8, body: &[u8]) -> Result<Answer, Odd> {
    sent(attacker, &super::raw::frame(head, body)).await
}

/// A text of the longest kind that may be said: 256 characters of four bytes.
const LONG_TEXT: &str = "🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕🐕";
/// More of them than a gateway and both ends of a socket hold for one client: the role allows 64 KiB, the system holds
/// 128 KiB, and the attacker's window is 64 KiB.
const LONG_TEXTS: usize = 350;
/// So many connections of one address does the role allow.
const PER_ADDRESS_MAX: usize = 600;
/// Clients who do not read, in one attack.
const DEAF: usize = 25;
/// Longer than the role lets a client be slow.
const SLOW_MS: u64 = 5_000;

rows! {
    /// The head of a request that never ends.
    slow_handshake [.lasting(500)] => Status(408), |attacker| {
        let mut raw = attacker.connect().await?;
        raw.bytes(b"GET /ws HTTP/1.1\r\nHost: realm.test\r\nConnec").await;
        let answer = raw.answer_head().await?;
        Ok(status_of(&answer).map_or(Answer::Cut, Answer::Status))
    }

    /// A connection on which nothing is ever said. No more of them at once than wait at a listener (128): what comes when
    /// that is full is dropped by the system, of which a client that says nothing never learns.
    silent_socket [.lasting(100)] => Status(408), |attacker| {
        let answer = attacker.connect().await?.answer_head().await?;
        Ok(status_of(&answer).map_or(Answer::Cut, Answer::Status))
    }

    /// A handshake that is followed by nothing.
    silent_session [.lasting(500)] => Goodbye(Code::Idle), |attacker| {
        attacker.open().await?.end().await
    }

    /// A handshake whose head is longer than any client needs.
    head_over_8_kib => Status(431), |attacker| {
        let long = format!("{UPGRADE}X-Long: {}\r\n", "x".repeat(9_000));
        asked(attacker, &head("/ws", &long)).await
    }

    /// A head that the HTTP parser itself gives up.
    head_over_128_kib => Status(431), |attacker| {
        let long = format!("{UPGRADE}X-Long: {}\r\n", "x".repeat(140_000));
        asked(attacker, &head("/ws", &long)).await
    }

    /// A browser on somebody else's page.
    foreign_origin => Status(403), |attacker| {
        let foreign = format!("{UPGRADE}Origin: https://evil.test\r\n");
        asked(attacker, &head("/ws", &foreign)).await
    }

    /// A page without a home, as in a sandboxed frame.
    origin_from_nowhere => Status(403), |attacker| {
        asked(attacker, &head("/ws", &format!("{UPGRADE}Origin: null\r\n"))).await
    }

    /// What is no handshake.
    plain_request => Status(400), |attacker| {
        asked(attacker, &head("/ws", "")).await
    }

    /// What is no HTTP.
    garbage => Status(400), |attacker| {
        asked(attacker, "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n").await
    }

    /// The operator's pages, asked of the players' listener.
    metrics_of_the_operator => Status(404), |attacker| {
        asked(attacker, &head("/metrics", "")).await
    }

    /// A frame that claims a terabyte.
    frame_claims_a_terabyte => Closed(1009), |attacker| {
        let mut bytes = vec![BINARY, 0x80 | 127];
        bytes.extend((1_u64 << 40).to_be_bytes());
        bytes.extend([0; 4]);
        sent(attacker, &bytes).await
    }

    /// A frame that claims just more than may be.
    frame_over_16_kib => Closed(1009), |attacker| {
        // It is refused by its head. Were more of it on its way, the system would throw away the answer.
        let whole = super::raw::frame(BINARY, &[1; 16 * 1024 + 1]);
        sent(attacker, &whole[..100]).await
    }

    /// A command frame that is longer than any command.
    command_over_4_kib => Closed(1009), |attacker| {
        sent_frame(attacker, BINARY, &[1; COMMAND_FRAME_LEN_MAX + 1]).await
    }

    /// A close that gives no code gets one back that gives none.
    close_without_a_code => Closed(NO_CODE), |attacker| {
        sent_frame(attacker, CLOSE, &[]).await
    }

    /// A close with a code that nobody may send.
    close_with_a_false_code => Closed(1002), |attacker| {
        sent_frame(attacker, CLOSE, &1005_u16.to_be_bytes()).await
    }

    /// A frame without a mask.
    unmasked_frame => Closed(1002), |attacker| {
        sent(attacker, &[BINARY, 1, 7]).await
    }

    /// A frame with a bit that only an extension may set.
    reserved_bits => Closed(1002), |attacker| {
        sent_frame(attacker, BINARY | 0x40, &[1]).await
    }

    /// A frame of a kind that is none.
    unknown_opcode => Closed(1002), |attacker| {
        sent_frame(attacker, 0x83, &[]).await
    }

    /// A ping that is longer than a control frame may be.
    ping_over_125_bytes => Closed(1002), |attacker| {
        sent_frame(attacker, PING, &[0; 126]).await
    }

    /// More pings than any client needs.
    ping_flood => Closed(1008), |attacker| {
        sent(attacker, &super::raw::frame(PING, b"are you there?").repeat(60)).await
    }

    /// A message whose fragments never end.
    endless_fragments => Closed(1009), |attacker| {
        let mut bytes = super::raw::frame(BINARY & 0x7f, &[]);
        bytes.extend(super::raw::frame(0x00, &[]).repeat(64));
        sent(attacker, &bytes).await
    }

    /// A message whose fragments are short, and too long together.
    long_fragments => Closed(1009), |attacker| {
        let mut bytes = super::raw::frame(BINARY & 0x7f, &[1; 1_000]);
        bytes.extend(super::raw::frame(0x00, &[1; 1_000]).repeat(4));
        sent(attacker, &bytes).await
    }

    /// A fragment of nothing.
    stray_fragment => Closed(1002), |attacker| {
        sent_frame(attacker, 0x80, &[1]).await
    }

    /// A text in fragments.
    text_in_fragments => Closed(1003), |attacker| {
        sent_frame(attacker, TEXT & 0x7f, b"hel").await
    }

    /// A text.
    text_frame => Closed(1003), |attacker| {
        sent_frame(attacker, TEXT, b"hello").await
    }

    /// Compression is offered, and declined: what follows is served uncompressed.
    compression_offered => Harmless, |attacker| {
        let mut raw = attacker.connect().await?;
        let offer = format!("{UPGRADE}Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
        let answer = raw.ask(&head("/ws", &offer)).await?;
        if status_of(&answer) != Some(101) || answer.to_lowercase().contains("sec-websocket-extensions") {
            return Err(Odd::because(format!("the offer was answered: {answer}")));
        }
        raw.serves().await
    }

    /// A socket that ends in the middle of a frame.
    cut_in_a_frame => Harmless, |attacker| {
        let mut raw = attacker.open().await?;
        raw.bytes(&[BINARY, 0x80 | 100, 0, 0, 0, 0, 1, 2, 3]).await;
        Ok(Answer::Harmless)
    }

    /// A thousand connections of one address, all of them open.
    thousand_connections [.by(1_000, 1)] => Status(429), |attacker| {
        attacker.move_away();
        let (mut kept, mut refused) = (Vec::new(), 0);
        for _ in 0..1_000 {
            let mut raw = attacker.connect().await?;
            let answer = raw.ask(&head("/ws", UPGRADE)).await?;
            match status_of(&answer) {
                Some(101) => kept.push(raw),
                Some(429) => refused += 1,
                _ => return Err(Odd::because(format!("a handshake was answered: {answer}"))),
            }
        }
        match kept.len() {
            PER_ADDRESS_MAX if refused > 0 => Ok(Answer::Status(429)),
            open => Err(Odd::because(format!("{open} connections of one address were let in"))),
        }
    }

    /// Clients who never read while others talk to them.
    never_reads [.lasting(8).by(DEAF, 8)] => Cut, |attacker| {
        // A room of its own, so that attacks beside each other do not add up.
        let room = format!("room:{}", attacker.name().to_lowercase());
        let mut deaf = Vec::new();
        for _ in 0..DEAF {
            let mut raw = Raw::connect_narrow(attacker.address).await?.shake_hands().await?;
            attacker.log_in_on(&mut raw).await?;
            raw.command(Join { room: room.clone() }).await;
            raw.serves().await?;
            deaf.push(raw);
        }
        let mut talker = attacker.log_in().await?;
        talker.command(Join { room: room.clone() }).await;
        for _ in 0..LONG_TEXTS {
            let say = Say { room: room.clone(), text: LONG_TEXT.repeat(8) };
            let said = talker.reply(say, |event| matches!(event, Event::Said(_)).then_some(())).await?;
            said.map_err(|other| Odd::because(format!("the talk got {other:?}")))?;
        }
        // They are spared what is said for as long as they may be slow, and then they are cut.
        let from = talker.time_ms().await?;
        while talker.time_ms().await? < from + SLOW_MS {
            pause().await;
        }
        let ends = join_all(deaf.iter_mut().map(Raw::end)).await;
        for end in ends {
            let end = end?;
            if end != Answer::Cut {
                return Ok(end);
            }
        }
        Ok(Answer::Cut)
    }
}
