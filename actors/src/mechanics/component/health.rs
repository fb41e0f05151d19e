//! How much an entity can bear.

use std::time::Duration;

use crate::resources::HealthSpec;

/// Hit points, and how they come back.
#[derive(Clone, Debug)]
pub struct Health {
    hp: u32,
    max: u32,
    regeneration_per_s: u32,
    /// Regeneration not yet worth a hit point, in thousandths.
    milli: u64,
}

impl Health {
    /// Unhurt.
    pub fn new(spec: &HealthSpec) -> Self {
        Self {
            hp: spec.max,
            max: spec.max,
            regeneration_per_s: spec.regeneration_per_s,
            milli: 0,
        }
    }

    /// Hit points left.
    pub fn hp(&self) -> u32 {
        self.hp
    }

    /// Hit points when unhurt.
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Sets the hit points, within 0 and the maximum.
    pub fn set(&mut self, hp: u32) {
        self.hp = hp.min(self.max);
    }

    /// True at 0 hit points.
    pub fn is_dead(&self) -> bool {
        self.hp == 0
    }

    /// Takes up to `amount` hit points; returns how many it took.
    pub fn hurt(&mut self, amount: u32) -> u32 {
        let taken = amount.min(self.hp);
        self.hp -= taken;
        taken
    }

    /// Lets time heal. The dead stay dead.
    pub fn tick(&mut self, time: Duration) {
        if self.is_dead() || self.hp == self.max {
            self.milli = 0;
            return;
        }
        let gained =
            u64::from(self.regeneration_per_s) * u64::try_from(time.as_millis()).unwrap_or(0);
        self.milli += gained;
        let whole = self.milli / 1000;
        self.milli %= 1000;
        self.hp = self
            .hp
            .saturating_add(u32::try_from(whole).unwrap_or(u32::MAX))
            .min(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_stays_between_death_and_its_maximum() {
        let mut health = Health::new(&HealthSpec {
            max: 10,
            regeneration_per_s: 3,
        });
        assert_eq!(health.hurt(4), 4, "a hit should take what it says");
        health.tick(Duration::from_millis(500));
        assert_eq!(
            health.hp(),
            7,
            "half a second should heal half of three, rounded down"
        );
        health.tick(Duration::from_secs(60));
        assert_eq!(health.hp(), 10, "healing should stop at the maximum");
        assert_eq!(
            health.hurt(99),
            10,
            "a hit should take no more than there is"
        );
        health.tick(Duration::from_secs(60));
        assert!(health.is_dead(), "the dead should not heal");
    }
}
