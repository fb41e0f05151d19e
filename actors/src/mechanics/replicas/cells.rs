//! The cells of one channel: who is in them, what changed since their last frame, and the frames' numbers.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use client::{Cell, CellFrameKind, CellFrameWriter, Handle, Near};

use crate::ground::{Ground, Point};
use crate::tether::{BLOWS_LEN_MAX, Blow, Glimpse};

/// A channel is opened once, by one owner, under an id that is never used again.
const EPOCH: u32 = 1;

/// A frame that is lost is missed when the next one comes. Where nothing happens any more, these many rounds after the last
/// change, an empty one comes, so that who sees the cell does not take a door for open for ever.
const ECHOES_AFTER: [u8; 2] = [5, 20];

/// Changes by cell.
#[derive(Default)]
pub(super) struct Cells {
    cells: BTreeMap<Cell, State>,
}

#[derive(Default)]
struct State {
    /// Number of the last frame.
    sequence: u32,
    members: BTreeSet<Handle>,
    changed: BTreeMap<Handle, u8>,
    left: BTreeMap<Handle, Option<Cell>>,
    blows: Vec<Blow>,
    /// Rounds without a change.
    quiet: u8,
}

impl Cells {
    pub(super) fn change(&mut self, cell: Cell, handle: Handle, changed: u8) {
        let state = self.cells.entry(cell).or_default();
        state.members.insert(handle);
        *state.changed.entry(handle).or_default() |= changed;
    }

    pub(super) fn leave(&mut self, cell: Cell, handle: Handle, to: Option<Cell>) {
        let state = self.cells.entry(cell).or_default();
        state.members.remove(&handle);
        state.changed.remove(&handle);
        state.left.insert(handle, to);
    }

    /// Somebody in `cell` was struck. Of a crowd that fights, the first few blows of a round are shown.
    pub(super) fn blow(&mut self, cell: Cell, blow: Blow) {
        let state = self.cells.entry(cell).or_default();
        if state.blows.len() < BLOWS_LEN_MAX {
            state.blows.push(blow);
        }
    }

    pub(super) fn members_near(
        &self,
        ground: &Ground,
        place: Point,
        range: f32,
    ) -> impl Iterator<Item = Handle> + use<'_> {
        let from = ground.cell_of(Point::new(place.x - range, place.y - range));
        let to = ground.cell_of(Point::new(place.x + range, place.y + range));
        self.cells
            .range(
                Cell { x: from.x, y: 0 }..=Cell {
                    x: to.x,
                    y: u16::MAX,
                },
            )
            .filter(move |(cell, _)| (from.y..=to.y).contains(&cell.y))
            .flat_map(|(_, state)| state.members.iter().copied())
    }

    pub(super) fn deltas<'a>(
        &mut self,
        near: impl Fn(Handle) -> Option<&'a Near>,
    ) -> Vec<(Cell, Bytes)> {
        let mut frames = Vec::new();
        for (cell, state) in &mut self.cells {
            if !(state.changed.is_empty() && state.left.is_empty() && state.blows.is_empty()) {
                state.quiet = 0;
            } else {
                state.quiet = state.quiet.saturating_add(1);
                if !ECHOES_AFTER.contains(&state.quiet) {
                    continue;
                }
            }
            state.sequence += 1;
            let mut frame =
                CellFrameWriter::new(CellFrameKind::Delta, *cell, EPOCH, state.sequence);
            for (handle, to) in std::mem::take(&mut state.left) {
                // Who left and came back within one frame is told by its whole entry below.
                if !state.members.contains(&handle) {
                    frame.gone(handle, to);
                }
            }
            for (handle, changed) in std::mem::take(&mut state.changed) {
                if let Some(near) = near(handle) {
                    frame.entity(handle, changed, near);
                }
            }
            let glimpse = Glimpse {
                frame: frame.finish().into(),
                blows: std::mem::take(&mut state.blows),
            };
            frames.push((*cell, glimpse.pack()));
        }
        frames
    }

    pub(super) fn snapshot<'a>(
        &self,
        cell: Cell,
        near: impl Fn(Handle) -> Option<&'a Near>,
    ) -> Vec<u8> {
        let state = self.cells.get(&cell);
        let sequence = state.map_or(0, |state| state.sequence);
        let mut frame = CellFrameWriter::new(CellFrameKind::Snapshot, cell, EPOCH, sequence);
        for handle in state.iter().flat_map(|state| &state.members) {
            if let Some(near) = near(*handle) {
                frame.entity(*handle, client::mask::ALL, near);
            }
        }
        frame.finish()
    }
}

#[cfg(test)]
mod tests {
    use client::{CellFrame, mask};

    use super::*;

    #[test]
    fn the_last_change_of_a_cell_is_followed_by_empty_frames() {
        let mut cells = Cells::default();
        cells.change(Cell { x: 1, y: 1 }, Handle(1), mask::STATE);
        let mut rounds = Vec::new();
        for round in 0..300 {
            for (_, bytes) in cells.deltas(|_| None) {
                let frame = CellFrame::decode(&bytes).expect("a frame should be well formed");
                rounds.push((round, frame.sequence));
            }
        }
        assert_eq!(
            rounds,
            [(0, 1), (5, 2), (20, 3)],
            "who lost a frame should see by the next that it did"
        );
        cells.change(Cell { x: 1, y: 1 }, Handle(1), mask::STATE);
        assert_eq!(
            (0..30).map(|_| cells.deltas(|_| None).len()).sum::<usize>(),
            3,
            "each last change should be"
        );
    }
}
