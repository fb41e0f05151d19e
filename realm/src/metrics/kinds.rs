//! What is counted of each locale type: how many live, and how often messages of each class ran on them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::Gauge;

use crate::lock::lock;

/// The locales of one type on one service.
#[derive(Debug)]
pub struct Kind {
    /// How many of them live.
    pub living: Gauge,
    service: String,
    locale: &'static str,
    ran: Box<[(&'static str, AtomicU64)]>,
}

impl Kind {
    pub(super) fn new(
        service: &str,
        locale: &'static str,
        classes: &[&'static str],
        living: Gauge,
    ) -> Self {
        let ran = classes.iter().map(|class| (*class, AtomicU64::new(0)));
        Self {
            living,
            service: service.to_owned(),
            locale,
            ran: ran.collect(),
        }
    }

    /// A message of the class at this place in the type's list has run. Only the service's thread may call it: a load and
    /// a store cost what plain memory costs, an atomic addition several times as much.
    #[inline]
    pub(crate) fn ran(&self, place: usize) {
        if let Some((_, ran)) = self.ran.get(place) {
            ran.store(ran.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// How often messages of each class have run.
    pub fn runs(&self) -> Vec<(&'static str, u64)> {
        let ran = self.ran.iter();
        ran.map(|(class, ran)| (*class, ran.load(Ordering::Relaxed)))
            .collect()
    }

    /// The name of the type.
    pub fn locale(&self) -> &'static str {
        self.locale
    }

    fn is(&self, service: &str, locale: &str, classes: &[&'static str]) -> bool {
        let own = self.ran.iter().map(|(class, _)| *class);
        self.service == service && self.locale == locale && own.eq(classes.iter().copied())
    }
}

/// All kinds of a node.
#[derive(Debug, Default)]
pub(super) struct Kinds(Mutex<Vec<Arc<Kind>>>);

impl Kinds {
    /// The kind of that name with those classes, made at the first asking.
    pub(super) fn get(
        &self,
        service: &str,
        locale: &'static str,
        classes: &[&'static str],
        living: Gauge,
    ) -> Arc<Kind> {
        let mut kinds = lock(&self.0);
        let known = kinds.iter().find(|kind| kind.is(service, locale, classes));
        if let Some(known) = known {
            return known.clone();
        }
        let kind = Arc::new(Kind::new(service, locale, classes, living));
        kinds.push(kind.clone());
        kind
    }

    pub(super) fn of(&self, service: &str) -> Vec<Arc<Kind>> {
        let kinds = lock(&self.0);
        let of = kinds.iter().filter(|kind| kind.service == service);
        of.cloned().collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    service: String,
    locale: &'static str,
    class: &'static str,
}

impl Collector for Kinds {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut runs = encoder.encode_descriptor(
            "realm_messages_run",
            "Messages that were run, by class",
            None,
            MetricType::Counter,
        )?;
        for kind in lock(&self.0).iter() {
            for (class, ran) in kind.runs() {
                let labels = RunLabels {
                    service: kind.service.clone(),
                    locale: kind.locale,
                    class,
                };
                ConstCounter::new(ran).encode(runs.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
