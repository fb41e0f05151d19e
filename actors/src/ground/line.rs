//! The supercover line: every tile that a segment touches. Decides nothing but sight.

use super::{Ground, Point};

/// A step of a segment from one tile into the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    /// Where on the segment: 0 at its start, 1 at its end.
    pub(super) at: f64,
    /// The tile that is entered.
    pub(super) tile: (i32, i32),
    /// The border that is crossed.
    pub(super) border: Border,
}

/// What lies between two tiles that a segment passes one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Border {
    /// A vertical edge: the segment goes left or right.
    Vertical,
    /// A horizontal edge: the segment goes up or down.
    Horizontal,
    /// A corner, exactly; the segment touches two more tiles there.
    Corner {
        /// The tile beside the one that is left.
        beside: (i32, i32),
        /// The tile above or below the one that is left.
        level: (i32, i32),
    },
}

/// Follows the segment from tile to tile until `enter` returns false; returns whether it came to the end.
pub(super) fn cross(from: Point, to: Point, mut enter: impl FnMut(Crossing) -> bool) -> bool {
    let (mut x, mut y) = from.tile();
    let (end_x, end_y) = to.tile();
    // Not a difference's sign: the ends may lie so far apart that it overflows.
    let (step_x, step_y) = (end_x.cmp(&x) as i32, end_y.cmp(&y) as i32);
    let (from_x, from_y) = (f64::from(from.x), f64::from(from.y));
    let (length_x, length_y) = (
        (f64::from(to.x) - from_x).abs(),
        (f64::from(to.y) - from_y).abs(),
    );
    while (x, y) != (end_x, end_y) {
        let edge_x = (f64::from(x + i32::from(step_x > 0)) - from_x).abs();
        let edge_y = (f64::from(y + i32::from(step_y > 0)) - from_y).abs();
        // Compared across, not divided: from tile coordinates the products are exact, so a corner is met as a corner.
        let order = if x == end_x {
            std::cmp::Ordering::Greater
        } else if y == end_y {
            std::cmp::Ordering::Less
        } else {
            (edge_x * length_y).total_cmp(&(edge_y * length_x))
        };
        let crossing = match order {
            std::cmp::Ordering::Less => {
                x += step_x;
                Crossing {
                    at: edge_x / length_x,
                    tile: (x, y),
                    border: Border::Vertical,
                }
            }
            std::cmp::Ordering::Greater => {
                y += step_y;
                Crossing {
                    at: edge_y / length_y,
                    tile: (x, y),
                    border: Border::Horizontal,
                }
            }
            std::cmp::Ordering::Equal => {
                let border = Border::Corner {
                    beside: (x + step_x, y),
                    level: (x, y + step_y),
                };
                (x, y) = (x + step_x, y + step_y);
                Crossing {
                    at: edge_x / length_x,
                    tile: (x, y),
                    border,
                }
            }
        };
        if !enter(crossing) {
            return false;
        }
    }
    true
}

/// Calls `visit` with every tile that the segment touches, in order, until it returns false; returns whether it came to the
/// end. Where the segment passes a corner exactly, the tiles on both sides are touched.
pub(super) fn line(from: Point, to: Point, mut visit: impl FnMut((i32, i32)) -> bool) -> bool {
    visit(from.tile())
        && cross(from, to, |crossing| match crossing.border {
            Border::Corner { beside, level } => {
                visit(beside) && visit(level) && visit(crossing.tile)
            }
            Border::Vertical | Border::Horizontal => visit(crossing.tile),
        })
}

impl Ground {
    /// Whether somebody at `a` and somebody at `b` see each other: no tile that the line between them touches stops sight,
    /// their own two left out. It is the same in both directions; from outside the map nothing is seen.
    pub fn sees(&self, a: Point, b: Point) -> bool {
        let (a, b) = if (a.x, a.y) <= (b.x, b.y) {
            (a, b)
        } else {
            (b, a)
        };
        let ends = [a.tile(), b.tile()];
        ends.iter().all(|&(x, y)| self.bit(x, y).is_some())
            && line(a, b, |tile| {
                ends.contains(&tile) || !self.blocks_sight(tile.0, tile.1)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{along, drawn, point, scattered};
    use super::{Point, line};
    use proptest::prelude::*;

    #[test]
    fn a_wall_hides_and_water_does_not() {
        let ground = drawn(&["...#..", "......", "...~.."]);
        let at = |x, y| Point::new(x, y);
        assert!(
            !ground.sees(at(0.5, 0.5), at(5.5, 0.5)),
            "a wall between should hide"
        );
        assert!(
            ground.sees(at(0.5, 2.5), at(5.5, 2.5)),
            "water between should not hide"
        );
        assert!(
            ground.sees(at(3.5, 0.5), at(0.5, 0.5)),
            "one's own tile should not hide"
        );
        assert!(
            !ground.sees(at(0.5, 0.5), at(9.5, 0.5)),
            "nothing outside the map should be seen"
        );
        assert!(
            !ground.sees(at(f32::NAN, 0.5), at(0.5, 0.5)),
            "what is no number should see nothing"
        );
    }

    #[test]
    fn a_line_through_a_corner_touches_both_sides() {
        let mut tiles = Vec::new();
        line(Point::new(0.5, 0.5), Point::new(1.5, 1.5), |tile| {
            tiles.push(tile);
            true
        });
        assert_eq!(
            tiles,
            [(0, 0), (1, 0), (0, 1), (1, 1)],
            "all four tiles at the corner should be touched"
        );
    }

    proptest! {
        #[test]
        fn a_line_meets_every_tile_that_dense_samples_meet(a in point(), b in point()) {
            let mut tiles = Vec::new();
            prop_assert!(line(a, b, |tile| { tiles.push(tile); true }), "the line should come to its end");
            for sample in along(a, b) {
                prop_assert!(
                    tiles.contains(&sample.tile()) || touches(&tiles, sample),
                    "the line should have touched {:?}", sample
                );
            }
            for tile in tiles {
                prop_assert!(along(a, b).any(|sample| touches(&[tile], sample)), "the line should not have touched {tile:?}");
            }
        }

        #[test]
        fn sight_is_what_dense_samples_say_and_mutual(ground in scattered(), a in point(), b in point()) {
            let sees = ground.sees(a, b);
            prop_assert_eq!(sees, ground.sees(b, a), "sight should be mutual");
            let ends = [a.tile(), b.tile()];
            let hidden = along(a, b).any(|sample| {
                let (x, y) = sample.tile();
                !ends.contains(&(x, y)) && ground.blocks_sight(x, y) && deep(sample)
            });
            prop_assert!(!(sees && hidden), "nobody should see through a wall");
            let clear = along(a, b).all(|sample| {
                (-1..=1).all(|dx| (-1..=1).all(|dy| {
                    let (x, y) = Point::new(sample.x + dx as f32 * NEAR, sample.y + dy as f32 * NEAR).tile();
                    ends.contains(&(x, y)) || !ground.blocks_sight(x, y)
                }))
            });
            prop_assert!(sees || !clear, "a line with no wall near should be seen along");
        }
    }

    /// Half the way between two samples of the longest line, and a little.
    const NEAR: f32 = 0.01;

    fn touches(tiles: &[(i32, i32)], sample: Point) -> bool {
        tiles.iter().any(|&(x, y)| {
            let (x, y) = (x as f32, y as f32);
            (x - NEAR..=x + 1.0 + NEAR).contains(&sample.x)
                && (y - NEAR..=y + 1.0 + NEAR).contains(&sample.y)
        })
    }

    /// Whether the sample is inside its tile by more than rounding.
    fn deep(sample: Point) -> bool {
        [sample.x.fract(), sample.y.fract()]
            .iter()
            .all(|part| (1e-4..=1.0 - 1e-4).contains(part))
    }
}
