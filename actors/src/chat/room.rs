//! Rooms: where something is said, how clients write it, and on which topic it is heard.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest name of a room.
const NAME_LEN_MAX: usize = 24;
/// What stands before a room's name where clients write it.
const NAMED: &str = "room:";

/// Where something is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Room {
    /// Within earshot of the avatar.
    Near,
    /// Everywhere.
    Realm,
    /// To those who have joined.
    Named(RoomName),
}

impl Room {
    /// Reads what a client wrote: `near`, `realm`, or `room:NAME`.
    pub fn parse(written: &str) -> Option<Self> {
        match written {
            "near" => Some(Self::Near),
            "realm" => Some(Self::Realm),
            _ => RoomName::parse(written).map(Self::Named),
        }
    }

    /// As clients write it.
    pub fn written(&self) -> String {
        match self {
            Self::Near => "near".to_owned(),
            Self::Realm => "realm".to_owned(),
            Self::Named(name) => name.written(),
        }
    }

    /// The topic on which it is heard; what is said near has none.
    pub fn topic(&self) -> Option<Arc<str>> {
        match self {
            Self::Near => None,
            Self::Realm => Some("chat.realm".into()),
            Self::Named(name) => Some(format!("chat.room.{}", name.0).into()),
        }
    }
}

/// The name of a room: letters a-z, digits, `-` and `_`, so that no two look alike and each can stand in a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RoomName(String);

impl RoomName {
    /// Reads `room:NAME`. Capitals are the same as small letters.
    pub fn parse(written: &str) -> Option<Self> {
        let name = written.strip_prefix(NAMED)?;
        let fits = (1..=NAME_LEN_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        fits.then(|| Self(name.to_ascii_lowercase()))
    }

    /// As clients write it.
    pub fn written(&self) -> String {
        format!("{NAMED}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_written_and_read_alike() {
        for written in ["near", "realm", "room:traders", "room:a-b_9"] {
            let room = Room::parse(written).map(|room| room.written());
            assert_eq!(
                room.as_deref(),
                Some(written),
                "{written} should be a room of that name"
            );
        }
        assert_eq!(
            Room::parse("room:Traders"),
            Room::parse("room:tradeRS"),
            "capitals should make no other room"
        );
    }

    #[test]
    fn what_could_reach_another_topic_is_no_room() {
        let long = format!("room:{}", "a".repeat(NAME_LEN_MAX + 1));
        for written in [
            "",
            "Near",
            "room:",
            "traders",
            "room:a.b",
            "room:*",
            "room:>",
            "room:a b",
            "room:ä",
            "cell.1.0.0",
            &long,
        ] {
            assert_eq!(Room::parse(written), None, "{written} should be no room");
        }
    }
}
