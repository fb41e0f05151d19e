//! Maps, read from what the Tiled editor saves. Takes tile layers by name and objects by class; what it does not know it
//! refuses, so that a misspelt wall is no way through.

mod objects;

use super::Kind;
use super::folder::Folder;
use super::range;
use crate::ground::{Ground, Point};
use serde::Deserialize;
use std::io::{Cursor, Error as IoError};
use std::ops::Range;
use std::path::Path;
use tiled::{FiniteTileLayer, LayerType, Loader, Map, Orientation, TileLayer};

/// The longest side of a map, in tiles.
const SIDE_TILES_MAX: u32 = 4096;

/// A map: its ground, where avatars come in, where mobs appear and objects stand. Its channels share one.
#[derive(Clone, Debug)]
pub struct MapTemplate {
    /// Its path without extension, as in `maps/meadow`.
    pub id: String,
    /// What players read.
    pub name: String,
    /// The `.tmx` file next to it.
    pub file: String,
    /// How many avatars one channel takes; above 0.
    pub limit: u32,
    /// Where one can walk and see while all doors are open.
    pub ground: Ground,
    /// How each tile of the layer `ground` looks, row by row: the number of its tile in its tileset, 0 where none is.
    /// Nothing in the world depends on it; clients draw by it.
    pub floor: Vec<u8>,
    /// Where avatars come in.
    pub start: Point,
    /// Where mobs appear, in the order of the editor.
    pub spawns: Vec<Spawn>,
    /// Where objects stand, in the order of the editor.
    pub sites: Vec<Site>,
}

/// A place where one object stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The id of what stands there.
    pub object: String,
    /// The middle of the place.
    pub at: Point,
    /// The tiles that it takes up, all of them passable: what a door closes.
    pub tiles: Vec<(u16, u16)>,
    /// The time from its end, which only a fault of its own brings, to the next appearance.
    pub respawn_s: u64,
}

/// A place where mobs of one kind appear, and appear again.
#[derive(Clone, Debug, PartialEq)]
pub struct Spawn {
    /// The id of what appears.
    pub entity: String,
    /// The middle of the place.
    pub at: Point,
    /// How far from the middle they appear, in tiles; 0 is right there.
    pub radius_tiles: f32,
    /// How many live there at a time.
    pub count: u32,
    /// The time from a death to the next appearance.
    pub respawn_s: u64,
}

/// What a map's own file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MapFile {
    name: String,
    pub(super) file: String,
    #[serde(deserialize_with = "range::count")]
    limit: u32,
}

/// Takes faults of a `.tmx` file with their place in it.
pub(super) type Report<'a> = &'a mut dyn FnMut(Range<usize>, String);

impl MapTemplate {
    /// Puts a map together from its file and the text of its `.tmx`; `folder` is where the tilesets are looked for, and
    /// `refuse` says why something cannot appear.
    pub(super) fn new(
        id: &str,
        map: MapFile,
        text: &str,
        folder: &Folder,
        refuse: impl Fn(&str, Kind) -> Option<String>,
        report: Report<'_>,
    ) -> Option<Self> {
        let tiled = match parse(&map.file, text, folder) {
            Ok(tiled) => tiled,
            Err(message) => {
                report(0..0, message);
                return None;
            }
        };
        let (ground, floor) = ground(&tiled, text, report)?;
        let places = objects::read(&tiled, text, &ground, refuse, report);
        let MapFile { name, file, limit } = map;
        Some(Self {
            id: id.to_owned(),
            name,
            file,
            limit,
            ground,
            floor,
            start: places.start?,
            spawns: places.spawns,
            sites: places.sites,
        })
    }
}

fn parse(file: &str, text: &str, folder: &Folder) -> Result<Map, String> {
    let sizes = block_sizes(text)?;
    let mut loader = Loader::with_reader(|path: &Path| -> Result<Cursor<String>, IoError> {
        if path == Path::new(file) {
            return Ok(Cursor::new(text.to_owned()));
        }
        folder.read(path).map(Cursor::new).map_err(IoError::other)
    });
    let map = loader
        .load_tmx_map(file)
        .map_err(|error| format!("is no map that can be read: {error}"))?;
    let sides = 1..=SIDE_TILES_MAX;
    if map.orientation != Orientation::Orthogonal || map.infinite() {
        return Err("the map must be orthogonal and of a fixed size".to_owned());
    }
    if !sides.contains(&map.width) || !sides.contains(&map.height) {
        return Err(format!(
            "the map must have 1 to {SIDE_TILES_MAX} tiles on each side"
        ));
    }
    if map.tile_width == 0 || map.tile_height == 0 {
        return Err("the tiles of the map must have a size".to_owned());
    }
    if map.tilesets().is_empty() {
        return Err("the map has no tileset, so none of its tiles is there".to_owned());
    }
    // Tiles are asked for by their number without a check, so there must be as many as the map is large.
    let wanted = u64::from(map.width) * u64::from(map.height);
    if let Some(size) = sizes.iter().find(|size| **size != wanted) {
        return Err(format!(
            "a tile layer has {size} tiles, but the map has {wanted}"
        ));
    }
    let layers = map
        .layers()
        .filter(|layer| layer.as_tile_layer().is_some())
        .count();
    if sizes.len() != layers {
        return Err(format!(
            "there are {layers} tile layers, but data for {}",
            sizes.len()
        ));
    }
    Ok(map)
}

/// How many tiles each block of data in the text has. Other encodings than CSV are refused before anything decodes them: a
/// small file would unpack to a huge one.
fn block_sizes(text: &str) -> Result<Vec<u64>, String> {
    text.split("<data")
        .skip(1)
        .map(|block| {
            let (head, tiles) = block.split_once('>').unwrap_or((block, ""));
            if !head.contains("encoding=\"csv\"") || head.contains("compression") {
                return Err("tile layers must be saved as CSV".to_owned());
            }
            let tiles = tiles.split('<').next().unwrap_or_default();
            Ok(tiles.matches(',').count() as u64 + 1)
        })
        .collect()
}

fn ground(map: &Map, text: &str, report: Report<'_>) -> Option<(Ground, Vec<u8>)> {
    let mut ground = Ground::new(
        u16::try_from(map.width).ok()?,
        u16::try_from(map.height).ok()?,
    );
    let mut floor = vec![0; usize::from(ground.width()) * usize::from(ground.height())];
    for layer in map.layers() {
        let mut refuse = |message: &str| {
            let place = find(text, &format!("name=\"{}\"", layer.name));
            report(place, format!("layer \"{}\": {message}", layer.name));
        };
        if layer.offset_x != 0.0 || layer.offset_y != 0.0 {
            refuse("must not be shifted");
        }
        let tiles = match layer.layer_type() {
            LayerType::Tiles(TileLayer::Finite(tiles)) => tiles,
            LayerType::Objects(_) | LayerType::Image(_) => continue,
            LayerType::Tiles(TileLayer::Infinite(_)) | LayerType::Group(_) => {
                refuse("groups and endless layers are not read");
                continue;
            }
        };
        if (tiles.width(), tiles.height()) != (map.width, map.height) {
            refuse("must be as large as the map");
            continue;
        }
        match layer.name.as_str() {
            "walls" => each_tile(&ground.clone(), &tiles, |x, y| {
                ground.block_way(x, y);
                ground.block_sight(x, y);
            }),
            "water" => each_tile(&ground.clone(), &tiles, |x, y| ground.block_way(x, y)),
            "ground" => draw(&mut floor, &ground, &tiles),
            _ => refuse("unknown tile layer, expected `ground`, `walls` or `water`"),
        }
    }
    Some((ground, floor))
}

/// Takes over how the floor looks; what has a number above 255 looks like 255.
fn draw(floor: &mut [u8], ground: &Ground, tiles: &FiniteTileLayer<'_>) {
    let places = (0..ground.height()).flat_map(|y| (0..ground.width()).map(move |x| (x, y)));
    for (look, (x, y)) in floor.iter_mut().zip(places) {
        if let Some(tile) = tiles.get_tile(i32::from(x), i32::from(y)) {
            *look = u8::try_from(tile.id()).unwrap_or(u8::MAX);
        }
    }
}

fn each_tile(ground: &Ground, tiles: &FiniteTileLayer<'_>, mut found: impl FnMut(u16, u16)) {
    for y in 0..ground.height() {
        for x in 0..ground.width() {
            if tiles.get_tile(i32::from(x), i32::from(y)).is_some() {
                found(x, y);
            }
        }
    }
}

/// Where a piece of text stands first; the start of the file if nowhere.
fn find(text: &str, what: &str) -> Range<usize> {
    text.find(what)
        .map_or(0..0, |start| start..start + what.len())
}
