//! How far the talk of each player has come, so that what is sent again after a lost connection is not said twice.

use std::collections::BTreeMap;

use super::people::Talker;

/// The number of what each player said last, in its numbering. It is bounded; the least character number goes first, who
/// then could say one thing twice.
#[derive(Debug)]
pub(super) struct Said {
    len_max: usize,
    last: BTreeMap<i64, (u64, u32)>,
}

impl Said {
    /// Nothing yet.
    pub(super) fn new(len_max: usize) -> Self {
        Self {
            len_max,
            last: BTreeMap::new(),
        }
    }

    /// True when the player has said it, or something after it.
    pub(super) fn has(&self, talker: &Talker, number: u32) -> bool {
        self.last
            .get(&talker.character)
            .is_some_and(|(numbers, last)| *numbers == talker.numbers && number <= *last)
    }

    /// The player has said it.
    pub(super) fn note(&mut self, talker: &Talker, number: u32) {
        if self.last.len() >= self.len_max && !self.last.contains_key(&talker.character) {
            self.last.pop_first();
        }
        self.last.insert(talker.character, (talker.numbers, number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talker(character: i64, numbers: u64) -> Talker {
        Talker {
            character,
            name: "Ann".to_owned(),
            numbers,
        }
    }

    #[test]
    fn a_number_is_said_once_in_its_numbering() {
        let mut said = Said::new(2);
        assert!(!said.has(&talker(1, 1), 5), "nothing was said yet");
        said.note(&talker(1, 1), 5);
        assert!(said.has(&talker(1, 1), 5), "that was said");
        assert!(said.has(&talker(1, 1), 4), "and what came before it");
        assert!(!said.has(&talker(1, 1), 6), "but not what comes after it");
        assert!(!said.has(&talker(1, 2), 5), "nor what another login says");
        assert!(!said.has(&talker(2, 1), 5), "nor what another player says");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut said = Said::new(2);
        for character in 1..=3 {
            said.note(&talker(character, 1), 1);
        }
        assert_eq!(said.last.len(), 2, "no more should be remembered");
        assert!(said.has(&talker(3, 1), 1), "the newest should be");
    }
}
