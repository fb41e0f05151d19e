//! A map's passability and sight, as flat bitsets over its tiles. Walls are decided here; holds no entities.
//!
//! Coordinates are `f32` in tiles: the tile (x, y) covers x..x+1 and y..y+1, y grows downwards. What lies outside the map is
//! blocked, and so is a point that is no number.

mod barred;
mod cells;
mod line;
mod near;
mod path;
mod walk;

pub use cells::{CELL_TILES, Cell};

use barred::Barred;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A place on a map, in tiles from its top left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Tiles to the right.
    pub x: f32,
    /// Tiles downwards.
    pub y: f32,
}

impl Point {
    /// The point `x` tiles to the right and `y` tiles down.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// How far `other` is, in tiles, as the crow flies.
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// The middle of a tile.
    pub(crate) fn centre_of((x, y): (i32, i32)) -> Self {
        Self::new(x as f32 + 0.5, y as f32 + 0.5)
    }

    /// The tile that holds the point; a point that is no number is on no tile.
    pub(crate) fn tile(self) -> (i32, i32) {
        if self.is_finite() {
            (self.x.floor() as i32, self.y.floor() as i32)
        } else {
            (-1, -1)
        }
    }

    fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

/// Which tiles of a map let avatars and mobs pass, and which let them see through. The map's own tiles are made when it is
/// loaded and never changed after; a clone shares them, and has closed doors of its own. So each channel has its clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    width: u16,
    height: u16,
    way: Arc<Vec<u64>>,
    sight: Arc<Vec<u64>>,
    barred: Barred,
}

impl Ground {
    /// An open ground of `width` by `height` tiles.
    pub fn new(width: u16, height: u16) -> Self {
        let words = (usize::from(width) * usize::from(height)).div_ceil(64);
        Self {
            width,
            height,
            way: Arc::new(vec![0; words]),
            sight: Arc::new(vec![0; words]),
            barred: Barred::default(),
        }
    }

    /// Tiles from left to right.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Tiles from top to bottom.
    pub fn height(&self) -> u16 {
        self.height
    }

    /// Lets nobody pass the tile; a tile outside the map is blocked anyway.
    pub fn block_way(&mut self, x: u16, y: u16) {
        if let Some(bit) = self.bit(i32::from(x), i32::from(y)) {
            Arc::make_mut(&mut self.way)[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Lets nobody see through the tile; a tile outside the map is blocked anyway.
    pub fn block_sight(&mut self, x: u16, y: u16) {
        if let Some(bit) = self.bit(i32::from(x), i32::from(y)) {
            Arc::make_mut(&mut self.sight)[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Closes these tiles, to way and sight, and opens all that were closed so before: the doors of one channel.
    pub fn bar(&mut self, tiles: impl IntoIterator<Item = (u16, u16)>) {
        let tiles = tiles.into_iter();
        let bits = tiles.filter_map(|(x, y)| self.bit(i32::from(x), i32::from(y)));
        self.barred = bits.collect();
    }

    /// Whether the tile stops whoever walks.
    pub fn blocks_way(&self, x: i32, y: i32) -> bool {
        self.bit(x, y).is_none_or(|bit| {
            self.way[bit / 64] >> (bit % 64) & 1 == 1 || self.barred.contains(bit)
        })
    }

    /// Whether the tile stops whoever looks.
    pub fn blocks_sight(&self, x: i32, y: i32) -> bool {
        self.bit(x, y).is_none_or(|bit| {
            self.sight[bit / 64] >> (bit % 64) & 1 == 1 || self.barred.contains(bit)
        })
    }

    /// Whether somebody can stand at `point`.
    pub fn passable(&self, point: Point) -> bool {
        let (x, y) = point.tile();
        !self.blocks_way(x, y)
    }

    fn bit(&self, x: i32, y: i32) -> Option<usize> {
        let (x, y) = (u16::try_from(x).ok()?, u16::try_from(y).ok()?);
        (x < self.width && y < self.height)
            .then(|| usize::from(y) * usize::from(self.width) + usize::from(x))
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Grounds for tests: drawn by hand, or scattered by proptest.

    use super::{Ground, Point};
    use proptest::prelude::*;

    /// A ground drawn in text: `#` stops way and sight, `~` stops the way only.
    pub(crate) fn drawn(rows: &[&str]) -> Ground {
        let mut ground = Ground::new(rows[0].len() as u16, rows.len() as u16);
        for (y, row) in (0..).zip(rows) {
            for (x, tile) in (0..).zip(row.chars()) {
                if tile == '#' {
                    ground.block_sight(x, y);
                }
                if tile != '.' {
                    ground.block_way(x, y);
                }
            }
        }
        ground
    }

    /// 12 by 9 tiles, some of them walls.
    pub(crate) fn scattered() -> impl Strategy<Value = Ground> {
        proptest::collection::vec(proptest::bool::weighted(0.25), 12 * 9).prop_map(|walls| {
            let mut ground = Ground::new(12, 9);
            for (at, _) in walls.iter().enumerate().filter(|(_, wall)| **wall) {
                ground.block_way((at % 12) as u16, (at / 12) as u16);
                ground.block_sight((at % 12) as u16, (at / 12) as u16);
            }
            ground
        })
    }

    /// A point on that ground; a third of them lie on the corners and edges of tiles, where rounding hides its traps.
    pub(crate) fn point() -> impl Strategy<Value = Point> {
        let fine = (0.0f32..12.0, 0.0f32..9.0);
        let coarse = (0u8..48, 0u8..36).prop_map(|(x, y)| (f32::from(x) / 4.0, f32::from(y) / 4.0));
        prop_oneof![2 => fine, 1 => coarse].prop_map(|(x, y)| Point::new(x, y))
    }

    /// Points along the way from `a` to `b`, close enough to each other to meet every tile but a shaved corner.
    pub(crate) fn along(a: Point, b: Point) -> impl Iterator<Item = Point> {
        (0..=2000).map(move |step| {
            let part = f64::from(step) / 2000.0;
            let mix = |from: f32, to: f32| {
                (f64::from(from) + (f64::from(to) - f64::from(from)) * part) as f32
            };
            Point::new(mix(a.x, b.x), mix(a.y, b.y))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::samples::drawn;
    use super::{Ground, Point};

    #[test]
    fn what_is_outside_the_map_is_blocked() {
        let ground = Ground::new(3, 2);
        assert!(
            ground.passable(Point::new(2.9, 1.9)),
            "the last tile should be open"
        );
        for (x, y) in [
            (3.0, 0.0),
            (0.0, 2.0),
            (-0.1, 0.0),
            (0.0, -0.1),
            (f32::NAN, 1.0),
            (1.0, f32::INFINITY),
        ] {
            assert!(
                !ground.passable(Point::new(x, y)),
                "{x}, {y} should be blocked"
            );
        }
        assert!(
            ground.blocks_sight(3, 0) && ground.blocks_sight(0, -1),
            "nobody should see through the outside"
        );
    }

    #[test]
    fn water_stops_the_way_and_not_the_sight() {
        let ground = drawn(&[".~#"]);
        assert!(
            ground.blocks_way(1, 0) && !ground.blocks_sight(1, 0),
            "water should stop only the way"
        );
        assert!(
            ground.blocks_way(2, 0) && ground.blocks_sight(2, 0),
            "a wall should stop both"
        );
    }
}
