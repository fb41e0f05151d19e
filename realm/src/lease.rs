//! How long a node may act. The link says until when; whoever acts compares that with the clock on its own thread, so that a
//! node that was stopped and goes on, or whose link hangs, cannot act a moment longer than it was allowed to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};

use crate::clock::{Clock, Moment};
use crate::lock::lock;

/// No end is known: a node that nobody can take for lost while it lives.
const NO_END: u64 = u64::MAX;
/// The lease is over for good.
const OVER: u64 = 0;

/// A node's permission to act. Cheap to ask.
pub(crate) struct Lease {
    clock: Clock,
    until: AtomicU64,
    parked: Mutex<Vec<Waker>>,
}

impl Lease {
    /// A lease without an end.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            until: AtomicU64::new(NO_END),
            parked: Mutex::default(),
        }
    }

    /// True while the node may act.
    #[inline]
    pub(crate) fn holds(&self) -> bool {
        let until = self.until.load(Ordering::Acquire);
        until == NO_END || self.clock.now().micros() < until
    }

    /// True while the node may act; otherwise `task` is woken when it may again.
    #[inline]
    pub(crate) fn passes(&self, task: &mut Context<'_>) -> bool {
        if self.holds() {
            return true;
        }
        lock(&self.parked).push(task.waker().clone());
        // It may have been given between the look and the parking.
        self.holds()
    }

    /// Gives the lease until `until`, or without an end. One that is over for good stays over.
    pub(crate) fn give(&self, until: Option<Moment>) {
        let until = until.map_or(NO_END, |until| until.micros().max(OVER + 1));
        let given = |known| (known != OVER).then_some(until);
        let _ = self
            .until
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, given);
        self.wake();
    }

    /// Ends the lease for good.
    pub(crate) fn end(&self) {
        self.until.store(OVER, Ordering::Release);
    }

    /// True for a lease that has to be renewed.
    pub(crate) fn has_end(&self) -> bool {
        self.until.load(Ordering::Acquire) != NO_END
    }

    /// How long it holds yet; `None` when it has no end.
    pub(crate) fn left(&self) -> Option<std::time::Duration> {
        match self.until.load(Ordering::Acquire) {
            NO_END => None,
            until => Some(Moment::at(until).since(self.clock.now())),
        }
    }

    /// Has all who wait look again.
    pub(crate) fn wake(&self) {
        let parked = std::mem::take(&mut *lock(&self.parked));
        parked.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lease_holds_until_its_end_and_one_that_is_over_is_not_given_again() {
        let clock = Clock::manual();
        let lease = Lease::new(clock.clone());
        assert!(lease.holds(), "a lease without an end should hold");
        lease.give(Some(clock.now() + Duration::from_millis(10)));
        assert!(lease.holds(), "it should hold before its end");
        let _timer = clock.sleep(Duration::from_millis(10));
        let _ = clock.advance();
        assert!(!lease.holds(), "it should not hold at its end");
        lease.give(Some(clock.now() + Duration::from_millis(10)));
        assert!(lease.holds(), "it should hold once renewed");
        lease.end();
        lease.give(Some(clock.now() + Duration::from_millis(10)));
        assert!(!lease.holds(), "what is over should stay over");
    }
}
