//! The binary layout of a cell frame, which the server encodes once for all who see the cell.
//!
//! `u8 kind (0 delta, 1 snapshot), u16 cell x, u16 cell y, u32 epoch, u32 sequence, u16 count`, then `count` entries
//! `u16 handle, u8 mask` and, by mask bit in rising order, the fields. Little-endian. A moved entity costs 7 bytes.
//! Refuses unknown kinds, bits and states, entries that say nothing, and snapshots with anything but whole entities.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use thiserror::Error;

use crate::reader::{Reader, Short};
use crate::{Cell, Handle, Near, Part, State, dequantize, quantize};

/// What an entry of a cell frame tells.
pub mod mask {
    /// `u16 x, u16 y` in 1/32 tile.
    pub const POSITION: u8 = 1 << 0;
    /// `u16 hp, u16 hp_max`.
    pub const HEALTH: u8 = 1 << 1;
    /// `u8` of a `State`.
    pub const STATE: u8 = 1 << 2;
    /// `u8 len + kind, u8 len + name`, both UTF-8.
    pub const IDENTITY: u8 = 1 << 3;
    /// `u8`: 0 left the world, 1 moved to the cell `u16 x, u16 y`. Stands alone.
    pub const GONE: u8 = 1 << 7;
    /// A whole entity: what a snapshot holds, and what the frame of a cell begins with when an entity comes into it.
    pub const ALL: u8 = POSITION | HEALTH | STATE | IDENTITY;
}

/// The fields of `Near` that each bit of a mask brings, in the order of the wire: the layout as data, for other languages.
/// A float goes in steps of 1/32 tile as `u16`, a text as `u8` length and bytes.
pub const LAYOUT: &[(u8, &[&str])] = &[
    (mask::POSITION, &["x", "y"]),
    (mask::HEALTH, &["hp", "hp_max"]),
    (mask::STATE, &["state"]),
    (mask::IDENTITY, &["kind", "name"]),
];

/// Whether a cell frame tells what changed or all there is.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CellFrameKind {
    /// What changed since the sequence before.
    Delta = 0,
    /// Every entity in the cell as of this sequence.
    Snapshot = 1,
}

const COUNT_AT: usize = 13;

/// Encodes one cell frame.
#[derive(Debug)]
pub struct CellFrameWriter {
    bytes: Vec<u8>,
    kind: CellFrameKind,
    count: u16,
}

impl CellFrameWriter {
    /// An empty frame of `cell`. Sequences of one epoch rise by one from delta to delta; a snapshot has the sequence of the
    /// last delta that it holds.
    pub fn new(kind: CellFrameKind, cell: Cell, epoch: u32, sequence: u32) -> CellFrameWriter {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(kind as u8);
        bytes.extend(cell.x.to_le_bytes());
        bytes.extend(cell.y.to_le_bytes());
        bytes.extend(epoch.to_le_bytes());
        bytes.extend(sequence.to_le_bytes());
        bytes.extend(0_u16.to_le_bytes());
        CellFrameWriter {
            bytes,
            kind,
            count: 0,
        }
    }

    /// Tells the fields of `near` that `mask` names; a snapshot, and a mask with IDENTITY, always tell all. False when the
    /// frame is full, which 65,535 entries make it. Texts past 255 bytes are cut.
    pub fn entity(&mut self, handle: Handle, mask: u8, near: &Near) -> bool {
        let mask = match self.kind {
            CellFrameKind::Delta if mask & mask::IDENTITY == 0 => mask & mask::ALL,
            CellFrameKind::Delta | CellFrameKind::Snapshot => mask::ALL,
        };
        if mask == 0 {
            return true;
        }
        if !self.entry(handle, mask) {
            return false;
        }
        if mask & mask::POSITION != 0 {
            self.bytes.extend(quantize(near.x).to_le_bytes());
            self.bytes.extend(quantize(near.y).to_le_bytes());
        }
        if mask & mask::HEALTH != 0 {
            self.bytes.extend(near.hp.to_le_bytes());
            self.bytes.extend(near.hp_max.to_le_bytes());
        }
        if mask & mask::STATE != 0 {
            self.bytes.push(near.state as u8);
        }
        if mask & mask::IDENTITY != 0 {
            self.text(&near.kind);
            self.text(&near.name);
        }
        true
    }

    /// Tells that an entity left the world, or went to another cell, whose own frames then tell it whole. False when the
    /// frame is full; a snapshot ignores it.
    pub fn gone(&mut self, handle: Handle, to: Option<Cell>) -> bool {
        if self.kind == CellFrameKind::Snapshot {
            return true;
        }
        if !self.entry(handle, mask::GONE) {
            return false;
        }
        self.bytes.push(u8::from(to.is_some()));
        if let Some(cell) = to {
            self.bytes.extend(cell.x.to_le_bytes());
            self.bytes.extend(cell.y.to_le_bytes());
        }
        true
    }

    /// True while the frame tells of no entity.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The frame's bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes[COUNT_AT..COUNT_AT + 2].copy_from_slice(&self.count.to_le_bytes());
        self.bytes
    }

    fn entry(&mut self, handle: Handle, mask: u8) -> bool {
        let Some(count) = self.count.checked_add(1) else {
            return false;
        };
        self.count = count;
        self.bytes.extend(handle.0.to_le_bytes());
        self.bytes.push(mask);
        true
    }

    fn text(&mut self, text: &str) {
        let cut = &text[..text.floor_char_boundary(usize::from(u8::MAX))];
        self.bytes.push(cut.len() as u8);
        self.bytes.extend(cut.as_bytes());
    }
}

/// What a cell frame begins with: which cell it tells of, and how new it is.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub struct CellHead {
    /// What changed, or all there is.
    pub kind: CellFrameKind,
    /// The cell told of.
    pub cell: Cell,
    /// The ownership epoch of who publishes the cell.
    pub epoch: u32,
    /// The publisher's count of frames of this cell.
    pub sequence: u32,
}

impl CellHead {
    /// Reads the head of a cell frame and does not look at its entries.
    pub fn decode(frame: &[u8]) -> Result<CellHead, CellError> {
        head(&mut Reader::new(frame))
    }
}

/// A decoded cell frame.
#[derive(Debug, Clone, PartialEq)]
pub struct CellFrame {
    /// What changed, or all there is.
    pub kind: CellFrameKind,
    /// The cell told of.
    pub cell: Cell,
    /// The ownership epoch of who publishes the cell.
    pub epoch: u32,
    /// The publisher's count of frames of this cell.
    pub sequence: u32,
    /// In the order of the publisher.
    pub entries: Vec<Entry>,
}

/// What a cell frame tells of one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The entity.
    pub handle: Handle,
    /// What is told.
    pub change: Change,
}

/// A change of one entity.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// All of it: it is here now.
    Whole(Near),
    /// Some fields of an entity that is here already.
    Part(Part),
    /// It left the world (`None`) or went to another cell.
    Gone(Option<Cell>),
}

impl CellFrame {
    /// Reads a cell frame, which may come from anyone.
    pub fn decode(bytes: &[u8]) -> Result<CellFrame, CellError> {
        let mut reader = Reader::new(bytes);
        let CellHead {
            kind,
            cell,
            epoch,
            sequence,
        } = head(&mut reader)?;
        let count = usize::from(reader.u16()?);
        // An entry takes four bytes at least: no count makes us reserve more than the frame can hold.
        let mut entries = Vec::with_capacity(count.min(reader.left() / 4));
        for _ in 0..count {
            let entry = entry(&mut reader)?;
            if kind == CellFrameKind::Snapshot && !matches!(entry.change, Change::Whole(_)) {
                return Err(CellError::PartInSnapshot(entry.handle));
            }
            entries.push(entry);
        }
        match reader.left() {
            0 => Ok(CellFrame {
                kind,
                cell,
                epoch,
                sequence,
                entries,
            }),
            _ => Err(CellError::TrailingBytes),
        }
    }
}

fn head(reader: &mut Reader<'_>) -> Result<CellHead, CellError> {
    let kind = match reader.u8()? {
        0 => CellFrameKind::Delta,
        1 => CellFrameKind::Snapshot,
        other => return Err(CellError::UnknownKind(other)),
    };
    Ok(CellHead {
        kind,
        cell: cell(reader)?,
        epoch: reader.u32()?,
        sequence: reader.u32()?,
    })
}

fn cell(reader: &mut Reader<'_>) -> Result<Cell, CellError> {
    Ok(Cell {
        x: reader.u16()?,
        y: reader.u16()?,
    })
}

fn entry(reader: &mut Reader<'_>) -> Result<Entry, CellError> {
    let handle = Handle(reader.u16()?);
    let mask = reader.u8()?;
    if mask == mask::GONE {
        let to = match reader.u8()? {
            0 => None,
            1 => Some(cell(reader)?),
            other => return Err(CellError::UnknownDeparture(other)),
        };
        return Ok(Entry {
            handle,
            change: Change::Gone(to),
        });
    }
    if mask == 0 || mask & !mask::ALL != 0 {
        return Err(CellError::UnknownMask(mask));
    }
    let mut part = Part::default();
    if mask & mask::POSITION != 0 {
        part.position = Some((dequantize(reader.u16()?), dequantize(reader.u16()?)));
    }
    if mask & mask::HEALTH != 0 {
        part.health = Some((reader.u16()?, reader.u16()?));
    }
    if mask & mask::STATE != 0 {
        part.state = Some(state(reader)?);
    }
    let identity = match mask & mask::IDENTITY != 0 {
        true => Some((text(reader)?, text(reader)?)),
        false => None,
    };
    let change = match (part, identity) {
        (
            Part {
                position: Some((x, y)),
                health: Some((hp, hp_max)),
                state: Some(state),
            },
            Some((kind, name)),
        ) => Change::Whole(Near {
            x,
            y,
            hp,
            hp_max,
            state,
            kind,
            name,
        }),
        (part, None) => Change::Part(part),
        // Who somebody is never changes while it stays; so an identity comes with all the rest.
        (_, Some(_)) => return Err(CellError::UnknownMask(mask)),
    };
    Ok(Entry { handle, change })
}

fn state(reader: &mut Reader<'_>) -> Result<State, CellError> {
    let number = reader.u8()?;
    State::from_number(number).ok_or(CellError::UnknownState(number))
}

fn text(reader: &mut Reader<'_>) -> Result<Arc<str>, CellError> {
    let len = usize::from(reader.u8()?);
    let text = std::str::from_utf8(reader.take(len)?).map_err(|_| CellError::NotUtf8)?;
    Ok(Arc::from(text))
}

/// Why a cell frame was refused.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Error)]
pub enum CellError {
    /// The bytes end inside a field.
    #[error("the cell frame is truncated")]
    Truncated,
    /// Bytes follow the last entry.
    #[error("the cell frame has bytes to spare")]
    TrailingBytes,
    /// Neither delta nor snapshot.
    #[error("cell frame kind {0} is unknown")]
    UnknownKind(u8),
    /// Bits that tell nothing, or do not go together.
    #[error("mask {0:#04x} is unknown")]
    UnknownMask(u8),
    /// A state that this version does not have.
    #[error("state {0} is unknown")]
    UnknownState(u8),
    /// Gone, but neither from the world nor to a cell.
    #[error("departure {0} is unknown")]
    UnknownDeparture(u8),
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A snapshot tells an entity in part.
    #[error("a snapshot tells {0} in part")]
    PartInSnapshot(Handle),
}

impl From<Short> for CellError {
    fn from(_: Short) -> CellError {
        CellError::Truncated
    }
}
