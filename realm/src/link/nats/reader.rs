//! Takes in the mail that comes for a node. Whoever sent it learns how far this has got, and keeps to a window.

use std::sync::{Arc, Weak};

use async_nats::Subscriber;
use futures_util::StreamExt;

use super::frame;
use super::queue::Queue;
use crate::link::Inlet;

/// Reads until the node is gone.
pub(super) async fn read(mut mail: Subscriber, queue: Arc<Queue>, inlet: Weak<dyn Inlet>) {
    while let Some(message) = mail.next().await {
        let Some(inlet) = inlet.upgrade() else {
            return;
        };
        let len = message.payload.len();
        let Some((head, parcels)) = frame::read(&message.payload) else {
            tracing::warn!(len, "a batch from another node could not be read");
            queue.counts.batches_unreadable.inc();
            continue;
        };
        queue.counts.batches_received.inc();
        queue.counts.bytes_received.inc_by(len as u64);
        if queue.came(&head) {
            if !parcels.is_empty() {
                inlet.mail(parcels);
            }
            queue.took(&head, len);
        }
    }
}
