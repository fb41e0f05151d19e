//! The names of all messages and calls that a program knows, and a number for the lot: nodes tell each other by it whether
//! they were built from the same table.

use std::collections::BTreeSet;

use wire::{Class, ClassId};

use crate::locale::{Locale, Messages};

/// The classes that a program knows.
#[derive(Clone, Debug, Default)]
pub struct Classes(BTreeSet<&'static str>);

impl Classes {
    /// Adds what locales of type `L` take.
    pub fn locale<L: Locale>(&mut self) -> &mut Self {
        self.0
            .extend(Messages::<L>::of().classes().map(|(_, name)| name));
        self
    }

    /// Adds a message.
    pub fn message<M: Class>(&mut self) -> &mut Self {
        self.0.insert(M::NAME);
        self
    }

    /// Adds methods, as a proxy names them.
    pub fn calls(&mut self, methods: &[&'static str]) -> &mut Self {
        self.0.extend(methods);
        self
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }

    /// One number for all of them, the same in every build.
    pub fn hash(&self) -> u64 {
        // FNV-1a over the names' own ids, which are stable.
        self.0.iter().fold(0xcbf2_9ce4_8422_2325, |hash, name| {
            let id = ClassId::of(name).0.to_le_bytes();
            id.iter().fold(hash, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            })
        })
    }
}
