//! How mail leaves a service, and what a death sends out. Mail for this thread is put into its mailbox at once, other mail
//! goes through the outbox.

use std::sync::Arc;

use super::ServiceCx;
use crate::address::{Address, Birth};
use crate::call::CallError;
use crate::mail::{Death, DeathReason, Letter, Mail, Why};
use crate::mailbox::Left;
use crate::message::Payload;
use crate::role::WireMode;

impl ServiceCx {
    /// The one way out for mail.
    pub(crate) fn dispatch(&self, from: Address, to: Address, letter: Letter) {
        let node = &self.0.node;
        let at_once = !matches!(letter, Letter::Message { .. });
        let written = match node.wire() {
            WireMode::Local => Ok(letter),
            WireMode::Always => written(letter),
        };
        let mail = match written {
            Ok(letter) => Mail { from, letter },
            Err(letter) => return node.bounce(to, Mail { from, letter }, Why::Malformed),
        };
        match to.birth() {
            None => node.bounce(to, mail, Why::Gone),
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

    fn dispatch_here(&self, to: Address, mail: Mail) {
        let node = &self.0.node;
        let mut mail = Some(mail);
        let refused = node.directory().with(to, |post| {
            let mail = mail.take()?;
            if Arc::ptr_eq(post.service(), &self.0.shared) {
                return post.post(mail).err();
            }
            self.0.outbox.borrow_mut().push_near(to, post.clone(), mail);
            None
        });
        // The directory's entry is free again: what bounces may go to any address.
        match (refused.flatten(), mail) {
            (Some((mail, why)), _) => node.bounce(to, mail, why),
            (None, Some(mail)) => node.bounce(to, mail, Why::Gone),
            (None, None) => {}
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
            self.0.node.bounce(address, mail, Why::Died);
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
