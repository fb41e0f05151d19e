//! Loot on its way from a corpse to an avatar. The corpse keeps it until the avatar has it in the database; the operation
//! is named after the corpse, so it is given once ever.

use client::{Handle, ItemStack};
use realm::{Address, message};

use crate::database::store::OperationId;

/// Avatar to corpse: give me what you hold.
#[message]
pub(crate) struct TakeLoot {
    /// The avatar.
    pub(crate) taker: Address,
    /// The client's number of the command; comes back in the answer.
    pub(crate) sequence: u32,
}

/// Corpse to avatar: take this.
#[message]
pub(crate) struct LootOffer {
    /// The corpse.
    pub(crate) target: Handle,
    /// Where to say that it was taken.
    pub(crate) corpse: Address,
    /// Under which it is given, once ever.
    pub(crate) operation: OperationId,
    /// The resource id of what died.
    pub(crate) source: String,
    /// Items.
    pub(crate) items: Vec<ItemStack>,
    /// Coins.
    pub(crate) coins: u64,
    /// The client's number of the command.
    pub(crate) sequence: u32,
}

/// Corpse to avatar: there is nothing to take.
#[message]
pub(crate) struct NoLoot {
    /// The client's number of the command.
    pub(crate) sequence: u32,
}

/// Avatar to corpse: it is in the database, or it is not.
#[message]
pub(crate) struct LootOutcome {
    /// The avatar.
    pub(crate) taker: Address,
    /// True when it was taken.
    pub(crate) taken: bool,
}
