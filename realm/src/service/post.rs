//! How mail leaves a service, and what a death sends out. Mail for this service is laid on its tray at once, other mail goes
//! through the outbox.

use std::rc::Rc;
use std::sync::Arc;

use wire::ClassId;

use super::ServiceCx;
use crate::address::{Address, Birth};
use crate::error::CallError;
use crate::mail::{Death, DeathReason, Letter, Mail, Why};
use crate::mailbox::{Left, Tray};
use crate::message::{Carried, Payload};
use crate::role::WireMode;

impl ServiceCx {
    /// The way out for messages, which most mail is: straight onto the tray of a locale of this service.
    pub(crate) fn dispatch_message(
        &self,
        from: Address,
        to: Address,
        class: ClassId,
        value: Box<dyn Carried>,
    ) {
        let letter = Letter::Message {
            class,
            payload: Payload::Value(value),
        };
        if self.0.node.wire() == WireMode::Local
            && let Some(tray) = self.tray_of(to)
        {
            if let Err((mail, why)) = tray.lay(Mail { from, letter }) {
                self.bounce(to, mail, why);
            }
            return;
        }
        self.dispatch(from, to, letter);
    }

    /// The way out for all mail.
    pub(crate) fn dispatch(&self, from: Address, to: Address, letter: Letter) {
        let letter = match self.0.node.wire() {
            WireMode::Local => letter,
            WireMode::Always => match written(letter) {
                Ok(letter) => letter,
                Err(letter) => return self.bounce(to, Mail { from, letter }, Why::Malformed),
            },
        };
        let mail = Mail { from, letter };
        match self.tray_of(to) {
            Some(tray) => {
                if let Err((mail, why)) = tray.post(mail) {
                    self.bounce(to, mail, why);
                }
            }
            None => self.dispatch_away(to, mail),
        }
    }

    /// The tray of an address of this service.
    #[inline]
    fn tray_of(&self, address: Address) -> Option<Rc<Tray>> {
        if address == self.address() {
            return Some(self.0.tray.clone());
        }
        self.0.locales.borrow().get(&address).cloned()
    }

    /// Through the directory: for other services and nodes.
    fn dispatch_away(&self, to: Address, mail: Mail) {
        let node = &self.0.node;
        let at_once = !matches!(mail.letter, Letter::Message { .. });
        match to.birth() {
            None => self.bounce(to, mail, Why::Gone),
            Some(birth) if birth == node.birth() => self.dispatch_here(to, mail),
            Some(birth) => self.0.outbox.borrow_mut().push_far(birth, to, mail, node),
        }
        let (empty, full) = {
            let outbox = self.0.outbox.borrow();
            (outbox.is_empty(), outbox.is_full())
        };
        if full || (at_once && !empty) {
            self.flush();
        } else if !empty {
            self.0.flush_wanted.notify_one();
        }
    }

    /// For another service of this node.
    fn dispatch_here(&self, to: Address, mail: Mail) {
        match self.0.node.directory().with(to, Arc::clone) {
            Some(mailbox) => self.0.outbox.borrow_mut().push_near(to, mailbox, mail),
            None => self.bounce(to, mail, Why::Gone),
        }
    }

    /// As [`NodeCore::bounce`](crate::NodeCore), but keeps what goes back to this service in order with its other mail.
    pub(crate) fn bounce(&self, to: Address, mail: Mail, why: Why) {
        let Some((to, mail)) = self.0.node.returned(to, mail, why) else {
            return;
        };
        let refused = match self.tray_of(to) {
            Some(tray) => tray.post(mail),
            None => return self.0.node.post_now(to, mail),
        };
        if let Err((mail, why)) = refused {
            self.0.node.bounce(to, mail, why);
        }
    }

    pub(crate) fn flush(&self) {
        let ready = std::mem::take(&mut *self.0.outbox.borrow_mut());
        ready.flush(&self.0.node);
    }

    pub(crate) fn watch(&self, watcher: Address, watched: Address) {
        self.0.watches.borrow_mut().add(watcher, watched);
        self.dispatch(watcher, watched, Letter::Watch);
    }

    /// The watcher has the notice in hand.
    pub(crate) fn told(&self, watcher: Address, watched: Address) {
        self.0.watches.borrow_mut().told(watcher, watched);
    }

    /// Tells of a death: gives back the dead one's mail, notifies its watchers, leaves those whom it watched, counts.
    pub(crate) fn died(
        &self,
        address: Address,
        kind: &'static str,
        reason: DeathReason,
        left: Left,
    ) {
        self.0.locales.borrow_mut().remove(&address);
        self.0.node.metrics().death(kind, reason.label());
        self.bury(address, reason, left);
        if self.0.locales.borrow().is_empty() {
            self.0.emptied.notify_waiters();
        }
    }

    /// The part of a death that a locale and a service have in common.
    pub(super) fn bury(&self, address: Address, reason: DeathReason, left: Left) {
        for mail in left.mail {
            self.bounce(address, mail, Why::Died);
        }
        for watcher in left.watchers {
            self.dispatch(address, watcher, Letter::Death(Death { address, reason }));
        }
        let watched = self.0.watches.borrow_mut().leave(address);
        for watched in watched {
            self.dispatch(address, watched, Letter::Unwatch);
        }
    }

    /// Delivers what a lost node can no longer say: its dead.
    pub(super) fn node_lost(&self, node: Birth) {
        let lost = self.0.watches.borrow().lost(node);
        for (address, watcher) in lost {
            let death = Death {
                address,
                reason: DeathReason::NodeLost,
            };
            self.dispatch(self.address(), watcher, Letter::Death(death));
        }
    }
}

/// The same letter with its value written down; the letter itself when that fails.
fn written(letter: Letter) -> Result<Letter, Letter> {
    let bytes = |payload: &Payload| payload.to_bytes().map(Payload::Bytes);
    match letter {
        Letter::Message { class, payload } => match bytes(&payload) {
            Ok(payload) => Ok(Letter::Message { class, payload }),
            Err(_) => Err(Letter::Message { class, payload }),
        },
        Letter::Request {
            call,
            class,
            payload,
        } => match bytes(&payload) {
            Ok(payload) => Ok(Letter::Request {
                call,
                class,
                payload,
            }),
            Err(_) => Err(Letter::Request {
                call,
                class,
                payload,
            }),
        },
        Letter::Reply {
            call,
            answer: Ok(payload),
        } => {
            let answer = bytes(&payload).map_err(|_| CallError::Malformed);
            Ok(Letter::Reply { call, answer })
        }
        other => Ok(other),
    }
}
