//! One node's end of the link over NATS. What the engine hands over is queued; one task writes it, others read what comes,
//! and one tells the realm of the node.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use super::members::Members;
use super::queue::Queue;
use super::writer::Writer;
use super::{Nats, reader};
use crate::address::Birth;
use crate::clock::Clock;
use crate::link::{Announcement, Doing, Inlet, JoinError, Link, Returned, Taken};

/// A node that leaves gives what it has queued so long to go out.
const LEAVE_WITHIN: Duration = Duration::from_millis(150);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What is to be told of the node, in order.
enum Order {
    Announce(Announcement),
    Leave(oneshot::Sender<()>),
}

pub(super) struct End {
    queue: Arc<Queue>,
    orders: mpsc::UnboundedSender<Order>,
    members: Members,
    work: AbortHandle,
}

impl End {
    pub(super) fn start(nats: &Nats, me: Birth, inlet: Weak<dyn Inlet>) -> Self {
        let (orders, ordered) = mpsc::unbounded_channel();
        let known = Arc::default();
        let counts = inlet.upgrade().map(|inlet| inlet.link_metrics());
        nats.seen.counted_by(inlet.clone());
        let queue = Arc::new(Queue::new(
            me,
            nats.client.clone(),
            nats.clock.clone(),
            inlet.clone(),
            Arc::clone(&known),
            counts.unwrap_or_default(),
        ));
        let first: Arc<dyn Inlet> = queue.clone();
        let (members, keeping) = Members::new(nats, me, Arc::downgrade(&first), known);
        let herald = Herald {
            client: nats.client.clone(),
            clock: nats.clock.clone(),
            queue: queue.clone(),
            members: members.clone(),
        };
        let (client, subjects) = (nats.client.clone(), nats.subjects.clone());
        let shared = queue.clone();
        let work = nats.runtime.spawn(async move {
            let mail = match client.subscribe(subjects.mail(me)).await {
                Ok(mail) => mail,
                Err(error) => {
                    return tracing::error!(%error, "a node cannot take part in its mail");
                }
            };
            // Only now, so that nobody knows a node that does not read its mail yet. All end with this task.
            let mut tasks = JoinSet::new();
            tasks.spawn(reader::read(mail, shared.clone(), inlet.clone()));
            tasks.spawn(Writer::new(client, subjects, shared.clone(), inlet).run());
            tasks.spawn(async move { shared.watch_held().await });
            tasks.spawn(herald.run(ordered));
            for task in keeping {
                tasks.spawn(task);
            }
            while tasks.join_next().await.is_some() {}
        });
        Self {
            queue,
            orders,
            members,
            work: work.abort_handle(),
        }
    }

    fn order(&self, order: Order) {
        // The herald ends with the node only, and then nobody misses what it was to tell.
        let _ = self.orders.send(order);
    }
}

impl Link for End {
    fn join(&self, node: Announcement) -> Doing<Result<(), JoinError>> {
        Box::pin(self.members.clone().join(node))
    }

    fn hold(&self, service: &str, wait: bool) -> Doing<Result<u64, Taken>> {
        Box::pin(self.members.clone().hold(service.to_owned(), wait))
    }

    fn announce(&self, node: Announcement) {
        self.order(Order::Announce(node));
    }

    fn mail(&self, to: Birth, parcels: Vec<Vec<u8>>) -> Result<(), Returned> {
        self.queue.mail(to, parcels)
    }

    fn publish(&self, topic: &Arc<str>, bytes: Bytes) {
        self.queue.publish(topic, bytes);
    }

    fn subscribe(&self, topic: &Arc<str>) {
        self.queue.part(topic, true);
    }

    fn unsubscribe(&self, topic: &Arc<str>) {
        self.queue.part(topic, false);
    }

    fn leave(&self) -> Doing<()> {
        let (told, wait) = oneshot::channel();
        self.order(Order::Leave(told));
        Box::pin(async {
            // A herald that is gone has nobody to tell.
            let _ = wait.await;
        })
    }

    fn kill(&self) {
        self.work.abort();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tells the realm of this node.
struct Herald {
    client: async_nats::Client,
    clock: Clock,
    queue: Arc<Queue>,
    members: Members,
}

impl Herald {
    async fn run(self, mut orders: mpsc::UnboundedReceiver<Order>) {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Announce(node) => self.members.announce(node),
                Order::Leave(told) => {
                    let until = self.clock.now() + LEAVE_WITHIN;
                    while !self.queue.is_empty() && self.clock.now() < until {
                        self.clock.sleep(LOOK_EVERY).await;
                    }
                    self.members.leave().await;
                    let _ = self.client.flush().await;
                    let _ = told.send(());
                }
            }
        }
    }
}
