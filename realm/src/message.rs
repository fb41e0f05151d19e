//! What locales say to each other: plain values that travel. What they do on their target is in `locale`.

use std::any::Any;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{Class, DecodeError, EncodeError};

use crate::caught::Kept;

/// A plain value with a class id. Being serializable and owned, it cannot smuggle a reference out of a locale. Written
/// with `#[message]`.
pub trait Message: Class + Serialize + DeserializeOwned + Send + 'static {}

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
