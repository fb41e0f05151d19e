//! What a corpse holds, and who is taking it. It is given away once; the database makes sure of it by the operation that
//! the corpse's address names.

use std::sync::Arc;
use std::time::Duration;

use client::ItemStack;
use realm::{Address, Chance};

use crate::resources::LootSpec;

/// Loot as it was rolled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoils {
    /// Items.
    pub items: Vec<ItemStack>,
    /// Coins.
    pub coins: u64,
}

/// What an entity leaves behind.
#[derive(Clone, Debug)]
pub struct Loot {
    spec: Arc<LootSpec>,
    rolled: Option<Spoils>,
    taker: Option<Address>,
}

impl Loot {
    /// Nothing yet: it is rolled at death.
    pub fn new(spec: Arc<LootSpec>) -> Self {
        Self {
            spec,
            rolled: None,
            taker: None,
        }
    }

    /// Rolls what the corpse holds.
    pub fn roll(&mut self, chance: &mut Chance) {
        let coins = chance.between(self.spec.coins_min, self.spec.coins_max);
        let mut items = Vec::new();
        for drop in &self.spec.drops {
            if chance.hits(drop.chance) {
                items.push(ItemStack {
                    item: drop.item.clone(),
                    count: drop.count,
                });
            }
        }
        self.rolled = Some(Spoils { items, coins });
    }

    /// Lets `taker` take it; `None` when there is nothing, or somebody else is taking it.
    pub fn offer(&mut self, taker: Address) -> Option<Spoils> {
        let spoils = self
            .rolled
            .as_ref()
            .filter(|spoils| !spoils.items.is_empty() || spoils.coins > 0)?;
        if self.taker.is_some_and(|other| other != taker) {
            return None;
        }
        self.taker = Some(taker);
        Some(spoils.clone())
    }

    /// `taker` has it, in the database.
    pub fn taken(&mut self, taker: Address) {
        if self.taker == Some(taker) {
            self.rolled = None;
        }
    }

    /// `taker` does not take it after all, or died over it.
    pub fn refused(&mut self, taker: Address) {
        if self.taker == Some(taker) {
            self.taker = None;
        }
    }

    /// True when nothing is left to take.
    pub fn is_empty(&self) -> bool {
        self.rolled
            .as_ref()
            .is_none_or(|spoils| spoils.items.is_empty() && spoils.coins == 0)
    }

    /// How long the corpse lies.
    pub fn lasts(&self) -> Duration {
        Duration::from_secs(self.spec.lasts_s)
    }
}
