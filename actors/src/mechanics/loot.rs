//! Loot on its way from a corpse or an object, its holder, to an avatar. The holder keeps it until the avatar has it in the
//! database; the operation is named after the holder, so it is given once ever.

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

/// Holder to avatar: take this.
#[message]
pub(crate) struct LootOffer {
    /// The holder.
    pub(crate) target: Handle,
    /// Where to say that it was taken.
    pub(crate) holder: Address,
    /// Under which it is given, once ever.
    pub(crate) operation: OperationId,
    /// The resource id of the holder.
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

/// Avatar to holder: it is in the database, or it is not.
#[message]
pub(crate) struct LootOutcome {
    /// The avatar.
    pub(crate) taker: Address,
    /// True when it was taken, by this avatar or, under the same operation, by one before.
    pub(crate) taken: bool,
}
