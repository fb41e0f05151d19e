//! What one address or one client may ask for at all. Other rows meet limits that are raised, so that they come to the
//! guards behind them; here they are those of any realm, and each attack comes from an address of its own.

use client::Code;
use client::command::{LogIn, Ping, Register};
use wire::Class;

use super::raw::{UPGRADE, head, status_of};
use super::{Answer, rows};

/// More than any of these limits lets through.
const TRIES_MAX: usize = 200;

rows! {
    /// One handshake after the other.
    handshake_flood [.strict()] => Status(429), |attacker| {
        attacker.move_away();
        let mut kept = Vec::new();
        for _ in 0..TRIES_MAX {
            let mut raw = attacker.connect().await?;
            let answer = raw.ask(&head("/ws", UPGRADE)).await?;
            match status_of(&answer) {
                Some(101) => kept.push(raw),
                other => return Ok(other.map_or(Answer::Cut, Answer::Status)),
            }
        }
        Ok(Answer::Harmless)
    }

    /// One login after the other, each under another name.
    login_flood [.strict()] => Refused(Code::TooManyLogins), |attacker| {
        attacker.move_away();
        for _ in 0..TRIES_MAX {
            let log_in = LogIn { name: attacker.fresh_name(), password: "a wrong password".to_owned() };
            let raw = attacker.stranger().await?;
            let sequence = raw.command(log_in).await;
            match raw.refusal(sequence).await? {
                Answer::Refused(Code::WrongCredentials) => {}
                other => return Ok(other),
            }
        }
        Ok(Answer::Harmless)
    }

    /// One registration after the other. Whether the names would do is not asked.
    registration_flood [.strict()] => Refused(Code::TooManyLogins), |attacker| {
        attacker.move_away();
        for _ in 0..TRIES_MAX {
            let register = Register { name: "no name".to_owned(), password: tests::PASSWORD.to_owned() };
            let raw = attacker.stranger().await?;
            let sequence = raw.command(register).await;
            match raw.refusal(sequence).await? {
                Answer::Refused(Code::BadName) => {}
                other => return Ok(other),
            }
        }
        Ok(Answer::Harmless)
    }

    /// One thing after the other that no honest client sends.
    refusals_add_up [.strict()] => Expelled, |attacker| {
        attacker.move_away();
        let mut raw = attacker.open().await?;
        for _ in 0..20 {
            raw.class(Ping::ID, &[0xc1]).await;
        }
        raw.end().await
    }
}
