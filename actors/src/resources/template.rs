//! What entities, spells and items are made of. Plain values that never change after the start; what they do is elsewhere.

use super::{OwnTable, range};
use serde::{Deserialize, Deserializer};
use std::sync::Arc;

/// What avatars and mobs are made from: each part that is there gives them a functionality. What entities keep of it
/// is shared among them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityTemplate {
    /// Its path without extension, as in `mobs/dog`.
    #[serde(skip)]
    pub id: Arc<str>,
    /// What players read.
    #[serde(deserialize_with = "text")]
    pub name: Arc<str>,
    /// It can be hurt and die.
    pub health: Option<HealthSpec>,
    /// It can move.
    pub motion: Option<MotionSpec>,
    /// It can fight.
    pub combat: Option<CombatSpec>,
    /// It acts by itself.
    #[serde(default, deserialize_with = "shared")]
    pub brain: Option<Arc<BrainSpec>>,
    /// It leaves something when it dies.
    #[serde(default, deserialize_with = "shared")]
    pub loot: Option<Arc<LootSpec>>,
    /// It gives experience, or gains it.
    pub experience: Option<ExperienceSpec>,
    /// What a team's own components read.
    #[serde(skip)]
    pub(crate) own: Vec<OwnTable>,
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(from).map(Arc::from)
}

fn shared<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Arc<T>>, D::Error> {
    T::deserialize(from).map(Arc::new).map(Some)
}

/// How much an entity endures.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthSpec {
    /// Points when unhurt; above 0.
    #[serde(deserialize_with = "range::points")]
    pub max: u32,
    /// Points won back in a second.
    #[serde(default, deserialize_with = "range::points_or_none")]
    pub regeneration_per_s: u32,
}

/// How an entity moves.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MotionSpec {
    /// Tiles walked in a second; above 0.
    #[serde(deserialize_with = "range::tiles")]
    pub speed_tiles_per_s: f32,
}

/// How an entity fights.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CombatSpec {
    /// The ids of the spells it has, each once.
    pub spells: Vec<String>,
    /// Whose side it is on: `players`, `beasts` …
    #[serde(deserialize_with = "text")]
    pub faction: Arc<str>,
}

/// How a mob acts by itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrainSpec {
    /// How far it notices enemies.
    #[serde(deserialize_with = "range::tiles")]
    pub sight_tiles: f32,
    /// How far from its home it follows one.
    #[serde(deserialize_with = "range::tiles")]
    pub leash_tiles: f32,
    /// How far from its home it strolls.
    #[serde(deserialize_with = "range::tiles")]
    pub wander_tiles: f32,
    /// The time between two strolls.
    #[serde(deserialize_with = "range::milliseconds")]
    pub wander_every_ms: u64,
}

/// What an entity leaves when it dies.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LootSpec {
    /// The least coins.
    pub coins_min: u64,
    /// The most coins, no fewer than the least.
    pub coins_max: u64,
    /// Items, each with its own chance.
    #[serde(default)]
    pub drops: Vec<Drop>,
    /// How long it lies before it is gone.
    #[serde(deserialize_with = "range::seconds")]
    pub lasts_s: u64,
}

/// An item that may be among what is left.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    /// The item's id.
    pub item: String,
    /// In how many of all cases: 0 never, 1 always.
    #[serde(deserialize_with = "range::chance")]
    pub chance: f64,
    /// How many of it.
    #[serde(deserialize_with = "range::count")]
    pub count: u32,
}

/// What an entity has to do with experience: mobs are worth some, avatars gain it. What is left out is none.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperienceSpec {
    /// What killing it gives; 0 if it gives none.
    #[serde(default)]
    pub worth: u64,
    /// The experience from one level to the next; none if it has no levels.
    #[serde(default, deserialize_with = "level")]
    pub level_every: Option<u64>,
}

fn level<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    range::some(from).map(Some)
}

/// What chests, plants and doors are made from: just one of its parts is there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectTemplate {
    /// Its path without extension, as in `objects/chest`.
    #[serde(skip)]
    pub id: String,
    /// What players read.
    pub name: String,
    /// It gives something to who uses it.
    #[serde(default, deserialize_with = "shared")]
    pub stock: Option<Arc<StockSpec>>,
    /// It opens and closes when it is used.
    pub door: Option<DoorSpec>,
}

/// What an object gives, again and again.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockSpec {
    /// The least coins.
    pub coins_min: u64,
    /// The most coins, no fewer than the least.
    pub coins_max: u64,
    /// Items, each with its own chance.
    #[serde(default)]
    pub drops: Vec<Drop>,
    /// The time from when it was emptied until it is full again.
    #[serde(deserialize_with = "range::seconds")]
    pub refill_s: u64,
}

/// How a door is when it appears.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoorSpec {
    /// Whether it lets through at first.
    #[serde(default)]
    pub open: bool,
}

/// Something that one entity does to another.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpellTemplate {
    /// Its path without extension, as in `spells/strike`.
    #[serde(skip)]
    pub id: String,
    /// What players read.
    pub name: String,
    /// The least health points it takes.
    #[serde(deserialize_with = "range::points_or_none")]
    pub damage_min: u32,
    /// The most health points it takes, no fewer than the least.
    #[serde(deserialize_with = "range::points")]
    pub damage_max: u32,
    /// How far it reaches.
    #[serde(deserialize_with = "range::tiles")]
    pub range_tiles: f32,
    /// The time before it can be used again.
    #[serde(deserialize_with = "range::milliseconds")]
    pub cooldown_ms: u64,
    /// Whether a wall in between stops it.
    pub needs_sight: bool,
}

/// Something that can be owned.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemTemplate {
    /// Its path without extension, as in `items/bone`.
    #[serde(skip)]
    pub id: String,
    /// What players read.
    pub name: String,
    /// How many share one place in a bag; above 0.
    #[serde(deserialize_with = "range::count")]
    pub stack_max: u32,
}
