//! One direction of a tether: numbered, kept until heard, said again.

use std::collections::VecDeque;

/// The speaking end. Holds what the other side has not said it heard.
#[derive(Clone, Debug)]
pub struct Line<T> {
    /// Number of the next thing to be said.
    next: u32,
    unheard: VecDeque<T>,
    len_max: usize,
}

/// The line holds as much as it may; the thing comes back.
#[derive(Debug)]
pub struct LineFull<T>(pub T);

impl<T: Clone> Line<T> {
    /// A line that holds up to `len_max` unheard things.
    pub fn new(len_max: usize) -> Self {
        Self {
            next: 1,
            unheard: VecDeque::new(),
            len_max,
        }
    }

    /// Puts a thing on the line and returns its number.
    ///
    /// # Errors
    /// When the other side is too far behind.
    pub fn say(&mut self, thing: T) -> Result<u32, LineFull<T>> {
        if self.unheard.len() >= self.len_max {
            return Err(LineFull(thing));
        }
        self.unheard.push_back(thing);
        self.next += 1;
        Ok(self.next - 1)
    }

    /// The other side has heard everything up to `number`. Returns what it heard for the first time.
    pub fn heard(&mut self, number: u32) -> Vec<T> {
        let first = self.first();
        let count = number.saturating_add(1).saturating_sub(first) as usize;
        self.unheard
            .drain(..count.min(self.unheard.len()))
            .collect()
    }

    /// Number of the oldest unheard thing.
    pub fn first(&self) -> u32 {
        self.next - self.unheard.len() as u32
    }

    /// All that is unheard, oldest first.
    pub fn unheard(&self) -> Vec<T> {
        self.unheard.iter().cloned().collect()
    }

    /// What is unheard from number `from` on, and the number of the first of it.
    pub fn tail(&self, from: u32) -> (u32, Vec<T>) {
        let first = self.first();
        let from = from.clamp(first, self.next);
        (
            from,
            self.unheard
                .iter()
                .skip((from - first) as usize)
                .cloned()
                .collect(),
        )
    }

    /// Number of the next thing to be said.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// True when everything was heard.
    pub fn is_empty(&self) -> bool {
        self.unheard.is_empty()
    }
}

/// The hearing end: remembers how far it has heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard(u32);

impl Heard {
    /// The number of the last thing heard.
    pub fn number(self) -> u32 {
        self.0
    }

    /// Keeps of `things`, the first of which has the number `first`, what was not heard yet. After a gap nothing is kept:
    /// it will be said again.
    pub fn hear<T>(&mut self, first: u32, things: Vec<T>) -> Vec<T> {
        let next = self.0 + 1;
        if first > next {
            return Vec::new();
        }
        let known = (next - first) as usize;
        let fresh: Vec<T> = things.into_iter().skip(known).collect();
        self.0 += fresh.len() as u32;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_heard_once_and_in_order_over_a_link_that_loses() {
        let mut line = Line::new(1000);
        let mut heard = Heard::default();
        let mut got = Vec::new();
        for turn in 0..300_u32 {
            line.say(turn).expect("the line should have room");
            // Two of three parcels are lost, and every other answer.
            if turn % 3 == 0 {
                got.extend(heard.hear(line.first(), line.unheard()));
                if turn % 2 == 0 {
                    line.heard(heard.number());
                }
            }
        }
        got.extend(heard.hear(line.first(), line.unheard()));
        assert_eq!(
            got,
            (0..300).collect::<Vec<_>>(),
            "each thing should be heard once, in order"
        );
    }

    #[test]
    fn a_line_refuses_what_it_cannot_hold() {
        let mut line = Line::new(1);
        line.say('a').expect("the line should have room for one");
        assert!(line.say('b').is_err(), "a full line should refuse");
        assert_eq!(
            line.heard(1),
            vec!['a'],
            "what was heard should leave the line"
        );
        assert!(
            line.say('b').is_ok(),
            "a line that was heard should have room again"
        );
    }
}
