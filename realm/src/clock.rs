//! The one place that reads time. Everybody else is handed a [`Clock`]: the machine's, or one that a test moves by hand.
#![expect(
    clippy::disallowed_methods,
    reason = "this file is where time comes from"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::future::Future;
use std::ops::{Add, Sub};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::lock::lock;

/// A point on a node's clock, in microseconds. It grows through suspend and never jumps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// Microseconds since the clock's zero.
    pub const fn micros(self) -> u64 {
        self.0
    }

    pub(crate) const fn at(micros: u64) -> Self {
        Self(micros)
    }

    /// Milliseconds since the clock's zero.
    pub const fn millis(self) -> u64 {
        self.0 / 1000
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A node's time and timers. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    /// How far the date was ahead of the boot-time clock when this clock was made.
    Machine {
        ahead: Duration,
    },
    Manual(Arc<Mutex<Manual>>),
}

/// The wall clock of a manual clock's zero: 2026-01-01.
const MANUAL_WALL_MS: u64 = 1_767_225_600_000;

#[derive(Default)]
struct Manual {
    now: Moment,
    asked: u64,
    timers: BinaryHeap<Reverse<(Moment, u64)>>,
    wakers: std::collections::HashMap<u64, Option<Waker>>,
}

impl Clock {
    /// The machine's boot-time clock, which goes on through suspend and ignores changes of the date.
    pub fn machine() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let since_boot = Duration::from_micros(boot_time().micros());
        let ahead = since_1970.unwrap_or_default().saturating_sub(since_boot);
        Self(Source::Machine { ahead })
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::default()))
    }

    /// Now.
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::Machine { .. } => boot_time(),
            Source::Manual(manual) => lock(manual).now,
        }
    }

    /// Milliseconds since 1970, for expiry dates and people.
    pub fn wall_ms(&self) -> u64 {
        match &self.0 {
            Source::Machine { .. } => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |time| {
                    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
                }),
            Source::Manual(manual) => MANUAL_WALL_MS + lock(manual).now.millis(),
        }
    }

    /// Milliseconds since 1970 as the date had it when this clock was made, and steady since: what clients are told. It
    /// never jumps, however the date is set.
    pub fn steady_ms(&self) -> u64 {
        match &self.0 {
            Source::Machine { ahead } => (boot_time() + *ahead).millis(),
            Source::Manual(_) => self.wall_ms(),
        }
    }

    /// Ends at `moment`. Dropping it forgets the timer.
    pub fn sleep_until(&self, moment: Moment) -> Sleep {
        Sleep(match &self.0 {
            Source::Machine { .. } => {
                Sleeping::Machine(Box::pin(tokio::time::sleep(moment.since(self.now()))))
            }
            Source::Manual(manual) => {
                let mut clock = lock(manual);
                clock.asked += 1;
                let id = clock.asked;
                clock.timers.push(Reverse((moment, id)));
                clock.wakers.insert(id, None);
                Sleeping::Manual {
                    clock: manual.clone(),
                    id,
                    until: moment,
                }
            }
        })
    }

    /// Ends after `time`.
    pub fn sleep(&self, time: Duration) -> Sleep {
        self.sleep_until(self.now() + time)
    }

    /// Moves a manual clock to its next timer and wakes those who wait for it. `None` when nobody waits, or on the
    /// machine's clock.
    pub fn advance(&self) -> Option<Moment> {
        let Source::Manual(manual) = &self.0 else {
            return None;
        };
        let mut woken = Vec::new();
        let now = {
            let mut clock = lock(manual);
            // Dropped timers leave their entry behind; it is passed over here.
            while let Some(Reverse((_, id))) = clock.timers.peek() {
                if clock.wakers.contains_key(id) {
                    break;
                }
                clock.timers.pop();
            }
            let due = clock.timers.peek()?.0.0;
            clock.now = clock.now.max(due);
            while let Some(Reverse((moment, id))) = clock.timers.peek().copied() {
                if moment > clock.now {
                    break;
                }
                clock.timers.pop();
                woken.extend(clock.wakers.remove(&id).flatten());
            }
            clock.now
        };
        woken.into_iter().for_each(Waker::wake);
        Some(now)
    }

    /// CPU time that the calling thread has used, in seconds.
    pub(crate) fn thread_cpu_seconds() -> f64 {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    }
}

fn boot_time() -> Moment {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Moment(time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_nsec.unsigned_abs() / 1000)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({:?})", self.now())
    }
}

/// A timer of a [`Clock`].
pub struct Sleep(Sleeping);

enum Sleeping {
    Machine(Pin<Box<tokio::time::Sleep>>),
    Manual {
        clock: Arc<Mutex<Manual>>,
        id: u64,
        until: Moment,
    },
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Sleeping::Machine(sleep) => sleep.as_mut().poll(cx),
            Sleeping::Manual { clock, id, until } => {
                let mut clock = lock(clock);
                if clock.now >= *until {
                    return Poll::Ready(());
                }
                clock.wakers.insert(*id, Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Sleeping::Manual { clock, id, .. } = &self.0 {
            lock(clock).wakers.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_goes_from_timer_to_timer() {
        let clock = Clock::manual();
        let late = clock.sleep(Duration::from_millis(20));
        let _soon = clock.sleep(Duration::from_millis(10));
        assert_eq!(
            clock.advance().map(Moment::millis),
            Some(10),
            "the first timer should come first"
        );
        drop(late);
        assert_eq!(
            clock.advance(),
            None,
            "a dropped timer should not move the clock"
        );
    }
}
