//! What the broker's client tells of its connection: logged, and counted by the node that it is for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, Weak};

use async_nats::Event;

use crate::link::Inlet;

/// The events of one connection.
#[derive(Default)]
pub(super) struct Seen {
    node: OnceLock<Weak<dyn Inlet>>,
    was_there: AtomicBool,
}

impl Seen {
    /// From now on this node counts them.
    pub(super) fn counted_by(&self, node: Weak<dyn Inlet>) {
        // A connection is one node's; a second changes nothing.
        let _ = self.node.set(node);
    }

    pub(super) fn event(&self, event: &Event) {
        let node = self.node.get().and_then(Weak::upgrade);
        match event {
            Event::Connected => {
                tracing::info!("NATS is there");
                if self.was_there.swap(true, Ordering::Relaxed)
                    && let Some(node) = node
                {
                    node.link_metrics().reconnects.inc();
                }
            }
            Event::Disconnected => {
                tracing::warn!("NATS is gone; trying again");
                if let Some(node) = node {
                    node.connection_lost();
                }
            }
            Event::SlowConsumer(_) => {
                tracing::warn!("something from NATS was not read in time and is lost");
                if let Some(node) = node {
                    node.link_metrics().slow_consumers.inc();
                }
            }
            other => tracing::warn!(%other, "NATS says"),
        }
    }
}
