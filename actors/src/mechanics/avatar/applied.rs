//! Which of its client's commands an avatar has applied. Connections of a player may be lost and gateways may die: what is
//! sent again has no second effect. Judges nothing but numbers.

use std::collections::VecDeque;

use client::event::{LootedBefore, Refused};
use client::{Command, Event};

use crate::tether::Play;

/// Answers that are kept for commands that are sent again: as many as a client keeps commands.
const ANSWERS_MAX: usize = 64;

/// How far the commands of one numbering have come.
pub(super) struct Applied {
    play: Play,
    /// The last number of what the avatar did.
    deeds: u32,
    /// The last number of what it said. The chat service is asked first, so that words may come after later deeds.
    words: u32,
    answers: VecDeque<(u32, Event)>,
}

/// What is to be done about a command.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    /// It is new.
    Now,
    /// It was applied; perhaps there is an answer to tell once more.
    Before(Option<Event>),
    /// It was sent before there was this avatar: nobody knows whether it was applied.
    Unknown,
}

impl Applied {
    /// Nothing yet.
    pub(super) fn new(play: Play) -> Self {
        Self {
            play,
            deeds: 0,
            words: 0,
            answers: VecDeque::new(),
        }
    }

    /// Another login wants to play; false when a later one does.
    pub(super) fn hand_over(&mut self, play: Play) -> bool {
        if play.login < self.play.login {
            return false;
        }
        if play.numbers == self.play.numbers {
            self.play.login = play.login;
        } else {
            *self = Self::new(play);
        }
        true
    }

    /// Takes a command in.
    pub(super) fn take(&mut self, sequence: u32, command: &Command) -> Told {
        let last = match command {
            // To leave twice is to leave once, and a session may say it without its client.
            Command::Leave(_) => return Told::Now,
            Command::Say(_) => &mut self.words,
            _ => &mut self.deeds,
        };
        if sequence < self.play.known_from {
            return Told::Unknown;
        }
        if sequence <= *last {
            let answer = self.answers.iter().find(|(of, _)| *of == sequence);
            return Told::Before(answer.map(|(_, event)| event.clone()));
        }
        *last = sequence;
        Told::Now
    }

    /// A command was refused: that can be told again as it is.
    pub(super) fn refused(&mut self, refused: &Refused) {
        self.keep(refused.sequence, refused.clone().into());
    }

    /// A command brought something.
    pub(super) fn looted(&mut self, looted: LootedBefore) {
        self.keep(looted.sequence, looted.into());
    }

    fn keep(&mut self, sequence: u32, answer: Event) {
        if self.answers.len() >= ANSWERS_MAX {
            self.answers.pop_front();
        }
        self.answers.push_back((sequence, answer));
    }
}

#[cfg(test)]
mod tests {
    use client::command::{Leave, Loot, Say};
    use client::{Code, Handle};

    use super::*;

    fn play(login: u64, numbers: u64, known_from: u32) -> Play {
        Play {
            login,
            numbers,
            known_from,
        }
    }

    fn loot() -> Command {
        Loot { target: Handle(9) }.into()
    }

    fn say() -> Command {
        let (room, text) = ("near".to_owned(), "hello".to_owned());
        Say { room, text }.into()
    }

    fn refused(sequence: u32) -> Refused {
        Refused {
            sequence,
            code: Code::OutOfRange,
            text: "far".to_owned(),
        }
    }

    #[test]
    fn a_number_is_applied_once_however_often_its_session_changes() {
        let mut applied = Applied::new(play(1, 1, 3));
        assert_eq!(applied.take(5, &loot()), Told::Now, "it is new");
        applied.refused(&refused(5));
        assert_eq!(applied.take(6, &loot()), Told::Now, "it is new");
        assert!(applied.hand_over(play(2, 1, 9)), "a resume should be heard");
        assert_eq!(
            applied.take(5, &loot()),
            Told::Before(Some(refused(5).into())),
            "it was refused, and should be told so again"
        );
        assert_eq!(
            applied.take(6, &loot()),
            Told::Before(None),
            "its answer is not there yet"
        );
        assert_eq!(
            applied.take(7, &loot()),
            Told::Now,
            "it was lost with the connection"
        );
        assert_eq!(
            applied.take(7, &loot()),
            Told::Before(None),
            "now it was applied"
        );
    }

    #[test]
    fn words_that_come_after_later_deeds_are_words_nevertheless() {
        let mut applied = Applied::new(play(1, 1, 0));
        assert_eq!(applied.take(6, &loot()), Told::Now, "it is new");
        assert_eq!(applied.take(5, &say()), Told::Now, "it is new");
        assert_eq!(
            applied.take(5, &say()),
            Told::Before(None),
            "once is enough"
        );
    }

    #[test]
    fn a_new_avatar_does_not_know_what_was_sent_before_it() {
        let mut applied = Applied::new(play(2, 1, 9));
        assert_eq!(applied.take(8, &loot()), Told::Unknown, "who knows");
        assert_eq!(applied.take(9, &loot()), Told::Now, "it is new");
        assert_eq!(
            applied.take(0, &Leave {}.into()),
            Told::Now,
            "to leave is always well"
        );
    }

    #[test]
    fn an_earlier_login_is_not_heard_and_another_numbering_begins_anew() {
        let mut applied = Applied::new(play(5, 1, 0));
        assert_eq!(applied.take(50, &loot()), Told::Now, "it is new");
        assert!(!applied.hand_over(play(4, 1, 60)), "a later login plays");
        assert!(applied.hand_over(play(6, 6, 2)), "a later login may play");
        assert_eq!(
            applied.take(3, &loot()),
            Told::Now,
            "its numbers are its own"
        );
    }

    #[test]
    fn as_many_answers_are_kept_as_may_be() {
        let mut applied = Applied::new(play(1, 1, 0));
        for sequence in 1..=2 * ANSWERS_MAX as u32 {
            applied.take(sequence, &loot());
            applied.refused(&refused(sequence));
        }
        assert_eq!(applied.answers.len(), ANSWERS_MAX, "no more should be kept");
        assert_eq!(
            applied.take(1, &loot()),
            Told::Before(None),
            "what is not kept was applied all the same"
        );
    }
}
