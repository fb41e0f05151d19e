//! One node's end of the link over NATS. What the engine hands over is queued, and written in that order by one task; what
//! arrives is read by others, which never wait: a reader that waits loses mail.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};

use async_nats::Client;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::Nats;
use super::frame::{self, BATCH_BYTES, Batch};
use super::members::Members;
use super::subject::Subjects;
use crate::address::Birth;
use crate::link::{Announcement, Inlet, Link, Unreachable};
use crate::lock::lock;

/// Things taken from the queue before what is gathered is sent.
const GATHERED_MAX: usize = 1024;

/// What is to be sent, in the engine's order.
enum Out {
    Mail(Birth, Vec<Vec<u8>>),
    Publish(Arc<str>, Bytes),
    Subscribe(Arc<str>),
    Unsubscribe(Arc<str>),
    Announce(Announcement),
    Leave(oneshot::Sender<()>),
}

pub(super) struct End {
    queue: mpsc::UnboundedSender<Out>,
    known: Arc<Mutex<BTreeMap<Birth, Announcement>>>,
    tasks: Vec<AbortHandle>,
}

impl End {
    pub(super) fn start(nats: &Nats, me: Birth, inlet: Weak<dyn Inlet>) -> Self {
        let (queue, queued) = mpsc::unbounded_channel();
        let known = Arc::default();
        let reader = Reader {
            client: nats.client.clone(),
            subjects: nats.subjects.clone(),
            me,
            inlet: inlet.clone(),
        };
        let members = Members::new(nats, me, inlet.clone(), Arc::clone(&known));
        let writer = Writer {
            client: nats.client.clone(),
            subjects: nats.subjects.clone(),
            runtime: nats.runtime.clone(),
            me,
            inlet,
            numbers: BTreeMap::new(),
            topics: BTreeMap::new(),
            members: members.clone(),
        };
        let tasks = [
            nats.runtime.spawn(reader.run()).abort_handle(),
            nats.runtime.spawn(writer.run(queued)).abort_handle(),
            nats.runtime.spawn(members.watch()).abort_handle(),
        ];
        Self {
            queue,
            known,
            tasks: tasks.into(),
        }
    }

    fn put(&self, out: Out) {
        // The writer ends with the node only, and then nobody misses what is queued.
        let _ = self.queue.send(out);
    }
}

impl Link for End {
    fn announce(&self, node: Announcement) {
        self.put(Out::Announce(node));
    }

    fn mail(&self, to: Birth, parcels: Vec<Vec<u8>>) -> Result<(), Unreachable> {
        if !lock(&self.known).contains_key(&to) {
            return Err(Unreachable { parcels });
        }
        self.put(Out::Mail(to, parcels));
        Ok(())
    }

    fn publish(&self, topic: &Arc<str>, bytes: Bytes) {
        self.put(Out::Publish(topic.clone(), bytes));
    }

    fn subscribe(&self, topic: &Arc<str>) {
        self.put(Out::Subscribe(topic.clone()));
    }

    fn unsubscribe(&self, topic: &Arc<str>) {
        self.put(Out::Unsubscribe(topic.clone()));
    }

    fn leave(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (told, wait) = oneshot::channel();
        self.put(Out::Leave(told));
        Box::pin(async {
            // A writer that is gone has nobody to tell.
            let _ = wait.await;
        })
    }

    fn kill(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads the node's own mail.
struct Reader {
    client: Client,
    subjects: Subjects,
    me: Birth,
    inlet: Weak<dyn Inlet>,
}

impl Reader {
    async fn run(self) {
        let subject = self.subjects.mail(self.me);
        let mut mail = match self.client.subscribe(subject).await {
            Ok(mail) => mail,
            Err(error) => return tracing::error!(%error, "a node cannot take part in its mail"),
        };
        while let Some(message) = mail.next().await {
            let Some(inlet) = self.inlet.upgrade() else {
                return;
            };
            match frame::read(&message.payload) {
                Some(batch) => inlet.mail(batch.parcels),
                None => tracing::warn!("a batch from another node could not be read"),
            }
        }
    }
}

/// Writes what is queued.
struct Writer {
    client: Client,
    subjects: Subjects,
    runtime: Handle,
    me: Birth,
    inlet: Weak<dyn Inlet>,
    /// The last batch to each node.
    numbers: BTreeMap<Birth, u64>,
    topics: BTreeMap<Arc<str>, AbortHandle>,
    members: Members,
}

impl Writer {
    async fn run(mut self, mut queued: mpsc::UnboundedReceiver<Out>) {
        let mut gathered = Vec::new();
        while queued.recv_many(&mut gathered, GATHERED_MAX).await > 0 {
            let mut batches = BTreeMap::new();
            for out in gathered.drain(..) {
                match out {
                    Out::Mail(to, parcels) => {
                        for parcel in parcels {
                            self.add(&mut batches, to, &parcel).await;
                        }
                    }
                    Out::Publish(topic, bytes) => {
                        self.send(self.subjects.topic(&topic), bytes).await
                    }
                    Out::Subscribe(topic) => self.subscribe(topic).await,
                    Out::Unsubscribe(topic) => {
                        if let Some(reader) = self.topics.remove(&topic) {
                            reader.abort();
                        }
                    }
                    Out::Announce(node) => self.members.announce(node).await,
                    Out::Leave(told) => {
                        self.members.leave().await;
                        let _ = self.client.flush().await;
                        let _ = told.send(());
                    }
                }
            }
            for (to, batch) in batches {
                self.send(self.subjects.mail(to), batch.into_bytes().into())
                    .await;
            }
        }
    }

    async fn add(&mut self, batches: &mut BTreeMap<Birth, Batch>, to: Birth, parcel: &[u8]) {
        if let Some(full) = batches.get(&to)
            && full.len_with(parcel) > BATCH_BYTES
            && let Some(full) = batches.remove(&to)
        {
            self.send(self.subjects.mail(to), full.into_bytes().into())
                .await;
        }
        let me = self.me;
        let numbers = &mut self.numbers;
        let batch = batches.entry(to).or_insert_with(|| {
            let number = numbers.entry(to).or_default();
            *number += 1;
            Batch::new(me, *number)
        });
        if !batch.push(parcel) {
            tracing::error!(%to, len = parcel.len(), "a parcel is too long to be carried");
        }
    }

    async fn send(&self, subject: String, bytes: Bytes) {
        if let Err(error) = self.client.publish(subject, bytes).await {
            tracing::warn!(%error, "NATS did not take what was to be sent");
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
        let reader = self.runtime.spawn(async move {
            while let Some(message) = heard.next().await {
                let Some(inlet) = inlet.upgrade() else {
                    return;
                };
                inlet.heard(name.clone(), message.payload);
            }
        });
        self.topics.insert(topic, reader.abort_handle());
    }
}
