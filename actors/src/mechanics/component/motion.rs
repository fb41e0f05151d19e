//! Where an entity is and where it walks. It moves at its own speed, checked along the whole way, whatever it was asked.

use std::time::Duration;

use crate::ground::{Ground, Point};
use crate::resources::MotionSpec;

/// Nearer than this to its goal, in tiles, an entity has arrived.
const ARRIVED_TILES: f32 = 0.02;

/// A place and a way.
#[derive(Clone, Debug)]
pub struct Motion {
    place: Point,
    way: Vec<Point>,
    speed_tiles_per_s: f32,
}

impl Motion {
    /// Standing at `place`.
    pub fn new(spec: &MotionSpec, place: Point) -> Self {
        Self {
            place,
            way: Vec::new(),
            speed_tiles_per_s: spec.speed_tiles_per_s,
        }
    }

    /// Where it is.
    pub fn place(&self) -> Point {
        self.place
    }

    /// True while it walks.
    pub fn walks(&self) -> bool {
        !self.way.is_empty()
    }

    /// Puts it elsewhere, standing.
    pub fn put(&mut self, place: Point) {
        self.place = place;
        self.way.clear();
    }

    /// Walks straight towards `goal`.
    pub fn walk_to(&mut self, goal: Point) {
        self.way.clear();
        self.way.push(goal);
    }

    /// Walks along `way`, point by point.
    pub fn follow(&mut self, mut way: Vec<Point>) {
        way.reverse();
        self.way = way;
    }

    /// Stands still.
    pub fn stop(&mut self) {
        self.way.clear();
    }

    /// Walks on for `time`. Returns true if it has moved; stops where the ground does.
    pub fn tick(&mut self, ground: &Ground, time: Duration) -> bool {
        let before = self.place;
        let mut left = self.speed_tiles_per_s * time.as_secs_f32();
        while let Some(goal) = self.way.last().copied() {
            let from = self.place;
            self.place = ground.walk(from, goal, left);
            left -= from.distance(self.place);
            if self.place.distance(goal) <= ARRIVED_TILES {
                self.way.pop();
                continue;
            }
            // Held up by a wall: it does not go on trying against it.
            if left > ARRIVED_TILES {
                self.way.clear();
            }
            break;
        }
        self.place != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn motion(x: f32, y: f32) -> Motion {
        Motion::new(
            &MotionSpec {
                speed_tiles_per_s: 5.0,
            },
            Point::new(x, y),
        )
    }

    #[test]
    fn nobody_walks_faster_than_its_speed() {
        let ground = Ground::new(100, 10);
        let mut runner = motion(1.0, 1.0);
        runner.walk_to(Point::new(99.0, 1.0));
        for _ in 0..20 {
            runner.tick(&ground, Duration::from_millis(50));
        }
        let gone = runner.place().distance(Point::new(1.0, 1.0));
        assert!(
            (gone - 5.0).abs() < 0.01,
            "a second should take a runner 5 tiles, not {gone}"
        );
    }

    #[test]
    fn a_wall_ends_the_walk_in_front_of_it() {
        let mut ground = Ground::new(20, 10);
        for y in 0..10 {
            ground.block_way(10, y);
        }
        let mut walker = motion(8.5, 5.5);
        walker.walk_to(Point::new(15.0, 5.5));
        for _ in 0..40 {
            walker.tick(&ground, Duration::from_millis(50));
        }
        assert!(
            walker.place().x < 10.0,
            "a walker should stand before the wall, not at {:?}",
            walker.place()
        );
        assert!(!walker.walks(), "a walker at a wall should stop trying");
    }
}
