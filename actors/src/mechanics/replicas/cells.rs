//! The cells of one channel: who is in them, what changed since their last frame, and the frames' numbers.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use client::{Cell, CellFrameKind, CellFrameWriter, Handle, Near};

use crate::ground::{Ground, Point};

/// A channel is opened once, by one owner, under an id that is never used again.
const EPOCH: u32 = 1;

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
            if state.changed.is_empty() && state.left.is_empty() {
                continue;
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
            frames.push((*cell, Bytes::from(frame.finish())));
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
