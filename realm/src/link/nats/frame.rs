//! A batch as it crosses NATS: who sent it, its number in that pair of nodes, which number of the other's was heard last, and
//! the parcels, each after its length. Numbers begin at 1 and leave none out, so the reader knows what is missing.

use crate::address::Birth;

/// A batch is full at so many bytes. A longer parcel has one of its own.
pub(super) const BATCH_BYTES: usize = 64 * 1024;
/// Sender (4), kind (1), number (8) and number heard (8), little-endian.
pub(super) const HEAD_BYTES: usize = 21;
/// The length before each parcel.
pub(super) const LENGTH_BYTES: usize = 4;

/// What a batch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It carries parcels, and its number is new.
    Mail,
    /// It tells what was heard, and has no number.
    Tell,
    /// Its number is that of the last batch sent: who hears it misses nothing that is yet to come, and is to tell what it
    /// has heard.
    Ask,
}

/// The head of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) from: Birth,
    pub(super) kind: Kind,
    pub(super) number: u64,
    pub(super) heard: u64,
}

impl Head {
    fn bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..4].copy_from_slice(&self.from.get().to_le_bytes());
        bytes[4] = match self.kind {
            Kind::Mail => 0,
            Kind::Tell => 1,
            Kind::Ask => 2,
        };
        bytes[5..13].copy_from_slice(&self.number.to_le_bytes());
        bytes[13..].copy_from_slice(&self.heard.to_le_bytes());
        bytes
    }
}

/// A batch that is being filled; its head is written last.
#[derive(Debug)]
pub(super) struct Batch(Vec<u8>);

impl Batch {
    pub(super) fn new() -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.resize(HEAD_BYTES, 0);
        Self(bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// True when this parcel is too many. An empty batch takes one of any length.
    pub(super) fn is_full_for(&self, parcel: &[u8], len_max: usize) -> bool {
        let empty = self.0.len() == HEAD_BYTES;
        !empty && self.0.len() + LENGTH_BYTES + parcel.len() > BATCH_BYTES.min(len_max)
    }

    /// Adds a parcel, which is shorter than 4 GiB: no broker takes longer ones.
    pub(super) fn push(&mut self, parcel: &[u8]) {
        let len = u32::try_from(parcel.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&len.to_le_bytes());
        self.0.extend_from_slice(parcel);
    }

    /// Writes the head.
    pub(super) fn sealed(mut self, head: Head) -> Vec<u8> {
        self.0[..HEAD_BYTES].copy_from_slice(&head.bytes());
        self.0
    }

    /// What is in it.
    pub(super) fn into_parcels(self) -> Vec<Vec<u8>> {
        parcels(&self.0[HEAD_BYTES..]).unwrap_or_default()
    }
}

/// What `bytes` hold; `None` when they are no batch.
pub(super) fn read(bytes: &[u8]) -> Option<(Head, Vec<Vec<u8>>)> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    let head = Head {
        from: Birth::new(u32::from_le_bytes(head[..4].try_into().ok()?))?,
        kind: match head[4] {
            0 => Kind::Mail,
            1 => Kind::Tell,
            2 => Kind::Ask,
            _ => return None,
        },
        number: u64::from_le_bytes(head[5..13].try_into().ok()?),
        heard: u64::from_le_bytes(head[13..].try_into().ok()?),
    };
    Some((head, parcels(rest)?))
}

fn parcels(mut rest: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut parcels = Vec::new();
    while !rest.is_empty() {
        let (len, after) = rest.split_at_checked(LENGTH_BYTES)?;
        let len = u32::from_le_bytes(len.try_into().ok()?) as usize;
        let (parcel, after) = after.split_at_checked(len)?;
        parcels.push(parcel.to_vec());
        rest = after;
    }
    Some(parcels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_read_as_it_was_written_and_no_part_of_it_is_a_batch() {
        let head = Head {
            from: Birth::new(7).unwrap(),
            kind: Kind::Ask,
            number: 9,
            heard: u64::MAX,
        };
        let mut batch = Batch::new();
        let parcels = [b"one".to_vec(), Vec::new(), b"three".to_vec()];
        parcels.iter().for_each(|parcel| batch.push(parcel));
        let bytes = batch.sealed(head);
        assert_eq!(
            read(&bytes),
            Some((head, parcels.to_vec())),
            "what was written should be read"
        );
        let whole = [HEAD_BYTES, HEAD_BYTES + 7, HEAD_BYTES + 11];
        for len in (0..bytes.len()).filter(|len| !whole.contains(len)) {
            assert_eq!(
                read(&bytes[..len]),
                None,
                "{len} bytes of it should be no batch"
            );
        }
        assert_eq!(read(&[0; HEAD_BYTES]), None, "nobody is no sender");
        let mut strange = bytes;
        strange[4] = 3;
        assert_eq!(read(&strange), None, "there is no kind 3");
    }
}
