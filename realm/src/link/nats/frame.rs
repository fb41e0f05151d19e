//! A batch of parcels as it crosses NATS: who sent it, its number in that pair of nodes, and the parcels, each after its
//! length. Numbers begin at 1 and leave none out, so the reader knows what is missing.

use crate::address::Birth;

/// A batch is sent when it has come to so many bytes.
pub(super) const BATCH_BYTES: usize = 64 * 1024;
/// Sender (4) and number (8), little-endian.
const HEAD: usize = 12;

/// A batch that is being filled.
pub(super) struct Batch(Vec<u8>);

impl Batch {
    pub(super) fn new(from: Birth, number: u64) -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(&from.get().to_le_bytes());
        bytes.extend_from_slice(&number.to_le_bytes());
        Self(bytes)
    }

    /// How long it would be with this parcel too.
    pub(super) fn len_with(&self, parcel: &[u8]) -> usize {
        self.0.len() + 4 + parcel.len()
    }

    /// Adds a parcel; false when it is longer than any batch can say.
    pub(super) fn push(&mut self, parcel: &[u8]) -> bool {
        let Ok(len) = u32::try_from(parcel.len()) else {
            return false;
        };
        self.0.extend_from_slice(&len.to_le_bytes());
        self.0.extend_from_slice(parcel);
        true
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A batch that was read.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    pub(super) from: Birth,
    pub(super) number: u64,
    pub(super) parcels: Vec<Vec<u8>>,
}

/// What `bytes` hold; `None` when they are no batch.
pub(super) fn read(bytes: &[u8]) -> Option<Read> {
    let (head, mut rest) = bytes.split_at_checked(HEAD)?;
    let from = Birth::new(u32::from_le_bytes(head[..4].try_into().ok()?))?;
    let number = u64::from_le_bytes(head[4..].try_into().ok()?);
    let mut parcels = Vec::new();
    while !rest.is_empty() {
        let (len, after) = rest.split_at_checked(4)?;
        let len = u32::from_le_bytes(len.try_into().ok()?) as usize;
        let (parcel, after) = after.split_at_checked(len)?;
        parcels.push(parcel.to_vec());
        rest = after;
    }
    Some(Read {
        from,
        number,
        parcels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_read_as_it_was_written_and_no_part_of_it_is_a_batch() {
        let from = Birth::new(7).unwrap();
        let mut batch = Batch::new(from, 9);
        let parcels = [b"one".to_vec(), Vec::new(), b"three".to_vec()];
        for parcel in &parcels {
            assert!(batch.push(parcel), "a short parcel should fit");
        }
        let bytes = batch.into_bytes();
        let expected = Read {
            from,
            number: 9,
            parcels: parcels.to_vec(),
        };
        assert_eq!(
            read(&bytes),
            Some(expected),
            "what was written should be read"
        );
        let whole = [HEAD, HEAD + 7, HEAD + 11];
        for len in (0..bytes.len()).filter(|len| !whole.contains(len)) {
            assert_eq!(
                read(&bytes[..len]),
                None,
                "{len} bytes of it should be no batch"
            );
        }
        assert_eq!(read(&[0; HEAD]), None, "nobody is no sender");
    }
}
