//! Finding a way round walls: A* over tiles, bounded. Plans only; whoever follows the way walks it with `walk`.

use super::{Ground, Point};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a step to a neighbouring tile costs, and one to a diagonal neighbour: about ten times their length, so that sums are
/// exact and two runs agree.
const STRAIGHT: u32 = 10;
const DIAGONAL: u32 = 14;

const STEPS: [(i32, i32, u32); 8] = [
    (0, -1, STRAIGHT),
    (1, 0, STRAIGHT),
    (0, 1, STRAIGHT),
    (-1, 0, STRAIGHT),
    (1, -1, DIAGONAL),
    (1, 1, DIAGONAL),
    (-1, 1, DIAGONAL),
    (-1, -1, DIAGONAL),
];

type Tile = (i32, i32);

impl Ground {
    /// The shortest way from `from` to the tile of `to`, as the centres of the tiles after the first one; empty within one
    /// tile. It cuts no corner. None if there is no way, or if finding it takes more than `budget_nodes` tiles; of several
    /// shortest ways it is always the same one.
    pub fn path(&self, from: Point, to: Point, budget_nodes: usize) -> Option<Vec<Point>> {
        if !self.passable(from) || !self.passable(to) {
            return None;
        }
        let (start, goal) = (from.tile(), to.tile());
        let mut found: FxHashMap<Tile, (u32, Tile)> = FxHashMap::default();
        let mut open = BinaryHeap::new();
        found.insert(start, (0, start));
        open.push(Reverse((
            estimate(start, goal),
            estimate(start, goal),
            start,
            0,
        )));
        let mut budget = budget_nodes;
        while let Some(Reverse((_, _, tile, cost))) = open.pop() {
            if tile == goal {
                return Some(retrace(&found, start, goal));
            }
            if found.get(&tile).is_some_and(|&(best, _)| best < cost) {
                continue;
            }
            budget = budget.checked_sub(1)?;
            for (dx, dy, step) in STEPS {
                let next = (tile.0 + dx, tile.1 + dy);
                if !self.steps(tile, next) {
                    continue;
                }
                let cost = cost + step;
                if found.get(&next).is_none_or(|&(best, _)| cost < best) {
                    found.insert(next, (cost, tile));
                    let rest = estimate(next, goal);
                    open.push(Reverse((cost + rest, rest, next, cost)));
                }
            }
        }
        None
    }

    /// Whether the neighbour `to` can be stepped on from `from` without cutting a corner.
    fn steps(&self, from: Tile, to: Tile) -> bool {
        !self.blocks_way(to.0, to.1)
            && !self.blocks_way(from.0, to.1)
            && !self.blocks_way(to.0, from.1)
    }
}

/// The cost of the way on open ground, never more than the true one.
fn estimate(from: Tile, to: Tile) -> u32 {
    let (dx, dy) = (from.0.abs_diff(to.0), from.1.abs_diff(to.1));
    STRAIGHT * dx.max(dy) + (DIAGONAL - STRAIGHT) * dx.min(dy)
}

fn retrace(found: &FxHashMap<Tile, (u32, Tile)>, start: Tile, goal: Tile) -> Vec<Point> {
    let mut way = Vec::new();
    let mut tile = goal;
    while tile != start {
        way.push(Point::centre_of(tile));
        let Some(&(_, before)) = found.get(&tile) else {
            break;
        };
        tile = before;
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::super::samples::{along, drawn, point, scattered};
    use super::{Ground, Point};
    use proptest::prelude::*;
    use std::collections::{BTreeSet, VecDeque};

    #[test]
    fn a_way_leads_through_the_gap() {
        let ground = drawn(&["..#..", "..#..", "....."]);
        let way = ground
            .path(Point::new(0.5, 0.5), Point::new(4.5, 0.5), 100)
            .expect("there should be a way");
        assert!(
            way.contains(&Point::new(2.5, 2.5)),
            "the way should lead through the gap: {way:?}"
        );
        assert_eq!(
            way.last(),
            Some(&Point::new(4.5, 0.5)),
            "the way should end at the goal"
        );
        assert_eq!(way.len(), 6, "the way should cut no corner: {way:?}");
    }

    #[test]
    fn a_search_ends_at_its_budget() {
        let ground = Ground::new(100, 100);
        let (from, to) = (Point::new(0.5, 0.5), Point::new(99.5, 99.5));
        assert!(
            ground.path(from, to, 10).is_none(),
            "the search should stop at ten tiles"
        );
        assert!(
            ground.path(from, to, 200).is_some(),
            "on open ground the search should go straight"
        );
        assert_eq!(
            ground.path(from, from, 0),
            Some(Vec::new()),
            "the way to where one stands should be empty"
        );
    }

    proptest! {
        #[test]
        fn a_way_is_found_exactly_where_a_flood_gets(ground in scattered(), from in point(), to in point()) {
            prop_assume!(ground.passable(from) && ground.passable(to));
            let way = ground.path(from, to, 10_000);
            prop_assert_eq!(way.is_some(), flood(&ground, from).contains(&to.tile()), "the search and the flood should agree");
            let mut at = from;
            for next in way.unwrap_or_default() {
                prop_assert!(along(at, next).all(|sample| ground.passable(sample)), "the way should touch no wall");
                prop_assert_eq!(ground.walk(at, next, 9.0), next, "the way should be walkable");
                at = next;
            }
            prop_assert_eq!(way_tiles(&ground, from, to), way_tiles(&ground, from, to), "two searches should agree");
        }
    }

    fn way_tiles(ground: &Ground, from: Point, to: Point) -> Option<Vec<(i32, i32)>> {
        Some(
            ground
                .path(from, to, 10_000)?
                .into_iter()
                .map(Point::tile)
                .collect(),
        )
    }

    /// Without cutting corners a diagonal step leads nowhere that two straight ones do not, so a plain flood is the oracle.
    fn flood(ground: &Ground, from: Point) -> BTreeSet<(i32, i32)> {
        let mut seen = BTreeSet::from([from.tile()]);
        let mut edge = VecDeque::from([from.tile()]);
        while let Some((x, y)) = edge.pop_front() {
            for next in [(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)] {
                if !ground.blocks_way(next.0, next.1) && seen.insert(next) {
                    edge.push_back(next);
                }
            }
        }
        seen
    }
}
