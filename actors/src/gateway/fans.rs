//! Fans a cell's frames out to the sessions that see the cell: the service takes part in a topic once, for all of them.

use client::Cell;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use realm::{Address, ServiceCx};

use super::session::CellBytes;
use crate::tether::cell_topic;

/// Which sessions see which cells.
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
    channel: u64,
    cell: Cell,
    sessions: BTreeSet<Address>,
}

impl Fans {
    /// Lets a session hear a cell. From here on no frame of it is missed.
    pub(super) fn join(&self, session: Address, channel: u64, cell: Cell, cx: &ServiceCx) {
        let topic = cell_topic(channel, cell);
        let state = &mut *self.0.borrow_mut();
        let places = state.places.entry(session).or_default();
        places.insert(topic.clone());
        let fan = state.fans.entry(topic.clone()).or_insert_with(|| Fan {
            channel,
            cell,
            sessions: BTreeSet::new(),
        });
        fan.sessions.insert(session);
        if fan.sessions.len() == 1 {
            cx.subscribe(&topic);
        }
    }

    /// A session hears a cell no more.
    pub(super) fn leave(&self, session: Address, channel: u64, cell: Cell, cx: &ServiceCx) {
        let topic = cell_topic(channel, cell);
        let state = &mut *self.0.borrow_mut();
        if let Some(places) = state.places.get_mut(&session)
            && places.remove(&topic)
        {
            if places.is_empty() {
                state.places.remove(&session);
            }
            state.drop_out(session, &topic, cx);
        }
    }

    /// A session hears nothing any more.
    pub(super) fn forget(&self, session: Address, cx: &ServiceCx) {
        let state = &mut *self.0.borrow_mut();
        for topic in state.places.remove(&session).unwrap_or_default() {
            state.drop_out(session, &topic, cx);
        }
    }

    /// A frame of a cell has come: the same bytes go to all who see it.
    pub(super) fn heard(&self, topic: &Arc<str>, bytes: &Bytes, cx: &ServiceCx) {
        let state = self.0.borrow();
        let Some(fan) = state.fans.get(topic) else {
            return;
        };
        for session in &fan.sessions {
            let frame = CellBytes {
                channel: fan.channel,
                cell: fan.cell,
                bytes: bytes.clone(),
            };
            cx.send(*session, frame);
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
