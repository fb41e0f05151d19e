//! What a mechanics service answers.

use client::{Cell, Event};
use realm::{Address, CallError, calls};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::tether::Play;

/// An avatar that stands in the world and listens to the session that asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entrance {
    /// The avatar.
    pub avatar: Address,
    /// The `Entered` event for the client.
    pub entered: Event,
    /// The cells that it sees.
    pub view: Vec<Cell>,
}

/// A channel, and whose avatars stand there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residents {
    /// The channel.
    pub channel: u64,
    /// Its map.
    pub map: String,
    /// Its population limit.
    pub limit: u32,
    /// The characters.
    pub characters: Vec<i64>,
}

/// Why an avatar does not enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum EnterError {
    /// The channel is at its limit.
    #[error("the channel is full")]
    Full,
    /// The character is entering or leaving at this moment: ask again.
    #[error("the character is about to enter or leave")]
    Busy,
    /// The avatar listens to a later login of its player.
    #[error("a later login plays")]
    Replaced,
    /// This service does not host the channel.
    #[error("the channel is not here")]
    NoSuchChannel,
    /// The map is not among the resources.
    #[error("there is no map '{0}'")]
    NoSuchMap(String),
    /// The character could not be loaded, or the service did not answer.
    #[error("the avatar could not enter: {0}")]
    Unavailable(String),
}

impl From<CallError> for EnterError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Hosts channels and what lives in them.
#[calls(group = "mechanics", proxy = MechanicsProxy)]
pub trait Mechanics {
    /// Opens a channel of a map; returns its population limit.
    async fn open(&self, channel: u64, map: String) -> Result<u32, EnterError>;

    /// The channels that are open here, and who is there.
    async fn residents(&self) -> Result<Vec<Residents>, EnterError>;

    /// Brings a character into a channel, or hands its avatar there over to `session`, which speaks for the login in `play`.
    /// Answered when the avatar stands.
    async fn enter(
        &self,
        channel: u64,
        character: i64,
        session: Address,
        play: Play,
    ) -> Result<Entrance, EnterError>;

    /// A snapshot frame of each of the cells.
    async fn snapshot(&self, channel: u64, cells: Vec<Cell>) -> Result<Vec<ByteBuf>, EnterError>;
}
