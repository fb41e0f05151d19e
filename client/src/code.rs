//! Why a server refuses a command or ends a connection, as a number that programs act on and a text that players read.
//! Numbers are never given a second meaning.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

macro_rules! codes {
    ( $( $(#[$meta:meta])* $Code:ident = $number:literal, $text:literal; )* ) => {
        /// A reason to refuse or to part.
        #[derive(Debug, Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(into = "u16")]
        #[repr(u16)]
        pub enum Code {
            /// A reason that was added to the protocol after this was built: the server's text tells it.
            Unknown = 0,
            $( #[doc = $text] $(#[$meta])* $Code = $number, )*
        }

        impl Code {
            /// Every code that there is, by rising number.
            pub const ALL: &[Code] = &[ $( Code::$Code, )* ];

            /// What a player is told.
            pub const fn text(self) -> &'static str {
                match self {
                    Code::Unknown => "The server gives a reason that is not known here.",
                    $( Code::$Code => $text, )*
                }
            }
        }

        impl TryFrom<u16> for Code {
            type Error = UnknownCode;

            fn try_from(number: u16) -> Result<Code, UnknownCode> {
                match number {
                    $( $number => Ok(Code::$Code), )*
                    _ => Err(UnknownCode(number)),
                }
            }
        }
    };
}

codes! {
    NotLoggedIn = 1, "Log in first.";
    AlreadyLoggedIn = 2, "You are logged in already.";
    BadName = 3, "That name cannot be used.";
    NameTaken = 4, "That name is taken.";
    BadPassword = 5, "That password is too short or too long.";
    WrongCredentials = 6, "The name or the password is wrong.";
    Busy = 7, "Wait for the answer to what you asked before.";
    UnknownClass = 8, "The server does not know that command.";
    Malformed = 9, "The server could not read that command.";
    OutOfBounds = 10, "A value is outside what is allowed.";
    NotInWorld = 11, "You are not in the world.";
    AlreadyInWorld = 12, "You are in the world already.";
    UnknownSpell = 13, "You do not know that spell.";
    NoTarget = 14, "Your target is not there.";
    OutOfRange = 15, "Your target is too far away.";
    NoSight = 16, "You cannot see your target.";
    Cooldown = 17, "That is not ready yet.";
    TargetDead = 18, "Your target is dead.";
    NothingToLoot = 19, "There is nothing to take.";
    // 20 was that something belongs to somebody else, and was never sent.
    YouAreDead = 21, "You are dead.";
    StaleSequence = 22, "That command came twice or out of order.";
    TooManyCommands = 23, "Too many commands: slow down.";
    Full = 24, "The world is full: try again later.";
    Unavailable = 25, "That part of the realm does not answer: try again later.";
    Replaced = 26, "You logged in from somewhere else.";
    Stopping = 27, "The realm is shutting down.";
    Idle = 28, "You were away for too long.";
    BadToken = 29, "Your session has ended: log in again.";
    InTheWay = 30, "Somebody stands in the way.";
    TooManyLogins = 31, "Too many have tried to log in: wait a minute.";
    Expelled = 32, "You were sent away: your client breaks the rules.";
    OldToken = 33, "Your session went on somewhere else: log in again.";
    BadText = 40, "That text is empty, too long, or holds what nobody could read.";
    TooFast = 41, "You talk too fast: slow down.";
    NoSuchPlayer = 42, "Nobody of that name is there.";
    NoSuchRoom = 43, "You are not in that room.";
    TooManyRooms = 44, "You are in too many rooms.";
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Code, D::Error> {
        let number = u16::deserialize(from)?;
        Ok(Code::try_from(number).unwrap_or(Code::Unknown))
    }
}

impl From<Code> for u16 {
    fn from(code: Code) -> u16 {
        code as u16
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A number that no code has.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Error)]
#[error("no code has the number {0}")]
pub struct UnknownCode(pub u16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_goes_as_its_number() {
        for code in Code::ALL {
            let bytes = wire::encode(code).expect("a code should be writable");
            assert_eq!(
                wire::decode::<u16>(&bytes),
                Ok(*code as u16),
                "{code:?} should be a plain number"
            );
            assert_eq!(
                wire::decode::<Code>(&bytes),
                Ok(*code),
                "{code:?} should read back"
            );
        }
        assert_eq!(Code::try_from(0), Err(UnknownCode(0)), "0 is no reason");
        assert_eq!(
            wire::decode::<Code>(&[127]),
            Ok(Code::Unknown),
            "a number past the table should be taken for one that is new"
        );
        assert!(
            wire::decode::<Code>(&[0xa1, b'x']).is_err(),
            "what is no number should be refused"
        );
    }

    #[test]
    fn every_code_speaks_to_the_player() {
        for code in Code::ALL {
            assert!(code.text().ends_with('.'), "{code:?} should be a sentence");
        }
    }
}
