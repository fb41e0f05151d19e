//! Names classes of messages by a number that every build computes alike. Refuses nothing: whoever keeps a table of
//! classes checks it for two names with one number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stable number of a class: FNV-1a (32 bits) of its name, never 0.
#[derive(Debug, Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClassId(pub u32);

impl ClassId {
    /// The number of the class with this name.
    pub const fn of(name: &str) -> ClassId {
        let bytes = name.as_bytes();
        let mut hash: u32 = 0x811c_9dc5;
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        // 0 is left free to mean "no class" in fixed layouts.
        ClassId(if hash == 0 { 1 } else { hash })
    }
}

impl fmt::Display for ClassId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// A type that crosses the wire under a name. The name is the contract: rename the type freely, the name never.
pub trait Class {
    /// The name in full, such as `mob.damage`.
    const NAME: &'static str;
    /// The number that goes before the body on the wire.
    const ID: ClassId = ClassId::of(Self::NAME);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Damage;

    impl Class for Damage {
        const NAME: &'static str = "mob.damage";
    }

    #[test]
    fn a_name_has_the_published_fnv_1a_number() {
        assert_eq!(
            ClassId::of(""),
            ClassId(0x811c_9dc5),
            "the empty name should give FNV's offset basis"
        );
        assert_eq!(
            ClassId::of("foobar"),
            ClassId(0xbf9c_f968),
            "\"foobar\" should give the number of FNV's own test vectors"
        );
    }

    #[test]
    fn no_name_has_the_number_zero() {
        // Found by trying: FNV-1a of this name is 0.
        assert_eq!(
            ClassId::of("abo5.v2"),
            ClassId(1),
            "0 should stay free to mean no class"
        );
        assert_eq!(
            Damage::ID,
            ClassId::of("mob.damage"),
            "a class should carry the number of its name"
        );
    }

    #[test]
    fn a_class_id_reads_as_eight_hex_digits() {
        assert_eq!(
            ClassId(0xab).to_string(),
            "000000ab",
            "short numbers should be padded"
        );
    }
}
