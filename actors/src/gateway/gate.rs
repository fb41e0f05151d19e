//! How much one client may send. The pump asks here before anything becomes mail, so that a flood fills no mailbox and is
//! not answered message for message; a session whose socket is no WebSocket asks for itself. Reads nothing of what is sent.

use std::cell::Cell;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::rc::Rc;

use realm::Clock;

use super::config::GatewayConfig;
use crate::limit::{Limit, per_second, some};

/// Each command of a client that was slowed counts for so many.
pub(super) const SLOWED_BY: NonZeroU32 = some(4);

/// A client is told so often that it sends too much, and as often at once.
const TOLD_PER_S: NonZeroU32 = some(10);

/// It is also told when so many frames were dropped, so that a flood is over before a tenth of a second is.
const DROPPED_MAX: u32 = 100;

/// Who is at the other end of a socket.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    /// Where it comes from.
    pub(super) address: IpAddr,
    /// What it may send. Pump and session share it.
    pub(super) gate: Rc<Gate>,
}

/// What becomes of a command frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The session takes it.
    Pass,
    /// It is one too many, and the client is told. It stands for so many that were, itself and those that were dropped
    /// before it.
    Refuse(u32),
    /// It is one too many and goes no further.
    Drop,
}

/// One client's rates.
#[derive(Debug)]
pub(super) struct Gate {
    commands: Limit,
    told: Limit,
    controls: Limit,
    slowed: Cell<bool>,
    shut: Cell<bool>,
    dropped: Cell<u32>,
}

impl Gate {
    /// The gate of a client that has sent nothing yet.
    pub(super) fn new(config: &GatewayConfig, clock: &Clock) -> Self {
        Self {
            commands: Limit::new(
                per_second(config.commands_per_s, config.commands_burst),
                clock,
            ),
            told: Limit::new(per_second(TOLD_PER_S, TOLD_PER_S), clock),
            controls: Limit::new(
                per_second(config.controls_per_s, config.controls_per_s),
                clock,
            ),
            slowed: Cell::new(false),
            shut: Cell::new(false),
            dropped: Cell::new(0),
        }
    }

    /// Judges the next command frame.
    pub(super) fn command(&self) -> Verdict {
        if self.shut.get() {
            return Verdict::Drop;
        }
        let passes = match self.slowed.get() {
            true => self.commands.take_all(SLOWED_BY),
            false => self.commands.take(),
        };
        if passes {
            return Verdict::Pass;
        }
        let dropped = self.dropped.get().saturating_add(1);
        if dropped >= DROPPED_MAX || self.told.take() {
            self.dropped.set(0);
            return Verdict::Refuse(dropped);
        }
        self.dropped.set(dropped);
        Verdict::Drop
    }

    /// Judges the next ping or pong; false when there are too many.
    pub(super) fn control(&self) -> bool {
        self.controls.take()
    }

    /// Lets less through, or as much as before.
    pub(super) fn slow(&self, slowed: bool) {
        self.slowed.set(slowed);
    }

    /// Lets nothing through any more: the client was told goodbye.
    pub(super) fn shut(&self) {
        self.shut.set(true);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn gate(per_s: u32, burst: u32) -> (Gate, Clock) {
        let clock = Clock::manual();
        let config = GatewayConfig {
            commands_per_s: some(per_s),
            commands_burst: some(burst),
            ..GatewayConfig::default()
        };
        (Gate::new(&config, &clock), clock)
    }

    fn pass(clock: &Clock, time: Duration) {
        let _timer = clock.sleep(time);
        clock.advance().expect("a timer should be there");
    }

    fn passed(gate: &Gate, frames: u32) -> usize {
        let verdicts = (0..frames).map(|_| gate.command());
        verdicts.filter(|it| *it == Verdict::Pass).count()
    }

    /// What becomes of frames that come one after the other with this pause: passed, told, and those that the told stood for.
    fn judged(gate: &Gate, clock: &Clock, frames: u32, pause: Duration) -> (u32, u32, u32) {
        let (mut passed, mut told, mut over) = (0, 0, 0);
        for _ in 0..frames {
            match gate.command() {
                Verdict::Pass => passed += 1,
                Verdict::Refuse(frames) => {
                    told += 1;
                    over += frames;
                }
                Verdict::Drop => {}
            }
            pass(clock, pause);
        }
        (passed, told, over)
    }

    #[test]
    fn who_sends_a_little_too_much_is_told_of_all_and_not_each_time() {
        let (gate, clock) = gate(30, 120);
        let (passed, told, over) = judged(&gate, &clock, 600, Duration::from_millis(10));
        assert!(
            (295..=300).contains(&passed),
            "the burst and six seconds' worth should pass, not {passed}"
        );
        assert!(
            (40..=55).contains(&told),
            "ten at once and ten a second should be told, not {told}"
        );
        assert!(
            (0..10).contains(&(600 - passed - over)),
            "all but the last few should be counted: {over}"
        );
    }

    #[test]
    fn a_flood_is_told_once_for_a_hundred_frames() {
        let (gate, clock) = gate(30, 120);
        let (passed, told, over) = judged(&gate, &clock, 20_000, Duration::from_micros(10));
        assert!(
            (120..=126).contains(&passed),
            "the burst should pass, not {passed}"
        );
        assert!(
            (200..=212).contains(&told),
            "one in a hundred should be told, not {told}"
        );
        assert!(
            (0..100).contains(&(20_000 - passed - over)),
            "all but the last few should be counted: {over}"
        );
    }

    #[test]
    fn a_slowed_client_sends_a_quarter() {
        let (gate, clock) = gate(40, 40);
        gate.slow(true);
        assert_eq!(passed(&gate, 100), 10, "so should its burst be");
        pass(&clock, Duration::from_secs(1));
        assert_eq!(passed(&gate, 100), 10, "and what a second brings");
        gate.slow(false);
        pass(&clock, Duration::from_secs(1));
        assert_eq!(passed(&gate, 100), 40, "later all should be as before");
    }

    #[test]
    fn a_shut_gate_lets_nothing_through_and_tells_nobody() {
        let (gate, _) = gate(40, 40);
        gate.shut();
        assert_eq!(gate.command(), Verdict::Drop, "nothing should be read");
    }
}
