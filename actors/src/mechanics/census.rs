//! Who is where, in figures: the channels of a node and how many avatars stand in each. Read by the admin listener and by
//! the statistics; it decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use realm::metrics::Metrics;

/// The channels of one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census(Arc<Mutex<BTreeMap<u64, Count>>>);

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// The service that hosts it.
    pub(crate) service: String,
    /// Its map.
    pub(crate) map: String,
    /// Avatars that may stand there.
    pub(crate) limit: u32,
    /// Avatars that stand there.
    pub(crate) population: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChannelLabels {
    channel: u64,
    map: String,
}

impl Census {
    /// The node's census, exported from its first asking on. A service that starts anew has no channels.
    pub(super) fn register(metrics: &Metrics, service: &str) -> Arc<Self> {
        let census = metrics.once(|registry| {
            let census = Self::default();
            registry.register_collector(Box::new(census.clone()));
            census
        });
        census.counts().retain(|_, count| count.service != service);
        census
    }

    /// A channel is open.
    pub(super) fn opened(&self, channel: u64, service: &str, map: &str, limit: u32) {
        let count = Count {
            service: service.to_owned(),
            map: map.to_owned(),
            limit,
            population: 0,
        };
        self.counts().insert(channel, count);
    }

    /// A channel is no more.
    pub(super) fn closed(&self, channel: u64) {
        self.counts().remove(&channel);
    }

    /// An avatar stands in a channel.
    pub(super) fn came(&self, channel: u64) {
        if let Some(count) = self.counts().get_mut(&channel) {
            count.population += 1;
        }
    }

    /// An avatar that stood in a channel is gone.
    pub(super) fn went(&self, channel: u64) {
        if let Some(count) = self.counts().get_mut(&channel) {
            count.population = count.population.saturating_sub(1);
        }
    }

    /// The channels now.
    pub(crate) fn channels(&self) -> BTreeMap<u64, Count> {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<u64, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Census {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut population = encoder.encode_descriptor(
            "realm_channel_population",
            "Avatars that stand in a channel",
            None,
            MetricType::Gauge,
        )?;
        for (channel, count) in self.channels() {
            let labels = ChannelLabels {
                channel,
                map: count.map,
            };
            let standing = i64::from(count.population);
            ConstGauge::new(standing).encode(population.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
