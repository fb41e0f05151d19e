//! The life of a locale as an actix actor: the one place where its code is called, and where its panics end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix::{Actor, ActorContext, ActorFuture, AsyncContext};

use super::{Cx, Locale, Messages};
use crate::address::Address;
use crate::caught::{Panic, drop_caught, panic_text};
use crate::chance::Chance;
use crate::error::CallError;
use crate::mail::{DeathReason, Letter, Mail, Unlisted, Why};
use crate::mailbox::Tray;
use crate::message::Payload;
use crate::metrics::Kind;
use crate::service::ServiceCx;

/// Mail that one locale runs before it lets others of its thread run.
const SLICE_LEN: usize = 128;

/// Mails that run between two looks at the node's lease.
const LEASE_EVERY_MAILS: usize = 32;

/// What all locales of one type on one service share.
pub(crate) struct Breed<L: Locale> {
    pub(crate) list: Messages<L>,
    /// What is counted of them.
    pub(crate) kind: Arc<Kind>,
}

/// The actix actor around a locale's state.
pub(crate) struct Body<L: Locale> {
    service: ServiceCx,
    address: Address,
    tray: Rc<Tray>,
    breed: Rc<Breed<L>>,
    chance: Chance,
    life: Life<L>,
}

enum Life<L: Locale> {
    Seed(L::Seed),
    /// Its constructor runs, or has panicked.
    Unmade,
    State(L),
    Over,
}

// The state is never pinned: actix only needs to know.
impl<L: Locale> Unpin for Body<L> {}

/// Starts a locale on the calling thread. It can be sent to at once; its constructor runs a little later.
pub(crate) fn spawn<L: Locale>(
    service: &ServiceCx,
    address: Address,
    tray: Rc<Tray>,
    breed: Rc<Breed<L>>,
    seed: L::Seed,
) {
    let body = Body {
        service: service.clone(),
        address,
        tray,
        breed,
        chance: service.chance_of(address),
        life: Life::Seed(seed),
    };
    body.start();
}

impl<L: Locale> Actor for Body<L> {
    type Context = actix::Context<Self>;

    fn started(&mut self, actor: &mut Self::Context) {
        if self.service.ending().is_some() {
            return self.end(actor, DeathReason::Ended);
        }
        let Life::Seed(seed) = std::mem::replace(&mut self.life, Life::Unmade) else {
            return;
        };
        let mut cx = Cx {
            service: &self.service,
            address: self.address,
            chance: &mut self.chance,
            actor,
            stopped: false,
        };
        let made = catch_unwind(AssertUnwindSafe(|| L::new(seed, &mut cx)));
        let stopped = cx.stopped;
        match made {
            Ok(state) => {
                self.life = Life::State(state);
                actor.spawn(Pump);
                self.guarded(actor, "constructor", |_, cx| cx.stopped |= stopped);
            }
            Err(panic) => self.panicked(actor, "constructor", panic),
        }
    }
}

impl<L: Locale> Body<L> {
    /// Runs `then` on the state and publishes what it changed; a panic in either ends this locale.
    pub(super) fn guarded(
        &mut self,
        actor: &mut actix::Context<Self>,
        what: &'static str,
        then: impl FnOnce(&mut L, &mut Cx<L>),
    ) {
        if let Err(panic) = self.attempted(actor, then) {
            self.panicked(actor, what, panic);
        }
    }

    /// The same, with a panic handed to the caller, who ends this locale.
    fn attempted(
        &mut self,
        actor: &mut actix::Context<Self>,
        then: impl FnOnce(&mut L, &mut Cx<L>),
    ) -> Result<(), Panic> {
        let Life::State(state) = &mut self.life else {
            drop_caught(then);
            return Ok(());
        };
        let mut cx = Cx {
            service: &self.service,
            address: self.address,
            chance: &mut self.chance,
            actor,
            stopped: false,
        };
        let run = catch_unwind(AssertUnwindSafe(|| {
            then(state, &mut cx);
            state.settle(&mut cx);
        }));
        let stopped = cx.stopped;
        if run.is_ok() && stopped {
            self.end(actor, DeathReason::Ended);
        }
        run
    }

    pub(super) fn panicked(
        &mut self,
        actor: &mut actix::Context<Self>,
        what: &'static str,
        panic: Panic,
    ) {
        let why = panic_text(&*panic);
        tracing::error!(locale = L::NAME, address = %self.address, what, why, "a locale panicked and is deleted");
        drop_caught(panic);
        self.end(actor, DeathReason::Panicked);
    }

    fn receive(&mut self, mail: Mail, actor: &mut actix::Context<Self>) {
        let Mail { from, letter } = mail;
        match letter {
            Letter::Message { class, payload } => self.run(from, class, payload, actor),
            Letter::Undelivered(mut back) => {
                self.guarded(actor, "undelivered", |me, cx| me.undelivered(&mut back, cx));
                self.service.node().dead_letter(back);
            }
            Letter::Death(death) => {
                self.service.told(self.address, death.address);
                self.guarded(actor, "died", |me, cx| me.died(death, cx));
            }
            Letter::Request { call, .. } => {
                let answer = Err(CallError::NotServed);
                self.service
                    .dispatch(self.address, from, Letter::Reply { call, answer });
            }
            Letter::Reply { .. }
            | Letter::Watch
            | Letter::Unwatch
            | Letter::Heard { .. }
            | Letter::NodeLost(_)
            | Letter::Members
            | Letter::Measure => {}
        }
    }

    fn run(
        &mut self,
        from: Address,
        class: wire::ClassId,
        payload: Payload,
        actor: &mut actix::Context<Self>,
    ) {
        let Some((place, entry)) = self.breed.list.get(class) else {
            return self.offer(from, class, payload, actor);
        };
        self.service.ran();
        self.breed.kind.ran(place);
        let mut unread = None;
        // Lent to what runs, not moved into it: closure by closure it would be copied, a tenth of a message's cost.
        let mut payload = Some(payload);
        self.guarded(actor, entry.name, |me, cx| {
            let Some(payload) = payload.take() else {
                return;
            };
            cx.service.trace(from, cx.address, entry.name, &payload);
            unread = (entry.run)(payload, me, cx).err();
        });
        drop_caught(payload);
        if let Some((payload, error)) = unread {
            tracing::warn!(locale = L::NAME, class = entry.name, %from, %error, "mail could not be read");
            self.service.node().metrics().undecodable(entry.name);
            let letter = Letter::Message { class, payload };
            self.service
                .bounce(self.address, Mail { from, letter }, Why::Malformed);
        }
    }

    /// Offers a message that is not in the list to the state; what it leaves goes back. Kept apart from the road that
    /// listed mail takes.
    #[cold]
    #[inline(never)]
    fn offer(
        &mut self,
        from: Address,
        class: wire::ClassId,
        payload: Payload,
        actor: &mut actix::Context<Self>,
    ) {
        self.service.trace(from, self.address, "unlisted", &payload);
        let mut mail = Unlisted::new(from, class, payload);
        let ran = self.attempted(actor, |me, cx| me.unlisted(&mut mail, cx));
        let outcome = mail.outcome();
        if let Err(panic) = ran {
            self.panicked(
                actor,
                outcome.as_ref().map_or("unlisted", |name| name),
                panic,
            );
        }
        match outcome {
            Ok(_) => self.service.ran(),
            Err((payload, why)) => {
                let letter = Letter::Message { class, payload };
                self.service
                    .bounce(self.address, Mail { from, letter }, why);
            }
        }
    }

    /// The one way out: refuse mail, leave the directory, drop the state, give queued mail back, tell the watchers.
    fn end(&mut self, actor: &mut actix::Context<Self>, mut reason: DeathReason) {
        if matches!(self.life, Life::Over) {
            return;
        }
        let left = self.tray.close();
        self.service.forget(self.address);
        let life = std::mem::replace(&mut self.life, Life::Over);
        if !drop_caught(life) {
            tracing::error!(locale = L::NAME, address = %self.address, "a locale's state panicked as it was dropped");
            reason = DeathReason::Panicked;
        }
        if let (DeathReason::Ended, Some(ending)) = (reason, self.service.ending()) {
            reason = ending;
        }
        self.breed.kind.living.dec();
        self.service.died(self.address, L::NAME, reason, left);
        actor.stop();
    }
}

/// Feeds the locale from its mailbox while the service's gate is open, a slice at a time.
struct Pump;

impl<L: Locale> ActorFuture<Body<L>> for Pump {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        body: &mut Body<L>,
        actor: &mut actix::Context<Body<L>>,
        task: &mut Context<'_>,
    ) -> Poll<()> {
        let polled = slice(body, actor, task);
        body.service.count_ran();
        polled
    }
}

fn slice<L: Locale>(
    body: &mut Body<L>,
    actor: &mut actix::Context<Body<L>>,
    task: &mut Context<'_>,
) -> Poll<()> {
    if !body.tray.is_over() && !body.service.node().gate().passes(task) {
        return Poll::Pending;
    }
    for run in 0..SLICE_LEN {
        if run % LEASE_EVERY_MAILS == 0 && !body.service.may_act(task) {
            return Poll::Pending;
        }
        if !body.service.gate().passes(task) {
            return Poll::Pending;
        }
        let Some(mail) = body.tray.take() else {
            let over = body.tray.poll_wake(task);
            if over.is_ready() {
                body.end(actor, DeathReason::Ended);
            }
            return over;
        };
        body.receive(mail, actor);
        body.service.mail_ran();
    }
    task.waker().wake_by_ref();
    Poll::Pending
}
