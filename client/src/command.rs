//! What a client may ask: the closed table of commands. A command states an intent; the server computes what comes of it.
//!
//! Refuses every other class, numbers that are none, and texts outside their bounds, before any rule sees them.

use std::fmt;

use crate::Handle;
use crate::shape::Bound;
use crate::table::class_table;

/// The longest name a character may ask for, in bytes.
pub const NAME_LEN_MAX: usize = 64;

/// The longest password, in bytes.
pub const PASSWORD_LEN_MAX: usize = 128;

/// The longest id of a spell, in bytes.
pub const SPELL_LEN_MAX: usize = 64;

/// The longest text that may be said, in bytes: enough for 256 characters and some space around them.
pub const TEXT_LEN_MAX: usize = 2048;

/// The longest way to write a room, in bytes.
pub const ROOM_LEN_MAX: usize = 64;

/// A session's token: 32 random bytes as hex digits.
pub const TOKEN_LEN: usize = 64;

const NAME: Bound = Bound::Bytes {
    min: 1,
    max: NAME_LEN_MAX,
};
const PASSWORD: Bound = Bound::Bytes {
    min: 0,
    max: PASSWORD_LEN_MAX,
};
const SPELL: Bound = Bound::Bytes {
    min: 1,
    max: SPELL_LEN_MAX,
};
const TEXT: Bound = Bound::Bytes {
    min: 0,
    max: TEXT_LEN_MAX,
};
const ROOM: Bound = Bound::Bytes {
    min: 1,
    max: ROOM_LEN_MAX,
};
const TOKEN: Bound = Bound::HexDigits(TOKEN_LEN);

class_table! {
    /// One command of a client.
    enum Command, error CommandError, list COMMANDS;

    /// Makes a character and logs it in: `LoggedIn` or a refusal.
    Register = "client.register" {
        /// The name of the new character.
        name: String => NAME,
        /// What will prove who plays it.
        password: String => PASSWORD,
    }

    /// Logs a character in: `LoggedIn` or a refusal.
    LogIn = "client.log_in" {
        /// The name of the character.
        name: String => NAME,
        /// The password given when it was made.
        password: String => PASSWORD,
    }

    /// Takes up the session that an earlier connection left: `LoggedIn` or a refusal.
    Resume = "client.resume" {
        /// The token of the session's `LoggedIn`.
        token: String => TOKEN,
    }

    /// Goes into the world: `Entered` or a refusal.
    #[derive(Debug)]
    Enter = "client.enter" {}

    /// Walks towards a point; the server moves the avatar at its own speed, and stops it where the ground does.
    #[derive(Debug)]
    Move = "client.move" {
        /// Tiles from the map's left edge.
        x: f32 => Bound::Number,
        /// Tiles from the map's top edge.
        y: f32 => Bound::Number,
    }

    /// Casts a spell: `Struck`, perhaps `Killed`, or a refusal.
    #[derive(Debug)]
    Cast = "client.cast" {
        /// The resource id of the spell.
        spell: String => SPELL,
        /// Who should feel it.
        target: Handle,
    }

    /// Takes what a corpse holds: `Looted` or a refusal.
    #[derive(Debug)]
    Loot = "client.loot" {
        /// The corpse.
        target: Handle,
    }

    /// Uses an object: `Looted` from a chest or a plant; a door opens or closes, as all near it see; or a refusal.
    #[derive(Debug)]
    Use = "client.use" {
        /// The object.
        target: Handle,
    }

    /// Leaves the world, not the session: `Left` or a refusal.
    #[derive(Debug)]
    Leave = "client.leave" {}

    /// Says something to a room: `Said`, to the player too, or a refusal.
    Say = "client.say" {
        /// `near`, `realm`, or `room:NAME` for a room that the player has joined.
        room: String => ROOM,
        /// What; the server says which texts it takes.
        text: String => TEXT,
    }

    /// Says something to one player: `Whispered`, to both, or a refusal.
    Whisper = "client.whisper" {
        /// The name of who should hear it.
        to: String => NAME,
        /// What; the server says which texts it takes.
        text: String => TEXT,
    }

    /// Enters a room and hears what is said there from the acknowledgement on; or a refusal. A room needs no founder.
    #[derive(Debug)]
    Join = "client.join" {
        /// `room:NAME`: letters a-z, digits, `-` and `_`, 24 at most.
        room: String => ROOM,
    }

    /// Leaves a room: heard no more from the acknowledgement on; or a refusal.
    #[derive(Debug)]
    Part = "client.part" {
        /// `room:NAME`.
        room: String => ROOM,
    }

    /// Asks what time it is: `Pong`, at once and at any time.
    #[derive(Debug)]
    Ping = "client.ping" {
        /// The client's own clock, or any number that it knows the answer by; comes back unchanged.
        client_time_ms: u64,
    }
}

// Commands are traced; what proves who a player is must not be, nor what players say.
impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LogIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogIn")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").finish_non_exhaustive()
    }
}

impl fmt::Debug for Say {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Say")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Whisper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Whisper").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::{Class, ClassId};

    use super::*;

    fn refused(command: impl Into<Command>) -> Option<CommandError> {
        let (class, body) = command.into().encode();
        Command::decode(class, &body).err()
    }

    #[test]
    fn every_command_reads_back_equal() {
        let commands: Vec<Command> = vec![
            Register {
                name: "Ann".into(),
                password: "secret word".into(),
            }
            .into(),
            LogIn {
                name: "Ann".into(),
                password: "secret word".into(),
            }
            .into(),
            Resume {
                token: "0f".repeat(32),
            }
            .into(),
            Enter {}.into(),
            Move { x: 1.5, y: 0.0 }.into(),
            Cast {
                spell: "spells/strike".into(),
                target: Handle(7),
            }
            .into(),
            Loot { target: Handle(7) }.into(),
            Use { target: Handle(7) }.into(),
            Leave {}.into(),
            Say {
                room: "near".into(),
                text: "hello".into(),
            }
            .into(),
            Whisper {
                to: "Bea".into(),
                text: "hello".into(),
            }
            .into(),
            Join {
                room: "room:traders".into(),
            }
            .into(),
            Part {
                room: "room:traders".into(),
            }
            .into(),
            Ping {
                client_time_ms: u64::MAX,
            }
            .into(),
        ];
        assert_eq!(
            commands.len(),
            COMMANDS.len(),
            "each class of the table should be tried here"
        );
        for command in commands {
            let (class, body) = command.encode();
            assert_eq!(
                Command::decode(class, &body),
                Ok(command),
                "a round trip should change nothing"
            );
        }
    }

    #[test]
    fn a_number_that_is_none_is_refused() {
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40] {
            assert_eq!(
                refused(Move { x: wrong, y: 1.0 }),
                Some(CommandError::OutOfBounds { field: "x" }),
                "{wrong} is nowhere on a map"
            );
            assert_eq!(
                refused(Move { x: 1.0, y: wrong }),
                Some(CommandError::OutOfBounds { field: "y" }),
                "{wrong} is nowhere on a map"
            );
        }
        assert_eq!(
            refused(Move { x: -0.0, y: 2.0 }),
            None,
            "zero of either sign is a number"
        );
    }

    #[test]
    fn a_text_outside_its_bounds_is_refused() {
        let name = |len| Register {
            name: "n".repeat(len),
            password: "p".repeat(128),
        };
        assert_eq!(refused(name(64)), None, "64 bytes of name should pass");
        assert_eq!(
            refused(name(65)),
            Some(CommandError::OutOfBounds { field: "name" }),
            "65 should not"
        );
        assert_eq!(
            refused(name(0)),
            Some(CommandError::OutOfBounds { field: "name" }),
            "nobody has no name"
        );
        assert_eq!(
            refused(LogIn {
                name: "n".into(),
                password: "p".repeat(129)
            }),
            Some(CommandError::OutOfBounds { field: "password" }),
            "129 bytes of password should be refused before anyone hashes them"
        );
        assert_eq!(
            refused(Cast {
                spell: "s".repeat(65),
                target: Handle(1)
            }),
            Some(CommandError::OutOfBounds { field: "spell" }),
            "65 bytes of spell id should be refused"
        );
        assert_eq!(
            refused(Say {
                room: "near".into(),
                text: "t".repeat(TEXT_LEN_MAX + 1)
            }),
            Some(CommandError::OutOfBounds { field: "text" }),
            "a text that no rule could pass should be refused at once"
        );
        assert_eq!(
            refused(Join {
                room: "r".repeat(ROOM_LEN_MAX + 1)
            }),
            Some(CommandError::OutOfBounds { field: "room" }),
            "65 bytes of room should be refused"
        );
        for token in ["0f".repeat(31), "zz".repeat(32), "é".repeat(32)] {
            assert_eq!(
                refused(Resume { token }),
                Some(CommandError::OutOfBounds { field: "token" }),
                "a token is exactly 64 hex digits"
            );
        }
    }

    #[test]
    fn another_class_and_another_body_are_refused() {
        let stranger = ClassId::of("mob.damage");
        assert_eq!(
            Command::decode(stranger, &[0x90]),
            Err(CommandError::UnknownClass(stranger)),
            "a socket reaches the closed table only"
        );
        assert!(
            matches!(
                Command::decode(Move::ID, &[0x90]),
                Err(CommandError::Malformed(_))
            ),
            "a Move without a point should be refused"
        );
        let as_a_map = [0x82, 0xa1, b'x', 1, 0xa1, b'y', 1];
        let text_as_binary = [0x91, 0xc4, 4, b'n', b'e', b'a', b'r'];
        for (class, body) in [
            (Enter::ID, [0x80].as_slice()),
            (Move::ID, &as_a_map),
            (Join::ID, &text_as_binary),
        ] {
            assert!(
                matches!(
                    Command::decode(class, body),
                    Err(CommandError::Malformed(wire::DecodeError::NotPlain { .. }))
                ),
                "{body:?} is another way to write it than the page tells, and should be refused"
            );
        }
    }

    #[test]
    fn a_trace_never_shows_what_a_player_keeps_to_itself() {
        let commands: [Command; 5] = [
            Say {
                room: "near".into(),
                text: "hunter2".into(),
            }
            .into(),
            Whisper {
                to: "Ann".into(),
                text: "hunter2".into(),
            }
            .into(),
            Register {
                name: "Ann".into(),
                password: "hunter2".into(),
            }
            .into(),
            LogIn {
                name: "Ann".into(),
                password: "hunter2".into(),
            }
            .into(),
            Resume {
                token: "hunter2".into(),
            }
            .into(),
        ];
        for command in commands {
            assert!(
                !format!("{command:?}").contains("hunter2"),
                "{} should hide its secret",
                command.name()
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bodies_never_panic(class in 0..COMMANDS.len(), body in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = Command::decode(COMMANDS[class].1, &body);
        }
    }
}
