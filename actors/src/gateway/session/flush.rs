//! How frames leave a session: gathered for a while, or at once, and never more than the client takes.

use bytes::Bytes;
use client::Event;
use realm::Cx;

use super::Session;
use crate::gateway::metrics::Cut;

impl Session {
    /// Tells the client with the next frame.
    pub(super) fn tell(&mut self, event: &Event, cx: &mut Cx<Self>) {
        if self.has_room(cx) {
            self.out.event(event);
        }
    }

    /// Tells the client now.
    pub(super) fn tell_now(&mut self, event: &Event, cx: &mut Cx<Self>) {
        if self.socket.is_some() {
            self.out.event(event);
            self.flush(cx);
        }
    }

    /// Makes room for one more section and sees to it that it will leave; false when nobody would get it.
    pub(super) fn has_room(&mut self, cx: &mut Cx<Self>) -> bool {
        if self.socket.is_none() {
            return false;
        }
        if self.out.is_full() {
            self.flush(cx);
        }
        if self.flush_timer.is_none() {
            let timer = cx.after(self.house.config.flush(), |me, cx| {
                me.flush_timer = None;
                if !me.out.is_empty() {
                    me.flush(cx);
                }
            });
            self.flush_timer = Some(timer);
        }
        true
    }

    /// Sends one frame with all that waits, and be it only the time.
    pub(super) fn flush(&mut self, cx: &mut Cx<Self>) {
        if let Some(timer) = self.flush_timer.take() {
            cx.cancel(timer);
        }
        let frame = self
            .out
            .frame(self.sequences.ack(), cx.service().clock().steady_ms());
        self.write(frame, cx);
    }

    fn write(&mut self, frame: Bytes, cx: &mut Cx<Self>) {
        let Some(socket) = &self.socket else { return };
        let before = socket.outstanding();
        // A frame alone may be longer than the bound: a client that has taken all before is not slow.
        if before > 0 && before + frame.len() > self.house.config.outbox_bytes_max {
            self.cut(Cut::Slow, cx);
            return;
        }
        socket.write(frame);
        self.sent_at = cx.now();
    }

    /// True while the client has more on its way than it should.
    pub(super) fn is_slow(&self) -> bool {
        self.socket
            .as_ref()
            .is_some_and(|socket| socket.outstanding() > self.house.config.outbox_slow_bytes)
    }
}
