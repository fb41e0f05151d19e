//! What an entity has learnt, and what killing it teaches.

use crate::resources::ExperienceSpec;

/// Experience points and the level they make.
#[derive(Clone, Debug)]
pub struct Experience {
    xp: u64,
    worth: u64,
    level_every: Option<u64>,
}

impl Experience {
    /// With `xp` points so far.
    pub fn new(spec: &ExperienceSpec, xp: u64) -> Self {
        Self {
            xp,
            worth: spec.worth,
            level_every: spec.level_every,
        }
    }

    /// Points so far.
    pub fn xp(&self) -> u64 {
        self.xp
    }

    /// Points that killing this entity is worth.
    pub fn worth(&self) -> u64 {
        self.worth
    }

    /// The level, from 1.
    pub fn level(&self) -> u32 {
        let gained = self
            .level_every
            .filter(|every| *every > 0)
            .map_or(0, |every| self.xp / every);
        u32::try_from(gained).unwrap_or(u32::MAX - 1) + 1
    }

    /// Learns.
    pub fn gain(&mut self, xp: u64) {
        self.xp = self.xp.saturating_add(xp);
    }
}
