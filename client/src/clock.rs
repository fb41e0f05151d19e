//! What the server's clock says, as far as a client can know it: from questions and answers, as NTP does. It reads no clock
//! itself: all times are handed in.
//!
//! An answer tells the server's time at some moment between question and arrival. Taken for the middle, it is wrong by half
//! of what the two ways differ, so by half of the delay at most; the answer with the least delay is believed.

use std::collections::VecDeque;

/// Answers that are kept.
const SAMPLES_MAX: usize = 8;

/// Answers that are wanted at once on a new connection.
const FIRST_ANSWERS: u32 = 5;

/// Afterwards there is a question so often.
const ASK_EVERY_US: u64 = 10_000_000;

/// An answer that takes longer is waited for no more.
const ANSWER_WITHIN_US: u64 = 2_000_000;

/// How fast two clocks may drift apart, in parts of a million: what an old answer loses in worth.
const DRIFT_PPM: u64 = 100;

/// The server tells whole milliseconds, so the middle of one is off by so much at most.
const ROUNDING_US: u64 = 500;

/// The server's clock as a client knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerClock {
    /// The oldest first.
    samples: VecDeque<Sample>,
    answers: u32,
    asked: Option<Asked>,
    asked_at_us: Option<u64>,
    /// What was told last, and when.
    told: Option<Told>,
}

#[derive(Debug, Copy, Clone, PartialEq, Eq)]
struct Sample {
    at_us: u64,
    offset_us: i64,
    delay_us: u64,
}

#[derive(Debug, Copy, Clone, PartialEq, Eq)]
struct Asked {
    number: u64,
    at_us: u64,
}

#[derive(Debug, Copy, Clone, PartialEq, Eq)]
struct Told {
    at_us: u64,
    server_us: u64,
}

/// How the server's clock stands to the client's own.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// What to add to the client's clock, in microseconds.
    pub offset_us: i64,
    /// From a question to its answer, at best, in microseconds.
    pub delay_us: u64,
    /// How much longer than that it takes on average, in microseconds.
    pub jitter_us: u64,
    /// The offset is wrong by so much at most, in microseconds.
    pub error_us_max: u64,
}

impl Sample {
    /// By how much the offset may be wrong, seen from `now_us`; the rounding left out.
    fn error_us(&self, now_us: u64) -> u64 {
        let age_us = now_us.saturating_sub(self.at_us);
        (self.delay_us / 2).saturating_add(age_us.saturating_mul(DRIFT_PPM) / 1_000_000)
    }

    /// False when one of the two clocks must have jumped between this sample and a later one.
    fn agrees_with(&self, later: &Sample) -> bool {
        let apart_us = self.offset_us.abs_diff(later.offset_us);
        let error_us = self.error_us(later.at_us) + later.error_us(later.at_us);
        apart_us <= error_us.saturating_add(2 * ROUNDING_US)
    }
}

impl ServerClock {
    /// The clock of a server that has not been asked yet.
    pub fn new() -> ServerClock {
        ServerClock::default()
    }

    /// The number to ask the server with now (`client.ping`), if it is time to. `now_us` is the client's own clock: steady, in
    /// microseconds from any zero.
    pub fn ask(&mut self, now_us: u64) -> Option<u64> {
        let waited_us = self
            .asked_at_us
            .map_or(u64::MAX, |then_us| now_us.saturating_sub(then_us));
        let wait_us = match (self.asked, self.answers) {
            (Some(_), ..FIRST_ANSWERS) => ANSWER_WITHIN_US,
            (None, ..FIRST_ANSWERS) => 0,
            _ => ASK_EVERY_US,
        };
        if waited_us < wait_us {
            return None;
        }
        let asked = Asked {
            number: now_us / 1000,
            at_us: now_us,
        };
        self.asked = Some(asked);
        self.asked_at_us = Some(now_us);
        Some(asked.number)
    }

    /// Takes the answer (`client.event.pong`) to the question with this number; false when it is not the one that is open.
    pub fn answered(&mut self, number: u64, server_time_ms: u64, now_us: u64) -> bool {
        let Some(asked) = self.asked.take_if(|asked| asked.number == number) else {
            return false;
        };
        self.answers = self.answers.saturating_add(1);
        let delay_us = now_us.saturating_sub(asked.at_us);
        let server_us = server_time_ms
            .checked_mul(1000)
            .and_then(|server_us| server_us.checked_add(ROUNDING_US));
        let middle_us = asked.at_us.saturating_add(delay_us / 2);
        let offset_us = server_us.and_then(|server_us| {
            i64::try_from(i128::from(server_us) - i128::from(middle_us)).ok()
        });
        // A server in a time that no number holds is as good as one without a clock.
        if let Some(offset_us) = offset_us {
            let sample = Sample {
                at_us: now_us,
                offset_us,
                delay_us,
            };
            self.samples.retain(|earlier| earlier.agrees_with(&sample));
            if self.samples.len() >= SAMPLES_MAX {
                self.samples.pop_front();
            }
            self.samples.push_back(sample);
        }
        true
    }

    /// How the two clocks stand to each other; `None` before the first answer.
    pub fn estimate(&self, now_us: u64) -> Option<Estimate> {
        let best = self
            .samples
            .iter()
            .min_by_key(|sample| sample.error_us(now_us))?;
        let delays = self.samples.iter().map(|sample| sample.delay_us);
        let least_us = delays.clone().min().unwrap_or(best.delay_us);
        let longer_us: u64 = delays
            .map(|delay_us| delay_us - least_us)
            .fold(0, u64::saturating_add);
        Some(Estimate {
            offset_us: best.offset_us,
            delay_us: best.delay_us,
            jitter_us: longer_us / self.samples.len().max(1) as u64,
            error_us_max: best.error_us(now_us).saturating_add(ROUNDING_US),
        })
    }

    /// The server's time now, in the milliseconds of its frames' headers; `None` before the first answer. It never runs
    /// backwards: when it turns out to be ahead, it goes at half speed until it is right again.
    pub fn server_now_ms(&mut self, now_us: u64) -> Option<u64> {
        let offset_us = self.estimate(now_us)?.offset_us;
        let right_us = now_us.saturating_add_signed(offset_us);
        let server_us = match self.told {
            None => right_us,
            Some(told) => {
                let passed_us = now_us.saturating_sub(told.at_us);
                right_us.max(told.server_us.saturating_add(passed_us / 2))
            }
        };
        self.told = Some(Told {
            at_us: now_us,
            server_us,
        });
        Some(server_us / 1000)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AHEAD_US: u64 = 1_760_000_000_000_000;

    /// A server that is ahead and drifts, at the end of two ways that take their time.
    struct Server {
        drift_ppm: i64,
    }

    impl Server {
        fn time_us(&self, now_us: u64) -> u64 {
            let drift_us =
                i64::try_from(now_us).expect("a short test") * self.drift_ppm / 1_000_000;
            (AHEAD_US + now_us).saturating_add_signed(drift_us)
        }

        /// Asks once; the clock after it, and how far the two ways were apart.
        fn ask(&self, clock: &mut ServerClock, now_us: &mut u64, up_us: u64, down_us: u64) {
            let number = clock.ask(*now_us).expect("it should be time to ask");
            let server_time_ms = self.time_us(*now_us + up_us) / 1000;
            *now_us += up_us + down_us;
            assert!(
                clock.answered(number, server_time_ms, *now_us),
                "the answer to the open question should be taken"
            );
        }
    }

    fn error_us(clock: &ServerClock, server: &Server, now_us: u64) -> u64 {
        let estimate = clock.estimate(now_us).expect("there was an answer");
        now_us
            .saturating_add_signed(estimate.offset_us)
            .abs_diff(server.time_us(now_us))
    }

    #[test]
    fn a_few_questions_come_at_once_and_then_one_every_ten_seconds() {
        let server = Server { drift_ppm: 0 };
        let (mut clock, mut now_us) = (ServerClock::new(), 1_000_000);
        for _ in 0..FIRST_ANSWERS {
            server.ask(&mut clock, &mut now_us, 1_000, 1_000);
        }
        assert_eq!(clock.ask(now_us), None, "enough is known for now");
        assert_eq!(
            clock.ask(now_us + ASK_EVERY_US - 2_001),
            None,
            "ten seconds should pass from question to question"
        );
        now_us += ASK_EVERY_US - 2_000;
        server.ask(&mut clock, &mut now_us, 1_000, 1_000);
    }

    #[test]
    fn an_answer_that_never_comes_does_not_end_the_asking() {
        let mut clock = ServerClock::new();
        let lost = clock.ask(0).expect("the first question comes at once");
        assert_eq!(clock.ask(ANSWER_WITHIN_US - 1), None, "it is waited for");
        let again = clock.ask(ANSWER_WITHIN_US);
        assert!(again.is_some(), "then it is asked again");
        assert!(
            !clock.answered(lost, 5, ANSWER_WITHIN_US + 1),
            "what comes after all is of no use"
        );
        assert_eq!(clock.estimate(0), None, "nothing is known yet");
        assert_eq!(clock.server_now_ms(0), None, "nor is the time");
    }

    #[test]
    fn the_least_delayed_answer_is_believed_and_the_others_tell_the_jitter() {
        let server = Server { drift_ppm: 0 };
        let (mut clock, mut now_us) = (ServerClock::new(), 0);
        for (up_us, down_us) in [(9_000, 1_000), (2_000, 2_000), (1_000, 13_000)] {
            server.ask(&mut clock, &mut now_us, up_us, down_us);
        }
        let estimate = clock.estimate(now_us).expect("there were answers");
        assert_eq!(estimate.delay_us, 4_000, "the shortest way there and back");
        assert_eq!(
            estimate.jitter_us,
            (6_000 + 10_000) / 3,
            "the mean of what is above it"
        );
        assert!(
            error_us(&clock, &server, now_us) <= ROUNDING_US,
            "two equal ways should leave the rounding only"
        );
    }

    #[test]
    fn a_clock_that_jumped_is_learnt_anew_from_the_next_answer() {
        let server = Server { drift_ppm: 0 };
        let (mut clock, mut now_us) = (ServerClock::new(), 0);
        for _ in 0..FIRST_ANSWERS {
            server.ask(&mut clock, &mut now_us, 100, 100);
        }
        // The client's machine slept for a minute, in which its own clock stood still.
        let slept = Server { drift_ppm: 0 };
        let number = clock.ask(now_us + ASK_EVERY_US).expect("it is time to ask");
        now_us += ASK_EVERY_US;
        let server_time_ms = (slept.time_us(now_us + 20_000) + 60_000_000) / 1000;
        now_us += 40_000;
        assert!(
            clock.answered(number, server_time_ms, now_us),
            "it is the answer"
        );
        let told_ms = clock.server_now_ms(now_us).expect("the time is known");
        let right_ms = (slept.time_us(now_us) + 60_000_000) / 1000;
        assert!(
            told_ms.abs_diff(right_ms) <= 1,
            "one slow answer should outweigh what it contradicts: {told_ms} for {right_ms}"
        );
    }

    #[test]
    fn a_time_that_no_number_holds_is_passed_over() {
        for server_time_ms in [u64::MAX, u64::MAX / 1000] {
            let mut clock = ServerClock::new();
            let number = clock.ask(7).expect("the first question comes at once");
            assert!(
                clock.answered(number, server_time_ms, 9),
                "it is the answer"
            );
            assert_eq!(
                clock.server_now_ms(9),
                None,
                "{server_time_ms} ms is no time"
            );
        }
    }

    proptest! {
        /// The claim of this file: the error is half of what the two ways differ, the rounding, and the drift since.
        #[test]
        fn the_error_is_half_of_the_asymmetry_at_most(
            drift_ppm in -100_i64..=100,
            base in (0_u64..80_000, 0_u64..80_000),
            ways in proptest::collection::vec((0_u64..60_000, 0_u64..60_000, 0_u64..20_000_000), 1..40),
        ) {
            let server = Server { drift_ppm };
            let (mut clock, mut now_us) = (ServerClock::new(), 0);
            let mut asked: Vec<(u64, u64)> = Vec::new();
            for (more_up_us, more_down_us, rest_us) in ways {
                if asked.len() >= FIRST_ANSWERS as usize {
                    now_us += ASK_EVERY_US;
                }
                let (up_us, down_us) = (base.0 + more_up_us, base.1 + more_down_us);
                server.ask(&mut clock, &mut now_us, up_us, down_us);
                asked.push((now_us, up_us.abs_diff(down_us)));
                now_us += rest_us;
                let recent = &asked[asked.len().saturating_sub(SAMPLES_MAX)..];
                let oldest_us = recent.iter().map(|(at_us, _)| now_us - at_us).max().unwrap_or(0);
                let asymmetry_us = recent.iter().map(|(_, apart_us)| *apart_us).max().unwrap_or(0);
                let error_us = error_us(&clock, &server, now_us);
                let drift_us = (oldest_us + 200_000) * DRIFT_PPM / 1_000_000;
                prop_assert!(
                    error_us <= asymmetry_us / 2 + drift_us + ROUNDING_US + 2,
                    "off by {error_us} us, with ways that differ by {asymmetry_us} us"
                );
                let estimate = clock.estimate(now_us).expect("there was an answer");
                // The drift while the answer was under way is not in the bound.
                prop_assert!(
                    error_us <= estimate.error_us_max + 30,
                    "off by {error_us} us, which {estimate:?} should bound"
                );
            }
        }

        #[test]
        fn the_time_told_never_runs_backwards_and_gets_right(
            ways in proptest::collection::vec((0_u64..400_000, 0_u64..400_000, 0_u64..300_000), 1..60),
        ) {
            let server = Server { drift_ppm: 0 };
            let (mut clock, mut now_us, mut before_ms) = (ServerClock::new(), 0, 0);
            for (up_us, down_us, rest_us) in ways {
                if clock.answers >= FIRST_ANSWERS {
                    now_us += ASK_EVERY_US;
                }
                server.ask(&mut clock, &mut now_us, up_us, down_us);
                for _ in 0..3 {
                    now_us += rest_us / 3;
                    let told_ms = clock.server_now_ms(now_us).expect("there was an answer");
                    prop_assert!(told_ms >= before_ms, "{told_ms} should not come after {before_ms}");
                    before_ms = told_ms;
                }
            }
            // Nobody can have been off by more than the longest delay, and half of any time catches up.
            now_us += 2 * 800_000;
            let told_ms = clock.server_now_ms(now_us).expect("there was an answer");
            let right_ms = now_us.saturating_add_signed(clock.estimate(now_us).expect("as before").offset_us) / 1000;
            prop_assert_eq!(told_ms, right_ms, "what was ahead should have been waited for");
        }
    }
}
