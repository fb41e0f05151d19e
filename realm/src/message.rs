//! What locales say to each other: plain values that travel, and run on their target.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;

use rustc_hash::FxBuildHasher;
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

impl<T: Serialize + Send + 'static> Carried for T {
    fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        wire::encode(self)
    }
}

/// A value moved as it is, or its bytes when it crosses a wire.
pub(crate) enum Payload {
    Value(Kept<Box<dyn Carried>>),
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
    pub(crate) fn value<T: Carried>(value: T) -> Self {
        Self::Value(Kept::new(Box::new(value)))
    }

    /// The value; or the payload again, when it is of another type.
    pub(crate) fn open<T: DeserializeOwned + 'static>(mut self) -> Result<T, (Self, NotThat)> {
        match &mut self {
            Self::Value(kept) => {
                let value = kept.get().map(|value| &**value as &dyn Any);
                if !value.is_some_and(|value| value.is::<T>()) {
                    return Err((self, NotThat::Type));
                }
                let value = kept.take().map(|value| value as Box<dyn Any>);
                match value.and_then(|value| value.downcast().ok()) {
                    Some(value) => Ok(*value),
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
            Self::Value(value) => value.get().map_or(Ok(Vec::new()), |value| value.encode()),
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

/// The messages that a locale type takes: its table from class id to decode-and-run, the same for local and remote mail.
pub struct Messages<L: Locale>(HashMap<ClassId, Entry<L>, FxBuildHasher>);

impl<L: Locale> Messages<L> {
    pub(crate) fn of() -> Self {
        let mut list = Self(HashMap::default());
        L::messages(&mut list);
        list
    }

    /// Adds the class `M`.
    ///
    /// # Panics
    /// When another class in the list has the same id: rename one of the two.
    pub fn takes<M: Run<L>>(&mut self) -> &mut Self {
        let entry = Entry {
            name: M::NAME,
            run: run_one::<M, L>,
        };
        if let Some(other) = self.0.insert(M::ID, entry) {
            assert!(
                other.name == M::NAME,
                "classes {} and {} share the id {}",
                other.name,
                M::NAME,
                M::ID
            );
        }
        self
    }

    pub(crate) fn get(&self, class: ClassId) -> Option<&Entry<L>> {
        self.0.get(&class)
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
