//! What leaves a process: class ids, MessagePack that is safe to read from a stranger, and the version of the format.
//!
//! Owns the bytes of a message, not its meaning: it knows no address, no link and no game.

mod class;
mod codec;
mod scan;

pub use class::{Class, ClassId};
pub use codec::{DecodeError, EncodeError, decode, decode_plain, encode};
pub use scan::{DEPTH_MAX, MAP_LEN_MAX, scan};

/// The version of everything this crate writes. A reader refuses a version that it does not know.
pub const FORMAT_VERSION: u8 = 1;
