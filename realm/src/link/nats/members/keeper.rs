//! Keeps a node's own entry in the bucket, and tells the node until when it may act. A renewal counts from the moment before
//! it was sent: the others cannot have seen it earlier.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::bucket::{Bucket, Changed};
use super::entry::{Key, NodeEntry, ServiceHolder};
use super::{Own, margin};
use crate::clock::Moment;
use crate::link::{Announcement, JoinError};
use crate::lock::lock;

/// The pause before another attempt at what the server did not do.
const AGAIN: Duration = Duration::from_millis(100);
/// Attempts at leaving in order.
const LEAVE_TRIES: usize = 3;

/// What the keeper is asked for.
pub(super) enum Order {
    /// Write this, at once.
    Announce(Announcement),
    /// Renew at once.
    Renew,
    /// Delete the entry.
    Leave(oneshot::Sender<()>),
}

/// Writes one node's entry.
pub(super) struct Keeper {
    pub(super) own: Arc<Own>,
    pub(super) bucket: Bucket,
    /// The entry's last revision that this node knows of.
    revision: u64,
    renewals: u64,
    node: Option<Announcement>,
    /// The bucket has lost the entry: before it is written again, the services that this node holds are.
    reclaims: bool,
    next: Moment,
}

impl Keeper {
    pub(super) fn new(own: Arc<Own>, bucket: Bucket) -> Self {
        Self {
            next: own.clock.now(),
            own,
            bucket,
            revision: 0,
            renewals: 0,
            node: None,
            reclaims: false,
        }
    }

    /// Renews until the node leaves or is out.
    pub(super) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        loop {
            let due = self.own.clock.sleep_until(self.next);
            let order = tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => Some(order),
                    None => return,
                },
                () = due, if self.node.is_some() => None,
            };
            // Of announcements that wait only the last counts.
            let more = std::iter::from_fn(|| orders.try_recv().ok());
            for order in order.into_iter().chain(more.collect::<Vec<_>>()) {
                match order {
                    Order::Announce(node) => self.node = Some(node),
                    Order::Renew => {}
                    Order::Leave(done) => {
                        self.leave().await;
                        let _ = done.send(());
                        return;
                    }
                }
            }
            if let Err(why) = self.renew().await {
                return self.own.out(why);
            }
        }
    }

    /// One attempt.
    ///
    /// # Errors
    /// When the node is out.
    async fn renew(&mut self) -> Result<(), JoinError> {
        let sent = self.own.clock.now();
        self.next = sent + AGAIN;
        let Some(node) = &self.node else {
            return Ok(());
        };
        let lease = self.own.lease;
        let lease_ms = u32::try_from(lease.as_millis()).unwrap_or(u32::MAX);
        let entry = NodeEntry::write(self.own.protocol, self.renewals, lease_ms, node);
        let Some(entry) = entry else {
            tracing::error!("an announcement could not be written");
            return Ok(());
        };
        if self.reclaims && !self.reclaim().await? {
            return Ok(());
        }
        self.renewals += 1;
        match self.bucket.put(&self.key(), entry, self.revision).await {
            Changed::Done(revision) => {
                self.revision = revision;
                self.next = sent + lease / 3;
                self.own.renewed(revision, sent + (lease - margin(lease)));
                Ok(())
            }
            Changed::Differs => self.look().await,
            Changed::Unknown(error) => {
                tracing::warn!(error, "this node's lease was not renewed");
                self.look().await
            }
        }
    }

    /// Finds out what stands in the bucket.
    async fn look(&mut self) -> Result<(), JoinError> {
        match self.bucket.last(&self.key()).await {
            // Ours, from an attempt whose answer was lost: nobody else writes it.
            Ok(Some(last)) if last.value.is_some() => self.revision = last.revision,
            Ok(Some(_)) => return Err(JoinError::Evicted),
            Ok(None) if self.revision == 0 => return Ok(()),
            Ok(None) => {
                tracing::warn!("the bucket of nodes has lost this node; it is written anew");
                self.revision = 0;
                self.reclaims = true;
                self.own.look_again();
            }
            Err(error) => {
                tracing::debug!(error, "the bucket of nodes cannot be read");
                return Ok(());
            }
        }
        self.next = self.own.clock.now();
        Ok(())
    }

    /// Writes the services that this node holds; false when that has to be tried again.
    async fn reclaim(&mut self) -> Result<bool, JoinError> {
        let held = lock(&self.own.held).clone();
        for (service, epoch) in held {
            let key = Key::Service(service.clone()).text();
            let ours = ServiceHolder {
                holder: self.own.me,
                epoch,
            };
            if let Changed::Done(_) = self.bucket.put(&key, ours.write(), 0).await {
                continue;
            }
            let Ok(Some(last)) = self.bucket.last(&key).await else {
                return Ok(false);
            };
            match last.value.as_deref().and_then(ServiceHolder::read) {
                Some(held) if held != ours => {
                    return Err(JoinError::Deposed {
                        service,
                        by: held.holder,
                    });
                }
                Some(_) => {}
                None => return Ok(false),
            }
        }
        self.reclaims = false;
        Ok(true)
    }

    async fn leave(&mut self) {
        for _ in 0..LEAVE_TRIES {
            match self.bucket.delete(&self.key(), self.revision).await {
                Changed::Done(_) => return,
                Changed::Differs => match self.bucket.last(&self.key()).await {
                    Ok(Some(last)) if last.value.is_some() => self.revision = last.revision,
                    _ => return,
                },
                Changed::Unknown(error) => {
                    return tracing::warn!(error, "the realm was not left in order");
                }
            }
        }
    }

    fn key(&self) -> String {
        Key::Node(self.own.me).text()
    }
}
