//! What a mob wants: to wander about its home, to chase who comes near, to bite, to go home again. It reads what the world
//! shows of itself, and wishes; its mob does.

use std::sync::Arc;
use std::time::Duration;

use client::Handle;
use realm::{Chance, Moment};

use crate::ground::Point;
use crate::resources::BrainSpec;

/// How often a mob looks around for somebody to chase.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a brain is told before it thinks.
pub trait Sense {
    /// The nearest enemy in sight, within `range` tiles.
    fn nearest_enemy(&self, range: f32) -> Option<Handle>;

    /// Where `target` is, if it lives and is there.
    fn place_of(&self, target: Handle) -> Option<Point>;
}

/// What a mob should do now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish {
    /// Go on with what it does.
    Nothing,
    /// Walk anywhere near home.
    Wander,
    /// Get at the target and bite it.
    Attack(Handle, Point),
    /// Walk home.
    Return,
}

/// A mob's mind.
#[derive(Clone, Debug)]
pub struct Brain {
    spec: Arc<BrainSpec>,
    home: Point,
    target: Option<Handle>,
    look: Moment,
    wander: Moment,
}

impl Brain {
    /// At home at `home`, wanting nothing.
    pub fn new(spec: Arc<BrainSpec>, home: Point, now: Moment, chance: &mut Chance) -> Self {
        // Mobs that appear together should not all think in one frame.
        let stagger = Duration::from_millis(u64::from(chance.below(250)));
        let wander = now + Duration::from_millis(chance.between(0, spec.wander_every_ms));
        Self {
            spec,
            home,
            target: None,
            look: now + stagger,
            wander,
        }
    }

    /// Where it belongs.
    pub fn home(&self) -> Point {
        self.home
    }

    /// How far from home it wanders, in tiles.
    pub fn wander_tiles(&self) -> f32 {
        self.spec.wander_tiles
    }

    /// Somebody hurt it.
    pub fn provoked(&mut self, by: Handle) {
        self.target.get_or_insert(by);
    }

    /// Thinks.
    pub fn think(
        &mut self,
        place: Point,
        now: Moment,
        sense: &impl Sense,
        chance: &mut Chance,
    ) -> Wish {
        if let Some(target) = self.target {
            match sense.place_of(target) {
                Some(at) if at.distance(self.home) <= self.spec.leash_tiles => {
                    return Wish::Attack(target, at);
                }
                _ => {
                    self.target = None;
                    return Wish::Return;
                }
            }
        }
        if now >= self.look {
            self.look = now + LOOK_EVERY;
            self.target = sense.nearest_enemy(self.spec.sight_tiles);
            if let Some(target) = self.target
                && let Some(at) = sense.place_of(target)
                && at.distance(self.home) <= self.spec.leash_tiles
            {
                return Wish::Attack(target, at);
            }
            self.target = None;
        }
        if now >= self.wander {
            let every = self.spec.wander_every_ms;
            self.wander = now + Duration::from_millis(chance.between(every / 2, every + every / 2));
            return if place.distance(self.home) > self.spec.wander_tiles + 1.0 {
                Wish::Return
            } else {
                Wish::Wander
            };
        }
        Wish::Nothing
    }
}
