//! How often a player may ask: a token bucket for each character. It outlives the character's sessions, so that coming back
//! does not fill it. Time is handed in.

use std::collections::BTreeMap;
use std::time::Duration;

use realm::Moment;

/// The time in which an empty bucket fills.
const FILLS_IN: Duration = Duration::from_secs(10);

/// Every character's bucket, as the moment at which it will be full again; a full one needs no entry.
#[derive(Debug)]
pub(super) struct Pace {
    /// The time in which one token comes.
    token: Duration,
    len_max: usize,
    full_at: BTreeMap<i64, Moment>,
}

impl Pace {
    /// Buckets of so many tokens, and at most `len_max` of them.
    pub(super) fn new(per_10s: u32, len_max: usize) -> Self {
        Self {
            token: FILLS_IN / per_10s.max(1),
            len_max,
            full_at: BTreeMap::new(),
        }
    }

    /// Takes a token out of a character's bucket; false when there is none.
    pub(super) fn take(&mut self, character: i64, now: Moment) -> bool {
        let known = self.full_at.get(&character).copied();
        if known.is_none() && self.full_at.len() >= self.len_max {
            self.full_at.retain(|_, full_at| *full_at > now);
            if self.full_at.len() >= self.len_max {
                return false;
            }
        }
        let full_at = known.unwrap_or(now).max(now) + self.token;
        if full_at.since(now) > FILLS_IN {
            return false;
        }
        self.full_at.insert(character, full_at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pace: &mut Pace, character: i64, now: Moment, tries: u32) -> usize {
        (0..tries).filter(|_| pace.take(character, now)).count()
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let mut pace = Pace::new(10, 8);
        let start = Moment::default() + Duration::from_secs(100);
        assert_eq!(
            taken(&mut pace, 1, start, 30),
            10,
            "a full bucket should hold 10"
        );
        let later = start + Duration::from_millis(2_500);
        assert_eq!(
            taken(&mut pace, 1, later, 30),
            2,
            "two should have come in 2.5 s"
        );
        let long = start + Duration::from_secs(1000);
        assert_eq!(
            taken(&mut pace, 1, long, 30),
            10,
            "no more than 10 should ever gather"
        );
    }

    #[test]
    fn one_who_talks_too_fast_slows_nobody_else() {
        let mut pace = Pace::new(10, 8);
        let now = Moment::default();
        assert_eq!(
            taken(&mut pace, 1, now, 30),
            10,
            "the first should be slowed"
        );
        assert_eq!(
            taken(&mut pace, 2, now, 3),
            3,
            "the second should not notice"
        );
    }

    #[test]
    fn buckets_are_bounded_and_full_ones_forgotten() {
        let mut pace = Pace::new(10, 4);
        let now = Moment::default();
        for character in 0..4 {
            assert!(pace.take(character, now), "there should be room for four");
        }
        assert!(!pace.take(9, now), "there should be no room for a fifth");
        assert!(pace.take(3, now), "one of the four should go on");
        let later = now + Duration::from_secs(1);
        assert!(
            pace.take(9, later),
            "a fifth should find room once others are full again"
        );
        assert!(
            pace.full_at.len() <= 4,
            "{} buckets are too many",
            pace.full_at.len()
        );
    }
}
