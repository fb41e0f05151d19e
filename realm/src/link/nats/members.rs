//! Who is there: each node keeps an entry in the realm's bucket, and watches those of the others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::kv::{Config, Operation, Store};
use futures_util::StreamExt;

use super::Nats;
use crate::address::Birth;
use crate::clock::Clock;
use crate::link::{Announcement, Inlet};
use crate::lock::lock;

/// The pause before another attempt at what the server did not do.
const AGAIN: Duration = Duration::from_millis(200);

/// The bucket as one node sees it.
#[derive(Clone)]
pub(super) struct Members {
    jetstream: jetstream::Context,
    bucket: String,
    clock: Clock,
    me: Birth,
    inlet: Weak<dyn Inlet>,
    /// The other nodes, by what they announced last.
    known: Arc<Mutex<BTreeMap<Birth, Announcement>>>,
}

impl Members {
    pub(super) fn new(
        nats: &Nats,
        me: Birth,
        inlet: Weak<dyn Inlet>,
        known: Arc<Mutex<BTreeMap<Birth, Announcement>>>,
    ) -> Self {
        Self {
            jetstream: jetstream::new(nats.client.clone()),
            bucket: nats.subjects.nodes(),
            clock: nats.clock.clone(),
            me,
            inlet,
            known,
        }
    }

    async fn store(&self) -> Store {
        loop {
            let config = Config {
                bucket: self.bucket.clone(),
                history: 1,
                ..Config::default()
            };
            match self.jetstream.create_key_value(config).await {
                Ok(store) => return store,
                Err(error) => tracing::warn!(%error, "the bucket of nodes is not there"),
            }
            self.clock.sleep(AGAIN).await;
        }
    }

    /// Tells the others.
    pub(super) async fn announce(&self, node: Announcement) {
        let Ok(bytes) = wire::encode(&node) else {
            return tracing::error!("an announcement could not be written");
        };
        let key = self.me.get().to_string();
        if let Err(error) = self.store().await.put(key, bytes.into()).await {
            tracing::error!(%error, "an announcement was not kept");
        }
    }

    /// Tells the others that this node is gone.
    pub(super) async fn leave(&self) {
        let key = self.me.get().to_string();
        if let Err(error) = self.store().await.delete(key).await {
            tracing::warn!(%error, "the realm was not left in order");
        }
    }

    /// Follows the others.
    pub(super) async fn watch(self) {
        loop {
            let store = self.store().await;
            match store.watch_with_history(">").await {
                Ok(mut changes) => {
                    while let Some(change) = changes.next().await {
                        let Ok(entry) = change else {
                            break;
                        };
                        let birth = entry.key.parse().ok().and_then(Birth::new);
                        let Some(birth) = birth.filter(|birth| *birth != self.me) else {
                            continue;
                        };
                        self.changed(birth, entry.operation, &entry.value);
                    }
                }
                Err(error) => tracing::warn!(%error, "the bucket of nodes cannot be watched"),
            }
            self.clock.sleep(AGAIN).await;
        }
    }

    fn changed(&self, birth: Birth, operation: Operation, value: &[u8]) {
        let Some(inlet) = self.inlet.upgrade() else {
            return;
        };
        match operation {
            Operation::Put => match wire::decode::<Announcement>(value) {
                Ok(node) => {
                    lock(&self.known).insert(birth, node.clone());
                    inlet.joined(node);
                }
                Err(error) => tracing::warn!(%birth, %error, "an announcement could not be read"),
            },
            Operation::Delete | Operation::Purge => {
                if lock(&self.known).remove(&birth).is_some() {
                    inlet.lost(birth);
                }
            }
        }
    }
}
