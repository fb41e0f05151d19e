//! Walks MessagePack without decoding it, so that nothing a stranger sends can cost more than its own length: no
//! recursion, no allocation by a declared length, no depth past the bound.
//!
//! Refuses what is truncated, trailing, nested too deep, reserved, not UTF-8, and maps that name a key twice.

use std::collections::BTreeSet;

use crate::DecodeError;

/// How deep arrays and maps may nest. Decoders recurse, and a debug build's stack ends near 800 levels.
pub const DEPTH_MAX: usize = 16;

/// How many entries one map may have. Structs go as arrays, so maps are rare and small.
pub const MAP_LEN_MAX: usize = 1024;

/// Checks that `bytes` hold exactly one well-formed MessagePack value within the bounds.
pub fn scan(bytes: &[u8]) -> Result<(), DecodeError> {
    walk(bytes).map(|_| ())
}

/// The same, of a value without maps, binary and extensions: what structs, lists, text and numbers are written as.
pub(crate) fn scan_plain(bytes: &[u8]) -> Result<(), DecodeError> {
    match walk(bytes)? {
        None => Ok(()),
        Some(at) => Err(DecodeError::NotPlain { at }),
    }
}

/// Where the first map, binary or extension begins, in bytes that pass.
fn walk(bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
    let mut input = Input {
        bytes,
        at: 0,
        not_plain: None,
    };
    let mut open: Vec<Open<'_>> = Vec::new();
    loop {
        let start = input.at;
        match input.value()? {
            Value::Scalar => close(&mut open, bytes, input.at)?,
            Value::Array(0) | Value::Map(0) => {
                if open.len() >= DEPTH_MAX {
                    return Err(DecodeError::TooDeep { at: start });
                }
                close(&mut open, bytes, input.at)?;
            }
            container => {
                if open.len() >= DEPTH_MAX {
                    return Err(DecodeError::TooDeep { at: start });
                }
                open.push(Open::new(container, start, input.at)?);
            }
        }
        if open.is_empty() {
            break;
        }
    }
    match input.left() {
        0 => Ok(input.not_plain),
        _ => Err(DecodeError::Trailing { at: input.at }),
    }
}

/// Counts a finished value into its container, and every container that it finishes into the one around.
fn close<'a>(open: &mut Vec<Open<'a>>, bytes: &'a [u8], end: usize) -> Result<(), DecodeError> {
    while let Some(inner) = open.last_mut() {
        if !inner.finished_one(bytes, end)? {
            return Ok(());
        }
        open.pop();
    }
    Ok(())
}

/// A container whose values are still being walked.
struct Open<'a> {
    values_left: usize,
    keys: Option<Keys<'a>>,
}

struct Keys<'a> {
    seen: BTreeSet<&'a [u8]>,
    next_is_key: bool,
    value_start: usize,
}

impl<'a> Open<'a> {
    fn new(value: Value, at: usize, content: usize) -> Result<Self, DecodeError> {
        match value {
            Value::Map(len) if len > MAP_LEN_MAX => Err(DecodeError::MapTooLong { at }),
            Value::Map(len) => Ok(Open {
                values_left: len * 2,
                keys: Some(Keys {
                    seen: BTreeSet::new(),
                    next_is_key: true,
                    value_start: content,
                }),
            }),
            Value::Array(len) => Ok(Open {
                values_left: len,
                keys: None,
            }),
            Value::Scalar => Ok(Open {
                values_left: 0,
                keys: None,
            }),
        }
    }

    /// True when that was the last value of this container.
    fn finished_one(&mut self, bytes: &'a [u8], end: usize) -> Result<bool, DecodeError> {
        if let Some(keys) = &mut self.keys {
            let start = std::mem::replace(&mut keys.value_start, end);
            if keys.next_is_key && !keys.seen.insert(&bytes[start..end]) {
                return Err(DecodeError::DuplicateKey { at: start });
            }
            keys.next_is_key = !keys.next_is_key;
        }
        self.values_left -= 1;
        Ok(self.values_left == 0)
    }
}

enum Value {
    Scalar,
    Array(usize),
    Map(usize),
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The first map, binary or extension.
    not_plain: Option<usize>,
}

impl<'a> Input<'a> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        if len > self.left() {
            return Err(DecodeError::Truncated { at: self.at });
        }
        let taken = &self.bytes[self.at..self.at + len];
        self.at += len;
        Ok(taken)
    }

    /// A big-endian length of `width` bytes.
    fn length(&mut self, width: usize) -> Result<usize, DecodeError> {
        let at = self.at;
        let wide = self
            .take(width)?
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        usize::try_from(wide).map_err(|_| DecodeError::Truncated { at })
    }

    /// Reads one head, and the content too when it is a scalar.
    fn value(&mut self) -> Result<Value, DecodeError> {
        let at = self.at;
        let head = self.take(1)?[0];
        if matches!(head, 0x80..=0x8f | 0xc4..=0xc9 | 0xd4..=0xd8 | 0xde | 0xdf) {
            self.not_plain.get_or_insert(at);
        }
        match head {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Ok(Value::Scalar),
            0x80..=0x8f => self.map(usize::from(head & 0x0f)),
            0x90..=0x9f => self.array(usize::from(head & 0x0f)),
            0xa0..=0xbf => self.text(usize::from(head & 0x1f)),
            0xc1 => Err(DecodeError::Reserved { at }),
            0xc4..=0xc6 => {
                let len = self.length(1 << (head - 0xc4))?;
                self.scalar(len)
            }
            0xc7..=0xc9 => {
                let len = self.length(1 << (head - 0xc7))?;
                self.scalar(1)?;
                self.scalar(len)
            }
            0xca | 0xce | 0xd2 => self.scalar(4),
            0xcb | 0xcf | 0xd3 => self.scalar(8),
            0xcc | 0xd0 => self.scalar(1),
            0xcd | 0xd1 => self.scalar(2),
            0xd4..=0xd8 => self.scalar(1 + (1 << (head - 0xd4))),
            0xd9..=0xdb => {
                let len = self.length(1 << (head - 0xd9))?;
                self.text(len)
            }
            0xdc | 0xdd => {
                let len = self.length(2 << (head - 0xdc))?;
                self.array(len)
            }
            0xde | 0xdf => {
                let len = self.length(2 << (head - 0xde))?;
                self.map(len)
            }
        }
    }

    fn scalar(&mut self, len: usize) -> Result<Value, DecodeError> {
        self.take(len).map(|_| Value::Scalar)
    }

    fn text(&mut self, len: usize) -> Result<Value, DecodeError> {
        let at = self.at;
        match std::str::from_utf8(self.take(len)?) {
            Ok(_) => Ok(Value::Scalar),
            Err(_) => Err(DecodeError::NotUtf8 { at }),
        }
    }

    /// Every value takes a byte at least, so a count that the rest cannot hold is refused before anyone allocates by it.
    fn array(&self, len: usize) -> Result<Value, DecodeError> {
        match len <= self.left() {
            true => Ok(Value::Array(len)),
            false => Err(DecodeError::Truncated { at: self.at }),
        }
    }

    fn map(&self, len: usize) -> Result<Value, DecodeError> {
        match len <= self.left() / 2 {
            true => Ok(Value::Map(len)),
            false => Err(DecodeError::Truncated { at: self.at }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nested(depth: usize) -> Vec<u8> {
        let mut bytes = vec![0x91; depth];
        bytes.push(0xc0);
        bytes
    }

    #[test]
    fn sixteen_levels_pass_and_seventeen_are_refused() {
        assert_eq!(scan(&nested(16)), Ok(()), "the bound itself should pass");
        assert_eq!(
            scan(&nested(17)),
            Err(DecodeError::TooDeep { at: 16 }),
            "one level past the bound should be refused"
        );
        let mut empty = vec![0x91; 16];
        empty.push(0x90);
        assert_eq!(
            scan(&empty),
            Err(DecodeError::TooDeep { at: 16 }),
            "an empty array is a level too"
        );
        assert!(
            scan(&nested(1_000_000)).is_err(),
            "a million levels should cost no stack"
        );
    }

    #[test]
    fn a_length_that_the_rest_cannot_hold_is_refused() {
        for head in [0xdd_u8, 0xdf, 0xdb, 0xc6, 0xc9] {
            let bytes = [head, 0xff, 0xff, 0xff, 0xff, 0, 0];
            assert!(
                matches!(scan(&bytes), Err(DecodeError::Truncated { .. })),
                "head {head:#x} should not be believed when it claims 2^32-1"
            );
        }
    }

    #[test]
    fn truncated_trailing_and_reserved_bytes_are_refused() {
        assert_eq!(
            scan(&[]),
            Err(DecodeError::Truncated { at: 0 }),
            "nothing is no value"
        );
        assert!(scan(&[0xcd, 1]).is_err(), "half a number should be refused");
        assert_eq!(
            scan(&[1, 2]),
            Err(DecodeError::Trailing { at: 1 }),
            "a second value should be refused"
        );
        assert_eq!(
            scan(&[0x91, 0xc1]),
            Err(DecodeError::Reserved { at: 1 }),
            "0xc1 means nothing in MessagePack"
        );
    }

    #[test]
    fn text_must_be_utf_8_and_bytes_need_not() {
        assert_eq!(
            scan(&[0xa1, 0xff]),
            Err(DecodeError::NotUtf8 { at: 1 }),
            "0xff is no text"
        );
        assert_eq!(scan(&[0xc4, 1, 0xff]), Ok(()), "binary may hold any byte");
    }

    #[test]
    fn a_key_named_twice_is_refused() {
        assert_eq!(
            scan(&[0x82, 1, 9, 2, 9]),
            Ok(()),
            "two keys with one value are fine"
        );
        assert_eq!(
            scan(&[0x82, 1, 9, 1, 8]),
            Err(DecodeError::DuplicateKey { at: 3 }),
            "the second of two equal keys should be refused"
        );
        assert_eq!(
            scan(&[0x82, 0x92, 1, 2, 9, 0x92, 1, 2, 9]),
            Err(DecodeError::DuplicateKey { at: 5 }),
            "keys that are arrays are compared too"
        );
        assert_eq!(
            scan(&[0x81, 1, 0x81, 1, 1]),
            Ok(()),
            "a map inside a map has keys of its own"
        );
    }

    #[test]
    fn a_plain_value_has_no_map_binary_or_extension() {
        assert_eq!(
            scan_plain(&[0x92, 0xa1, b'a', 0x91, 0xcd, 1, 2]),
            Ok(()),
            "arrays, text and numbers are plain"
        );
        let others: [&[u8]; 6] = [
            &[0x80],
            &[0xde, 0, 0],
            &[0xc4, 1, 9],
            &[0xc7, 1, 5, 9],
            &[0xd4, 5, 9],
            &[0xdf, 0, 0, 0, 0],
        ];
        for other in others {
            let inside = [&[0x92, 1], other].concat();
            assert_eq!(scan(&inside), Ok(()), "{other:?} is well-formed");
            assert_eq!(
                scan_plain(&inside),
                Err(DecodeError::NotPlain { at: 2 }),
                "{other:?} is not plain"
            );
        }
    }

    #[test]
    fn a_map_past_its_bound_is_refused() {
        let mut bytes = vec![0xde, 0x04, 0x01];
        bytes.resize(3 + 1025 * 2, 0);
        assert_eq!(
            scan(&bytes),
            Err(DecodeError::MapTooLong { at: 0 }),
            "1,025 entries are more than a map may have"
        );
    }

    proptest! {
        #[test]
        fn whatever_passes_is_exactly_one_value(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if scan(&bytes).is_ok() {
                let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
                prop_assert!(scan(&longer).is_err(), "one byte more should be trailing");
                prop_assert!(scan(&bytes[..bytes.len() - 1]).is_err(), "one byte less should be truncated");
            }
        }
    }
}
