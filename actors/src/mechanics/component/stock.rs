//! What a chest or a plant gives, again and again. Each filling is rolled anew and has a number of its own, so that what
//! is given under it is given once.

use std::sync::Arc;
use std::time::Duration;

use realm::Chance;

use super::{Pile, Spoils};
use crate::resources::StockSpec;

/// What an object has to give.
#[derive(Clone, Debug)]
pub struct Stock {
    /// What is there now.
    pub pile: Pile,
    spec: Arc<StockSpec>,
    filling: u64,
}

impl Stock {
    /// Nothing yet.
    pub fn new(spec: Arc<StockSpec>) -> Self {
        Self {
            pile: Pile::default(),
            spec,
            filling: 0,
        }
    }

    /// Fills it; by chance with nothing.
    pub fn fill(&mut self, chance: &mut Chance) {
        let spec = &self.spec;
        self.filling += 1;
        self.pile.lay(Spoils::roll(
            spec.coins_min,
            spec.coins_max,
            &spec.drops,
            chance,
        ));
    }

    /// How often it was filled.
    pub fn filling(&self) -> u64 {
        self.filling
    }

    /// From when it was emptied until it is full again.
    pub fn refill(&self) -> Duration {
        Duration::from_secs(self.spec.refill_s)
    }
}
