//! The objects of a map: its start, its spawns and its sites. Refuses classes and properties that it does not know.

use super::super::Kind;
use super::super::range::{COUNT_MAX, TIME_MAX_S};
use super::{Report, Site, Spawn, find};
use crate::ground::{Ground, Point};
use std::collections::BTreeMap;
use tiled::{Map, Object, ObjectShape, PropertyValue};

/// The largest radius of a spawn, in tiles; what looks for a place near goes no farther.
const RADIUS_MAX_TILES: f32 = 32.0;
/// The most tiles that one object takes up.
const SITE_TILES_MAX: usize = 64;

/// What the object layers say.
pub(super) struct Places {
    /// None if it is missing or wrong.
    pub(super) start: Option<Point>,
    pub(super) spawns: Vec<Spawn>,
    pub(super) sites: Vec<Site>,
}

/// Reads all object layers.
pub(super) fn read(
    map: &Map,
    text: &str,
    ground: &Ground,
    refuse: impl Fn(&str, Kind) -> Option<String>,
    report: Report<'_>,
) -> Places {
    let mut starts = Vec::new();
    let mut spawns = Vec::new();
    let mut sites = Vec::new();
    let layers = map.layers().filter_map(|layer| layer.as_object_layer());
    for object in layers.flat_map(|layer| layer.objects()) {
        let mut faults = Vec::new();
        let area = area(map, &object, &mut faults);
        if let Some(Area { at, .. }) = area
            && !ground.passable(at)
        {
            faults.push(format!("({}, {}) is not passable", at.x, at.y));
        }
        let mut properties = Properties::of(&object);
        match object.user_type.as_str() {
            "start" => starts.push(area.map(|area| area.at)),
            "spawn" => spawns.extend(spawn(area, &mut properties, &refuse, &mut faults)),
            "object" => sites.extend(site(area, ground, &mut properties, &refuse, &mut faults)),
            class => faults.push(format!(
                "unknown class \"{class}\", expected `start`, `spawn` or `object`"
            )),
        }
        faults.extend(properties.unknown());
        for message in faults {
            let place = find(text, &format!("<object id=\"{}\"", object.id()));
            report(
                place,
                format!("object {} \"{}\": {message}", object.id(), object.name),
            );
        }
    }
    if starts.len() != 1 {
        report(
            0..0,
            format!(
                "the map must have one object of class `start`, not {}",
                starts.len()
            ),
        );
    }
    Places {
        start: starts.into_iter().next().flatten(),
        spawns,
        sites,
    }
}

/// Where an object is, in tiles.
#[derive(Clone, Copy)]
struct Area {
    /// Its middle.
    at: Point,
    /// Half its width and half its height.
    half: (f32, f32),
}

fn area(map: &Map, object: &Object<'_>, faults: &mut Vec<String>) -> Option<Area> {
    let (width, height) = match &object.shape {
        _ if object.tile_data().is_some() || object.rotation != 0.0 => (f32::NAN, f32::NAN),
        ObjectShape::Rect { width, height } | ObjectShape::Ellipse { width, height } => {
            (*width, *height)
        }
        ObjectShape::Point(..) => (0.0, 0.0),
        _ => (f32::NAN, f32::NAN),
    };
    let tile = (map.tile_width as f32, map.tile_height as f32);
    let at = Point::new(
        (object.x + width / 2.0) / tile.0,
        (object.y + height / 2.0) / tile.1,
    );
    let half = (width / tile.0 / 2.0, height / tile.1 / 2.0);
    // What is no number comes from a shape that is not read, or from the file itself.
    if ![at.x, at.y, half.0, half.1].iter().all(|n| n.is_finite()) {
        faults.push("must be a point, or an upright rectangle or ellipse".to_owned());
        return None;
    }
    Some(Area { at, half })
}

fn site(
    area: Option<Area>,
    ground: &Ground,
    properties: &mut Properties<'_>,
    refuse: impl Fn(&str, Kind) -> Option<String>,
    faults: &mut Vec<String>,
) -> Option<Site> {
    let object = properties.text("object", faults);
    faults.extend(object.as_deref().and_then(|id| refuse(id, Kind::Object)));
    let respawn_s = properties.number("respawn_s", 1..=TIME_MAX_S, faults);
    let area = area?;
    let tiles = tiles(area, faults)?;
    for (x, y) in &tiles {
        if ground.blocks_way(i32::from(*x), i32::from(*y)) {
            faults.push(format!("its tile ({x}, {y}) is not passable"));
        }
    }
    Some(Site {
        object: object?,
        at: area.at,
        tiles,
        respawn_s: respawn_s?,
    })
}

/// The tiles that an area reaches into, row by row; a point is on one.
fn tiles(Area { at, half }: Area, faults: &mut Vec<String>) -> Option<Vec<(u16, u16)>> {
    // A cast from float to integer stops at the least and the greatest; what is outside the map is not passable.
    let along = |middle: f32, half: f32| {
        let first = (middle - half).floor() as u16;
        first..((middle + half).ceil() as u16).max(first.saturating_add(1))
    };
    let (across, down) = (along(at.x, half.0), along(at.y, half.1));
    if across.len() * down.len() > SITE_TILES_MAX {
        let many = across.len() * down.len();
        faults.push(format!("takes up {many} tiles, more than {SITE_TILES_MAX}"));
        return None;
    }
    Some(
        down.flat_map(|y| across.clone().map(move |x| (x, y)))
            .collect(),
    )
}

fn spawn(
    area: Option<Area>,
    properties: &mut Properties<'_>,
    refuse: impl Fn(&str, Kind) -> Option<String>,
    faults: &mut Vec<String>,
) -> Option<Spawn> {
    let entity = properties.text("entity", faults);
    faults.extend(entity.as_deref().and_then(|id| refuse(id, Kind::Entity)));
    let count = properties.number("count", 1..=u64::from(COUNT_MAX), faults);
    let respawn_s = properties.number("respawn_s", 1..=TIME_MAX_S, faults);
    let Area { at, half } = area?;
    // The circle that fits into it.
    let radius_tiles = properties.radius(faults).unwrap_or(half.0.min(half.1));
    if !(0.0..=RADIUS_MAX_TILES).contains(&radius_tiles) {
        faults.push(format!(
            "the radius must be within 0 and {RADIUS_MAX_TILES} tiles, not {radius_tiles}"
        ));
    }
    Some(Spawn {
        entity: entity?,
        at,
        radius_tiles,
        count: u32::try_from(count?).ok()?,
        respawn_s: respawn_s?,
    })
}

/// The properties of an object that were not asked for yet, in the order of their names.
struct Properties<'a>(BTreeMap<&'a str, &'a PropertyValue>);

impl<'a> Properties<'a> {
    fn of(object: &'a Object<'_>) -> Self {
        Self(
            object
                .properties
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect(),
        )
    }

    fn text(&mut self, key: &str, faults: &mut Vec<String>) -> Option<String> {
        match self.0.remove(key) {
            Some(PropertyValue::StringValue(text)) => return Some(text.clone()),
            Some(_) => faults.push(format!("`{key}`: must be a string")),
            None => faults.push(format!("missing property `{key}`")),
        }
        None
    }

    fn number(
        &mut self,
        key: &str,
        range: std::ops::RangeInclusive<u64>,
        faults: &mut Vec<String>,
    ) -> Option<u64> {
        let number = match self.0.remove(key) {
            Some(PropertyValue::IntValue(number)) => u64::try_from(*number).ok(),
            Some(_) => None,
            None => {
                faults.push(format!("missing property `{key}`"));
                return None;
            }
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            faults.push(format!(
                "`{key}`: must be an int within {} and {}",
                range.start(),
                range.end()
            ));
        }
        number
    }

    fn radius(&mut self, faults: &mut Vec<String>) -> Option<f32> {
        match self.0.remove("radius_tiles")? {
            PropertyValue::FloatValue(radius) => return Some(*radius),
            PropertyValue::IntValue(radius) => return Some(*radius as f32),
            _ => faults.push("`radius_tiles`: must be a float".to_owned()),
        }
        None
    }

    fn unknown(&self) -> impl Iterator<Item = String> {
        self.0.keys().map(|key| format!("unknown property `{key}`"))
    }
}
