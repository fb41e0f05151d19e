//! The numbers of a client's commands: each is taken once, in rising order, and is open until it is answered or applied. A
//! connection that resumes another goes on with its numbers, and may send again what lies below.

use std::collections::BTreeSet;

/// How far a client's commands have come.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    /// The first number of the connection.
    first: u32,
    last: u32,
    open: BTreeSet<u32>,
    again: Again,
}

/// What the client sends again.
#[derive(Debug, Default)]
struct Again {
    /// Lower numbers are of an earlier connection; none are without one.
    below: u32,
    last: u32,
    open: BTreeSet<u32>,
    /// What is acknowledged as long as any of them is open.
    ack: u32,
}

impl Sequences {
    /// Takes a command in; false when its number is not higher than all before it. Numbers may be left out.
    pub(super) fn take(&mut self, sequence: u32) -> bool {
        if sequence < self.again.below {
            return self.take_again(sequence);
        }
        if sequence <= self.last {
            return false;
        }
        if self.last == 0 {
            self.first = sequence;
        }
        self.last = sequence;
        self.open.insert(sequence);
        true
    }

    fn take_again(&mut self, sequence: u32) -> bool {
        if sequence <= self.again.last {
            return false;
        }
        if self.again.open.is_empty() {
            self.again.ack = self.ack();
        }
        self.again.last = sequence;
        self.again.open.insert(sequence);
        true
    }

    /// True when the client counts from 1, and so goes on with no earlier connection.
    pub(super) fn begin_anew(&self) -> bool {
        self.first <= 1
    }

    /// The command with this number has resumed an earlier connection.
    pub(super) fn go_on_after(&mut self, resume: u32) {
        self.again.below = self.first.min(resume);
    }

    /// The number that a command has at least that is sent after all there are.
    pub(super) fn next(&self) -> u32 {
        self.last.saturating_add(1)
    }

    /// A command was answered, refused, or applied by the avatar.
    pub(super) fn done(&mut self, sequence: u32) {
        self.open.remove(&sequence);
        self.again.open.remove(&sequence);
    }

    /// The highest number up to which every command is done.
    pub(super) fn ack(&self) -> u32 {
        if !self.again.open.is_empty() {
            return self.again.ack;
        }
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

    #[test]
    fn what_is_sent_again_is_taken_once_and_holds_the_acknowledgement_up() {
        let mut sequences = Sequences::default();
        assert!(
            sequences.take(8) && !sequences.begin_anew(),
            "numbers may go on"
        );
        assert!(!sequences.take(5), "nothing lies below before a resume");
        sequences.done(8);
        sequences.go_on_after(8);
        assert_eq!(sequences.ack(), 8, "the resume is done");
        assert!(sequences.take(5), "it may be sent again");
        assert!(sequences.take(6), "and so may the next");
        assert!(
            !sequences.take(5) && !sequences.take(6),
            "but each only once"
        );
        assert!(sequences.take(9), "a new number should be taken");
        sequences.done(9);
        sequences.done(5);
        assert_eq!(
            sequences.ack(),
            8,
            "what is sent again and is open should hold up the acknowledgement of what came after it"
        );
        sequences.done(6);
        assert_eq!(sequences.ack(), 9, "all are done");
    }

    #[test]
    fn who_counts_from_1_goes_on_with_nothing() {
        let mut sequences = Sequences::default();
        sequences.take(1);
        assert!(sequences.begin_anew(), "1 is the first number of all");
    }

    proptest! {
        #[test]
        fn an_acknowledgement_never_falls(steps in proptest::collection::vec((1_u32..40, any::<bool>()), 0..60)) {
            let mut sequences = Sequences::default();
            sequences.take(20);
            sequences.go_on_after(20);
            let mut before = sequences.ack();
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
