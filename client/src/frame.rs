//! The two frames of a connection, each one binary WebSocket message, all numbers little-endian.
//!
//! Client to server: `u8 version, u32 class, u32 sequence, body`. Server to client: `u8 version, u8 flags (0), u32 ack,
//! u64 server_time_ms, u32 frame`, then sections to the end, each `u8 kind, u32 len, bytes`. Refuses other versions,
//! flags and kinds, and lengths that do not fit; does not look into bodies.

use thiserror::Error;
use wire::{ClassId, FORMAT_VERSION};

use crate::reader::{Reader, Short};
use crate::{Cell, Event};

/// The longest command frame in bytes; the longest command of the table needs about half of it.
pub const COMMAND_FRAME_LEN_MAX: usize = 4096;

/// The longest server frame in bytes that a client takes.
pub const SERVER_FRAME_LEN_MAX: usize = 1 << 20;

const HEADER_LEN: usize = 18;
const KIND_EVENT: u8 = 1;
const KIND_CELL: u8 = 2;
const KIND_CELL_LEFT: u8 = 3;

/// One command under way. The client numbers its commands from 1 upwards; the server applies each number once.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub struct CommandFrame<'a> {
    /// The class of the command.
    pub class: ClassId,
    /// The client's count of commands.
    pub sequence: u32,
    /// What `Command::decode` takes.
    pub body: &'a [u8],
}

impl<'a> CommandFrame<'a> {
    /// The frame's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9 + self.body.len());
        bytes.push(FORMAT_VERSION);
        bytes.extend(self.class.0.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend(self.body);
        bytes
    }

    /// Reads a frame; the body stays where it is.
    pub fn decode(bytes: &'a [u8]) -> Result<CommandFrame<'a>, FrameError> {
        if bytes.len() > COMMAND_FRAME_LEN_MAX {
            return Err(FrameError::TooLong);
        }
        let mut reader = Reader::new(bytes);
        version(&mut reader)?;
        Ok(CommandFrame {
            class: ClassId(reader.u32()?),
            sequence: reader.u32()?,
            body: reader.rest(),
        })
    }
}

/// What every server frame begins with.
#[derive(Debug, Copy, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The sequence of the last command that the server applied; 0 before the first.
    pub ack: u32,
    /// The server's clock: steady, in milliseconds from about 1970.
    pub server_time_ms: u64,
    /// The session's count of server frames.
    pub frame: u32,
}

/// Puts one server frame together.
#[derive(Debug)]
pub struct FrameWriter {
    bytes: Vec<u8>,
}

impl FrameWriter {
    /// An empty frame.
    pub fn new(header: Header) -> FrameWriter {
        FrameWriter::reuse(Vec::new(), header)
    }

    /// An empty frame in a buffer whose content is no longer needed.
    pub fn reuse(mut bytes: Vec<u8>, header: Header) -> FrameWriter {
        bytes.clear();
        bytes.push(FORMAT_VERSION);
        bytes.push(0);
        bytes.extend(header.ack.to_le_bytes());
        bytes.extend(header.server_time_ms.to_le_bytes());
        bytes.extend(header.frame.to_le_bytes());
        FrameWriter { bytes }
    }

    /// Appends an event.
    pub fn event(&mut self, event: &Event) {
        let (class, body) = event.encode();
        self.encoded_event(class, &body);
    }

    /// Appends an event that was encoded before.
    pub fn encoded_event(&mut self, class: ClassId, body: &[u8]) {
        self.section(KIND_EVENT, 4 + body.len());
        self.bytes.extend(class.0.to_le_bytes());
        self.bytes.extend(body);
    }

    /// Appends a cell frame as its publisher encoded it.
    pub fn cell(&mut self, frame: &[u8]) {
        self.section(KIND_CELL, frame.len());
        self.bytes.extend(frame);
    }

    /// Appends that a cell left the client's view.
    pub fn cell_left(&mut self, cell: Cell) {
        self.section(KIND_CELL_LEFT, 4);
        self.bytes.extend(cell.x.to_le_bytes());
        self.bytes.extend(cell.y.to_le_bytes());
    }

    /// True while the frame says nothing but its header.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_LEN
    }

    /// The frame's length so far, in bytes, header included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The frame's bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn section(&mut self, kind: u8, len: usize) {
        self.bytes.push(kind);
        // A section of 4 GiB would not pass `SERVER_FRAME_LEN_MAX` by far.
        self.bytes.extend((len as u32).to_le_bytes());
    }
}

/// A server frame, its sections still encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFrame<'a> {
    /// The frame's header.
    pub header: Header,
    /// In the order of the server; a client applies them in that order.
    pub sections: Vec<Section<'a>>,
}

/// One part of a server frame.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum Section<'a> {
    /// An event for this client.
    Event {
        /// The class of the event.
        class: ClassId,
        /// What `Event::decode` takes.
        body: &'a [u8],
    },
    /// What `CellFrame::decode` takes.
    Cell(&'a [u8]),
    /// This cell left the client's view.
    CellLeft(Cell),
}

impl<'a> ServerFrame<'a> {
    /// Reads a frame; bodies stay where they are.
    pub fn decode(bytes: &'a [u8]) -> Result<ServerFrame<'a>, FrameError> {
        if bytes.len() > SERVER_FRAME_LEN_MAX {
            return Err(FrameError::TooLong);
        }
        let mut reader = Reader::new(bytes);
        version(&mut reader)?;
        match reader.u8()? {
            0 => {}
            flags => return Err(FrameError::UnknownFlags(flags)),
        }
        let header = Header {
            ack: reader.u32()?,
            server_time_ms: reader.u64()?,
            frame: reader.u32()?,
        };
        let mut sections = Vec::new();
        while reader.left() > 0 {
            sections.push(section(&mut reader)?);
        }
        Ok(ServerFrame { header, sections })
    }
}

fn version(reader: &mut Reader<'_>) -> Result<(), FrameError> {
    match reader.u8()? {
        FORMAT_VERSION => Ok(()),
        other => Err(FrameError::UnknownVersion(other)),
    }
}

fn section<'a>(reader: &mut Reader<'a>) -> Result<Section<'a>, FrameError> {
    let kind = reader.u8()?;
    let len = reader.u32()?;
    let len = usize::try_from(len).map_err(|_| FrameError::TooLong)?;
    let mut body = Reader::new(reader.take(len)?);
    let section = match kind {
        KIND_EVENT => {
            let class = ClassId(body.u32()?);
            return Ok(Section::Event {
                class,
                body: body.rest(),
            });
        }
        KIND_CELL => return Ok(Section::Cell(body.rest())),
        KIND_CELL_LEFT => Section::CellLeft(Cell {
            x: body.u16()?,
            y: body.u16()?,
        }),
        other => return Err(FrameError::UnknownSection(other)),
    };
    match body.left() {
        0 => Ok(section),
        _ => Err(FrameError::TrailingBytes),
    }
}

/// Why a frame was refused.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The bytes end inside a field or a section.
    #[error("the frame is truncated")]
    Truncated,
    /// The frame exceeds its bound.
    #[error("the frame is too long")]
    TooLong,
    /// A section is longer than what it says.
    #[error("a section has bytes to spare")]
    TrailingBytes,
    /// Written by another version of the protocol.
    #[error("version {0} of the protocol is unknown")]
    UnknownVersion(u8),
    /// Flags that this version leaves unused.
    #[error("flags {0:#04x} are unknown")]
    UnknownFlags(u8),
    /// A kind of section that this version does not have.
    #[error("section kind {0} is unknown")]
    UnknownSection(u8),
}

impl From<Short> for FrameError {
    fn from(_: Short) -> FrameError {
        FrameError::Truncated
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Left;

    #[test]
    fn a_command_frame_has_the_published_layout() {
        let frame = CommandFrame {
            class: ClassId(0x0403_0201),
            sequence: 5,
            body: &[0x90],
        };
        let bytes = frame.encode();
        assert_eq!(
            bytes,
            [1, 1, 2, 3, 4, 5, 0, 0, 0, 0x90],
            "all numbers should be little-endian"
        );
        assert_eq!(
            CommandFrame::decode(&bytes),
            Ok(frame),
            "a round trip should change nothing"
        );
    }

    #[test]
    fn a_server_frame_keeps_its_sections_in_order() {
        let header = Header {
            ack: 3,
            server_time_ms: 1 << 40,
            frame: 9,
        };
        let mut writer = FrameWriter::new(header);
        assert!(writer.is_empty(), "a header alone says nothing");
        writer.event(&Left {}.into());
        writer.cell(&[7, 8]);
        writer.cell_left(Cell { x: 1, y: 2 });
        assert!(!writer.is_empty(), "three sections are something");
        let bytes = writer.finish();
        let frame = ServerFrame::decode(&bytes).expect("a written frame should be readable");
        assert_eq!(frame.header, header, "the header should read back");
        let (class, body) = Event::from(Left {}).encode();
        assert_eq!(
            frame.sections,
            [
                Section::Event { class, body: &body },
                Section::Cell(&[7, 8]),
                Section::CellLeft(Cell { x: 1, y: 2 }),
            ],
            "sections should read back in order"
        );
    }

    #[test]
    fn what_a_frame_must_not_hold_is_refused() {
        let good = FrameWriter::new(Header::default()).finish();
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        };
        assert_eq!(
            ServerFrame::decode(&with(0, 2)),
            Err(FrameError::UnknownVersion(2)),
            "version 2 is not known yet"
        );
        assert_eq!(
            ServerFrame::decode(&with(1, 1)),
            Err(FrameError::UnknownFlags(1)),
            "no flag is known yet"
        );
        let section = |tail: &[u8]| [good.as_slice(), tail].concat();
        let cases: [(&[u8], FrameError); 4] = [
            (&[9, 0, 0, 0, 0], FrameError::UnknownSection(9)),
            (&[2, 255, 255, 255, 255, 0], FrameError::Truncated),
            (&[1, 3, 0, 0, 0, 1, 2, 3], FrameError::Truncated),
            (&[3, 5, 0, 0, 0, 1, 0, 2, 0, 0], FrameError::TrailingBytes),
        ];
        for (tail, error) in cases {
            assert_eq!(
                ServerFrame::decode(&section(tail)),
                Err(error),
                "section {tail:?} should be refused"
            );
        }
        assert_eq!(
            CommandFrame::decode(&[1; COMMAND_FRAME_LEN_MAX + 1]),
            Err(FrameError::TooLong),
            "a command past the bound should be refused unread"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = CommandFrame::decode(&bytes);
            let _ = ServerFrame::decode(&bytes);
            if bytes.len() > 1 {
                bytes[0] = FORMAT_VERSION;
                bytes[1] = 0;
                let _ = ServerFrame::decode(&bytes);
            }
        }
    }
}
