//! What a stranger may try on accounts.

use client::Code;
use client::command::{LogIn, Register};
use wire::Class;

use super::raw::BINARY;
use super::{Answer, Attacker, Odd, rows};

/// Logins of one storm.
const STORM: usize = 500;

/// The body of a `Register` whose password has so many bytes.
fn long_password(len: u32) -> Vec<u8> {
    let mut body = vec![0x92, 0xa4];
    body.extend(b"Long");
    body.push(0xdb);
    body.extend(len.to_be_bytes());
    body.extend(vec![b'x'; len as usize]);
    body
}

rows! {
    /// A password of a megabyte.
    password_of_a_megabyte => Closed(1009), |attacker| {
        let mut raw = attacker.open().await?;
        // It is refused by its head. Were more of it on its way, the system would throw away the answer.
        let claimed = super::raw::frame(BINARY, &long_password(1 << 20));
        raw.bytes(&claimed[..1_000]).await;
        raw.end().await
    }

    /// A password that just fits into a frame.
    password_of_four_kilobytes => Refused(Code::OutOfBounds), |attacker| {
        let raw = attacker.stranger().await?;
        let sequence = raw.class(Register::ID, &long_password(4_000)).await;
        raw.refusal(sequence).await
    }

    /// A password of a byte more than is hashed.
    password_of_129_bytes => Refused(Code::OutOfBounds), |attacker| {
        let raw = attacker.stranger().await?;
        let sequence = raw.class(Register::ID, &long_password(129)).await;
        raw.refusal(sequence).await
    }

    /// A name that nobody has: it is refused as a wrong password is, and takes as long.
    unknown_name [.by(1, 8)] => Refused(Code::WrongCredentials), |attacker| {
        let log_in = LogIn { name: attacker.fresh_name(), password: "a wrong password".to_owned() };
        let raw = attacker.stranger().await?;
        let sequence = raw.command(log_in).await;
        raw.refusal(sequence).await
    }

    /// One password after the other for the name of another.
    password_stuffing [.by(11, 8)] => Refused(Code::TooManyLogins), |attacker| {
        let name = attacker.fresh_name();
        let mut victim = Attacker::new(attacker.address, name.clone());
        drop(victim.log_in().await?);
        for _ in 0..20 {
            let log_in = LogIn { name: name.clone(), password: "a wrong password".to_owned() };
            let raw = attacker.stranger().await?;
            let sequence = raw.command(log_in).await;
            match raw.refusal(sequence).await? {
                Answer::Refused(Code::WrongCredentials | Code::Busy) => {}
                other => return Ok(other),
            }
        }
        Ok(Answer::Harmless)
    }

    /// Hundreds of logins in one moment: two are hashed at a time, some wait, the rest are told to come back.
    login_storm [.by(STORM, 1)] => Refused(Code::Busy), |attacker| {
        let mut all = Vec::new();
        for _ in 0..STORM {
            all.push(attacker.open().await?);
        }
        for raw in &mut all {
            // Each time another name: who guesses at one is told so, sooner or later.
            let log_in = LogIn { name: attacker.fresh_name(), password: "a wrong password".to_owned() };
            raw.command(log_in).await;
        }
        let (mut served, mut busy) = (0, 0);
        for raw in &mut all {
            match raw.refusal(1).await? {
                Answer::Refused(Code::WrongCredentials) => served += 1,
                Answer::Refused(Code::Busy) => busy += 1,
                other => return Ok(other),
            }
        }
        match served > 0 && busy > 0 {
            true => Ok(Answer::Refused(Code::Busy)),
            false => Err(Odd::because(format!("{served} were served, and {busy} told to come back"))),
        }
    }
}
