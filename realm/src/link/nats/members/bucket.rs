//! The realm's bucket: reading it, and changing it by compare-and-set only. What is read may be stale; what is changed is
//! not.

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::kv::{Config, Store, Watch};
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{self, ContextBuilder};
use bytes::Bytes;

use crate::link::nats::Nats;

/// What marks a deleted key, as every reader of such buckets knows it.
const OPERATION: &str = "KV-Operation";

/// The bucket, made anew whenever it is not there.
#[derive(Clone)]
pub(super) struct Bucket {
    jetstream: jetstream::Context,
    name: String,
    store: Option<Store>,
}

/// What became of a change.
pub(super) enum Changed {
    /// It was made, under this revision.
    Done(u64),
    /// The key had another revision than it was said to have.
    Differs,
    /// Nobody knows: it may have been made, or be made yet.
    Unknown(String),
}

/// The last that was written under a key.
pub(super) struct Last {
    pub(super) revision: u64,
    /// `None` once it was deleted.
    pub(super) value: Option<Bytes>,
}

impl Bucket {
    pub(super) fn new(nats: &Nats) -> Self {
        let builder = ContextBuilder::new().timeout(nats.lease / 2);
        Self {
            jetstream: builder.build(nats.client.clone()),
            name: nats.subjects.nodes(),
            store: None,
        }
    }

    /// All entries, also of what was deleted, and then each change.
    pub(super) async fn watch(&mut self) -> Result<Watch, String> {
        let watch = self.store().await?.watch_with_history(">").await;
        watch.map_err(|error| self.failed(&error))
    }

    /// Writes a key whose last revision is `revision`; 0 for one that was never written, nor deleted.
    pub(super) async fn put(&mut self, key: &str, value: Vec<u8>, revision: u64) -> Changed {
        self.change(key, HeaderMap::new(), value.into(), revision)
            .await
    }

    /// Deletes a key whose last revision is `revision`; it can then be known that it was.
    pub(super) async fn delete(&mut self, key: &str, revision: u64) -> Changed {
        let mut headers = HeaderMap::new();
        headers.insert(OPERATION, "DEL");
        self.change(key, headers, Bytes::new(), revision).await
    }

    async fn change(
        &mut self,
        key: &str,
        mut headers: HeaderMap,
        value: Bytes,
        revision: u64,
    ) -> Changed {
        if let Err(error) = self.store().await {
            return Changed::Unknown(error);
        }
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, revision.to_string());
        let sent = self
            .jetstream
            .publish_with_headers(self.subject(key), headers, value)
            .await;
        let done = match sent {
            Ok(acknowledged) => acknowledged.await,
            Err(error) => Err(error),
        };
        match done {
            Ok(done) => Changed::Done(done.sequence),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => Changed::Differs,
            Err(error) => Changed::Unknown(self.failed(&error)),
        }
    }

    /// The last that was written under `key`, as the bucket's leader has it; `None` when nothing ever was.
    pub(super) async fn last(&mut self, key: &str) -> Result<Option<Last>, String> {
        let subject = self.subject(key);
        let stream = &self.store().await?.stream;
        match stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Ok(Some(Last {
                revision: message.sequence,
                value: message
                    .headers
                    .get(OPERATION)
                    .is_none()
                    .then_some(message.payload),
            })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn store(&mut self) -> Result<&Store, String> {
        let store = match self.store.take() {
            Some(store) => store,
            None => {
                let config = Config {
                    bucket: self.name.clone(),
                    history: 1,
                    ..Config::default()
                };
                let made = self.jetstream.create_key_value(config).await;
                made.map_err(|error| format!("the bucket {} is not there: {error}", self.name))?
            }
        };
        Ok(self.store.insert(store))
    }

    /// After any failure the bucket may be gone: it is made anew, if need be, before the next attempt.
    fn failed(&mut self, error: &dyn std::error::Error) -> String {
        self.store = None;
        error.to_string()
    }

    fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.name)
    }
}
