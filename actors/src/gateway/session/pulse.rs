//! A session's look at its clock: it pings, cuts and sends away by its own timer, because its socket's actor stands still
//! when the client does not read.

use std::time::Duration;

use client::Code;
use realm::{Cx, Moment};

use super::{CLOSE_NORMAL, Session, Stage};
use crate::gateway::metrics::Cut;

/// After so long without a frame the client is told the time.
const QUIET_MAX: Duration = Duration::from_secs(1);

/// After so long a client is pinged even when it was heard, so that its delay is known.
const PING_EVERY: Duration = Duration::from_secs(10);

impl Session {
    /// The client is there.
    pub(super) fn alive(&mut self, cx: &mut Cx<Self>) {
        self.heard_at = cx.now();
    }

    pub(super) fn pulse_later(&mut self, cx: &mut Cx<Self>) {
        cx.after(self.house.config.pulse(), |me, cx| {
            me.pulse(cx);
            me.pulse_later(cx);
        });
    }

    fn pulse(&mut self, cx: &mut Cx<Self>) {
        // Who was told goodbye has one close to wait for, and nothing else.
        if self.socket.is_none() || self.parted {
            return;
        }
        let now = cx.now();
        let config = &self.house.config;
        let silent = now.since(self.heard_at);
        if silent >= config.silence() {
            return self.cut(Cut::Silent, cx);
        }
        let outside = now.since(self.outside_since);
        let away = match self.stage {
            Stage::Fresh | Stage::LoggingIn => outside >= config.login_within(),
            Stage::LoggedIn => outside >= config.idle(),
            Stage::Entering(_) | Stage::InWorld(_) => false,
        };
        if away {
            return self.goodbye(Code::Idle, CLOSE_NORMAL, cx);
        }
        let asked = now.since(self.asked_at);
        if (silent >= config.heartbeat() && asked >= config.heartbeat()) || asked >= PING_EVERY {
            self.asked_at = now;
            if let Some(socket) = &self.socket {
                socket.ping();
            }
        }
        self.trust_again(now);
        self.watch_slowness(now, cx);
        self.be_known(cx);
        self.tell_gateways(cx);
        if now.since(self.sent_at) >= QUIET_MAX {
            self.flush(cx);
        }
    }

    /// Gives a slow client its cells back once it has caught up, and cuts one that never does.
    fn watch_slowness(&mut self, now: Moment, cx: &mut Cx<Self>) {
        if !self.is_slow() {
            if self.slow_since.take().is_some() {
                self.ask_snapshots(cx);
            }
            return;
        }
        let since = *self.slow_since.get_or_insert(now);
        if now.since(since) >= self.house.config.silence() {
            self.cut(Cut::Slow, cx);
        }
    }
}
