//! The tiles of one channel that closed doors lie over. Knows tiles by their number; not whose doors they are.

/// A few tiles over a ground. Asked for every tile that a walk, a look or a search touches, so it says no in one step to
/// nearly all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Barred {
    /// A bit for each remainder by 64 that one of the tiles has.
    remainders: u64,
    /// Tile numbers, rising.
    tiles: Vec<usize>,
}

impl Barred {
    #[inline]
    pub(super) fn contains(&self, tile: usize) -> bool {
        self.remainders >> (tile % 64) & 1 == 1 && self.tiles.binary_search(&tile).is_ok()
    }
}

impl FromIterator<usize> for Barred {
    fn from_iter<I: IntoIterator<Item = usize>>(tiles: I) -> Self {
        let mut tiles: Vec<usize> = tiles.into_iter().collect();
        tiles.sort_unstable();
        tiles.dedup();
        let remainders = tiles.iter().fold(0, |bits, tile| bits | 1 << (tile % 64));
        Self { remainders, tiles }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{drawn, point, scattered};
    use super::super::{Ground, Point};
    use proptest::prelude::*;

    /// A wall across, with a door of two tiles in it.
    fn house() -> Ground {
        drawn(&[".......", "###..##", ".......", "......."])
    }

    const DOOR: [(u16, u16); 2] = [(3, 1), (4, 1)];
    const OUTSIDE: Point = Point::new(3.5, 3.5);
    const INSIDE: Point = Point::new(3.5, 0.5);

    #[test]
    fn a_closed_door_stops_walk_sight_and_path_and_an_open_one_none() {
        let open = house();
        let mut closed = open.clone();
        closed.bar(DOOR);
        assert_eq!(
            open.walk(OUTSIDE, INSIDE, 9.0),
            INSIDE,
            "an open door should let a walker in"
        );
        assert!(
            open.sees(OUTSIDE, INSIDE),
            "one should see through an open door"
        );
        assert!(
            open.path(OUTSIDE, INSIDE, 99).is_some(),
            "an open door should be a way in"
        );
        let end = closed.walk(OUTSIDE, INSIDE, 9.0);
        assert!(
            end.y > 2.0,
            "a closed door should stop a walker before it, not at {end:?}"
        );
        assert!(
            !closed.sees(OUTSIDE, INSIDE),
            "nobody should see through a closed door"
        );
        assert_eq!(
            closed.path(OUTSIDE, INSIDE, 99),
            None,
            "a closed door should be no way in"
        );
        closed.bar([]);
        assert_eq!(
            closed, open,
            "a door that opens again should leave no trace"
        );
    }

    #[test]
    fn the_doors_of_one_clone_are_not_those_of_another() {
        let map = house();
        let (mut one, other) = (map.clone(), map.clone());
        one.bar(DOOR);
        assert!(
            one.blocks_way(3, 1),
            "the door should be closed where it was closed"
        );
        assert!(
            !other.blocks_way(3, 1) && !map.blocks_way(3, 1),
            "and nowhere else"
        );
    }

    #[test]
    fn a_place_behind_a_closed_door_is_not_chosen() {
        let mut ground = house();
        ground.bar(DOOR);
        for pick in 0..30 {
            let place = ground
                .random_passable_near(OUTSIDE, 4.0, |_| pick)
                .expect("there should be a place outside");
            assert!(place.y > 2.0, "{place:?} should not lie behind the door");
        }
    }

    proptest! {
        /// Barred tiles are as good as walls: whatever holds for walls holds for doors.
        #[test]
        fn a_barred_tile_is_a_wall(
            ground in scattered(), from in point(), to in point(),
            doors in proptest::collection::vec((0u16..12, 0u16..9), 0..8),
        ) {
            let (mut barred, mut walled) = (ground.clone(), ground);
            barred.bar(doors.iter().copied());
            for (x, y) in doors {
                walled.block_way(x, y);
                walled.block_sight(x, y);
            }
            prop_assert_eq!(barred.walk(from, to, 9.0), walled.walk(from, to, 9.0), "they should stop a walk alike");
            prop_assert_eq!(barred.sees(from, to), walled.sees(from, to), "they should hide alike");
            prop_assert_eq!(barred.path(from, to, 999), walled.path(from, to, 999), "they should be gone round alike");
        }
    }
}
