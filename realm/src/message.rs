//! What locales say to each other: plain values that travel, and run on their target.

use std::any::Any;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{Class, ClassId, DecodeError, EncodeError};

use crate::caught::Kept;
use crate::locale::{Cx, Locale};

/// A plain value with a class id. Being serializable and owned, it cannot smuggle a reference out of a locale. Written
/// with `#[message]`.
pub trait Message: Class + Serialize + DeserializeOwned + Send + 'static {}

/// What a message does on a locale of type `L`.
pub trait Run<L: Locale>: Message {
    /// Runs on the target, alone with its state. A panic here deletes the target and nothing else.
    fn run(self, me: &mut L, cx: &mut Cx<L>);
}

/// Any value on its way: it can be taken out again by its type, or written down.
pub(crate) trait Carried: Any + Send {
    fn encode(&self) -> Result<Vec<u8>, EncodeError>;
}

impl<T: Serialize + Send + 'static> Carried for Kept<T> {
    fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        self.get().map_or(Ok(Vec::new()), wire::encode)
    }
}

/// Makes a value ready to go.
pub(crate) fn carried<T: Serialize + Send + 'static>(value: T) -> Box<dyn Carried> {
    Box::new(Kept::new(value))
}

/// A value moved as it is, or its bytes when it crosses a wire.
pub(crate) enum Payload {
    Value(Box<dyn Carried>),
    Bytes(Vec<u8>),
}

/// Why a payload is not the value that its class promises.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotThat {
    #[error("{0}")]
    Decode(#[from] DecodeError),
    #[error("the value is of another type")]
    Type,
}

impl Payload {
    pub(crate) fn value<T: Serialize + Send + 'static>(value: T) -> Self {
        Self::Value(carried(value))
    }

    /// The value; or the payload again, when it is of another type.
    pub(crate) fn open<T: DeserializeOwned + 'static>(mut self) -> Result<T, (Self, NotThat)> {
        match &mut self {
            Self::Value(value) => {
                let value: &mut dyn Any = &mut **value;
                match value.downcast_mut::<Kept<T>>().and_then(Kept::take) {
                    Some(value) => Ok(value),
                    None => Err((self, NotThat::Type)),
                }
            }
            Self::Bytes(bytes) => wire::decode(bytes).map_err(|error| (self, error.into())),
        }
    }

    pub(crate) fn into_bytes(self) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Value(_) => self.to_bytes(),
            Self::Bytes(bytes) => Ok(bytes),
        }
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Value(value) => value.encode(),
            Self::Bytes(bytes) => Ok(bytes.clone()),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Value"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
        }
    }
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
