//! What a node counts and measures: one registry per node, nothing global. It serves nothing itself; the admin listener
//! hands out what `encode` writes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::lock::lock;

mod service;
#[cfg(test)]
mod tests;

use service::ServiceFamilies;
pub use service::{RealGauge, ServiceMetrics};

/// The metrics of one node; a clone is another handle to the same ones.
///
/// A text that becomes a label comes from the code or from the role, never from the wire: each value is kept until the
/// node ends.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

impl Metrics {
    /// An empty registry whose every line carries the node's name.
    pub fn new(node: impl Into<String>) -> Metrics {
        let labels = [(Cow::Borrowed("node"), Cow::Owned(node.into()))];
        let mut registry = Registry::with_labels(labels.into_iter());
        let inner = Inner {
            services: Mutex::default(),
            by_service: ServiceFamilies::register(&mut registry),
            deaths: Counted::register(
                &mut registry,
                "realm_deaths",
                "Locales that ended, by reason",
            ),
            dead_letters: Counted::register(
                &mut registry,
                "realm_dead_letters",
                "Messages that reached nobody and had no sender to go back to",
            ),
            refused_mail: Counted::register(
                &mut registry,
                "realm_refused_mail",
                "Messages that a mailbox gave back",
            ),
            undecodable: Counted::register(
                &mut registry,
                "realm_undecodable",
                "Messages whose bytes were not of their class",
            ),
            calls: Family::default(),
            connections_refused: Family::default(),
            link_lost: Counter::default(),
            registry: Mutex::default(),
        };
        registry.register(
            "realm_calls",
            "Calls that ended, by outcome",
            inner.calls.clone(),
        );
        registry.register(
            "realm_connections_refused",
            "Connections closed at once because the listener had its fill",
            inner.connections_refused.clone(),
        );
        registry.register(
            "realm_link_lost",
            "Times that a link was lost",
            inner.link_lost.clone(),
        );
        *lock(&inner.registry) = registry;
        Metrics {
            inner: Arc::new(inner),
        }
    }

    /// The metrics of a service, made at the first asking.
    pub fn service(&self, name: &str) -> Arc<ServiceMetrics> {
        let mut services = lock(&self.inner.services);
        if let Some(service) = services.get(name) {
            return Arc::clone(service);
        }
        let service = Arc::new(self.inner.by_service.resolve(name));
        services.insert(name.to_owned(), Arc::clone(&service));
        service
    }

    /// Counts a locale's end.
    pub fn death(&self, locale: &'static str, reason: &'static str) {
        self.inner.deaths.count(&DeathLabels { locale, reason });
    }

    /// Counts a message that reached nobody.
    pub fn dead_letter(&self, class: &str, why: &'static str) {
        self.inner.dead_letters.count(&DeadLetterLabels {
            class: class.to_owned(),
            why,
        });
    }

    /// Counts a message that a mailbox gave back.
    pub fn refused_mail(&self, locale: &'static str, why: &'static str) {
        self.inner
            .refused_mail
            .count(&RefusedLabels { locale, why });
    }

    /// Counts a message that could not be decoded.
    pub fn undecodable(&self, class: &str) {
        self.inner.undecodable.count(&ClassLabels {
            class: class.to_owned(),
        });
    }

    /// Counts a lost link.
    pub fn link_lost(&self) {
        self.inner.link_lost.inc();
    }

    /// Counts the end of a call.
    pub fn call(&self, call: &'static str, outcome: &'static str) {
        self.inner
            .calls
            .get_or_create(&CallLabels { call, outcome })
            .inc();
    }

    /// The counter of connections that a listener closed because it had its fill.
    pub fn connections_refused(&self, listener: &'static str) -> Counter {
        self.inner
            .connections_refused
            .get_or_create_owned(&ListenerLabels { listener })
    }

    /// Deaths so far, of every locale type and reason.
    pub fn deaths(&self) -> u64 {
        self.inner.deaths.total.get()
    }

    /// Deaths so far of one locale type for one reason.
    pub fn deaths_of(&self, locale: &'static str, reason: &'static str) -> u64 {
        let labels = DeathLabels { locale, reason };
        self.inner
            .deaths
            .by
            .get(&labels)
            .map_or(0, |count| count.get())
    }

    /// Dead letters so far.
    pub fn dead_letters(&self) -> u64 {
        self.inner.dead_letters.total.get()
    }

    /// Refused messages so far.
    pub fn refused(&self) -> u64 {
        self.inner.refused_mail.total.get()
    }

    /// Undecodable messages so far.
    pub fn undecodables(&self) -> u64 {
        self.inner.undecodable.total.get()
    }

    /// Lets a game register metrics of its own beside the engine's.
    pub fn registry<R>(&self, register: impl FnOnce(&mut Registry) -> R) -> R {
        register(&mut lock(&self.inner.registry))
    }

    /// All metrics in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let mut encoded = String::new();
        if let Err(error) = text::encode(&mut encoded, &lock(&self.inner.registry)) {
            // The text then lacks its end mark, so that whoever scrapes it refuses it rather than take half for all.
            tracing::error!(%error, "a metric could not be encoded");
        }
        encoded
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

struct Inner {
    registry: Mutex<Registry>,
    services: Mutex<BTreeMap<String, Arc<ServiceMetrics>>>,
    by_service: ServiceFamilies,
    deaths: Counted<DeathLabels>,
    dead_letters: Counted<DeadLetterLabels>,
    refused_mail: Counted<RefusedLabels>,
    undecodable: Counted<ClassLabels>,
    calls: Family<CallLabels, Counter>,
    connections_refused: Family<ListenerLabels, Counter>,
    link_lost: Counter,
}

/// A counter by labels, and the sum, which a family does not tell.
struct Counted<L> {
    by: Family<L, Counter>,
    total: Counter,
}

impl<L> Counted<L>
where
    L: EncodeLabelSet + Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
{
    fn register(registry: &mut Registry, name: &str, help: &str) -> Counted<L> {
        let by = Family::default();
        registry.register(name, help, by.clone());
        Counted {
            by,
            total: Counter::default(),
        }
    }

    fn count(&self, labels: &L) {
        self.by.get_or_create(labels).inc();
        self.total.inc();
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeathLabels {
    locale: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeadLetterLabels {
    class: String,
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    locale: &'static str,
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    call: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: &'static str,
}
