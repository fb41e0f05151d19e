//! Names one incarnation of a locale or service. An address never moves and is never used twice.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bits of the counter part of an address.
const COUNTER_BITS: u32 = 33;
/// Bits of the birth number part: together 53, so that JavaScript holds an address without loss.
const BIRTH_BITS: u32 = 20;

/// Number of one node start, handed out by the store and never twice. 1 to 2^20 - 1; 0 is nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Birth(u32);

impl Birth {
    /// The largest birth number.
    pub const MAX: u32 = (1 << BIRTH_BITS) - 1;

    /// A birth number, or `None` outside 1 to [`Birth::MAX`].
    pub const fn new(number: u32) -> Option<Self> {
        if number == 0 || number > Self::MAX {
            None
        } else {
            Some(Self(number))
        }
    }

    /// The number itself.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Birth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Debug for Birth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One incarnation of a locale or service: the node's birth number and a counter, 53 bits in all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(u64);

impl Address {
    /// Nobody: mail from here cannot come back, mail to here is a dead letter.
    pub const NOBODY: Self = Self(0);
    /// The largest counter within one node's life.
    pub const COUNTER_MAX: u64 = (1 << COUNTER_BITS) - 1;

    /// The address with this counter on this node, or `None` when the counter is spent.
    pub const fn new(birth: Birth, counter: u64) -> Option<Self> {
        if counter > Self::COUNTER_MAX {
            None
        } else {
            Some(Self(((birth.0 as u64) << COUNTER_BITS) | counter))
        }
    }

    /// The node this address lives on; `None` for [`Address::NOBODY`].
    pub const fn birth(self) -> Option<Birth> {
        Birth::new((self.0 >> COUNTER_BITS) as u32)
    }

    /// The 53-bit number, for keys and logs.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The address with this number; `None` past 53 bits.
    pub const fn from_number(number: u64) -> Option<Self> {
        if number >> (COUNTER_BITS + BIRTH_BITS) == 0 {
            Some(Self(number))
        } else {
            None
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "n{}.{}",
            self.0 >> COUNTER_BITS,
            self.0 & Self::COUNTER_MAX
        )
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_node_and_fits_a_javascript_number() {
        let birth = Birth::new(Birth::MAX).unwrap();
        let address = Address::new(birth, Address::COUNTER_MAX).unwrap();
        assert_eq!(
            address.birth(),
            Some(birth),
            "an address should name its node"
        );
        assert!(address.get() < 1 << 53, "an address should fit 53 bits");
        assert_eq!(
            Address::new(birth, Address::COUNTER_MAX + 1),
            None,
            "a spent counter should be refused"
        );
        assert_eq!(Address::NOBODY.birth(), None, "nobody should live nowhere");
    }
}
