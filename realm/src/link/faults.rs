//! What a test can do to a link: delay, loss, partition. Drawn from a seed, so that a failure can be repeated.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg32;

/// How badly a hub carries. Delays keep the order of each pair of nodes.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Seed of the draws.
    pub seed: u64,
    /// Every parcel arrives after at least this time.
    pub delay_min: Duration,
    /// Every parcel arrives after at most this time, unless the one before it is later.
    pub delay_max: Duration,
    /// Part of the parcels that never arrive, 0 to 1.
    pub loss: f64,
}

impl Faults {
    /// A link that carries everything at once.
    pub const fn none() -> Self {
        Self {
            seed: 0,
            delay_min: Duration::ZERO,
            delay_max: Duration::ZERO,
            loss: 0.0,
        }
    }
}

/// The draws of one hub.
pub(super) struct Draws {
    faults: Faults,
    chance: Pcg32,
}

impl Draws {
    pub(super) fn new(faults: Faults) -> Self {
        let chance = Pcg32::seed_from_u64(faults.seed);
        Self { faults, chance }
    }

    pub(super) fn loses(&mut self) -> bool {
        self.faults.loss > 0.0 && self.chance.random::<f64>() < self.faults.loss
    }

    /// The delay of the next parcel; `None` when the link delays nothing.
    pub(super) fn delay(&mut self) -> Option<Duration> {
        if self.faults.delay_max.is_zero() {
            return None;
        }
        let (least, most) = (
            self.faults.delay_min,
            self.faults.delay_max.max(self.faults.delay_min),
        );
        Some(least + (most - least).mul_f64(self.chance.random::<f64>()))
    }
}
