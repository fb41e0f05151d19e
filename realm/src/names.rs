//! The names of the message classes that a node has met. A class travels as a number, which tells an operator nothing.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Mutex;

use wire::ClassId;

use crate::lock::lock;

/// The names that one node knows: of what is sent there, and of what its locales take.
#[derive(Default)]
pub(crate) struct Names(Mutex<BTreeMap<ClassId, &'static str>>);

impl Names {
    pub(crate) fn learn(&self, class: ClassId, name: &'static str) {
        lock(&self.0).insert(class, name);
    }

    /// The name of a class. A number that nobody here has a name for may come from anyone: it has no name of its own.
    pub(crate) fn of(&self, class: ClassId) -> &'static str {
        lock(&self.0).get(&class).copied().unwrap_or("unknown")
    }
}

/// The classes that a service sent last, so that it need not ask for each message whether its name is known.
pub(crate) struct Sent([Cell<u32>; Self::LEN]);

impl Sent {
    const LEN: usize = 256;

    pub(crate) fn new() -> Self {
        Self([const { Cell::new(0) }; Self::LEN])
    }

    /// True when `class` may be new. No class has the number 0.
    #[inline]
    pub(crate) fn is_new(&self, class: ClassId) -> bool {
        let place = class.0 as usize % Self::LEN;
        self.0[place].replace(class.0) != class.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_new_once_unless_another_took_its_place() {
        let sent = Sent::new();
        let (one, other) = (ClassId(7), ClassId(7 + 256));
        assert!(sent.is_new(one), "nothing was sent before");
        assert!(!sent.is_new(one), "the second is not new");
        assert!(sent.is_new(other), "another class of the same place is new");
        assert!(sent.is_new(one), "whoever lost its place is taken for new");
    }

    #[test]
    fn a_number_that_nobody_named_makes_no_name_of_its_own() {
        let names = Names::default();
        names.learn(ClassId(7), "mob.damage");
        assert_eq!(names.of(ClassId(7)), "mob.damage", "a name should be kept");
        assert_eq!(names.of(ClassId(8)), "unknown", "a stranger has none");
        assert_eq!(names.of(ClassId(9)), "unknown", "nor has the next");
    }
}
