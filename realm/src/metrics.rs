//! What a node counts and measures: one registry per node, nothing global. It serves nothing itself; the admin listener
//! hands out what `encode` writes.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::lock::lock;

mod counts;
mod figures;
mod kinds;
mod link;
mod nodes;
mod service;
mod spread;
#[cfg(test)]
mod tests;

pub use counts::Counts;
pub use figures::{Figures, LocaleFigures, ServiceFigures};
pub use kinds::Kind;
pub use link::LinkMetrics;
pub use nodes::NodeMetrics;
use service::ServiceFamilies;
pub use service::{RealGauge, ServiceMetrics};
pub use spread::{Spread, SpreadFigures};

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
            deaths: Counts::register(
                &mut registry,
                "realm_deaths",
                "Locales that ended, by reason",
            ),
            dead_letters: Counts::register(
                &mut registry,
                "realm_dead_letters",
                "Messages that reached nobody and had no sender to go back to",
            ),
            refused_mail: Counts::register(
                &mut registry,
                "realm_refused_mail",
                "Messages that a mailbox gave back",
            ),
            undecodable: Counts::register(
                &mut registry,
                "realm_undecodable",
                "Messages whose bytes were not of their class",
            ),
            calls: Counts::register(&mut registry, "realm_calls", "Calls that ended, by outcome"),
            connections_refused: Family::default(),
            link_lost: Counter::default(),
            link: Arc::new(LinkMetrics::register(&mut registry)),
            nodes: Arc::new(NodeMetrics::register(&mut registry)),
            registry: Mutex::default(),
            own: Mutex::default(),
        };
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
    pub fn dead_letter(&self, class: &'static str, why: &'static str) {
        self.inner
            .dead_letters
            .count(&DeadLetterLabels { class, why });
    }

    /// Counts a message that a mailbox gave back.
    pub fn refused_mail(&self, locale: &'static str, why: &'static str) {
        self.inner
            .refused_mail
            .count(&RefusedLabels { locale, why });
    }

    /// Counts a message that could not be decoded.
    pub fn undecodable(&self, class: &'static str) {
        self.inner.undecodable.count(&ClassLabels { class });
    }

    /// Counts a lost link.
    pub fn link_lost(&self) {
        self.inner.link_lost.inc();
    }

    /// What is counted of the node's end of the link.
    pub fn link(&self) -> Arc<LinkMetrics> {
        Arc::clone(&self.inner.link)
    }

    /// What is counted of the other nodes, and of the services that run once.
    pub fn nodes(&self) -> Arc<NodeMetrics> {
        Arc::clone(&self.inner.nodes)
    }

    /// Exports how long the node may act, asked whenever the metrics are read.
    pub(crate) fn lease(&self, left: impl Fn() -> Option<Duration> + Send + Sync + 'static) {
        let collector = nodes::LeaseCollector::new(left);
        lock(&self.inner.registry).register_collector(Box::new(collector));
    }

    /// Counts the end of a call.
    pub fn call(&self, call: &'static str, outcome: &'static str) {
        self.inner.calls.count(&CallLabels { call, outcome });
    }

    /// The counter of connections that a listener closed because it had its fill.
    pub fn connections_refused(&self, listener: &'static str) -> Counter {
        self.inner
            .connections_refused
            .get_or_create_owned(&ListenerLabels { listener })
    }

    /// Deaths so far, of every locale type and reason.
    pub fn deaths(&self) -> u64 {
        self.inner.deaths.total()
    }

    /// Deaths so far of one locale type for one reason.
    pub fn deaths_of(&self, locale: &'static str, reason: &'static str) -> u64 {
        self.inner.deaths.of(&DeathLabels { locale, reason })
    }

    /// Dead letters so far.
    pub fn dead_letters(&self) -> u64 {
        self.inner.dead_letters.total()
    }

    /// Refused messages so far.
    pub fn refused(&self) -> u64 {
        self.inner.refused_mail.total()
    }

    /// Undecodable messages so far.
    pub fn undecodables(&self) -> u64 {
        self.inner.undecodable.total()
    }

    /// A game's own metrics beside the engine's, one set of each type: registered at the first asking, and handed out
    /// again to a module whose service starts anew.
    pub fn once<T: Any + Send + Sync>(&self, register: impl FnOnce(&mut Registry) -> T) -> Arc<T> {
        let mut own = lock(&self.inner.own);
        let known = own.get(&TypeId::of::<T>()).cloned();
        if let Some(known) = known.and_then(|known| known.downcast().ok()) {
            return known;
        }
        let made = Arc::new(register(&mut lock(&self.inner.registry)));
        own.insert(TypeId::of::<T>(), made.clone());
        made
    }

    /// The game's metrics of this type, if a module of this node has registered them.
    pub fn known<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let known = lock(&self.inner.own).get(&TypeId::of::<T>()).cloned();
        known?.downcast().ok()
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
    deaths: Counts<DeathLabels>,
    dead_letters: Counts<DeadLetterLabels>,
    refused_mail: Counts<RefusedLabels>,
    undecodable: Counts<ClassLabels>,
    calls: Counts<CallLabels>,
    connections_refused: Family<ListenerLabels, Counter>,
    link_lost: Counter,
    link: Arc<LinkMetrics>,
    nodes: Arc<NodeMetrics>,
    own: Mutex<BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct DeathLabels {
    locale: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct DeadLetterLabels {
    class: &'static str,
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct RefusedLabels {
    locale: &'static str,
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct ClassLabels {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct CallLabels {
    call: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: &'static str,
}
