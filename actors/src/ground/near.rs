//! Choosing a place near another: where a mob wanders to, where it appears. Chance is handed in.

use super::{Ground, Point};
use std::collections::VecDeque;

/// The farthest that a place is looked for, in tiles; it bounds the flood to some 3,000 tiles.
const RADIUS_MAX_TILES: f32 = 32.0;

impl Ground {
    /// The centre of a passable tile within `radius` tiles of `point` that can be reached from there without going farther
    /// away. `pick` is asked once for a number below its argument. None if `point` is in a wall.
    pub fn random_passable_near(
        &self,
        point: Point,
        radius: f32,
        mut pick: impl FnMut(u32) -> u32,
    ) -> Option<Point> {
        if !self.passable(point) {
            return None;
        }
        let tiles = self.flood(point, radius.clamp(0.0, RADIUS_MAX_TILES));
        let count = u32::try_from(tiles.len()).ok()?;
        let picked = usize::try_from(pick(count) % count).ok()?;
        tiles.get(picked).copied().map(Point::centre_of)
    }

    /// The tile of `point` and those reached from it by straight steps with their centres within `radius`, nearest steps
    /// first. Diagonal steps that cut no corner would add none.
    fn flood(&self, point: Point, radius: f32) -> Vec<(i32, i32)> {
        let start = point.tile();
        let reach = radius.ceil() as i32 + 1;
        let side = (2 * reach + 1) as usize;
        let mut seen = vec![false; side * side];
        let mut place = |(x, y): (i32, i32)| {
            let (column, row) = (
                usize::try_from(x - start.0 + reach).ok()?,
                usize::try_from(y - start.1 + reach).ok()?,
            );
            (column < side).then_some(())?;
            let seen = seen.get_mut(row * side + column)?;
            (!std::mem::replace(seen, true)).then_some(())
        };
        let mut edge = VecDeque::from([start]);
        let mut tiles = vec![start];
        place(start);
        while let Some((x, y)) = edge.pop_front() {
            for next in [(x, y - 1), (x + 1, y), (x, y + 1), (x - 1, y)] {
                if !self.blocks_way(next.0, next.1)
                    && point.distance(Point::centre_of(next)) <= radius
                    && place(next).is_some()
                {
                    edge.push_back(next);
                    tiles.push(next);
                }
            }
        }
        tiles
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{drawn, point, scattered};
    use super::Point;
    use proptest::prelude::*;

    #[test]
    fn a_place_behind_a_wall_is_never_chosen() {
        let ground = drawn(&["..#..", "..#..", "..#.."]);
        for pick in 0..20 {
            let place = ground
                .random_passable_near(Point::new(1.5, 1.5), 4.0, |_| pick)
                .expect("there should be a place");
            assert!(place.x < 2.0, "{place:?} should not lie behind the wall");
        }
        assert_eq!(
            ground.random_passable_near(Point::new(2.5, 1.5), 4.0, |_| 0),
            None,
            "a wall should have no place near"
        );
        assert_eq!(
            ground.random_passable_near(Point::new(1.2, 1.2), f32::NAN, |_| 7),
            Some(Point::new(1.5, 1.5)),
            "a radius that is no number should leave one's own tile"
        );
    }

    proptest! {
        #[test]
        fn a_place_is_passable_near_and_reachable(
            ground in scattered(), from in point(), radius in 0.0f32..6.0, chance in any::<u32>(),
        ) {
            prop_assume!(ground.passable(from));
            let place = ground.random_passable_near(from, radius, |below| chance % below);
            let place = place.expect("a passable point should have a place near");
            prop_assert!(ground.passable(place), "the place should be passable");
            prop_assert!(
                from.distance(place) <= radius || place.tile() == from.tile(),
                "the place should be near"
            );
            prop_assert!(ground.path(from, place, 1000).is_some(), "the place should be reachable");
        }
    }
}
