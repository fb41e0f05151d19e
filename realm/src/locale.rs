//! Locales: actors whose state nobody else can reach. This file holds what an entity's author writes against; how a
//! locale lives and dies is in `body`.

mod body;
mod cx;
mod messages;

pub(crate) use body::{Breed, spawn};
pub use cx::{Cx, Hands, Timer};
pub use messages::{Messages, Run};

use crate::mail::{Death, Undelivered, Unlisted};

/// The state of one isolated actor: an avatar, a mob, a map channel, a session.
///
/// Whatever panics in here (constructor, `run`, timer, continuation, the drop of the state) deletes this locale, tells
/// those who watch it, and touches nothing else. Do not implement `Drop` for a locale or anything in it: a second panic
/// while unwinding would end the process.
pub trait Locale: Sized + 'static {
    /// The type's name in metrics and logs.
    const NAME: &'static str;

    /// What the constructor is given.
    type Seed: 'static;

    /// Makes the state.
    fn new(seed: Self::Seed, cx: &mut Cx<Self>) -> Self;

    /// Lists the messages that this type takes.
    fn messages(list: &mut Messages<Self>);

    /// Called each time a message, timer or continuation has returned normally: the place to publish what changed. After
    /// a panic it is not called, so nothing half-done is seen.
    fn settle(&mut self, cx: &mut Cx<Self>) {
        let _ = cx;
    }

    /// A message came whose class is not in the list: what this locale is made of may take it. What it leaves goes back.
    fn unlisted(&mut self, mail: &mut Unlisted, cx: &mut Cx<Self>) {
        let _ = (mail, cx);
    }

    /// Mail of this locale came back. What is left in it afterwards counts as a dead letter.
    fn undelivered(&mut self, mail: &mut Undelivered, cx: &mut Cx<Self>) {
        let _ = (mail, cx);
    }

    /// Somebody this locale watches is dead.
    fn died(&mut self, death: Death, cx: &mut Cx<Self>) {
        let _ = (death, cx);
    }
}
