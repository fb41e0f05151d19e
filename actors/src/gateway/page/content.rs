//! The part of the content that a player may know, as JSON: how maps look, what things are called, how far one's spells
//! reach. Chances, loot and where mobs appear stay with the server.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ground::Ground;
use crate::resources::{EntityTemplate, MapTemplate, Resources, Site};

/// All that the page is told, by resource id.
#[derive(Default, Serialize)]
struct Content<'a> {
    maps: BTreeMap<&'a str, Map<'a>>,
    kinds: BTreeMap<&'a str, Kind<'a>>,
    spells: BTreeMap<&'a str, Spell<'a>>,
    items: BTreeMap<&'a str, Item<'a>>,
}

#[derive(Serialize)]
struct Map<'a> {
    name: &'a str,
    /// One character for each tile: `#` stops way and sight, `~` the way alone; any other lets through, and is the digit
    /// of how the floor looks.
    rows: Vec<String>,
    doors: Vec<Door<'a>>,
}

/// Where a door may stand; whether it is closed is seen.
#[derive(Serialize)]
struct Door<'a> {
    x: f32,
    y: f32,
    tiles: &'a [(u16, u16)],
}

/// An avatar, a mob or an object. Speed and levels are told of those that players walk with.
#[derive(Serialize)]
struct Kind<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level_every: Option<u64>,
}

/// Range and cooldown are told of the spells that avatars have.
#[derive(Serialize)]
struct Spell<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cooldown_ms: Option<u64>,
}

#[derive(Serialize)]
struct Item<'a> {
    name: &'a str,
}

/// What the page is told of these resources; nothing in particular when there are none.
pub(super) fn json(resources: Option<&Resources>) -> String {
    let content = resources.map_or_else(Content::default, Content::of);
    // Plain structs with keys of text always go into JSON; the page copes with less.
    serde_json::to_string(&content).unwrap_or_else(|_| "{}".to_owned())
}

impl<'a> Content<'a> {
    fn of(resources: &'a Resources) -> Self {
        let avatars = || resources.entities().filter(|entity| is_avatar(entity));
        let of_avatars = |spell: &str| {
            avatars()
                .filter_map(|avatar| avatar.combat.as_ref())
                .any(|combat| combat.spells.iter().any(|known| known == spell))
        };
        let beings = resources.entities().map(|entity| {
            let played = is_avatar(entity);
            let kind = Kind {
                name: &entity.name,
                speed: entity
                    .motion
                    .as_ref()
                    .filter(|_| played)
                    .map(|motion| motion.speed_tiles_per_s),
                level_every: entity
                    .experience
                    .as_ref()
                    .filter(|_| played)
                    .and_then(|experience| experience.level_every),
            };
            (&*entity.id, kind)
        });
        let objects = resources.objects().map(|object| {
            let kind = Kind {
                name: &object.name,
                speed: None,
                level_every: None,
            };
            (object.id.as_str(), kind)
        });
        let spells = resources.spells().map(|spell| {
            let known = of_avatars(&spell.id);
            let told = Spell {
                name: &spell.name,
                range: known.then_some(spell.range_tiles),
                cooldown_ms: known.then_some(spell.cooldown_ms),
            };
            (spell.id.as_str(), told)
        });
        Self {
            maps: resources
                .maps()
                .map(|map| (map.id.as_str(), Map::of(map, resources)))
                .collect(),
            kinds: beings.chain(objects).collect(),
            spells: spells.collect(),
            items: resources
                .items()
                .map(|item| (item.id.as_str(), Item { name: &item.name }))
                .collect(),
        }
    }
}

impl<'a> Map<'a> {
    fn of(map: &'a MapTemplate, resources: &Resources) -> Self {
        let is_door = |site: &&Site| {
            resources
                .object(&site.object)
                .is_some_and(|object| object.door.is_some())
        };
        let doors = map.sites.iter().filter(is_door).map(|site| Door {
            x: site.at.x,
            y: site.at.y,
            tiles: &site.tiles,
        });
        Self {
            name: &map.name,
            rows: rows(&map.ground, &map.floor),
            doors: doors.collect(),
        }
    }
}

fn is_avatar(entity: &EntityTemplate) -> bool {
    entity.id.starts_with("avatars/")
}

fn rows(ground: &Ground, floor: &[u8]) -> Vec<String> {
    let looks = |x: u16, y: u16| {
        let at = usize::from(y) * usize::from(ground.width()) + usize::from(x);
        floor.get(at).copied().unwrap_or(0)
    };
    let tile = |x: u16, y: u16| {
        let (tile_x, tile_y) = (i32::from(x), i32::from(y));
        match (
            ground.blocks_way(tile_x, tile_y),
            ground.blocks_sight(tile_x, tile_y),
        ) {
            (true, true) => '#',
            (true, false) => '~',
            (false, _) => char::from(b'0' + looks(x, y).min(9)),
        }
    };
    (0..ground.height())
        .map(|y| (0..ground.width()).map(|x| tile(x, y)).collect())
        .collect()
}
