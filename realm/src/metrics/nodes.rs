//! What a node counts of its own standing in the realm, and of the other nodes.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

/// The counters of membership.
#[derive(Debug, Default)]
pub struct NodeMetrics {
    /// Nodes that this one took for lost.
    pub evictions: Counter,
    /// Singular services that this node took over.
    pub takeovers: Counter,
    /// Singular services of this node that wait for another's end.
    pub standing_by: Gauge,
    /// Other nodes that are late with the renewal of their lease.
    pub suspects: Gauge,
    /// Nodes that knew other messages and calls than this one.
    pub other_classes: Counter,
    /// Nodes that were passed over because they speak another version.
    pub other_protocol: Counter,
}

impl NodeMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let own = Self::default();
        registry.register(
            "realm_node_evictions",
            "Other nodes that this one took for lost because their lease was over",
            own.evictions.clone(),
        );
        registry.register(
            "realm_service_takeovers",
            "Singular services that this node took over from another",
            own.takeovers.clone(),
        );
        registry.register(
            "realm_standing_by",
            "Singular services of this node that wait for another node's end",
            own.standing_by.clone(),
        );
        registry.register(
            "realm_nodes_suspect",
            "Other nodes that are late with the renewal of their lease",
            own.suspects.clone(),
        );
        registry.register(
            "realm_nodes_of_other_classes",
            "Nodes that knew other messages and calls than this one",
            own.other_classes.clone(),
        );
        registry.register(
            "realm_nodes_of_other_protocol",
            "Nodes passed over because they speak another version of the link's protocol",
            own.other_protocol.clone(),
        );
        own
    }
}

/// How long the node may act, read when the metrics are.
pub(super) struct LeaseCollector(Box<dyn Fn() -> Option<Duration> + Send + Sync>);

impl LeaseCollector {
    pub(super) fn new(left: impl Fn() -> Option<Duration> + Send + Sync + 'static) -> Self {
        Self(Box::new(left))
    }
}

impl fmt::Debug for LeaseCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaseCollector")
    }
}

impl Collector for LeaseCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let left = (self.0)();
        let frozen = i64::from(left.is_some_and(|left| left.is_zero()));
        let mut gauge = |name: &str, help: &str, value: i64| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)
        };
        gauge(
            "realm_frozen",
            "1 while the node may not act because its lease ran out",
            frozen,
        )?;
        let Some(left) = left else {
            return Ok(());
        };
        let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
        gauge(
            "realm_lease_left_ms",
            "How long the node may act unless its lease is renewed; absent where it has no end",
            left,
        )
    }
}
