//! Who runs each singular service. A service is its holder's as long as the holder is not lost, so it needs no renewal of its
//! own: a node that may act may run what it holds, and one that is lost holds nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Own;
use super::bucket::{Bucket, Changed};
use super::entry::{Key, ServiceHolder};
use super::watcher::Seen;
use crate::address::Birth;
use crate::clock::Moment;
use crate::link::{JoinError, Taken};
use crate::lock::lock;

/// An epoch begins with its holder's birth number, which the database gives but once, and this many lower bits: so it grows
/// even when the bucket has forgotten the last one.
const BIRTH_SHIFT: u32 = 16;

/// Somebody wants a service.
pub(super) struct Hold {
    pub(super) service: String,
    pub(super) waits: bool,
    pub(super) told: oneshot::Sender<Result<u64, Taken>>,
}

/// A service as the bucket has it.
#[derive(Clone, Copy)]
struct Held {
    revision: u64,
    by: Option<ServiceHolder>,
    /// Since when nobody is known to hold it.
    since: Moment,
}

/// The singular services of a realm, as one node sees them.
pub(super) struct Services {
    own: Arc<Own>,
    held: BTreeMap<String, Held>,
    wanted: Vec<Hold>,
    /// Since when the bucket is watched, in good standing.
    since: Moment,
}

impl Services {
    pub(super) fn new(own: Arc<Own>) -> Self {
        Self {
            since: own.clock.now(),
            own,
            held: BTreeMap::new(),
            wanted: Vec::new(),
        }
    }

    /// The bucket is watched from its beginning: it may have lost all.
    pub(super) fn begin(&mut self, now: Moment) {
        for held in self.held.values_mut() {
            held.revision = 0;
        }
        self.doubt(now);
    }

    /// Others may not have been able to say what they hold.
    pub(super) fn doubt(&mut self, now: Moment) {
        self.since = now;
        for held in self.held.values_mut() {
            held.since = now;
        }
    }

    pub(super) fn ask(&mut self, hold: Hold) {
        self.wanted.push(hold);
    }

    /// Notes what was written; returns the holder, if that is another node.
    pub(super) fn changed(
        &mut self,
        name: &str,
        revision: u64,
        value: Option<&[u8]>,
    ) -> Option<Birth> {
        let by = value.and_then(ServiceHolder::read);
        let since = self.own.clock.now();
        let held = Held {
            revision,
            by,
            since,
        };
        self.held.insert(name.to_owned(), held);
        let other = by?.holder;
        if other == self.own.me {
            return None;
        }
        if lock(&self.own.held).contains_key(name) {
            self.own.out(JoinError::Deposed {
                service: name.to_owned(),
                by: other,
            });
        }
        Some(other)
    }

    /// Gives what is wanted and free.
    pub(super) async fn serve(
        &mut self,
        bucket: &mut Bucket,
        others: &BTreeMap<Birth, Seen>,
        gone: &BTreeSet<Birth>,
    ) {
        if !lock(&self.own.standing).joined {
            return;
        }
        self.put_back(bucket).await;
        for hold in std::mem::take(&mut self.wanted) {
            if hold.told.is_closed() {
                continue;
            }
            let now = self.own.clock.now();
            let held = self.held.get(&hold.service).copied().unwrap_or(Held {
                revision: 0,
                by: None,
                since: self.since,
            });
            let free = match held.by {
                Some(by) => by.holder == self.own.me || gone.contains(&by.holder),
                // Nobody ever held it, or the bucket was lost: its holder has a lease to say so.
                None => now.since(held.since) >= self.own.lease,
            };
            if free {
                self.take(hold, held, bucket).await;
                continue;
            }
            let lives =
                |by: &ServiceHolder| others.get(&by.holder).is_some_and(|seen| seen.renewed);
            match held.by.filter(lives) {
                Some(by) if !hold.waits => {
                    let _ = hold.told.send(Err(Taken { by: by.holder }));
                }
                _ => self.wanted.push(hold),
            }
        }
    }

    /// Writes again what this node holds and somebody has deleted.
    async fn put_back(&mut self, bucket: &mut Bucket) {
        let ours = lock(&self.own.held).clone();
        for (service, epoch) in ours {
            let Some(held) = self.held.get_mut(&service) else {
                continue;
            };
            if held.by.is_some() {
                continue;
            }
            let by = ServiceHolder {
                holder: self.own.me,
                epoch,
            };
            let key = Key::Service(service).text();
            if let Changed::Done(revision) = bucket.put(&key, by.write(), held.revision).await {
                (held.revision, held.by) = (revision, Some(by));
            }
        }
    }

    async fn take(&mut self, hold: Hold, held: Held, bucket: &mut Bucket) {
        let before = held.by.map_or(0, |by| by.epoch);
        let epoch = (before + 1).max(u64::from(self.own.me.get()) << BIRTH_SHIFT);
        let ours = ServiceHolder {
            holder: self.own.me,
            epoch,
        };
        let key = Key::Service(hold.service.clone()).text();
        match bucket.put(&key, ours.write(), held.revision).await {
            Changed::Done(revision) => {
                lock(&self.own.held).insert(hold.service.clone(), epoch);
                let held = Held {
                    revision,
                    by: Some(ours),
                    since: self.own.clock.now(),
                };
                self.held.insert(hold.service, held);
                let _ = hold.told.send(Ok(epoch));
            }
            // Somebody else was faster; the bucket says who in a moment.
            Changed::Differs | Changed::Unknown(_) => self.wanted.push(hold),
        }
    }
}
