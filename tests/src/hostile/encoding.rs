//! What a stranger may write into a command.

use client::command::{Move, Ping, Register, Resume, Say};
use client::{Code, Command};
use wire::{Class, ClassId};

use super::raw::BINARY;
use super::{Answer, Attacker, Odd, rows};

/// Sends a body under a class, before any login; how it is refused. Bodies are read before it matters who asks.
async fn body(attacker: &mut Attacker, class: ClassId, body: &[u8]) -> Result<Answer, Odd> {
    let raw = attacker.stranger().await?;
    let sequence = raw.class(class, body).await;
    raw.refusal(sequence).await
}

async fn command(attacker: &mut Attacker, command: impl Into<Command>) -> Result<Answer, Odd> {
    let (class, bytes) = command.into().encode();
    body(attacker, class, &bytes).await
}

/// Sends what is no command frame; it is refused under the number 0.
async fn no_command(attacker: &mut Attacker, bytes: &[u8]) -> Result<Answer, Odd> {
    let raw = attacker.stranger().await?;
    raw.frame(BINARY, bytes).await;
    raw.refusal(0).await
}

/// Tries each of some moves; what all of them got.
async fn moves(attacker: &mut Attacker, numbers: &[f32]) -> Result<Answer, Odd> {
    for &x in numbers {
        for goal in [Move { x, y: 1.0 }, Move { x: 1.0, y: x }] {
            let got = command(attacker, goal).await?;
            if got != Answer::Refused(Code::OutOfBounds) {
                return Ok(got);
            }
        }
    }
    Ok(Answer::Refused(Code::OutOfBounds))
}

/// Tries to register under each of some names; what all of them got.
async fn names(attacker: &mut Attacker, names: &[&str]) -> Result<Answer, Odd> {
    for name in names {
        let register = Register {
            name: (*name).to_owned(),
            password: tests::PASSWORD.to_owned(),
        };
        let got = command(attacker, register).await?;
        if got != Answer::Refused(Code::BadName) {
            return Ok(got);
        }
    }
    Ok(Answer::Refused(Code::BadName))
}

/// Says each of some texts to the realm; what all of them got.
async fn texts(attacker: &mut Attacker, texts: &[&str]) -> Result<Answer, Odd> {
    let raw = attacker.logged_in().await?;
    for text in texts {
        let say = Say {
            room: "realm".to_owned(),
            text: (*text).to_owned(),
        };
        let sequence = raw.command(say).await;
        let got = raw.refusal(sequence).await?;
        if got != Answer::Refused(Code::BadText) {
            return Ok(got);
        }
    }
    Ok(Answer::Refused(Code::BadText))
}

rows! {
    /// Arrays in arrays, as many as fit into a command frame.
    nesting_bomb => Refused(Code::Malformed), |attacker| {
        body(attacker, Move::ID, &[0x91; 4_000]).await
    }

    /// Maps in maps.
    nesting_bomb_of_maps => Refused(Code::Malformed), |attacker| {
        body(attacker, Move::ID, &[0x81; 4_000]).await
    }

    /// An array that claims 2³² − 1 values.
    array_claims_four_billion => Refused(Code::Malformed), |attacker| {
        body(attacker, Move::ID, &[0xdd, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]).await
    }

    /// A text that claims 2³² − 1 bytes.
    text_claims_four_billion => Refused(Code::Malformed), |attacker| {
        body(attacker, Resume::ID, &[0x91, 0xdb, 0xff, 0xff, 0xff, 0xff, b'a']).await
    }

    /// A map that claims 2³² − 1 entries.
    map_claims_four_billion => Refused(Code::Malformed), |attacker| {
        body(attacker, Move::ID, &[0xdf, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]).await
    }

    /// A body that ends too early.
    truncated_body => Refused(Code::Malformed), |attacker| {
        body(attacker, Move::ID, &[0x92, 0xca, 0x41, 0x8c, 0, 0, 0xca, 0x42]).await
    }

    /// A command frame without a body.
    no_body => Refused(Code::Malformed), |attacker| {
        body(attacker, Ping::ID, &[]).await
    }

    /// A second value after the first.
    trailing_bytes => Refused(Code::Malformed), |attacker| {
        body(attacker, Ping::ID, &[0x91, 1, 0]).await
    }

    /// A field more than the class has.
    a_field_too_many => Refused(Code::Malformed), |attacker| {
        body(attacker, Ping::ID, &[0x92, 1, 2]).await
    }

    /// The byte that MessagePack never uses.
    reserved_byte => Refused(Code::Malformed), |attacker| {
        body(attacker, Ping::ID, &[0x91, 0xc1]).await
    }

    /// A frame that is shorter than its head.
    short_frame => Refused(Code::Malformed), |attacker| {
        no_command(attacker, &[1, 2, 3, 4, 5, 6, 7, 8]).await
    }

    /// A frame of nothing.
    empty_frame => Refused(Code::Malformed), |attacker| {
        no_command(attacker, &[]).await
    }

    /// Another version of the protocol.
    another_version => Refused(Code::Malformed), |attacker| {
        no_command(attacker, &[2, 0, 0, 0, 0, 1, 0, 0, 0, 0x90]).await
    }

    /// A class that is not in the table.
    unknown_class => Refused(Code::UnknownClass), |attacker| {
        body(attacker, ClassId::of("nobody.knows"), &[0x90]).await
    }

    /// Ten of them on one connection.
    ten_unknown_classes => Expelled, |attacker| {
        let mut raw = attacker.open().await?;
        for number in 0..10 {
            raw.class(ClassId(0x1000 + number), &[0x90]).await;
        }
        raw.end().await
    }

    /// A map that names a key twice.
    duplicate_keys => Refused(Code::Malformed), |attacker| {
        body(attacker, Move::ID, &[0x82, 0xa1, b'x', 1, 0xa1, b'x', 2]).await
    }

    /// A map where an array should be: there is one way to write a command.
    map_for_an_array => Refused(Code::Malformed), |attacker| {
        body(attacker, Move::ID, &[0x82, 0xa1, b'x', 0xca, 0, 0, 0, 0, 0xa1, b'y', 0xca, 0, 0, 0, 0]).await
    }

    /// A number that is none.
    not_a_number => Refused(Code::OutOfBounds), |attacker| {
        moves(attacker, &[f32::NAN, -f32::NAN]).await
    }

    /// A number without end.
    infinity => Refused(Code::OutOfBounds), |attacker| {
        moves(attacker, &[f32::INFINITY, f32::NEG_INFINITY]).await
    }

    /// A number that slows arithmetic down.
    subnormal => Refused(Code::OutOfBounds), |attacker| {
        moves(attacker, &[1e-40, -1e-45]).await
    }

    /// A float of 64 bits that is none in 32.
    double_beyond_float => Refused(Code::OutOfBounds), |attacker| {
        let mut bytes = vec![0x92];
        for number in [1e300_f64, 1.0] {
            bytes.push(0xcb);
            bytes.extend(number.to_be_bytes());
        }
        body(attacker, Move::ID, &bytes).await
    }

    /// A text that is not UTF-8.
    invalid_utf_8 => Refused(Code::Malformed), |attacker| {
        body(attacker, Resume::ID, &[0x91, 0xa4, 0xf0, 0x28, 0x8c, 0xbc]).await
    }

    /// Bytes where a text should be.
    bytes_for_a_text => Refused(Code::Malformed), |attacker| {
        body(attacker, Resume::ID, &[&[0x91, 0xc4, 64][..], &[b'0'; 64]].concat()).await
    }

    /// A name with a letter that cannot be seen.
    name_with_zero_width => Refused(Code::BadName), |attacker| {
        names(attacker, &["Ann\u{200b}", "A\u{200d}nn", "\u{feff}Ann"]).await
    }

    /// A name that turns the text round.
    name_from_right_to_left => Refused(Code::BadName), |attacker| {
        names(attacker, &["\u{202e}nnA", "Ann\u{200f}", "שלום"]).await
    }

    /// A name that looks like another.
    name_that_looks_alike => Refused(Code::BadName), |attacker| {
        names(attacker, &["Аnn", "Ａnn", "A\u{301}nn"]).await
    }

    /// A name with a NUL.
    name_with_nul => Refused(Code::BadName), |attacker| {
        names(attacker, &["Ann\0", "\0\0\0"]).await
    }

    /// A name with markup, a path, or a query in it.
    name_with_markup => Refused(Code::BadName), |attacker| {
        names(attacker, &["<b>Ann</b>", "../Ann", "Ann' OR 1=1"]).await
    }

    /// A name that nobody may have.
    reserved_name => Refused(Code::BadName), |attacker| {
        names(attacker, &["admin", "System"]).await
    }

    /// What is too long to be said.
    long_talk => Refused(Code::BadText), |attacker| {
        texts(attacker, &["x".repeat(257).as_str(), "🐕".repeat(257).as_str()]).await
    }

    /// What a careless client would take for markup.
    talk_with_markup => Refused(Code::BadText), |attacker| {
        texts(attacker, &["<script>alert(1)</script>", "a < b", "a > b"]).await
    }

    /// What nobody could read.
    talk_that_hides => Refused(Code::BadText), |attacker| {
        texts(attacker, &["", "  ", "a\u{202e}b", "a\0b", "a\nb", "\u{200b}"]).await
    }

    /// More than any text may be, before any rule looks at it.
    talk_beyond_its_field => Refused(Code::OutOfBounds), |attacker| {
        let say = Say { room: "realm".to_owned(), text: "x".repeat(2_049) };
        command(attacker, say).await
    }
}
