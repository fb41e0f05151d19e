//! Rounds of two sides in turn, so that what else the machine does meets both alike.
#![expect(
    clippy::disallowed_methods,
    reason = "a bench measures the machine's time, not a node's"
)]

use std::time::Instant;

/// Rounds that are measured, and those before them that are not. Many short ones: what else the machine does then spoils
/// some, and the median stays.
const ROUNDS: usize = 41;
const WARM_UP: usize = 4;

/// Runs from its making.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn nanos(&self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1e9
    }
}

/// Medians over the rounds.
pub(crate) struct Sides {
    pub(crate) ours: f64,
    pub(crate) bare: f64,
    /// Of ours to bare, taken round by round.
    pub(crate) ours_to_bare: f64,
}

/// Measures both sides in each round; who comes first changes from round to round.
pub(crate) async fn alternate(
    mut ours: impl AsyncFnMut() -> f64,
    mut bare: impl AsyncFnMut() -> f64,
) -> Sides {
    let mut rounds = Vec::new();
    for round in 0..WARM_UP + ROUNDS {
        let measured = if round % 2 == 0 {
            let ours = ours().await;
            (ours, bare().await)
        } else {
            let bare = bare().await;
            (ours().await, bare)
        };
        if round >= WARM_UP {
            rounds.push(measured);
        }
    }
    Sides {
        ours: median(rounds.iter().map(|(ours, _)| *ours)),
        bare: median(rounds.iter().map(|(_, bare)| *bare)),
        ours_to_bare: median(rounds.iter().map(|(ours, bare)| ours / bare)),
    }
}

/// The middle of the values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    part(&mut values.into_iter().collect::<Vec<_>>(), 0.5)
}

/// The value below which `part` of the values lie; sorts them.
pub(crate) fn part(values: &mut [f64], part: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values
        .get((last as f64 * part).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}
