//! What a session and its avatar say to each other. They may stand on different nodes and the link between may lose mail,
//! so each side numbers what must get through and says it again until it is heard.

mod glimpse;
mod line;

use client::{Cell, Command, Event};
use realm::{Address, message};

pub use glimpse::{BLOWS_LEN_MAX, Blow, Glimpse};
pub use line::{Heard, Line, LineFull};

/// What lies unheard in one direction at most: a player who sends more is refused, an avatar that says more loses its
/// session.
pub const UNHEARD_LEN_MAX: usize = 256;

/// For which login of its player a session speaks, and how the client numbers its commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Play {
    /// Counts the player's logins and resumes. An avatar that has heard one listens to no lower one.
    pub login: u64,
    /// The login with which the numbers began. A resume goes on with them, so that what is sent again is known.
    pub numbers: u64,
    /// Lower numbers were sent before this entry: an avatar that is new cannot know what became of them.
    pub known_from: u32,
}

/// Session to avatar: what the player wants, in order, each once.
#[message]
pub struct Intents {
    /// The session that speaks. An avatar listens to one session only.
    pub session: Address,
    /// Number of the first intent in the list; numbers begin with 1.
    pub first: u32,
    /// The player's commands, with the sequence numbers that the client gave them.
    pub intents: Vec<(u32, Command)>,
    /// The number of the last news that the session has heard.
    pub heard: u32,
}

/// Avatar to session: what the player should know, in order, each once.
#[message]
pub struct News {
    /// The avatar that speaks. A session listens to one avatar only.
    pub avatar: Address,
    /// Number of the first piece of news in the list; numbers begin with 1.
    pub first: u32,
    /// The news.
    pub news: Vec<Piece>,
    /// The number of the last intent that the avatar has applied.
    pub heard: u32,
}

/// One piece of news.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Piece {
    /// For the client as it is.
    Event(Event),
    /// The avatar sees these cells now, and no others.
    View(Vec<Cell>),
    /// The avatar has left the world and is saved.
    Left,
    /// Another session has taken the avatar over.
    Replaced,
}

/// The topic on which a cell's [`Glimpse`]s are published.
pub fn cell_topic(channel: u64, cell: Cell) -> std::sync::Arc<str> {
    format!("cell.{channel}.{}.{}", cell.x, cell.y).into()
}
