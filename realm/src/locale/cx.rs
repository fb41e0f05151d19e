//! What a locale can do while it runs.

use std::future::Future;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{ActorFutureExt, AsyncContext};

use super::Locale;
use super::body::Body;
use crate::address::Address;
use crate::caught::Kept;
use crate::chance::Chance;
use crate::clock::Moment;
use crate::message::{Message, carried};
use crate::service::{Leased, ServiceCx};

/// The hands of a running locale: its own address, its service, its timers.
pub struct Cx<'a, L: Locale> {
    pub(super) service: &'a ServiceCx,
    pub(super) address: Address,
    pub(super) chance: &'a mut Chance,
    pub(super) actor: &'a mut actix::Context<Body<L>>,
    pub(super) stopped: bool,
}

/// The part of a running locale's hands that does not depend on its type: what it lends to what it is made of.
pub struct Hands<'a> {
    service: &'a ServiceCx,
    address: Address,
    chance: &'a mut Chance,
}

/// A running timer of a locale; [`Cx::cancel`] takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer(actix::SpawnHandle);

impl Hands<'_> {
    /// The address of the locale.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The service the locale lives in.
    pub fn service(&self) -> &ServiceCx {
        self.service
    }

    /// The locale's random source.
    pub fn chance(&mut self) -> &mut Chance {
        self.chance
    }

    /// Sends `message` from the locale, as [`Cx::send`] does.
    pub fn send<M: Message>(&mut self, to: Address, message: M) {
        self.service
            .dispatch_message(self.address, to, M::ID, carried(message));
    }
}

impl<L: Locale> Cx<'_, L> {
    /// What can be lent to a part of this locale.
    pub fn hands(&mut self) -> Hands<'_> {
        Hands {
            service: self.service,
            address: self.address,
            chance: self.chance,
        }
    }

    /// The address of this locale.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The service this locale lives in.
    pub fn service(&self) -> &ServiceCx {
        self.service
    }

    /// Now.
    pub fn now(&self) -> Moment {
        self.service.now()
    }

    /// This locale's random source.
    pub fn chance(&mut self) -> &mut Chance {
        self.chance
    }

    /// Sends `message`; in order, at most once. What cannot be delivered comes back to [`Locale::undelivered`].
    pub fn send<M: Message>(&mut self, to: Address, message: M) {
        self.service.names::<M>();
        self.service
            .dispatch_message(self.address, to, M::ID, carried(message));
    }

    /// Asks to be told, by [`Locale::died`], when `address` dies; at once if it is dead already.
    pub fn watch(&mut self, address: Address) {
        self.service.watch(self.address, address);
    }

    /// Spawns another locale on this service and returns its address at once.
    pub fn spawn<N: Locale>(&mut self, seed: N::Seed) -> Address {
        self.service.spawn::<N>(seed)
    }

    /// Ends this locale when the current run returns.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Runs `then` after `time`. The timer dies with the locale.
    pub fn after(
        &mut self,
        time: Duration,
        then: impl FnOnce(&mut L, &mut Cx<L>) + 'static,
    ) -> Timer {
        let sleep = self.service.clock().sleep(time);
        let sleep = Leased::new(self.service.clone(), sleep);
        let mut then = Kept::new(then);
        let timer = wrap_future::<_, Body<L>>(sleep).map(move |(), body, actor| {
            if let Some(then) = then.take() {
                body.guarded(actor, "timer", then);
            }
        });
        Timer(self.actor.spawn(timer))
    }

    /// Stops a timer that has not run yet.
    pub fn cancel(&mut self, timer: Timer) {
        self.actor.cancel_future(timer.0);
    }

    /// Awaits `future` (mostly a call) and runs `then` with what it gave. Both are dropped if the locale dies first; a
    /// panic in either is a panic of this locale.
    pub fn call<F>(&mut self, future: F, then: impl FnOnce(&mut L, F::Output, &mut Cx<L>) + 'static)
    where
        F: Future + 'static,
    {
        let mut then = Kept::new(then);
        let future = Leased::new(self.service.clone(), Kept::new(Box::pin(future)));
        let caught = wrap_future::<_, Body<L>>(future);
        let continued = caught.map(move |outcome, body, actor| match outcome {
            Ok(value) => {
                let then = then.take();
                body.guarded(actor, "continuation", move |me, cx| {
                    if let Some(then) = then {
                        then(me, value, cx);
                    }
                });
            }
            Err(panic) => body.panicked(actor, "call", panic),
        });
        self.actor.spawn(continued);
    }
}
