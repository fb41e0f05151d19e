//! Turns values into MessagePack and back: structs as arrays, one value per buffer, scanned before anything is decoded.
//! Refuses whatever `scan` refuses, and bytes of another shape than the type asked for.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::scan::{DEPTH_MAX, scan, scan_plain};

/// Writes `value` as MessagePack. A value that nests deeper than `DEPTH_MAX` is written, and refused by its reader.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    rmp_serde::to_vec(value).map_err(|error| EncodeError::Unsupported(error.to_string()))
}

/// Reads a value from exactly these bytes, which may come from anyone.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    scan(bytes)?;
    read(bytes)
}

/// The same, and takes each type in one way only: a struct that was written as a map, and text that was written as binary,
/// are refused. So `T` has neither.
pub fn decode_plain<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    scan_plain(bytes)?;
    read(bytes)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
    // The scan bounds containers; a decoder also counts the option or newtype around each.
    reader.set_max_depth(DEPTH_MAX * 4);
    T::deserialize(&mut reader).map_err(|error| DecodeError::Shape(error.to_string()))
}

/// Why a value could not be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The value has a part that MessagePack or serde cannot express, such as a sequence of unknown length.
    #[error("the value cannot be written: {0}")]
    Unsupported(String),
}

/// Why bytes were refused. `at` counts bytes from the start of the value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end inside a value, or a declared length exceeds what is left.
    #[error("the bytes end too early (at {at})")]
    Truncated {
        /// Where the missing part should begin.
        at: usize,
    },
    /// Bytes follow the value.
    #[error("more bytes follow the value (at {at})")]
    Trailing {
        /// The first byte too many.
        at: usize,
    },
    /// Arrays and maps nest deeper than `DEPTH_MAX`.
    #[error("the value nests too deep (at {at})")]
    TooDeep {
        /// The container that is one level too deep.
        at: usize,
    },
    /// The head byte 0xc1, which MessagePack leaves unused.
    #[error("a reserved byte (at {at})")]
    Reserved {
        /// Where it stands.
        at: usize,
    },
    /// A string is not UTF-8.
    #[error("a string is not UTF-8 (at {at})")]
    NotUtf8 {
        /// Where the string begins.
        at: usize,
    },
    /// A map has two equal keys, which readers would resolve differently.
    #[error("a map names a key twice (at {at})")]
    DuplicateKey {
        /// The second of the two.
        at: usize,
    },
    /// A map has more than `MAP_LEN_MAX` entries.
    #[error("a map has too many entries (at {at})")]
    MapTooLong {
        /// Where the map begins.
        at: usize,
    },
    /// A map, binary or extension in a value that has none.
    #[error("a map, binary or extension where none belongs (at {at})")]
    NotPlain {
        /// Where it begins.
        at: usize,
    },
    /// Well-formed, but not a value of the type asked for.
    #[error("not the expected value: {0}")]
    Shape(String),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Sample {
        count: u32,
        signed: i64,
        name: String,
        #[serde(with = "serde_bytes")]
        raw: Vec<u8>,
        maybe: Option<f64>,
        pairs: Vec<(u16, bool)>,
        table: BTreeMap<String, u8>,
        choice: Choice,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Choice {
        Nothing,
        Number(u64),
        Named { text: String },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Tree(Vec<Tree>);

    fn choice() -> impl Strategy<Value = Choice> {
        prop_oneof![
            Just(Choice::Nothing),
            any::<u64>().prop_map(Choice::Number),
            any::<String>().prop_map(|text| Choice::Named { text }),
        ]
    }

    fn sample() -> impl Strategy<Value = Sample> {
        (
            (
                any::<u32>(),
                any::<i64>(),
                any::<String>(),
                any::<Vec<u8>>(),
            ),
            proptest::option::of(-1e300_f64..1e300),
            any::<Vec<(u16, bool)>>(),
            proptest::collection::btree_map(any::<String>(), any::<u8>(), 0..8),
            choice(),
        )
            .prop_map(
                |((count, signed, name, raw), maybe, pairs, table, choice)| Sample {
                    count,
                    signed,
                    name,
                    raw,
                    maybe,
                    pairs,
                    table,
                    choice,
                },
            )
    }

    #[test]
    fn a_struct_goes_as_an_array() {
        #[derive(Serialize)]
        struct Pair {
            first: u8,
            second: u8,
        }
        let bytes = encode(&Pair {
            first: 1,
            second: 2,
        });
        assert_eq!(
            bytes,
            Ok(vec![0x92, 1, 2]),
            "field names should not go on the wire"
        );
    }

    #[test]
    fn trailing_bytes_and_longer_arrays_are_refused() {
        assert_eq!(
            decode::<u8>(&[1, 2]),
            Err(DecodeError::Trailing { at: 1 }),
            "a second value should be refused"
        );
        assert!(
            matches!(
                decode::<(u8, u8)>(&[0x93, 1, 2, 3]),
                Err(DecodeError::Shape(_))
            ),
            "a tuple with a field too many should be refused"
        );
    }

    #[test]
    fn a_recursive_type_cannot_exhaust_the_stack() {
        let bytes = vec![0x91; 100_000];
        assert!(
            matches!(decode::<Tree>(&bytes), Err(DecodeError::TooDeep { .. })),
            "depth should be refused before anything recurses"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_equal(value in sample()) {
            let bytes = encode(&value).expect("a sample should be writable");
            prop_assert_eq!(decode::<Sample>(&bytes), Ok(value), "a round trip should change nothing");
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = decode::<Sample>(&bytes);
            let _ = decode::<Choice>(&bytes);
            let _ = decode::<Tree>(&bytes);
            let _ = decode::<Vec<Option<String>>>(&bytes);
            let _ = decode::<BTreeMap<u8, Vec<u8>>>(&bytes);
            let _ = decode::<()>(&bytes);
        }

        #[test]
        fn a_damaged_message_never_panics(value in sample(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = encode(&value).expect("a sample should be writable");
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode::<Sample>(&bytes);
            let _ = decode::<Sample>(&bytes[..at]);
        }
    }
}
