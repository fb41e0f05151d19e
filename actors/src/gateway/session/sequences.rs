//! The numbers of a client's commands: each is taken once, in rising order, and is open until it is answered or applied.

use std::collections::BTreeSet;

/// How far a client's commands have come.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    last: u32,
    open: BTreeSet<u32>,
}

impl Sequences {
    /// Takes a command in; false when its number is not higher than all before it. Numbers may be left out.
    pub(super) fn take(&mut self, sequence: u32) -> bool {
        if sequence <= self.last {
            return false;
        }
        self.last = sequence;
        self.open.insert(sequence);
        true
    }

    /// A command was answered, refused, or applied by the avatar.
    pub(super) fn done(&mut self, sequence: u32) {
        self.open.remove(&sequence);
    }

    /// The highest number up to which every command is done.
    pub(super) fn ack(&self) -> u32 {
        self.open.first().map_or(self.last, |first| first - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_command_is_acknowledged_when_all_before_it_are_done() {
        let mut sequences = Sequences::default();
        assert_eq!(
            sequences.ack(),
            0,
            "nothing is done before the first command"
        );
        assert!(sequences.take(1), "the first number should be taken");
        assert!(sequences.take(5), "numbers may be left out");
        assert_eq!(sequences.ack(), 0, "the first command is still open");
        sequences.done(5);
        assert_eq!(sequences.ack(), 0, "the second does not overtake the first");
        sequences.done(1);
        assert_eq!(sequences.ack(), 5, "both are done");
        assert!(sequences.take(9), "a higher number should be taken");
        assert_eq!(sequences.ack(), 8, "all below an open command is done");
    }

    #[test]
    fn a_number_is_taken_once() {
        let mut sequences = Sequences::default();
        assert!(!sequences.take(0), "numbers begin with 1");
        assert!(sequences.take(7), "the first number may be any");
        assert!(!sequences.take(7), "the same number should be refused");
        assert!(!sequences.take(6), "a lower number should be refused");
    }

    proptest! {
        #[test]
        fn an_acknowledgement_never_falls(steps in proptest::collection::vec((1_u32..40, any::<bool>()), 0..60)) {
            let mut sequences = Sequences::default();
            let mut before = 0;
            for (number, take) in steps {
                if take {
                    sequences.take(number);
                } else {
                    sequences.done(number);
                }
                prop_assert!(sequences.ack() >= before, "{} should not fall below {before}", sequences.ack());
                before = sequences.ack();
            }
        }
    }
}
