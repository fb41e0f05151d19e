//! Gives the broker's client what waits in the queue, in its order, and begins and ends the taking part in topics.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use async_nats::{Client, PublishErrorKind};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::task::{AbortHandle, JoinSet};

use super::frame;
use super::queue::Queue;
use super::subject::Subjects;
use crate::address::Birth;
use crate::link::{Inlet, Returned};
use crate::mail::Why;

/// Writes what is queued.
pub(super) struct Writer {
    client: Client,
    subjects: Subjects,
    queue: Arc<Queue>,
    inlet: Weak<dyn Inlet>,
    topics: BTreeMap<Arc<str>, AbortHandle>,
    /// One for each topic, so that none holds up another; they end with this.
    readers: JoinSet<()>,
    subjects_of: BTreeMap<Birth, String>,
}

impl Writer {
    pub(super) fn new(
        client: Client,
        subjects: Subjects,
        queue: Arc<Queue>,
        inlet: Weak<dyn Inlet>,
    ) -> Self {
        Self {
            client,
            subjects,
            queue,
            inlet,
            topics: BTreeMap::new(),
            readers: JoinSet::new(),
            subjects_of: BTreeMap::new(),
        }
    }

    /// Writes until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let round = self.queue.next().await;
            // First, so that an answer to what is sent after it finds the node taking part.
            for (topic, takes) in round.parts {
                if takes {
                    self.subscribe(topic).await;
                } else if let Some(reader) = self.topics.remove(&topic) {
                    reader.abort();
                }
            }
            while self.readers.try_join_next().is_some() {}
            for (topic, bytes) in round.topics {
                self.publish(topic, bytes).await;
            }
            for (to, batch) in round.batches {
                self.mail(to, batch.into()).await;
            }
        }
    }

    async fn publish(&self, topic: Arc<str>, bytes: Bytes) {
        let subject = self.subjects.topic(&topic);
        match self.client.publish(subject, bytes).await {
            Ok(()) => drop(self.queue.counts.topics_sent.inc()),
            Err(error) => {
                tracing::warn!(%topic, %error, "NATS did not take a publication");
                self.queue.counts.topics_dropped.inc();
            }
        }
    }

    async fn mail(&mut self, to: Birth, batch: Bytes) {
        let subjects = &self.subjects;
        let subject = self.subjects_of.entry(to);
        let subject = subject.or_insert_with(|| subjects.mail(to)).clone();
        let counts = &self.queue.counts;
        counts.batches_sent.inc();
        counts.bytes_sent.inc_by(batch.len() as u64);
        let Err(error) = self.client.publish(subject, batch.clone()).await else {
            return;
        };
        // The broker that is there now takes less than the one that was there when it was queued; or the node ends.
        tracing::warn!(%to, %error, "NATS did not take mail");
        let why = match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => Why::TooLong,
            _ => Why::Unreachable,
        };
        if let (Some((_, parcels)), Some(inlet)) = (frame::read(&batch), self.inlet.upgrade()) {
            let parcels = parcels.into_iter().map(|parcel| (parcel, why)).collect();
            inlet.returned(Returned { parcels });
        }
    }

    async fn subscribe(&mut self, topic: Arc<str>) {
        if self.topics.contains_key(&topic) {
            return;
        }
        let mut heard = match self.client.subscribe(self.subjects.topic(&topic)).await {
            Ok(heard) => heard,
            Err(error) => {
                return tracing::error!(%error, %topic, "a node cannot take part in a topic");
            }
        };
        let (inlet, name) = (self.inlet.clone(), topic.clone());
        let counts = Arc::clone(&self.queue.counts);
        let reader = self.readers.spawn(async move {
            while let Some(message) = heard.next().await {
                let Some(inlet) = inlet.upgrade() else {
                    return;
                };
                counts.topics_received.inc();
                inlet.heard(name.clone(), message.payload);
            }
        });
        self.topics.insert(topic, reader);
    }
}
