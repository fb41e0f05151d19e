//! Walking on a ground: how far a step gets before a wall. Checks the whole way, not its end; refuses to shave corners.

use super::line::{Border, cross};
use super::{Ground, Point};

/// How far from a wall a walk ends, in tiles. More than a rounding error of `f32` on the largest map.
const OFF_WALL: f64 = 1.0 / 64.0;

impl Ground {
    /// Where somebody ends who walks from `from` straight towards `to`, `distance` tiles at most. The walk stops before the
    /// first wall, and where only one axis is blocked it goes on along the other. The straight line from `from` to the answer
    /// is free of walls too. Who stands in a wall, or goes to a point that is no number, stays.
    pub fn walk(&self, from: Point, to: Point, distance: f32) -> Point {
        let whole = from.distance(to);
        if !self.passable(from)
            || !whole.is_finite()
            || distance.is_nan()
            || distance <= 0.0
            || whole == 0.0
        {
            return from;
        }
        let goal = if distance < whole {
            mix(from, to, f64::from(distance / whole))
        } else {
            to
        };
        let Some(hit) = self.first_wall(from, goal) else {
            return goal;
        };
        let stop = self.or_stay(from, mix(from, goal, hit.stop));
        let left = distance - from.distance(stop);
        let beyond = match hit.slide {
            Some(Axis::X) => Point::new(
                stop.x + (to.x - stop.x).clamp(-left.max(0.0), left.max(0.0)),
                stop.y,
            ),
            Some(Axis::Y) => Point::new(
                stop.x,
                stop.y + (to.y - stop.y).clamp(-left.max(0.0), left.max(0.0)),
            ),
            None => return stop,
        };
        let slid = match self.first_wall(stop, beyond) {
            Some(hit) => mix(stop, beyond, hit.stop),
            None => beyond,
        };
        // Whoever checks the walk sees its two ends only, so the shortcut between them has to be free as well.
        if self.first_wall(stop, slid).is_none() && self.first_wall(from, slid).is_none() {
            slid
        } else {
            stop
        }
    }

    /// `to`, if the way there is free; a guard against the rounding of an end beside a wall.
    fn or_stay(&self, from: Point, to: Point) -> Point {
        if self.first_wall(from, to).is_none() {
            to
        } else {
            from
        }
    }

    /// The first wall on the segment.
    fn first_wall(&self, from: Point, to: Point) -> Option<Hit> {
        let mut hit = None;
        let blocked = |(x, y): (i32, i32)| self.blocks_way(x, y);
        cross(from, to, |crossing| {
            let slide = match crossing.border {
                Border::Vertical if blocked(crossing.tile) => Some(Axis::Y),
                Border::Horizontal if blocked(crossing.tile) => Some(Axis::X),
                Border::Corner { beside, level } => match (blocked(beside), blocked(level)) {
                    (true, true) => None,
                    (true, false) => Some(Axis::Y),
                    (false, true) => Some(Axis::X),
                    (false, false) if blocked(crossing.tile) => Some(Axis::X),
                    (false, false) => return true,
                },
                Border::Vertical | Border::Horizontal => return true,
            };
            let (x, y) = (
                f64::from(to.x) - f64::from(from.x),
                f64::from(to.y) - f64::from(from.y),
            );
            let across = match (slide, crossing.border) {
                (None, _) | (_, Border::Corner { .. }) => x.abs().min(y.abs()),
                (Some(Axis::Y), _) => x.abs(),
                (Some(Axis::X), _) => y.abs(),
            };
            hit = Some(Hit {
                stop: (crossing.at - OFF_WALL / across).max(0.0),
                slide,
            });
            false
        });
        hit
    }
}

/// Where a segment has to end because of a wall.
struct Hit {
    /// How much of the segment may be walked: 0 nothing, 1 all.
    stop: f64,
    /// The axis along which the wall leaves a way.
    slide: Option<Axis>,
}

#[derive(Clone, Copy)]
enum Axis {
    X,
    Y,
}

fn mix(from: Point, to: Point, part: f64) -> Point {
    let along =
        |from: f32, to: f32| (f64::from(from) + (f64::from(to) - f64::from(from)) * part) as f32;
    Point::new(along(from.x, to.x), along(from.y, to.y))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{along, drawn, point, scattered};
    use super::Point;
    use proptest::prelude::*;

    #[test]
    fn a_walk_in_the_open_goes_its_distance_and_no_further_than_the_goal() {
        let ground = drawn(&["....", "....", "...."]);
        let (from, to) = (Point::new(0.5, 0.5), Point::new(3.5, 0.5));
        assert_eq!(
            ground.walk(from, to, 1.0),
            Point::new(1.5, 0.5),
            "a walk should go its distance"
        );
        assert_eq!(
            ground.walk(from, to, 99.0),
            to,
            "a walk should end at its goal"
        );
        assert_eq!(
            ground.walk(from, from, 1.0),
            from,
            "a walk to where one stands should stay"
        );
        for bad in [f32::NAN, f32::INFINITY, f32::MAX, f32::MIN] {
            let far = ground.walk(from, Point::new(bad, 0.5), f32::MAX);
            assert!(
                ground.passable(far),
                "a walk to {bad} should stay on the map"
            );
            let end = ground.walk(from, Point::new(bad, 0.5), 1.0);
            assert!(
                ground.passable(end) && from.distance(end) <= 1.0001,
                "a walk to {bad} should stay in bounds"
            );
        }
        assert_eq!(
            ground.walk(from, to, f32::NAN),
            from,
            "a distance that is no number should not move"
        );
        assert_eq!(
            ground.walk(from, to, -1.0),
            from,
            "a negative distance should not move"
        );
    }

    #[test]
    fn a_wall_is_not_jumped_over() {
        let ground = drawn(&["...#..."]);
        let end = ground.walk(Point::new(0.5, 0.5), Point::new(6.5, 0.5), 6.0);
        assert!(
            (2.9..3.0).contains(&end.x),
            "the walk should stop just before the wall, not at {end:?}"
        );
    }

    #[test]
    fn a_walk_slides_along_a_wall() {
        let ground = drawn(&["..#", "..#", "..#", "..#"]);
        let end = ground.walk(Point::new(1.5, 0.5), Point::new(2.9, 3.5), 3.0);
        assert!(
            end.x < 2.0 && end.y > 2.5,
            "the walk should go on along the wall, not stop at {end:?}"
        );
    }

    #[test]
    fn the_corner_between_two_diagonal_walls_is_shut() {
        let ground = drawn(&[".#", "#."]);
        let end = ground.walk(Point::new(0.5, 0.5), Point::new(1.5, 1.5), 5.0);
        assert_eq!(
            end.tile(),
            (0, 0),
            "nobody should slip between two walls that meet at a corner"
        );
    }

    #[test]
    fn who_stands_in_a_wall_stays() {
        let ground = drawn(&["#."]);
        let from = Point::new(0.5, 0.5);
        assert_eq!(
            ground.walk(from, Point::new(1.5, 0.5), 1.0),
            from,
            "a wall should hold who stands in it"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn a_walk_never_touches_a_wall_nor_goes_too_far(
            ground in scattered(), from in point(), to in point(), distance in 0.0f32..15.0,
        ) {
            prop_assume!(ground.passable(from));
            let end = ground.walk(from, to, distance);
            prop_assert!(from.distance(end) <= distance + 1e-4, "it went {} of {distance}", from.distance(end));
            for sample in along(from, end) {
                prop_assert!(ground.passable(sample), "{sample:?} on the way to {end:?} is in a wall");
            }
        }

        #[test]
        fn many_short_steps_never_enter_a_wall(
            ground in scattered(), from in point(), goals in proptest::collection::vec(point(), 1..6),
        ) {
            prop_assume!(ground.passable(from));
            let mut at = from;
            for goal in goals {
                for _ in 0..40 {
                    let next = ground.walk(at, goal, 0.25);
                    prop_assert!(ground.passable(next), "{next:?} is in a wall");
                    at = next;
                }
            }
        }
    }
}
