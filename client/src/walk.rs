//! Steers one walk: repeats the wish to go, notices when the way is blocked, and steps aside. Deterministic; knows no
//! ground, only where the server says the avatar is.

/// A point in tiles from the map's left and top edges.
pub(crate) type Point = (f32, f32);

const REPEAT_MS: u64 = 250;
const BLOCKED_MS: u64 = 1_000;
const DETOUR_MS_MAX: u64 = 3_000;
const MOVED: f32 = 0.05;
const ARRIVED: f32 = 0.5;

/// Directions of successive steps aside, in degrees from the way to the goal, and their lengths in tiles.
const ASIDE: [(f32, f32); 8] = [
    (75.0, 2.0),
    (-75.0, 2.0),
    (90.0, 4.0),
    (-90.0, 4.0),
    (120.0, 6.0),
    (-120.0, 6.0),
    (100.0, 9.0),
    (-100.0, 9.0),
];

pub(crate) fn distance(a: Point, b: Point) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

/// A point beside the straight way from `from` to `goal`; `turn` counts the attempts.
pub(crate) fn aside(from: Point, goal: Point, turn: usize) -> Point {
    let (degrees, tiles) = ASIDE[turn % ASIDE.len()];
    let angle = (goal.1 - from.1).atan2(goal.0 - from.0) + degrees.to_radians();
    (from.0 + tiles * angle.cos(), from.1 + tiles * angle.sin())
}

/// A walk under way.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    anchor: Option<(Point, u64)>,
    detour: Option<(Point, u64)>,
    repeat_at_ms: u64,
    turns: usize,
}

impl Walk {
    /// Where to send the avatar now, if it is time to say so again.
    pub(crate) fn steer(&mut self, now_ms: u64, at: Point, goal: Point) -> Option<Point> {
        let (anchor, since_ms) = *self.anchor.get_or_insert((at, now_ms));
        if distance(anchor, at) > MOVED {
            self.anchor = Some((at, now_ms));
        } else if now_ms.saturating_sub(since_ms) >= BLOCKED_MS {
            self.anchor = Some((at, now_ms));
            self.detour = Some((aside(at, goal, self.turns), now_ms + DETOUR_MS_MAX));
            self.turns += 1;
            self.repeat_at_ms = now_ms;
        }
        if let Some((aim, until_ms)) = self.detour
            && (now_ms >= until_ms || distance(at, aim) < ARRIVED)
        {
            self.detour = None;
            self.repeat_at_ms = now_ms;
        }
        if now_ms < self.repeat_at_ms {
            return None;
        }
        self.repeat_at_ms = now_ms + REPEAT_MS;
        Some(self.detour.map_or(goal, |(aim, _)| aim))
    }

    /// The avatar cannot walk just now, which is not for want of a way.
    pub(crate) fn pause(&mut self) {
        self.anchor = None;
        self.detour = None;
    }

    /// How often the way was blocked.
    pub(crate) fn turns(&self) -> usize {
        self.turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_way_is_repeated_every_quarter_of_a_second() {
        let mut walk = Walk::default();
        let mut said = Vec::new();
        for now_ms in (0..1_000).step_by(50) {
            let at = (now_ms as f32 / 100.0, 0.0);
            if let Some(aim) = walk.steer(now_ms, at, (50.0, 0.0)) {
                assert_eq!(aim, (50.0, 0.0), "a free way leads straight to the goal");
                said.push(now_ms);
            }
        }
        assert_eq!(
            said,
            [0, 250, 500, 750],
            "the wish should be repeated at its pace"
        );
    }

    #[test]
    fn a_blocked_walker_steps_aside_to_both_hands() {
        let mut walk = Walk::default();
        let mut aims = Vec::new();
        for now_ms in (0..3_000).step_by(50) {
            aims.extend(walk.steer(now_ms, (5.0, 5.0), (50.0, 5.0)));
        }
        assert_eq!(walk.turns(), 2, "every second on one spot is one turn");
        assert!(
            aims.iter().any(|aim| aim.1 > 6.0),
            "one step aside should go to the right hand"
        );
        assert!(
            aims.iter().any(|aim| aim.1 < 4.0),
            "another should go to the left"
        );
    }

    #[test]
    fn a_detour_ends_where_it_led() {
        let mut walk = Walk::default();
        let goal = (50.0, 5.0);
        walk.steer(0, (5.0, 5.0), goal);
        let aim = walk.steer(1_000, (5.0, 5.0), goal);
        let aim = aim.expect("a blocked walker should be sent aside at once");
        assert_ne!(aim, goal, "the step aside is not the blocked way");
        assert_eq!(
            walk.steer(1_050, aim, goal),
            Some(goal),
            "from there the way leads to the goal again"
        );
    }
}
