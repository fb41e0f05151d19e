//! What is counted of a node's end of the link.

use std::collections::BTreeSet;
use std::sync::Mutex;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::address::Birth;
use crate::lock::lock;

/// Nodes whose gaps are counted apart; those of any more are counted together as node 0. A label is kept until the node
/// ends, and a realm that runs for years sees many births.
const NODES_MAX: usize = 256;

/// The counters of one end of a link. What a link does not do, such as batches within a process, stays zero.
#[derive(Debug, Default)]
pub struct LinkMetrics {
    /// Batches of mail that were handed to the broker.
    pub batches_sent: Counter,
    /// Their bytes.
    pub bytes_sent: Counter,
    /// Batches of mail that came.
    pub batches_received: Counter,
    /// Their bytes.
    pub bytes_received: Counter,
    /// Batches that came twice or too late, and were dropped.
    pub batches_old: Counter,
    /// Batches that could not be read.
    pub batches_unreadable: Counter,
    /// Parcels that came back because too much was waiting.
    pub refused_full: Counter,
    /// Parcels that came back because the broker takes none so long.
    pub refused_too_long: Counter,
    /// Publications that were handed to the broker.
    pub topics_sent: Counter,
    /// Publications that came.
    pub topics_received: Counter,
    /// Publications that were dropped because too much was waiting, or too long.
    pub topics_dropped: Counter,
    /// Times that the broker's client dropped what came because it was not read in time.
    pub slow_consumers: Counter,
    /// Times that the connection came back.
    pub reconnects: Counter,
    /// Times that the services were told to hold their mail back.
    pub held_back: Counter,
    /// Mail that waits to be sent.
    pub queue_bytes: Gauge,
    gaps: Family<From, Counter>,
    batches_lost: Family<From, Counter>,
    known: Mutex<BTreeSet<u32>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct From {
    from: u32,
}

impl LinkMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new = Self::default();
        for (name, help, counter) in [
            (
                "batches_sent",
                "Batches of mail to other nodes",
                &new.batches_sent,
            ),
            (
                "bytes_sent",
                "Bytes of mail to other nodes",
                &new.bytes_sent,
            ),
            (
                "batches_received",
                "Batches of mail from other nodes",
                &new.batches_received,
            ),
            (
                "bytes_received",
                "Bytes of mail from other nodes",
                &new.bytes_received,
            ),
            (
                "batches_old",
                "Batches that came twice or too late, and were dropped",
                &new.batches_old,
            ),
            (
                "batches_unreadable",
                "Batches that could not be read",
                &new.batches_unreadable,
            ),
            (
                "refused_full",
                "Mail that came back because too much was waiting",
                &new.refused_full,
            ),
            (
                "refused_too_long",
                "Mail that came back because the broker takes none so long",
                &new.refused_too_long,
            ),
            (
                "topics_sent",
                "Publications to other nodes",
                &new.topics_sent,
            ),
            (
                "topics_received",
                "Publications from other nodes",
                &new.topics_received,
            ),
            (
                "topics_dropped",
                "Publications that were too long, or too many while the broker was away",
                &new.topics_dropped,
            ),
            (
                "slow_consumers",
                "Times that something was dropped because it was not read in time",
                &new.slow_consumers,
            ),
            (
                "reconnects",
                "Times that the connection to the broker came back",
                &new.reconnects,
            ),
            (
                "held_back",
                "Times that the services held their mail back because too much was waiting",
                &new.held_back,
            ),
        ] {
            registry.register(format!("realm_link_{name}"), help, counter.clone());
        }
        registry.register(
            "realm_link_queue_bytes",
            "Mail that waits to be sent",
            new.queue_bytes.clone(),
        );
        registry.register(
            "realm_link_gaps",
            "Times that batches from a node were missing",
            new.gaps.clone(),
        );
        registry.register(
            "realm_link_batches_lost",
            "Batches from a node that never came",
            new.batches_lost.clone(),
        );
        new
    }

    /// Counts a gap of so many batches from a node.
    pub fn gap(&self, from: Birth, lost: u64) {
        let label = {
            let mut known = lock(&self.known);
            let from = from.get();
            if known.len() < NODES_MAX {
                known.insert(from);
            }
            if known.contains(&from) { from } else { 0 }
        };
        let label = From { from: label };
        self.gaps.get_or_create_owned(&label).inc();
        self.batches_lost.get_or_create_owned(&label).inc_by(lost);
    }

    /// Gaps in what came from a node, and the batches that were lost in them.
    pub fn gaps_from(&self, from: Birth) -> (u64, u64) {
        let label = From { from: from.get() };
        let count = |of: &Family<From, Counter>| of.get(&label).map_or(0, |count| count.get());
        (count(&self.gaps), count(&self.batches_lost))
    }
}
