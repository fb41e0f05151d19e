//! What is published of a cell in one round: its frame, which every client gets as it is, and the blows that were struck in
//! it. Encoded once for all who see the cell; does not know who they are.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use client::event::CastSeen;
use client::{Cell, Event};
use wire::ClassId;

/// So many blows of one cell are shown in one round.
pub const BLOWS_LEN_MAX: usize = 16;

/// The first byte where blows follow; a frame alone goes as it is, and begins with its own kind, 0 or 1.
const WITH_BLOWS: u8 = 2;

/// A spell that took effect in a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Blow {
    /// The cell of who cast it: who does not see that one is not told.
    pub from: Cell,
    /// What is told.
    pub seen: CastSeen,
}

/// What is published of a cell in one round.
#[derive(Clone, Debug, PartialEq)]
pub struct Glimpse {
    /// The cell frame.
    pub frame: Bytes,
    /// The blows, [`BLOWS_LEN_MAX`] at most.
    pub blows: Vec<Blow>,
}

impl Glimpse {
    /// `u8 2, u32 length, frame`, then each blow: `u16 cell x, u16 cell y, u32 class, u16 length, body`; of a cell without
    /// blows the frame alone.
    pub fn pack(self) -> Bytes {
        if self.blows.is_empty() {
            return self.frame;
        }
        let mut out = BytesMut::with_capacity(self.frame.len() + 5 + 48 * self.blows.len());
        out.put_u8(WITH_BLOWS);
        out.put_u32_le(u32::try_from(self.frame.len()).unwrap_or(u32::MAX));
        out.put_slice(&self.frame);
        for Blow { from, seen } in self.blows {
            let (class, body) = Event::from(seen).encode();
            let Ok(len) = u16::try_from(body.len()) else {
                continue;
            };
            out.put_u16_le(from.x);
            out.put_u16_le(from.y);
            out.put_u32_le(class.0);
            out.put_u16_le(len);
            out.put_slice(&body);
        }
        out.freeze()
    }

    /// Reads what [`pack`](Self::pack) wrote. `None` of anything else.
    pub fn unpack(mut bytes: Bytes) -> Option<Self> {
        if bytes.first() != Some(&WITH_BLOWS) {
            let blows = Vec::new();
            return Some(Self {
                frame: bytes,
                blows,
            });
        }
        bytes.advance(1);
        let len = usize::try_from(bytes.try_get_u32_le().ok()?).ok()?;
        let frame = split(&mut bytes, len)?;
        let mut blows = Vec::new();
        while bytes.has_remaining() {
            if blows.len() == BLOWS_LEN_MAX {
                return None;
            }
            let from = Cell {
                x: bytes.try_get_u16_le().ok()?,
                y: bytes.try_get_u16_le().ok()?,
            };
            let class = ClassId(bytes.try_get_u32_le().ok()?);
            let len = usize::from(bytes.try_get_u16_le().ok()?);
            let body = split(&mut bytes, len)?;
            let Ok(Event::CastSeen(seen)) = Event::decode(class, &body) else {
                return None;
            };
            blows.push(Blow { from, seen });
        }
        Some(Self { frame, blows })
    }
}

fn split(bytes: &mut Bytes, len: usize) -> Option<Bytes> {
    (len <= bytes.len()).then(|| bytes.split_to(len))
}

#[cfg(test)]
mod tests {
    use client::{CellFrameKind, CellFrameWriter, Handle};
    use proptest::prelude::*;

    use super::*;

    fn glimpse(blows: usize) -> Glimpse {
        let cell = Cell { x: 3, y: 4 };
        let frame = CellFrameWriter::new(CellFrameKind::Delta, cell, 1, 9).finish();
        let blow = Blow {
            from: Cell { x: 2, y: 4 },
            seen: CastSeen {
                spell: "spells/fireball".into(),
                by: Handle(7),
                target: Handle(8),
            },
        };
        Glimpse {
            frame: frame.into(),
            blows: vec![blow; blows],
        }
    }

    #[test]
    fn a_glimpse_reads_back_equal_with_blows_and_without() {
        for blows in [0, 1, BLOWS_LEN_MAX] {
            let before = glimpse(blows);
            assert_eq!(
                Glimpse::unpack(before.clone().pack()),
                Some(before),
                "a round trip should change nothing"
            );
        }
        assert_eq!(
            glimpse(0).pack(),
            glimpse(0).frame,
            "a frame without blows should cost nothing more"
        );
    }

    #[test]
    fn more_blows_than_are_shown_are_refused() {
        assert_eq!(
            Glimpse::unpack(glimpse(BLOWS_LEN_MAX + 1).pack()),
            None,
            "nobody should be made to show more"
        );
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic(at in 0_usize..200, byte: u8, len in 0_usize..200) {
            let mut bytes = glimpse(3).pack().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(len);
            let _ = Glimpse::unpack(bytes.into());
        }
    }
}
