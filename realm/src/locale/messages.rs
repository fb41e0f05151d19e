//! What messages do on a locale, and which ones its type takes.

use wire::ClassId;

use super::{Cx, Locale};
use crate::message::{Message, NotThat, Payload};

/// What a message does on a locale of type `L`.
pub trait Run<L: Locale>: Message {
    /// Runs on the target, alone with its state. A panic here deletes the target and nothing else.
    fn run(self, me: &mut L, cx: &mut Cx<L>);
}

/// Runs a payload on its target, or gives it back when it is not of its class.
type RunFn<L> = fn(Payload, &mut L, &mut Cx<L>) -> Result<(), (Payload, NotThat)>;

pub(crate) struct Entry<L: Locale> {
    pub(crate) name: &'static str,
    pub(crate) run: RunFn<L>,
}

impl<L: Locale> Clone for Entry<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L: Locale> Copy for Entry<L> {}

/// The messages that a locale type takes: its table from class id to decode-and-run, the same for local and remote mail.
/// A locale takes a dozen classes or so: looking them through is faster than hashing.
pub struct Messages<L: Locale>(Vec<(ClassId, Entry<L>)>);

impl<L: Locale> Messages<L> {
    pub(crate) fn of() -> Self {
        let mut list = Self(Vec::new());
        L::messages(&mut list);
        list
    }

    /// Adds the class `M`.
    ///
    /// # Panics
    /// When another class in the list has the same id: rename one of the two.
    pub fn takes<M: Run<L>>(&mut self) -> &mut Self {
        match self.get(M::ID) {
            Some((_, other)) => assert!(
                other.name == M::NAME,
                "classes {} and {} share the id {}",
                other.name,
                M::NAME,
                M::ID
            ),
            None => {
                let run = run_one::<M, L>;
                self.0.push((M::ID, Entry { name: M::NAME, run }));
            }
        }
        self
    }

    /// The entry of a class, and its place in the list.
    pub(crate) fn get(&self, class: ClassId) -> Option<(usize, Entry<L>)> {
        let place = self.0.iter().position(|(id, _)| *id == class)?;
        Some((place, self.0[place].1))
    }

    /// The classes and their names, in the order of their places.
    pub(crate) fn classes(&self) -> impl Iterator<Item = (ClassId, &'static str)> {
        self.0.iter().map(|(class, entry)| (*class, entry.name))
    }
}

fn run_one<M: Run<L>, L: Locale>(
    payload: Payload,
    me: &mut L,
    cx: &mut Cx<L>,
) -> Result<(), (Payload, NotThat)> {
    payload.open::<M>()?.run(me, cx);
    Ok(())
}
