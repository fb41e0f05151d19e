//! The short number by which a client names an entity. Clients never see addresses.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An entity within its channel. A handle may be given to another entity once its holder has gone.
#[derive(
    Debug, Copy, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Handle(pub u16);

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
