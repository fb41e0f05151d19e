//! What the balancer answers.

use realm::{Address, CallError, calls};
use serde::{Deserialize, Serialize};

/// Where a character's avatar stands, or should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The channel.
    pub channel: u64,
    /// The mechanics service that hosts it.
    pub host: Address,
}

/// Why a character has no place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PlaceError {
    /// No mechanics service is up, or none could open a channel.
    #[error("no place in the world is open: {0}")]
    Unavailable(String),
}

impl From<CallError> for PlaceError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Places characters in channels.
#[calls(group = "balancer", proxy = BalancerProxy)]
pub trait Balancer {
    /// The place of a character: the one it has, or a new one. `lost` names a mechanics service that the caller has seen
    /// fail: a place there is given up.
    async fn place(&self, character: i64, lost: Option<Address>) -> Result<Placement, PlaceError>;

    /// The channel refused the character because it is full: find another.
    async fn refused(&self, character: i64, channel: u64) -> Result<(), PlaceError>;

    /// The character's avatar in `channel` is gone; its place there is free.
    async fn left(&self, character: i64, channel: u64) -> Result<(), PlaceError>;
}
