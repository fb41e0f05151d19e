//! Fans what is published on a topic out to the sessions that want it: the service takes part in a topic once, for all of
//! them.

use client::Cell;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use realm::{Address, ServiceCx};

use super::session::{CellBytes, Talk};

/// What is heard on a topic, and so what its sessions are sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ear {
    /// The frames of a cell.
    Cell {
        /// The channel.
        channel: u64,
        /// The cell.
        cell: Cell,
    },
    /// What is said in a room.
    Room,
}

/// Which sessions hear which topics.
#[derive(Debug, Default)]
pub(super) struct Fans(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    fans: BTreeMap<Arc<str>, Fan>,
    /// The topics of each session, so that one that dies is forgotten without a search.
    places: BTreeMap<Address, BTreeSet<Arc<str>>>,
}

#[derive(Debug)]
struct Fan {
    ear: Ear,
    sessions: BTreeSet<Address>,
}

impl Fans {
    /// Lets a session hear a topic. From here on nothing of it is missed.
    pub(super) fn join(&self, session: Address, topic: Arc<str>, ear: Ear, cx: &ServiceCx) {
        let state = &mut *self.0.borrow_mut();
        let places = state.places.entry(session).or_default();
        places.insert(topic.clone());
        let fan = state.fans.entry(topic.clone()).or_insert_with(|| Fan {
            ear,
            sessions: BTreeSet::new(),
        });
        fan.sessions.insert(session);
        if fan.sessions.len() == 1 {
            cx.subscribe(&topic);
        }
    }

    /// A session hears a topic no more.
    pub(super) fn leave(&self, session: Address, topic: &Arc<str>, cx: &ServiceCx) {
        let state = &mut *self.0.borrow_mut();
        if let Some(places) = state.places.get_mut(&session)
            && places.remove(topic)
        {
            if places.is_empty() {
                state.places.remove(&session);
            }
            state.drop_out(session, topic, cx);
        }
    }

    /// A session hears nothing any more.
    pub(super) fn forget(&self, session: Address, cx: &ServiceCx) {
        let state = &mut *self.0.borrow_mut();
        for topic in state.places.remove(&session).unwrap_or_default() {
            state.drop_out(session, &topic, cx);
        }
    }

    /// Something was published: the same bytes go to all who hear the topic.
    pub(super) fn heard(&self, topic: &Arc<str>, bytes: &Bytes, cx: &ServiceCx) {
        let state = self.0.borrow();
        let Some(fan) = state.fans.get(topic) else {
            return;
        };
        for session in &fan.sessions {
            let bytes = bytes.clone();
            match fan.ear {
                Ear::Cell { channel, cell } => cx.send(
                    *session,
                    CellBytes {
                        channel,
                        cell,
                        bytes,
                    },
                ),
                Ear::Room => cx.send(*session, Talk { bytes }),
            }
        }
    }
}

impl State {
    fn drop_out(&mut self, session: Address, topic: &Arc<str>, cx: &ServiceCx) {
        let Some(fan) = self.fans.get_mut(topic) else {
            return;
        };
        fan.sessions.remove(&session);
        if fan.sessions.is_empty() {
            self.fans.remove(topic);
            cx.unsubscribe(topic);
        }
    }
}
