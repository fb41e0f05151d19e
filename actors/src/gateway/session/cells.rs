//! Which cells a client sees and how far it knows each: decides what of their frames goes on, what waits for a snapshot,
//! and what is too old. Sends nothing itself.

use std::collections::BTreeMap;

use bytes::Bytes;
use client::{Cell, CellFrameKind, CellHead};

/// Frames of one cell that wait for its snapshot. A cell with more has waited too long: it is asked for again.
const HELD_LEN_MAX: usize = 64;

/// How new a cell frame is. A higher epoch is newer whatever its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    epoch: u32,
    sequence: u32,
}

impl Version {
    fn of(head: &CellHead) -> Self {
        Self {
            epoch: head.epoch,
            sequence: head.sequence,
        }
    }

    fn is_followed_by(self, next: Self) -> bool {
        self.epoch == next.epoch && self.sequence.checked_add(1) == Some(next.sequence)
    }
}

/// The cells in a client's view.
#[derive(Debug, Default)]
pub(super) struct Cells(BTreeMap<Cell, Seen>);

#[derive(Debug)]
struct Seen {
    phase: Phase,
    /// What the client has of this cell.
    shown: Option<Version>,
    held: Vec<(Version, Bytes)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A snapshot has to be asked for.
    Due,
    /// A snapshot was asked for.
    Asked,
    /// The client has all up to what it was shown last.
    Live,
}

/// How a view has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turned {
    /// Cells that came into view.
    pub(super) come: Vec<Cell>,
    /// Cells that left it, and whether the client knows of them.
    pub(super) gone: Vec<(Cell, bool)>,
}

impl Cells {
    /// The client sees these cells now, and no others.
    pub(super) fn turn(&mut self, view: &[Cell]) -> Turned {
        let gone: Vec<(Cell, bool)> = self
            .0
            .iter()
            .filter(|(cell, _)| !view.contains(cell))
            .map(|(cell, seen)| (*cell, seen.shown.is_some()))
            .collect();
        for (cell, _) in &gone {
            self.0.remove(cell);
        }
        let mut come = Vec::new();
        for cell in view {
            self.0.entry(*cell).or_insert_with(|| {
                come.push(*cell);
                Seen {
                    phase: Phase::Due,
                    shown: None,
                    held: Vec::new(),
                }
            });
        }
        Turned { come, gone }
    }

    /// A frame of `cell` was published. Returns it when the client should have it now.
    pub(super) fn published(&mut self, cell: Cell, bytes: Bytes) -> Option<Bytes> {
        let seen = self.0.get_mut(&cell)?;
        let head = CellHead::decode(&bytes).ok()?;
        if head.cell != cell {
            return None;
        }
        let version = Version::of(&head);
        if seen.shown.is_some_and(|known| version <= known) {
            return None;
        }
        let follows = seen
            .shown
            .is_some_and(|known| known.is_followed_by(version));
        match seen.phase {
            Phase::Live if follows || head.kind == CellFrameKind::Snapshot => {
                seen.shown = Some(version);
                return Some(bytes);
            }
            Phase::Live => seen.phase = Phase::Due,
            Phase::Due | Phase::Asked => {}
        }
        if seen.held.len() >= HELD_LEN_MAX {
            seen.held.clear();
        }
        seen.held.push((version, bytes));
        None
    }

    /// A snapshot came as it was asked for. Returns what the client should have now: the snapshot and what was published
    /// since.
    pub(super) fn snapshot(&mut self, bytes: Bytes) -> Vec<Bytes> {
        let Ok(head) = CellHead::decode(&bytes) else {
            return Vec::new();
        };
        let version = Version::of(&head);
        let Some(seen) = self.0.get_mut(&head.cell) else {
            return Vec::new();
        };
        let is_news = match seen.phase {
            // An answer to an earlier question: what was published since may have passed by.
            Phase::Due => false,
            Phase::Asked => seen.shown.is_none_or(|known| version >= known),
            Phase::Live => seen.shown.is_none_or(|known| version > known),
        };
        if !is_news || head.kind != CellFrameKind::Snapshot {
            return Vec::new();
        }
        let mut known = version;
        let mut out = vec![bytes];
        let mut held = std::mem::take(&mut seen.held).into_iter().peekable();
        let is_next =
            |known: Version, version: Version| version <= known || known.is_followed_by(version);
        while let Some((version, frame)) = held.next_if(|(version, _)| is_next(known, *version)) {
            if version > known {
                known = version;
                out.push(frame);
            }
        }
        seen.held = held.collect();
        seen.shown = Some(known);
        seen.phase = match seen.held.is_empty() {
            true => Phase::Live,
            false => Phase::Due,
        };
        out
    }

    /// The cells for which snapshots have to be asked now; they count as asked.
    pub(super) fn ask(&mut self) -> Vec<Cell> {
        let due = self
            .0
            .iter_mut()
            .filter(|(_, seen)| seen.phase == Phase::Due);
        due.map(|(cell, seen)| {
            seen.phase = Phase::Asked;
            *cell
        })
        .collect()
    }

    /// The answer for these cells is over: those that it left out have to be asked for again.
    pub(super) fn answered(&mut self, cells: &[Cell]) {
        for cell in cells {
            if let Some(seen) = self.0.get_mut(cell)
                && seen.phase == Phase::Asked
            {
                seen.phase = Phase::Due;
            }
        }
    }

    /// The client cannot take frames of this cell for now: what it misses, a snapshot will tell.
    pub(super) fn dim(&mut self, cell: Cell) {
        if let Some(seen) = self.0.get_mut(&cell) {
            seen.held.clear();
            if seen.phase == Phase::Live {
                seen.phase = Phase::Due;
            }
        }
    }

    /// True when the client has been shown this cell.
    pub(super) fn is_shown(&self, cell: Cell) -> bool {
        self.0.get(&cell).is_some_and(|seen| seen.shown.is_some())
    }

    /// True when snapshots have to be asked for.
    pub(super) fn is_due(&self) -> bool {
        self.0.values().any(|seen| seen.phase == Phase::Due)
    }
}

#[cfg(test)]
mod tests {
    use client::CellFrameWriter;
    use proptest::prelude::*;

    use super::*;

    const A: Cell = Cell { x: 1, y: 2 };
    const B: Cell = Cell { x: 2, y: 2 };

    fn frame(kind: CellFrameKind, cell: Cell, epoch: u32, sequence: u32) -> Bytes {
        CellFrameWriter::new(kind, cell, epoch, sequence)
            .finish()
            .into()
    }

    fn delta(epoch: u32, sequence: u32) -> Bytes {
        frame(CellFrameKind::Delta, A, epoch, sequence)
    }

    fn snapshot(epoch: u32, sequence: u32) -> Bytes {
        frame(CellFrameKind::Snapshot, A, epoch, sequence)
    }

    /// A view of the cell A that is known up to the snapshot (1, 5).
    fn known() -> Cells {
        let mut cells = Cells::default();
        cells.turn(&[A]);
        assert_eq!(cells.ask(), [A], "a new cell should be asked for");
        assert_eq!(
            cells.snapshot(snapshot(1, 5)),
            [snapshot(1, 5)],
            "its snapshot should go on"
        );
        cells
    }

    #[test]
    fn deltas_wait_for_the_snapshot_and_older_ones_are_dropped() {
        let mut cells = Cells::default();
        let turned = cells.turn(&[A]);
        assert_eq!(turned.come, [A], "the cell should come into view");
        for sequence in 4..=7 {
            assert_eq!(
                cells.published(A, delta(1, sequence)),
                None,
                "delta {sequence} should wait"
            );
        }
        assert_eq!(cells.ask(), [A], "the cell should be asked for");
        assert_eq!(cells.ask(), [], "and once only");
        assert_eq!(
            cells.snapshot(snapshot(1, 5)),
            [snapshot(1, 5), delta(1, 6), delta(1, 7)],
            "what is newer than the snapshot should follow it"
        );
        assert_eq!(
            cells.published(A, delta(1, 8)),
            Some(delta(1, 8)),
            "the next should pass"
        );
        assert_eq!(
            cells.published(A, delta(1, 8)),
            None,
            "the same again should not"
        );
    }

    #[test]
    fn a_gap_is_healed_by_a_snapshot() {
        let mut cells = known();
        assert_eq!(
            cells.published(A, delta(1, 7)),
            None,
            "a delta after a gap should wait"
        );
        assert!(cells.is_due(), "the cell should be asked for again");
        cells.ask();
        assert_eq!(
            cells.snapshot(snapshot(1, 6)),
            [snapshot(1, 6), delta(1, 7)],
            "the gap should close"
        );
    }

    #[test]
    fn another_epoch_is_another_story() {
        let mut cells = known();
        assert_eq!(
            cells.published(A, delta(0, 99)),
            None,
            "a lower epoch should be refused"
        );
        assert!(!cells.is_due(), "and should change nothing");
        assert_eq!(
            cells.published(A, delta(2, 6)),
            None,
            "a higher epoch should wait, whatever its sequence"
        );
        cells.ask();
        assert_eq!(
            cells.snapshot(snapshot(2, 6)),
            [snapshot(2, 6)],
            "its snapshot holds it already"
        );
    }

    #[test]
    fn a_gap_among_the_waiting_is_asked_for_again() {
        let mut cells = Cells::default();
        cells.turn(&[A]);
        cells.ask();
        cells.published(A, delta(1, 8));
        assert_eq!(
            cells.snapshot(snapshot(1, 5)),
            [snapshot(1, 5)],
            "the snapshot is better than nothing"
        );
        assert!(cells.is_due(), "but deltas are missing after it");
        assert_eq!(cells.ask(), [A], "so the cell should be asked for again");
        assert_eq!(
            cells.snapshot(snapshot(1, 7)),
            [snapshot(1, 7), delta(1, 8)],
            "now it is whole"
        );
    }

    #[test]
    fn nothing_of_a_cell_out_of_view_passes() {
        let mut cells = known();
        let turned = cells.turn(&[B]);
        assert_eq!(
            turned,
            Turned {
                come: vec![B],
                gone: vec![(A, true)]
            },
            "the view should have turned"
        );
        assert_eq!(
            cells.published(A, delta(1, 6)),
            None,
            "a late delta should stay out"
        );
        assert_eq!(
            cells.snapshot(snapshot(1, 6)),
            [] as [Bytes; 0],
            "a late snapshot too"
        );
        assert_eq!(
            cells.published(B, delta(1, 6)),
            None,
            "a frame on the wrong topic is nobody's"
        );
        assert_eq!(
            cells.turn(&[]).gone,
            [(B, false)],
            "a cell that was never shown need not be taken back"
        );
    }

    #[test]
    fn what_an_answer_leaves_out_is_asked_for_again() {
        let mut cells = Cells::default();
        cells.turn(&[A, B]);
        let asked = cells.ask();
        cells.snapshot(snapshot(1, 1));
        cells.answered(&asked);
        assert_eq!(cells.ask(), [B], "only the cell without a snapshot is due");
    }

    #[test]
    fn a_dimmed_cell_comes_back_as_a_snapshot() {
        let mut cells = known();
        cells.dim(A);
        assert_eq!(
            cells.published(A, delta(1, 6)),
            None,
            "nothing passes while the client is slow"
        );
        cells.dim(A);
        assert_eq!(cells.ask(), [A], "later it should be asked for");
        assert_eq!(
            cells.snapshot(snapshot(1, 6)),
            [snapshot(1, 6)],
            "and come whole"
        );
    }

    #[test]
    fn the_frames_that_wait_are_bounded() {
        let mut cells = Cells::default();
        cells.turn(&[A]);
        for sequence in 0..1_000 {
            cells.published(A, delta(1, sequence));
            assert!(
                cells.0[&A].held.len() <= HELD_LEN_MAX,
                "a cell without a snapshot should not grow"
            );
        }
    }

    proptest! {
        /// A client must be able to apply whatever it is sent: no gap, nothing old, whatever the link loses and delays.
        #[test]
        fn what_goes_on_has_no_gaps(steps in proptest::collection::vec((0_u8..5, any::<bool>()), 0..200)) {
            let mut cells = Cells::default();
            cells.turn(&[A]);
            let mut sequence = 0;
            let mut snapshots: Vec<Bytes> = Vec::new();
            let mut shown: Option<Version> = None;
            for (step, lost) in steps {
                let sent = match step {
                    0 | 1 => {
                        sequence += 1;
                        let delta = if lost { None } else { cells.published(A, delta(1, sequence)) };
                        delta.into_iter().collect()
                    }
                    2 => {
                        if !cells.ask().is_empty() {
                            snapshots.push(snapshot(1, sequence));
                        }
                        Vec::new()
                    }
                    3 => {
                        let came = snapshots.pop().filter(|_| !lost);
                        let sent = came.map_or_else(Vec::new, |bytes| cells.snapshot(bytes));
                        cells.answered(&[A]);
                        sent
                    }
                    _ => {
                        cells.dim(A);
                        Vec::new()
                    }
                };
                for bytes in sent {
                    let head = CellHead::decode(&bytes).expect("a written frame should have a head");
                    let version = Version::of(&head);
                    let follows = shown.is_some_and(|known| known.is_followed_by(version));
                    let heals = head.kind == CellFrameKind::Snapshot && shown.is_none_or(|known| version >= known);
                    prop_assert!(follows || heals, "{version:?} should not follow {shown:?}");
                    shown = Some(version);
                }
            }
        }
    }
}
