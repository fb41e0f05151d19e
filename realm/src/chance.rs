//! The one place that makes randomness. A locale's chance follows from its node's seed and its own address, so that one
//! seed gives one world, whatever the order in which others drew.

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg32;

use crate::address::Address;

/// The random source of one locale or service. Reproducible, not secret.
#[derive(Clone, Debug)]
pub struct Chance(Pcg32);

impl Chance {
    pub(crate) fn new(seed: u64, whose: Address) -> Self {
        Self(Pcg32::new(seed ^ 0x9e37_79b9_7f4a_7c15, whose.get()))
    }

    /// A whole number in `0..below`; 0 when `below` is 0.
    pub fn below(&mut self, below: u32) -> u32 {
        if below == 0 {
            0
        } else {
            self.0.random_range(0..below)
        }
    }

    /// A whole number in `least..=most`; `least` when the range is empty.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        if least >= most {
            least
        } else {
            self.0.random_range(least..=most)
        }
    }

    /// True with the probability `chance` (0 to 1).
    pub fn hits(&mut self, chance: f64) -> bool {
        self.0.random::<f64>() < chance
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f32 {
        self.0.random::<f32>()
    }
}

/// Source of what must not be guessed: tokens and salts. From the operating system, or from a seed in a stepped realm.
pub struct Secrets(Option<StdRng>);

impl Secrets {
    /// Secrets of the operating system.
    pub fn machine() -> Self {
        Self(None)
    }

    /// Secrets that anybody who knows the seed can repeat: for stepped realms only.
    pub fn seeded(seed: u64) -> Self {
        Self(Some(StdRng::seed_from_u64(seed)))
    }

    /// Fills `bytes`; an error when the operating system has no randomness to give.
    pub fn fill(&mut self, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        match &mut self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "this file is where secrets come from"
            )]
            None => getrandom::fill(bytes),
            Some(seeded) => {
                seeded.fill_bytes(bytes);
                Ok(())
            }
        }
    }
}
