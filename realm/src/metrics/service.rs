//! What one service counts and measures. Its frames hold the handles, so they look nothing up.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::kinds::{Kind, Kinds};
use super::{LocaleFigures, ServiceFigures, Spread};

/// Upper bounds of the histograms' buckets, in milliseconds: close together where a frame should be, up to four periods
/// of 20 Hz.
static BUCKETS_MS: [f64; 16] = [
    0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 200.0,
];

/// A gauge of seconds, or of another real number.
pub type RealGauge = Gauge<f64, AtomicU64>;

/// The metrics of one service, resolved once so that its frames look nothing up. A restarted service goes on with the
/// same ones.
#[derive(Debug)]
pub struct ServiceMetrics {
    /// From a frame's scheduled start until its ticks, mail and flush were done.
    pub frame_ms: Spread,
    /// From a frame's scheduled start until it did start.
    pub frame_lateness_ms: Spread,
    /// Messages that waited for the next frame because the budget was spent.
    pub mail_waited: Counter,
    /// Messages that were run. A relaxed atomic behind one pointer: cheap enough to count each.
    pub mail_run: Counter,
    /// CPU time that the service's thread has used.
    pub thread_cpu_seconds: RealGauge,
    /// Calls that have no answer yet.
    pub calls_pending: Gauge,
    /// How often the service was started again after a panic in a module.
    pub restarts: Counter,
    service: String,
    locales: Family<LocalesLabels, Gauge>,
    kinds: Arc<Kinds>,
}

impl ServiceMetrics {
    /// The number of living locales of one type on this service.
    pub fn locales(&self, locale: &'static str) -> Gauge {
        let labels = LocalesLabels {
            service: self.service.clone(),
            locale,
        };
        self.locales.get_or_create_owned(&labels)
    }

    /// What is counted of one locale type on this service, and of the classes that it takes. Look it up once per type, not
    /// per locale.
    pub fn kind(&self, locale: &'static str, classes: &[&'static str]) -> Arc<Kind> {
        let living = self.locales(locale);
        self.kinds.get(&self.service, locale, classes, living)
    }

    /// The figures so far.
    pub fn read(&self) -> ServiceFigures {
        let kinds = self.kinds.of(&self.service).into_iter();
        ServiceFigures {
            name: self.service.clone(),
            frame_ms: self.frame_ms.read(),
            frame_lateness_ms: self.frame_lateness_ms.read(),
            mail_run: self.mail_run.get(),
            mail_waited: self.mail_waited.get(),
            thread_cpu_seconds: self.thread_cpu_seconds.get(),
            calls_pending: self.calls_pending.get(),
            restarts: self.restarts.get(),
            locales: kinds
                .map(|kind| LocaleFigures {
                    locale: kind.locale(),
                    living: kind.living.get(),
                    runs: kind.runs(),
                })
                .collect(),
        }
    }
}

/// The families that a service takes its handles from.
pub(super) struct ServiceFamilies {
    frame_ms: Family<ServiceLabels, Spread, fn() -> Spread>,
    frame_lateness_ms: Family<ServiceLabels, Spread, fn() -> Spread>,
    mail_waited: Family<ServiceLabels, Counter>,
    mail_run: Family<ServiceLabels, Counter>,
    thread_cpu_seconds: Family<ServiceLabels, RealGauge>,
    calls_pending: Family<ServiceLabels, Gauge>,
    restarts: Family<ServiceLabels, Counter>,
    locales: Family<LocalesLabels, Gauge>,
    kinds: Arc<Kinds>,
}

impl ServiceFamilies {
    pub(super) fn register(registry: &mut Registry) -> ServiceFamilies {
        let histogram: fn() -> Spread = || Spread::new(&BUCKETS_MS);
        let families = ServiceFamilies {
            frame_ms: Family::new_with_constructor(histogram),
            frame_lateness_ms: Family::new_with_constructor(histogram),
            mail_waited: Family::default(),
            mail_run: Family::default(),
            thread_cpu_seconds: Family::default(),
            calls_pending: Family::default(),
            restarts: Family::default(),
            locales: Family::default(),
            kinds: Arc::default(),
        };
        let f = &families;
        registry.register(
            "realm_frame_ms",
            "A frame, from its scheduled start",
            f.frame_ms.clone(),
        );
        registry.register(
            "realm_frame_lateness_ms",
            "How late frames start",
            f.frame_lateness_ms.clone(),
        );
        registry.register(
            "realm_mail_waited",
            "Mail past its frame's budget",
            f.mail_waited.clone(),
        );
        registry.register("realm_mail_run", "Mail that was run", f.mail_run.clone());
        registry.register(
            "realm_thread_cpu_seconds",
            "CPU time of the thread",
            f.thread_cpu_seconds.clone(),
        );
        registry.register(
            "realm_calls_pending",
            "Calls without an answer yet",
            f.calls_pending.clone(),
        );
        registry.register(
            "realm_service_restarts",
            "Restarts after a panic",
            f.restarts.clone(),
        );
        registry.register("realm_locales", "Living locales", f.locales.clone());
        registry.register_collector(Box::new(f.kinds.clone()));
        families
    }

    pub(super) fn resolve(&self, service: &str) -> ServiceMetrics {
        let labels = ServiceLabels {
            service: service.to_owned(),
        };
        ServiceMetrics {
            frame_ms: self.frame_ms.get_or_create_owned(&labels),
            frame_lateness_ms: self.frame_lateness_ms.get_or_create_owned(&labels),
            mail_waited: self.mail_waited.get_or_create_owned(&labels),
            mail_run: self.mail_run.get_or_create_owned(&labels),
            thread_cpu_seconds: self.thread_cpu_seconds.get_or_create_owned(&labels),
            calls_pending: self.calls_pending.get_or_create_owned(&labels),
            restarts: self.restarts.get_or_create_owned(&labels),
            service: labels.service,
            locales: self.locales.clone(),
            kinds: self.kinds.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    service: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LocalesLabels {
    service: String,
    locale: &'static str,
}
