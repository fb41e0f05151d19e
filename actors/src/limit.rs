//! How often something may happen: governor's arithmetic on the realm's clock, so that a realm stepped by hand counts the
//! same every time. Holds no rule of what is limited, and no more than a bound of whom.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::ops::Add;
use std::rc::Rc;
use std::time::Duration;

use governor::clock::Reference;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use realm::{Clock, Moment};

/// What a role may set as a burst. The arithmetic holds a burst as a time, which has to fit.
pub(crate) const BURST_MAX: u32 = 1_000_000;

/// Those who are full again are forgotten this often at most, and only when there are too many.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// A number that is above 0 as it stands in the code.
pub(crate) const fn some(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// A rate and the burst that it allows.
pub(crate) fn per_second(rate: NonZeroU32, burst: NonZeroU32) -> Quota {
    Quota::per_second(rate).allow_burst(burst)
}

/// A rate and the burst that it allows.
pub(crate) fn per_minute(rate: NonZeroU32, burst: NonZeroU32) -> Quota {
    Quota::per_minute(rate).allow_burst(burst)
}

/// The realm's clock as governor reads it.
#[derive(Clone, Debug)]
struct Time(Clock);

impl governor::clock::Clock for Time {
    type Instant = At;

    fn now(&self) -> At {
        At(self.0.now())
    }
}

/// A moment as governor counts from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct At(Moment);

impl Add<Nanos> for At {
    type Output = Self;

    fn add(self, time: Nanos) -> Self {
        Self(self.0 + Duration::from(time))
    }
}

impl Reference for At {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.since(earlier.0).into()
    }

    fn saturating_sub(&self, time: Nanos) -> Self {
        Self(self.0 - Duration::from(time))
    }
}

type Governor<K, S> = RateLimiter<K, S, Time, NoOpMiddleware<At>>;

/// A limit on one thing.
#[derive(Debug)]
pub(crate) struct Limit(Governor<NotKeyed, InMemoryState>);

impl Limit {
    /// A limit that nothing was taken from yet.
    pub(crate) fn new(quota: Quota, clock: &Clock) -> Self {
        Self(RateLimiter::direct_with_clock(quota, Time(clock.clone())))
    }

    /// Takes one; false when there is none.
    pub(crate) fn take(&self) -> bool {
        self.0.check().is_ok()
    }

    /// Takes so many or none; false when there are not so many, and always when the burst is less.
    pub(crate) fn take_all(&self, count: NonZeroU32) -> bool {
        matches!(self.0.check_n(count), Ok(Ok(())))
    }
}

/// A limit for each key, for a bounded number of keys at a time.
#[derive(Debug)]
pub(crate) struct Limits<K: Ord + Hash + Clone> {
    limits: Governor<K, Store<K>>,
    store: Store<K>,
    /// In this time one comes back.
    one_per: Duration,
    len_max: usize,
    forgot_at: Cell<Option<Moment>>,
}

impl<K: Ord + Hash + Clone> Limits<K> {
    /// The same limit for each of at most `len_max` keys.
    pub(crate) fn new(quota: Quota, len_max: usize, clock: &Clock) -> Self {
        let store = Store(Rc::default());
        Self {
            limits: RateLimiter::new(quota, store.clone(), Time(clock.clone())),
            store,
            one_per: quota.replenish_interval(),
            len_max,
            forgot_at: Cell::new(None),
        }
    }

    /// Takes one of this key's.
    ///
    /// # Errors
    /// How long to wait when there is none. A key that there is no room for is treated as one that has none left: whoever
    /// fills the room keeps newcomers out, and gains no more than its keys are worth.
    pub(crate) fn take(&self, key: &K) -> Result<(), Duration> {
        let now = self.limits.clock().0.now();
        if !self.store.knows(key) && !self.has_room(now) {
            return Err(self.one_per);
        }
        let taken = self.limits.check_key(key);
        taken.map_err(|until| until.wait_time_from(At(now)))
    }

    /// Puts back one that was taken.
    pub(crate) fn give_back(&self, key: &K) {
        self.store.lower(key, self.one_per.into());
    }

    fn has_room(&self, now: Moment) -> bool {
        if self.store.len() < self.len_max {
            return true;
        }
        let rested = |forgot: Moment| now.since(forgot) >= FORGET_EVERY;
        if self.forgot_at.get().is_none_or(rested) {
            self.forgot_at.set(Some(now));
            self.limits.retain_recent();
        }
        self.store.len() < self.len_max
    }
}

/// When each key will be full again, counted from the limit's first moment.
#[derive(Clone, Debug)]
struct Store<K>(Rc<RefCell<BTreeMap<K, Nanos>>>);

impl<K: Ord> Store<K> {
    fn knows(&self, key: &K) -> bool {
        self.0.borrow().contains_key(key)
    }

    fn lower(&self, key: &K, by: Nanos) {
        if let Some(full_at) = self.0.borrow_mut().get_mut(key) {
            *full_at = full_at.saturating_sub(by);
        }
    }
}

impl<K: Ord + Clone> StateStore for Store<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut keys = self.0.borrow_mut();
        let (measured, full_at) = measure(keys.get(key).copied())?;
        keys.insert(key.clone(), full_at);
        Ok(measured)
    }
}

impl<K: Ord + Hash + Clone> ShrinkableKeyedStateStore<K> for Store<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0
            .borrow_mut()
            .retain(|_, full_at| *full_at > drop_below);
    }

    fn len(&self) -> usize {
        self.0.borrow().len()
    }

    fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets time pass on a clock that is moved by hand.
    fn pass(clock: &Clock, time: Duration) {
        let _timer = clock.sleep(time);
        clock.advance().expect("a timer should be there");
    }

    #[test]
    fn a_burst_is_spent_and_comes_back_at_its_rate() {
        let clock = Clock::manual();
        let limit = Limit::new(per_second(some(10), some(3)), &clock);
        let taken = || (0..10).filter(|_| limit.take()).count();
        assert_eq!(taken(), 3, "a burst of three should be there at first");
        pass(&clock, Duration::from_millis(99));
        assert_eq!(taken(), 0, "nothing should come back before its time");
        pass(&clock, Duration::from_millis(1));
        assert_eq!(taken(), 1, "one should come back after a tenth of a second");
        pass(&clock, Duration::from_secs(60));
        assert_eq!(taken(), 3, "no more than the burst should be saved up");
        pass(&clock, Duration::from_secs(60));
        assert!(limit.take_all(some(2)), "two at once should be there");
        assert!(!limit.take_all(some(2)), "but not two more");
        assert!(limit.take(), "the third should still be there");
        assert!(!limit.take_all(some(4)), "four are never there");
    }

    #[test]
    fn each_key_has_its_own() {
        let clock = Clock::manual();
        let limits = Limits::new(per_minute(some(6), some(2)), 8, &clock);
        for key in ["ann", "bob"] {
            assert_eq!(limits.take(&key), Ok(()), "{key} should have two");
            assert_eq!(limits.take(&key), Ok(()), "{key} should have two");
        }
        assert_eq!(
            limits.take(&"ann"),
            Err(Duration::from_secs(10)),
            "the next should come after ten seconds"
        );
        limits.give_back(&"ann");
        assert_eq!(
            limits.take(&"ann"),
            Ok(()),
            "what was put back should be there"
        );
        assert!(limits.take(&"bob").is_err(), "for one key only");
        pass(&clock, Duration::from_secs(10));
        assert_eq!(limits.take(&"bob"), Ok(()), "time should bring one back");
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let clock = Clock::manual();
        let limits = Limits::new(per_second(some(1), some(2)), 100, &clock);
        let taken = (0..1_000).filter(|key| limits.take(key).is_ok()).count();
        assert_eq!(taken, 100, "there should be room for a hundred");
        assert_eq!(
            limits.take(&7),
            Ok(()),
            "who is known should not suffer from the crowd"
        );
        pass(&clock, Duration::from_secs(4));
        assert_eq!(
            limits.take(&1_000),
            Ok(()),
            "those who are full again should make room"
        );
        assert!(
            limits.store.len() < 100,
            "they should be forgotten, not {} be kept",
            limits.store.len()
        );
    }
}
