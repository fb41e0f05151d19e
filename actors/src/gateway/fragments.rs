//! Puts a command together that came in fragments, as a proxy on the way may cut it. Keeps no more than one command may
//! have, and no endless row of nothing.

use bytes::{Bytes, BytesMut};
use client::COMMAND_FRAME_LEN_MAX;

use super::scanner::Fault;

/// Fragments of one message. Empty ones count as well.
const FRAGMENTS_MAX: u32 = 64;

/// The fragments of a message that is not whole yet.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    bytes: BytesMut,
    count: u32,
}

impl Fragments {
    /// Takes the next fragment; the message once it is whole. The codec sees to it that they come in their order.
    pub(super) fn take(&mut self, bytes: &Bytes, last: bool) -> Result<Option<Bytes>, Fault> {
        self.count += 1;
        if self.count > FRAGMENTS_MAX || self.bytes.len() + bytes.len() > COMMAND_FRAME_LEN_MAX {
            *self = Self::default();
            return Err(Fault::TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(last.then(|| std::mem::take(self).bytes.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(len: usize) -> Bytes {
        Bytes::from(vec![7; len])
    }

    #[test]
    fn a_command_in_fragments_is_put_together() {
        let mut fragments = Fragments::default();
        for _ in 0..2 {
            assert_eq!(
                fragments.take(&Bytes::from_static(b"wo"), false),
                Ok(None),
                "the first fragment is no message yet"
            );
            assert_eq!(
                fragments.take(&Bytes::from_static(b"o"), false),
                Ok(None),
                "nor is the next"
            );
            assert_eq!(
                fragments.take(&Bytes::from_static(b"f"), true),
                Ok(Some(Bytes::from_static(b"woof"))),
                "the last should make it whole"
            );
        }
    }

    #[test]
    fn fragments_keep_to_the_length_of_a_command() {
        let mut fragments = Fragments::default();
        let half = COMMAND_FRAME_LEN_MAX / 2;
        assert_eq!(fragments.take(&some(half), false), Ok(None), "half fits");
        assert_eq!(fragments.take(&some(half), false), Ok(None), "so does all");
        assert_eq!(
            fragments.take(&some(1), true),
            Err(Fault::TooLong),
            "one byte more should not"
        );
    }

    #[test]
    fn nothing_in_endless_fragments_comes_to_an_end() {
        let mut fragments = Fragments::default();
        let refused = fragments
            .take(&some(0), false)
            .and_then(|_| (0..1_000).try_for_each(|_| fragments.take(&some(0), false).map(drop)));
        assert_eq!(refused, Err(Fault::TooLong), "there should be an end");
        assert!(fragments.bytes.is_empty(), "and nothing be kept of it");
    }
}
