//! What the chat service answers, and what it sends.

use realm::{Address, CallError, calls, message};
use serde::{Deserialize, Serialize};

use super::people::Talker;
use super::room::{Room, RoomName};

/// Why the chat service does not do what a player asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ChatError {
    /// The text is empty, too long, or holds what no text may.
    #[error("the text breaks the rules")]
    BadText,
    /// The player has asked too often.
    #[error("the player talks too fast")]
    TooFast,
    /// Nobody of that name is there.
    #[error("nobody of that name is there")]
    NoSuchPlayer,
    /// The player is not in that room.
    #[error("the player is not in that room")]
    NoSuchRoom,
    /// The player is in as many rooms as it may be.
    #[error("the player is in too many rooms")]
    TooManyRooms,
    /// The player has said it already, on a connection that was lost.
    #[error("that was said before")]
    Before,
    /// The service does not know the session: it has started anew, or was never told. Tell it by `here`.
    #[error("the session is not known")]
    NotKnown,
    /// As many sessions as may be are known.
    #[error("too many sessions are known")]
    Full,
    /// The service did not answer.
    #[error("the chat service is not available: {0}")]
    Unavailable(String),
}

impl From<CallError> for ChatError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Chat service to session: somebody whispers to its player. It goes by mail, at most once.
#[message(name = "chat.whisper")]
#[derive(Clone, PartialEq, Eq)]
pub struct Whisper {
    /// The name of who whispers.
    pub from: String,
    /// The name of who is whispered to.
    pub to: String,
    /// What.
    pub text: String,
}

/// Keeps who is there to be talked to, and carries what is said. `session` is always the one that asks; each request of a
/// player but `here` and `gone` counts against its pace, whatever comes of it.
#[calls(group = "chat", proxy = ChatProxy)]
pub trait Chat {
    /// A session's player can be talked to from now on, and is in these rooms. Of two sessions of one player the later is
    /// whispered to.
    async fn here(
        &self,
        session: Address,
        talker: Talker,
        rooms: Vec<RoomName>,
    ) -> Result<(), ChatError>;

    /// A session's player can be talked to no more. So it is when the session dies.
    async fn gone(&self, session: Address) -> Result<(), ChatError>;

    /// Says something, the client's command with this number; returns the text as it is said. Those near are told by the player's own avatar, the others by topic.
    async fn say(
        &self,
        session: Address,
        number: u32,
        room: Room,
        text: String,
    ) -> Result<String, ChatError>;

    /// Whispers to the player of that name, by the client's command with this number; returns the whisper as it is on its way.
    async fn whisper(
        &self,
        session: Address,
        number: u32,
        to: String,
        text: String,
    ) -> Result<Whisper, ChatError>;

    /// Enters a room. To hear it, take part in its topic.
    async fn join(&self, session: Address, room: RoomName) -> Result<(), ChatError>;

    /// Leaves a room.
    async fn part(&self, session: Address, room: RoomName) -> Result<(), ChatError>;
}
