//! What a session sees: takes part in the cells of its avatar's view, asks for their snapshots, and lets through what the
//! client should have of them.

use std::time::Duration;

use bytes::Bytes;
use realm::{Address, Cx};

use super::Session;
use super::cells::Cells;
use crate::gateway::fans::Ear;
use crate::mechanics::MechanicsProxy;
use crate::tether::{Blow, Glimpse, cell_topic};
use client::Cell;

/// The pause before snapshots that did not come are asked for again.
const PAUSE: Duration = Duration::from_millis(300);

/// The channel that a session looks into, and its cells in view.
#[derive(Default)]
pub(super) struct Sight {
    place: Option<Place>,
    cells: Cells,
    /// Counts the places looked into, so that an answer for an earlier one is known as such.
    number: u64,
    asks_later: bool,
}

#[derive(Clone, Copy)]
struct Place {
    channel: u64,
    host: Address,
}

impl Sight {
    /// Looks into a channel; nothing of it is in view yet.
    pub(super) fn open(&mut self, channel: u64, host: Address) {
        self.close();
        self.place = Some(Place { channel, host });
    }

    /// Sees nothing any more.
    pub(super) fn close(&mut self) {
        self.place = None;
        self.cells = Cells::default();
        self.asks_later = false;
        self.number += 1;
    }
}

impl Session {
    /// The avatar sees these cells now, and no others.
    pub(super) fn see(&mut self, view: &[Cell], cx: &mut Cx<Self>) {
        let Some(Place { channel, .. }) = self.sight.place.filter(|_| self.socket.is_some()) else {
            return;
        };
        let turned = self.sight.cells.turn(view);
        let me = cx.address();
        for (cell, was_shown) in turned.gone {
            self.house
                .fans
                .leave(me, &cell_topic(channel, cell), cx.service());
            if was_shown && self.has_room(cx) {
                self.out.cell_left(cell);
            }
        }
        for cell in turned.come {
            let (topic, ear) = (cell_topic(channel, cell), Ear::Cell { channel, cell });
            self.house.fans.join(me, topic, ear, cx.service());
        }
        self.ask_snapshots(cx);
    }

    /// A frame of a cell was published.
    pub(super) fn cell_published(
        &mut self,
        channel: u64,
        cell: Cell,
        bytes: Bytes,
        cx: &mut Cx<Self>,
    ) {
        if self
            .sight
            .place
            .is_none_or(|place| place.channel != channel)
        {
            return;
        }
        if self.is_slow() {
            self.slow_since.get_or_insert(cx.now());
            self.sight.cells.dim(cell);
            return;
        }
        let Some(Glimpse { frame, blows }) = Glimpse::unpack(bytes) else {
            return;
        };
        match self.sight.cells.published(cell, frame) {
            Some(frame) => {
                self.show_blows(&blows, cx);
                self.show(frame, cx);
            }
            None => self.ask_snapshots(cx),
        }
    }

    /// Asks for the snapshots that are due, unless the client could not take them.
    pub(super) fn ask_snapshots(&mut self, cx: &mut Cx<Self>) {
        let Some(Place { channel, host }) = self.sight.place else {
            return;
        };
        if self.is_slow() || self.sight.asks_later {
            return;
        }
        let cells = self.sight.cells.ask();
        if cells.is_empty() {
            return;
        }
        let number = self.sight.number;
        let mechanics = MechanicsProxy::at(cx.service(), host);
        let wanted = cells.clone();
        let asked = async move { mechanics.snapshot(channel, wanted).await };
        cx.call(asked, move |me, answer, cx| {
            if me.sight.number != number {
                return;
            }
            match answer {
                Ok(frames) => frames.into_iter().for_each(|frame| me.snapshot(Bytes::from(frame.into_vec()), cx)),
                Err(error) => tracing::warn!(session = %cx.address(), channel, %error, "snapshots did not come"),
            }
            me.sight.cells.answered(&cells);
            me.ask_again_later(cx);
        });
    }

    fn snapshot(&mut self, bytes: Bytes, cx: &mut Cx<Self>) {
        if self.is_slow() {
            self.slow_since.get_or_insert(cx.now());
            return;
        }
        for bytes in self.sight.cells.snapshot(bytes) {
            self.show(bytes, cx);
        }
    }

    /// A pause before the same is asked again: a service that cannot answer now is not helped by more questions.
    fn ask_again_later(&mut self, cx: &mut Cx<Self>) {
        if self.sight.asks_later || !self.sight.cells.is_due() {
            return;
        }
        self.sight.asks_later = true;
        let number = self.sight.number;
        cx.after(PAUSE, move |me, cx| {
            if me.sight.number == number {
                me.sight.asks_later = false;
                me.ask_snapshots(cx);
            }
        });
    }

    /// Blows in a cell in view are shown unless they came from one that is not: nobody learns who stands there.
    fn show_blows(&mut self, blows: &[Blow], cx: &mut Cx<Self>) {
        for Blow { from, seen } in blows {
            if self.sight.cells.is_shown(*from) && self.has_room(cx) {
                self.out.event(&seen.clone().into());
            }
        }
    }

    fn show(&mut self, bytes: Bytes, cx: &mut Cx<Self>) {
        if self.has_room(cx) {
            self.out.cell(bytes);
        }
    }
}
