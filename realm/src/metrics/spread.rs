//! A histogram of times that can be read back, so that a node can tell its own percentiles.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// A histogram of milliseconds. A clone is another handle to the same one.
#[derive(Clone, Debug)]
pub struct Spread(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Upper bounds of all buckets but the last, which has none.
    bounds_ms: &'static [f64],
    counts: Box<[AtomicU64]>,
    sum_us: AtomicU64,
}

impl Spread {
    /// An empty histogram with buckets up to each of `bounds_ms`, which rise, and one for all beyond.
    pub fn new(bounds_ms: &'static [f64]) -> Self {
        Self(Arc::new(Inner {
            bounds_ms,
            counts: (0..=bounds_ms.len()).map(|_| AtomicU64::new(0)).collect(),
            sum_us: AtomicU64::new(0),
        }))
    }

    /// Notes a time.
    pub fn observe(&self, ms: f64) {
        let bucket = self.0.bounds_ms.partition_point(|bound| *bound < ms);
        if let Some(count) = self.0.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // A cast of what is no time gives 0, or the greatest number there is.
        let us = (ms * 1000.0) as u64;
        self.0.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// What was noted so far.
    pub fn read(&self) -> SpreadFigures {
        let counts = self.0.counts.iter();
        SpreadFigures {
            bounds_ms: self.0.bounds_ms,
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
        }
    }
}

/// How many times lay in each bucket of a [`Spread`].
#[derive(Clone, Debug, PartialEq)]
pub struct SpreadFigures {
    bounds_ms: &'static [f64],
    counts: Vec<u64>,
}

impl SpreadFigures {
    /// How many times were noted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What was noted since `earlier` figures of the same histogram.
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().enumerate();
        let before = |bucket: usize| earlier.counts.get(bucket).copied().unwrap_or(0);
        Self {
            bounds_ms: self.bounds_ms,
            counts: counts
                .map(|(bucket, count)| count.saturating_sub(before(bucket)))
                .collect(),
        }
    }

    /// The time that `part` of all (0 to 1) do not exceed, as far as the buckets tell: within its bucket times are taken
    /// to lie evenly, beyond the last bound at that bound. `None` when nothing was noted.
    pub fn quantile_ms(&self, part: f64) -> Option<f64> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        let rank = part.clamp(0.0, 1.0) * total as f64;
        let (mut below, mut from_ms) = (0.0, 0.0);
        for (count, bound_ms) in self.counts.iter().zip(self.bounds_ms) {
            let count = *count as f64;
            if count > 0.0 && below + count >= rank {
                return Some(from_ms + (bound_ms - from_ms) * ((rank - below) / count).max(0.0));
            }
            below += count;
            from_ms = *bound_ms;
        }
        Some(from_ms)
    }
}

impl TypedMetric for Spread {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Spread {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let figures = self.read();
        let bounds = figures.bounds_ms.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(figures.counts.iter().copied()).collect();
        let sum_ms = self.0.sum_us.load(Ordering::Relaxed) as f64 / 1000.0;
        encoder.encode_histogram::<NoLabelSet>(sum_ms, figures.count(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS_MS: [f64; 3] = [1.0, 2.0, 4.0];

    #[test]
    fn percentiles_lie_in_the_bucket_of_their_rank() {
        let spread = Spread::new(&BOUNDS_MS);
        assert_eq!(
            spread.read().quantile_ms(0.5),
            None,
            "nothing has no middle"
        );
        for _ in 0..98 {
            spread.observe(0.5);
        }
        spread.observe(3.0);
        spread.observe(100.0);
        let figures = spread.read();
        assert_eq!(figures.count(), 100, "each time should count");
        let p50 = figures.quantile_ms(0.5).expect("times were noted");
        assert!(
            p50 > 0.4 && p50 < 0.6,
            "the middle should be near 0.5, not {p50}"
        );
        assert_eq!(
            figures.quantile_ms(0.99),
            Some(4.0),
            "the 99th of 100 should be at the end of its bucket"
        );
        assert_eq!(
            figures.quantile_ms(1.0),
            Some(4.0),
            "what lies beyond all bounds should be told as the last"
        );
    }

    #[test]
    fn what_is_told_since_earlier_forgets_what_was_before() {
        let spread = Spread::new(&BOUNDS_MS);
        spread.observe(3.0);
        let before = spread.read();
        spread.observe(0.5);
        let since = spread.read().since(&before);
        assert_eq!(since.count(), 1, "one time was noted since");
        assert!(
            since.quantile_ms(1.0) <= Some(1.0),
            "the slow one was before: {since:?}"
        );
    }

    #[test]
    fn what_is_no_time_breaks_nothing() {
        let spread = Spread::new(&BOUNDS_MS);
        for odd in [f64::NAN, f64::INFINITY, -1.0] {
            spread.observe(odd);
        }
        assert_eq!(spread.read().count(), 3, "each should lie in some bucket");
    }
}
