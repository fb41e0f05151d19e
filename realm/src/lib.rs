//! The engine of an online world. It knows locales, mail, calls, links, services, roles and nodes, and no game.
//!
//! A *locale* is an actor whose state nobody else can reach. It is sent messages that run on it, by address, through the
//! directory; whether the target is in this thread, another thread or another node, the line of code is the same. What
//! breaks in a locale deletes that locale and nothing else.

mod address;
pub mod admin;
mod call;
mod caught;
mod chance;
mod classes;
mod clock;
mod directory;
mod error;
pub mod http;
mod lease;
mod link;
mod locale;
mod lock;
mod mail;
mod mailbox;
mod message;
pub mod metrics;
mod module;
mod names;
mod node;
mod node_core;
mod outside;
mod pages;
pub mod role;
mod service;
mod stepping;
mod trace;

pub use address::{Address, Birth};
pub use call::{CallTable, Caller};
pub use chance::{Chance, Secrets};
pub use classes::Classes;
pub use clock::{Clock, Moment, Sleep};
pub use directory::{Directory, DurableId, Owner};
pub use error::CallError;
pub use link::{
    Announcement, Doing, Faults, Hub, Inlet, JoinError, LINK_PROTOCOL, Link, Nats, NatsError,
    Network, Returned, ServiceEntry, Taken,
};
pub use locale::{Cx, Hands, Locale, Messages, Run, Timer};
pub use mail::{Death, DeathReason, Undelivered, Unlisted, Why};
pub use message::Message;
pub use module::{Module, ModuleError, Modules};
pub use node::{Node, NodeConfig, StartError};
pub use node_core::{Broken, NodeCore};
pub use outside::{Outside, Unfinished};
pub use pages::Pages;
pub use realm_macros::{calls, message};
pub use service::ServiceCx;
pub use stepping::{Stepper, stepped};
pub use trace::Trace;

#[doc(hidden)]
pub use serde;
#[doc(hidden)]
pub use wire;
