//! Spells and their rules: what an entity can cast, how far, how often, and with a clear line of sight.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use realm::{Chance, Moment};

use crate::ground::{Ground, Point};
use crate::resources::SpellTemplate;

/// Why a spell is not cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The entity does not know this spell.
    UnknownSpell,
    /// The target is too far.
    OutOfRange,
    /// Something stands in between.
    NoSight,
    /// The spell was cast too short a time ago.
    Cooldown,
}

/// The spells of an entity and when each may be cast again.
#[derive(Clone, Debug)]
pub struct Combat {
    spells: Vec<Arc<SpellTemplate>>,
    ready: BTreeMap<String, Moment>,
}

impl Combat {
    /// Knows `spells`, all ready.
    pub fn new(spells: Vec<Arc<SpellTemplate>>) -> Self {
        Self {
            spells,
            ready: BTreeMap::new(),
        }
    }

    /// The spells known.
    pub fn spells(&self) -> &[Arc<SpellTemplate>] {
        &self.spells
    }

    /// Casts a spell: checks range, sight and cooldown in this order, starts the cooldown, and returns the damage.
    ///
    /// # Errors
    /// Why it may not be cast; then nothing has changed.
    pub fn cast(
        &mut self,
        spell: &str,
        ground: &Ground,
        from: Point,
        at: Point,
        now: Moment,
        chance: &mut Chance,
    ) -> Result<u32, Refusal> {
        let known = self
            .spells
            .iter()
            .find(|known| known.id == spell)
            .ok_or(Refusal::UnknownSpell)?;
        if from.distance(at) > known.range_tiles {
            return Err(Refusal::OutOfRange);
        }
        if known.needs_sight && !ground.sees(from, at) {
            return Err(Refusal::NoSight);
        }
        if self.ready.get(spell).is_some_and(|ready| now < *ready) {
            return Err(Refusal::Cooldown);
        }
        self.ready.insert(
            known.id.clone(),
            now + Duration::from_millis(known.cooldown_ms),
        );
        let damage = chance.between(u64::from(known.damage_min), u64::from(known.damage_max));
        Ok(u32::try_from(damage).unwrap_or(u32::MAX))
    }
}
