//! What a corpse holds. It is rolled once, at death.

use std::sync::Arc;
use std::time::Duration;

use realm::Chance;

use super::{Pile, Spoils};
use crate::resources::LootSpec;

/// What an entity leaves behind.
#[derive(Clone, Debug)]
pub struct Loot {
    /// Nothing while the entity lives.
    pub pile: Pile,
    spec: Arc<LootSpec>,
}

impl Loot {
    /// Nothing yet: it is rolled at death.
    pub fn new(spec: Arc<LootSpec>) -> Self {
        Self {
            pile: Pile::default(),
            spec,
        }
    }

    /// Rolls what the corpse holds.
    pub fn roll(&mut self, chance: &mut Chance) {
        let spec = &self.spec;
        self.pile.lay(Spoils::roll(
            spec.coins_min,
            spec.coins_max,
            &spec.drops,
            chance,
        ));
    }

    /// How long the corpse lies.
    pub fn lasts(&self) -> Duration {
        Duration::from_secs(self.spec.lasts_s)
    }
}
