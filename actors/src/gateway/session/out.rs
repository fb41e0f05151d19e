//! What waits for the next server frame, in the order in which the client will apply it.

use bytes::Bytes;
use client::{Cell, Event, FrameWriter, Header, SERVER_FRAME_LEN_MAX};
use wire::ClassId;

/// A frame that has grown to this leaves at once, so that the next section cannot push it past what a client takes.
const FRAME_LEN_FULL: usize = SERVER_FRAME_LEN_MAX / 4;

/// Sections on their way into one frame.
#[derive(Debug, Default)]
pub(super) struct Out {
    sections: Vec<Section>,
    len: usize,
    frame: u32,
}

#[derive(Debug)]
enum Section {
    Event(ClassId, Bytes),
    Cell(Bytes),
    CellLeft(Cell),
}

impl Out {
    /// Appends an event.
    pub(super) fn event(&mut self, event: &Event) {
        let (class, body) = event.encode();
        self.encoded_event(class, body.into());
    }

    /// Appends an event that was encoded before.
    pub(super) fn encoded_event(&mut self, class: ClassId, body: Bytes) {
        self.push(body.len(), Section::Event(class, body));
    }

    /// Appends a cell frame as it was published.
    pub(super) fn cell(&mut self, bytes: Bytes) {
        self.push(bytes.len(), Section::Cell(bytes));
    }

    /// Appends that a cell left the view.
    pub(super) fn cell_left(&mut self, cell: Cell) {
        self.push(4, Section::CellLeft(cell));
    }

    /// True when the frame should leave before anything else is appended.
    pub(super) fn is_full(&self) -> bool {
        self.len >= FRAME_LEN_FULL
    }

    /// True when nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.sections.clear();
        self.len = 0;
    }

    /// Puts all that waits into one frame.
    pub(super) fn frame(&mut self, ack: u32, server_time_ms: u64) -> Bytes {
        self.frame = self.frame.wrapping_add(1);
        let header = Header {
            ack,
            server_time_ms,
            frame: self.frame,
        };
        let mut writer = FrameWriter::reuse(Vec::with_capacity(self.len + 32), header);
        for section in self.sections.drain(..) {
            match section {
                Section::Event(class, body) => writer.encoded_event(class, &body),
                Section::Cell(bytes) => writer.cell(&bytes),
                Section::CellLeft(cell) => writer.cell_left(cell),
            }
        }
        self.len = 0;
        writer.finish().into()
    }

    fn push(&mut self, len: usize, section: Section) {
        // Each section has a kind, a length, and perhaps a class before its body.
        self.len += len + 9;
        self.sections.push(section);
    }
}
