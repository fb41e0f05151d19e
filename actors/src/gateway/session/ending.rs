//! How a session ends: with a goodbye, with a cut, or some time after its socket was lost.

use std::time::Duration;

use client::{Code, Command, command, event};
use realm::Cx;

use super::{CLOSE_POLICY, Session, Stage};
use crate::gateway::metrics::Cut;

/// A client that does not take the close of its socket in this time is cut.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// After its grace, a session waits so long for its avatar to leave the world.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

impl Session {
    /// Says why, closes the socket, and ends with it.
    pub(super) fn goodbye(&mut self, code: Code, close: u16, cx: &mut Cx<Self>) {
        if self.ends_with_socket {
            return;
        }
        self.ends_with_socket = true;
        self.part(code, cx);
        if self.socket.is_none() {
            cx.stop();
        }
        self.close(close, code.text(), cx);
    }

    /// Sends a client away that is not to be trusted. Its avatar has its grace all the same, lest players break the rules
    /// to get out of a fight.
    pub(super) fn expel(&mut self, cx: &mut Cx<Self>) {
        self.part(Code::Expelled, cx);
        self.close(CLOSE_POLICY, Code::Expelled.text(), cx);
    }

    /// The last word to a client.
    fn part(&mut self, code: Code, cx: &mut Cx<Self>) {
        if !self.parted {
            self.parted = true;
            self.guest.gate.shut();
            self.tell_now(&event::Goodbye { code }.into(), cx);
        }
    }

    fn close(&mut self, close: u16, why: &str, cx: &mut Cx<Self>) {
        if let Some(socket) = &self.socket {
            socket.finish(close, why);
            cx.after(CLOSE_WITHIN, |me, cx| me.cut(Cut::Closing, cx));
        }
    }

    /// Ends the socket without a word.
    pub(super) fn cut(&mut self, why: Cut, cx: &mut Cx<Self>) {
        let Some(socket) = &self.socket else { return };
        tracing::info!(session = %cx.address(), ?why, outstanding = socket.outstanding(), "a client's socket is cut");
        self.house.metrics.cut(why);
        socket.cut();
        self.socket_lost(cx);
    }

    /// The socket is gone: nobody sees anything any more, and the avatar stays for its grace.
    pub(super) fn socket_lost(&mut self, cx: &mut Cx<Self>) {
        if self.socket.take().is_none() {
            return;
        }
        self.house.socket_lost(cx.address());
        self.house.fans.forget(cx.address(), cx.service());
        self.say_nothing_more(cx);
        self.sight.close();
        self.out.clear();
        match self.stage {
            Stage::Entering(_) | Stage::InWorld(_) if !self.ends_with_socket => {
                cx.after(self.house.config.grace(), |me, cx| me.grace_over(cx));
            }
            _ => cx.stop(),
        }
    }

    /// Nobody came back: the avatar is to leave the world, and the session ends when it has.
    fn grace_over(&mut self, cx: &mut Cx<Self>) {
        match &mut self.stage {
            Stage::Entering(entry) => entry.leave(0),
            Stage::InWorld(_) => {
                // A line that is full has an avatar that hears nothing; then only time ends the session.
                let _ = self.say(0, Command::from(command::Leave {}), cx);
            }
            Stage::Fresh | Stage::LoggingIn | Stage::LoggedIn => return cx.stop(),
        }
        cx.after(LEAVE_WITHIN, |_, cx| cx.stop());
    }
}
