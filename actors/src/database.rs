//! The database service: the only one that knows SQL. Its module runs the store's work outside the service's thread.

mod calls;
mod module;
pub mod place;
#[cfg(test)]
pub(crate) mod scene;
pub mod store;

pub use calls::{Database, DatabaseError, DatabaseProxy};
pub use module::DatabaseModule;
