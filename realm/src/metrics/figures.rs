//! What a node has counted and measured, read back at one moment: plain values.

use super::{Metrics, SpreadFigures};
use crate::lock::lock;

/// The figures of one node, since it began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Its services, by name.
    pub services: Vec<ServiceFigures>,
    /// Locales that ended: type, reason, count.
    pub deaths: Vec<(&'static str, &'static str, u64)>,
    /// Messages that reached nobody: class, why, count.
    pub dead_letters: Vec<(&'static str, &'static str, u64)>,
    /// Calls that were made from here and ended: method, outcome, count.
    pub calls: Vec<(&'static str, &'static str, u64)>,
}

/// The figures of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceFigures {
    /// Its name in the role.
    pub name: String,
    /// From a frame's scheduled start until it was done.
    pub frame_ms: SpreadFigures,
    /// From a frame's scheduled start until it did start.
    pub frame_lateness_ms: SpreadFigures,
    /// Messages that were run.
    pub mail_run: u64,
    /// Messages that waited for the next frame.
    pub mail_waited: u64,
    /// CPU time of its thread.
    pub thread_cpu_seconds: f64,
    /// Calls that it waits for.
    pub calls_pending: i64,
    /// How often it was started again.
    pub restarts: u64,
    /// Its locale types.
    pub locales: Vec<LocaleFigures>,
}

/// The figures of one locale type on one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocaleFigures {
    /// The name of the type.
    pub locale: &'static str,
    /// How many live.
    pub living: i64,
    /// How often messages of each class ran on them.
    pub runs: Vec<(&'static str, u64)>,
}

impl Metrics {
    /// Everything the engine has counted on this node so far.
    pub fn figures(&self) -> Figures {
        let inner = &self.inner;
        let services = lock(&inner.services).clone();
        let deaths = inner.deaths.each().into_iter();
        let letters = inner.dead_letters.each().into_iter();
        let calls = inner.calls.each().into_iter();
        Figures {
            services: services.values().map(|service| service.read()).collect(),
            deaths: deaths
                .map(|(it, count)| (it.locale, it.reason, count))
                .collect(),
            dead_letters: letters
                .map(|(it, count)| (it.class, it.why, count))
                .collect(),
            calls: calls
                .map(|(it, count)| (it.call, it.outcome, count))
                .collect(),
        }
    }
}
