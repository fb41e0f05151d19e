//! What one client sees: the entities of the cells in its view, kept up to date by cell frames.
//!
//! Each cell's frames come in order, frames of two cells in any. So every cell keeps its own list, and an entity that two
//! cells list for a moment is where it was told whole last. Refuses frames older than what is known.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{Cell, CellFrame, CellFrameKind, Change, Handle, Near};

/// The entities and cells that a client sees. Ordered, so that whoever walks it does so alike every time.
#[derive(Debug, Clone, Default)]
pub struct View {
    cells: BTreeMap<Cell, SeenCell>,
    places: BTreeMap<Handle, Cell>,
}

/// How far a cell's frames are known. A higher epoch is newer whatever its sequence.
#[derive(Debug, Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The ownership epoch of the publisher.
    pub epoch: u32,
    /// The last sequence applied.
    pub sequence: u32,
}

#[derive(Debug, Clone)]
struct SeenCell {
    version: Version,
    entities: BTreeMap<Handle, Near>,
}

/// Frames of a cell are missing. What came was applied; a snapshot makes the view whole again.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Error)]
#[error("frames of cell {},{} are missing: {known:?} was followed by {got:?}", cell.x, cell.y)]
pub struct Gap {
    /// The cell.
    pub cell: Cell,
    /// The last version known before.
    pub known: Version,
    /// The version that came.
    pub got: Version,
}

impl View {
    /// A view of nothing.
    pub fn new() -> View {
        View::default()
    }

    /// Takes in a frame. Deltas of cells that are not in view, and frames that are not newer, change nothing; a snapshot
    /// replaces all that its cell listed and brings the cell into view.
    pub fn apply(&mut self, frame: &CellFrame) -> Result<(), Gap> {
        let got = Version {
            epoch: frame.epoch,
            sequence: frame.sequence,
        };
        let known = self.cells.get(&frame.cell).map(|cell| cell.version);
        match (frame.kind, known) {
            (CellFrameKind::Snapshot, Some(known)) if got < known => Ok(()),
            (CellFrameKind::Snapshot, _) => {
                self.drop_cell(frame.cell);
                self.cells.insert(
                    frame.cell,
                    SeenCell {
                        version: got,
                        entities: BTreeMap::new(),
                    },
                );
                self.take_in(frame, got);
                Ok(())
            }
            (CellFrameKind::Delta, None) => Ok(()),
            (CellFrameKind::Delta, Some(known)) if got <= known => Ok(()),
            (CellFrameKind::Delta, Some(known)) => {
                self.take_in(frame, got);
                match got.epoch == known.epoch && got.sequence - known.sequence == 1 {
                    true => Ok(()),
                    false => Err(Gap {
                        cell: frame.cell,
                        known,
                        got,
                    }),
                }
            }
        }
    }

    /// Forgets a cell that left the view, and whoever is listed there alone.
    pub fn drop_cell(&mut self, cell: Cell) {
        let Some(dropped) = self.cells.remove(&cell) else {
            return;
        };
        for handle in dropped.entities.keys() {
            self.left(*handle, cell);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = View::default();
    }

    /// An entity in view.
    pub fn get(&self, handle: Handle) -> Option<&Near> {
        let cell = self.places.get(&handle)?;
        self.cells.get(cell)?.entities.get(&handle)
    }

    /// The cell that an entity in view is in.
    pub fn cell_of(&self, handle: Handle) -> Option<Cell> {
        self.places.get(&handle).copied()
    }

    /// Every entity in view, by handle.
    pub fn entities(&self) -> impl Iterator<Item = (Handle, &Near)> {
        self.places
            .keys()
            .filter_map(|handle| Some((*handle, self.get(*handle)?)))
    }

    /// Every cell in view and how far its frames are known: what a resuming client asks snapshots by.
    pub fn cells(&self) -> impl Iterator<Item = (Cell, Version)> {
        self.cells.iter().map(|(cell, seen)| (*cell, seen.version))
    }

    fn take_in(&mut self, frame: &CellFrame, version: Version) {
        let Some(cell) = self.cells.get_mut(&frame.cell) else {
            return;
        };
        cell.version = version;
        let mut gone = Vec::new();
        for entry in &frame.entries {
            match &entry.change {
                Change::Whole(near) => {
                    cell.entities.insert(entry.handle, near.clone());
                    self.places.insert(entry.handle, frame.cell);
                    gone.retain(|handle| *handle != entry.handle);
                }
                Change::Part(part) => {
                    if let Some(near) = cell.entities.get_mut(&entry.handle) {
                        part.write_to(near);
                    }
                }
                Change::Gone(_) => {
                    cell.entities.remove(&entry.handle);
                    gone.push(entry.handle);
                }
            }
        }
        for handle in gone {
            self.left(handle, frame.cell);
        }
    }

    /// After `cell` stopped listing an entity: it may still be listed by the cell that it went to.
    fn left(&mut self, handle: Handle, cell: Cell) {
        if self.places.get(&handle) != Some(&cell) {
            return;
        }
        let elsewhere = self
            .cells
            .iter()
            .find(|(_, seen)| seen.entities.contains_key(&handle));
        match elsewhere.map(|(cell, _)| *cell) {
            Some(other) => self.places.insert(handle, other),
            None => self.places.remove(&handle),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{CellFrameWriter, State, mask};

    const A: Cell = Cell { x: 0, y: 0 };
    const B: Cell = Cell { x: 1, y: 0 };
    const DOG: Handle = Handle(1);

    fn near(x: f32, hp: u16) -> Near {
        Near {
            x,
            y: 1.0,
            hp,
            hp_max: 99,
            state: State::Idle,
            kind: "mobs/dog".into(),
            name: "Dog".into(),
        }
    }

    fn frame(
        kind: CellFrameKind,
        cell: Cell,
        version: (u32, u32),
        write: impl FnOnce(&mut CellFrameWriter),
    ) -> CellFrame {
        let mut writer = CellFrameWriter::new(kind, cell, version.0, version.1);
        write(&mut writer);
        CellFrame::decode(&writer.finish()).expect("a written frame should be readable")
    }

    fn snapshot(
        cell: Cell,
        version: (u32, u32),
        write: impl FnOnce(&mut CellFrameWriter),
    ) -> CellFrame {
        frame(CellFrameKind::Snapshot, cell, version, write)
    }

    fn delta(
        cell: Cell,
        version: (u32, u32),
        write: impl FnOnce(&mut CellFrameWriter),
    ) -> CellFrame {
        frame(CellFrameKind::Delta, cell, version, write)
    }

    #[test]
    fn a_snapshot_replaces_what_its_cell_listed() {
        let mut view = View::new();
        assert_eq!(
            view.apply(&snapshot(A, (1, 5), |cell| {
                cell.entity(DOG, mask::ALL, &near(1.0, 9));
            })),
            Ok(()),
            "the first snapshot has no gap"
        );
        assert_eq!(
            view.get(DOG),
            Some(&near(1.0, 9)),
            "the dog should be in view"
        );
        let other = snapshot(A, (1, 9), |cell| {
            cell.entity(Handle(2), mask::ALL, &near(2.0, 9));
        });
        assert_eq!(
            view.apply(&other),
            Ok(()),
            "a snapshot heals whatever was missed"
        );
        assert_eq!(
            view.get(DOG),
            None,
            "who is not in the snapshot is not there"
        );
        assert_eq!(view.entities().count(), 1, "the other should be in view");
    }

    #[test]
    fn old_frames_and_unknown_cells_change_nothing() {
        let mut view = View::new();
        let unknown = delta(A, (1, 1), |cell| {
            cell.entity(DOG, mask::ALL, &near(1.0, 9));
        });
        assert_eq!(view.apply(&unknown), Ok(()), "a cell not in view is no gap");
        assert_eq!(
            view.entities().count(),
            0,
            "a delta should not bring a cell into view"
        );
        let whole = snapshot(A, (2, 5), |cell| {
            cell.entity(DOG, mask::ALL, &near(1.0, 9));
        });
        assert_eq!(
            view.apply(&whole),
            Ok(()),
            "the snapshot should be taken in"
        );
        for version in [(2, 5), (2, 4), (1, 900)] {
            let old = delta(A, version, |cell| {
                cell.gone(DOG, None);
            });
            assert_eq!(view.apply(&old), Ok(()), "{version:?} is old, not missing");
        }
        assert_eq!(
            view.apply(&snapshot(A, (1, 900), |_| {})),
            Ok(()),
            "a deposed owner is not heard"
        );
        assert!(view.get(DOG).is_some(), "nothing old should remove the dog");
    }

    #[test]
    fn a_jump_is_applied_and_reported() {
        let mut view = View::new();
        let whole = snapshot(A, (1, 5), |cell| {
            cell.entity(DOG, mask::ALL, &near(1.0, 9));
        });
        assert_eq!(
            view.apply(&whole),
            Ok(()),
            "the snapshot should be taken in"
        );
        let next = delta(A, (1, 6), |cell| {
            cell.entity(DOG, mask::HEALTH, &near(1.0, 8));
        });
        assert_eq!(view.apply(&next), Ok(()), "6 follows 5");
        let jump = delta(A, (1, 9), |cell| {
            cell.entity(DOG, mask::HEALTH, &near(1.0, 4));
        });
        let gap = Gap {
            cell: A,
            known: Version {
                epoch: 1,
                sequence: 6,
            },
            got: Version {
                epoch: 1,
                sequence: 9,
            },
        };
        assert_eq!(view.apply(&jump), Err(gap), "7 and 8 are missing");
        assert_eq!(
            view.get(DOG).map(|dog| dog.hp),
            Some(4),
            "what came should be applied all the same"
        );
        let heir = delta(A, (2, 1), |_| {});
        assert!(
            view.apply(&heir).is_err(),
            "a new owner's first delta says nothing of what it took over"
        );
    }

    #[test]
    fn an_entity_is_where_it_was_told_whole_last() {
        let mut view = View::new();
        let both = [
            snapshot(A, (1, 1), |cell| {
                cell.entity(DOG, mask::ALL, &near(1.0, 9));
            }),
            snapshot(B, (1, 1), |_| {}),
        ];
        for frame in &both {
            assert_eq!(view.apply(frame), Ok(()), "snapshots should be taken in");
        }
        let came = delta(B, (1, 2), |cell| {
            cell.entity(DOG, mask::ALL, &near(17.0, 9));
        });
        assert_eq!(view.apply(&came), Ok(()), "the dog comes to B");
        assert_eq!(view.cell_of(DOG), Some(B), "B told it whole last");
        let went = delta(A, (1, 2), |cell| {
            cell.gone(DOG, Some(B));
        });
        assert_eq!(view.apply(&went), Ok(()), "A tells late that it went");
        assert_eq!(
            view.get(DOG),
            Some(&near(17.0, 9)),
            "the late word should not remove it from B"
        );
        view.drop_cell(B);
        assert_eq!(view.get(DOG), None, "it goes with its cell");
        assert_eq!(view.cells().count(), 1, "A should stay in view");
    }

    /// One step of a small world of two cells.
    #[derive(Debug, Clone)]
    enum Step {
        Cross(u16),
        Hurt(u16, u16),
        Vanish(u16),
        Appear(u16, bool),
        Tick,
    }

    fn step() -> impl Strategy<Value = Step> {
        let handle = 0_u16..4;
        prop_oneof![
            3 => handle.clone().prop_map(Step::Cross),
            2 => (handle.clone(), 0_u16..50).prop_map(|(handle, hp)| Step::Hurt(handle, hp)),
            1 => handle.clone().prop_map(Step::Vanish),
            1 => (handle, any::<bool>()).prop_map(|(handle, right)| Step::Appear(handle, right)),
            3 => Just(Step::Tick),
        ]
    }

    /// The truth, and the two streams of frames that tell it.
    struct World {
        truth: BTreeMap<Handle, (Cell, Near)>,
        open: BTreeMap<Cell, CellFrameWriter>,
        sequence: u32,
        streams: BTreeMap<Cell, Vec<CellFrame>>,
    }

    impl World {
        fn new() -> World {
            let streams = [A, B]
                .map(|cell| (cell, vec![snapshot(cell, (1, 0), |_| {})]))
                .into();
            let mut world = World {
                truth: BTreeMap::new(),
                open: BTreeMap::new(),
                sequence: 0,
                streams,
            };
            world.tick();
            world
        }

        fn tick(&mut self) {
            self.sequence += 1;
            for cell in [A, B] {
                let writer = CellFrameWriter::new(CellFrameKind::Delta, cell, 1, self.sequence);
                if let Some(done) = self.open.insert(cell, writer) {
                    let frame = CellFrame::decode(&done.finish())
                        .expect("a written frame should be readable");
                    self.streams.entry(cell).or_default().push(frame);
                }
            }
        }

        fn frame(&mut self, cell: Cell) -> &mut CellFrameWriter {
            self.open
                .get_mut(&cell)
                .expect("both cells should always have an open frame")
        }

        fn step(&mut self, step: &Step) {
            match *step {
                Step::Cross(handle) => {
                    let handle = Handle(handle);
                    if let Some((from, mut near)) = self.truth.remove(&handle) {
                        let to = if from == A { B } else { A };
                        near.x = 16.0 - near.x;
                        self.frame(from).gone(handle, Some(to));
                        self.frame(to).entity(handle, mask::ALL, &near);
                        self.truth.insert(handle, (to, near));
                    }
                }
                Step::Hurt(handle, hp) => {
                    let handle = Handle(handle);
                    if let Some((cell, mut near)) = self.truth.remove(&handle) {
                        near.hp = hp;
                        self.frame(cell).entity(handle, mask::HEALTH, &near);
                        self.truth.insert(handle, (cell, near));
                    }
                }
                Step::Vanish(handle) => {
                    if let Some((cell, _)) = self.truth.remove(&Handle(handle)) {
                        self.frame(cell).gone(Handle(handle), None);
                    }
                }
                Step::Appear(handle, right) => {
                    let handle = Handle(handle);
                    if !self.truth.contains_key(&handle) {
                        let cell = if right { B } else { A };
                        let near = near(f32::from(handle.0), 50);
                        self.frame(cell).entity(handle, mask::ALL, &near);
                        self.truth.insert(handle, (cell, near));
                    }
                }
                Step::Tick => self.tick(),
            }
        }
    }

    proptest! {
        #[test]
        fn any_interleaving_of_two_cells_ends_in_the_truth(
            steps in proptest::collection::vec(step(), 0..80),
            order in proptest::collection::vec(any::<bool>(), 0..200),
        ) {
            let mut world = World::new();
            for step in &steps {
                world.step(step);
            }
            world.tick();
            let mut view = View::new();
            let mut order = order.into_iter();
            let mut left = world.streams.remove(&A).unwrap_or_default().into_iter().peekable();
            let mut right = world.streams.remove(&B).unwrap_or_default().into_iter().peekable();
            loop {
                let first = order.next().unwrap_or(true);
                let frame = match (left.peek().is_some(), right.peek().is_some()) {
                    (false, false) => break,
                    (true, false) => left.next(),
                    (false, true) => right.next(),
                    (true, true) => if first { left.next() } else { right.next() },
                };
                if let Some(frame) = frame {
                    prop_assert_eq!(view.apply(&frame), Ok(()), "streams without loss should have no gap");
                    prop_assert_eq!(view.apply(&frame), Ok(()), "a frame that comes twice should change nothing");
                }
            }
            let seen: BTreeMap<Handle, (Cell, Near)> = view
                .entities()
                .filter_map(|(handle, near)| Some((handle, (view.cell_of(handle)?, near.clone()))))
                .collect();
            prop_assert_eq!(seen, world.truth, "the view should end as the truth");
        }
    }
}
