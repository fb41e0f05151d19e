//! What entities are made of; which components an entity has is said in its resource. A built-in one holds its own state
//! and rule, and knows neither locales nor mail. Those of a team's own are written against [`Component`].

mod brain;
mod combat;
mod experience;
mod health;
mod loot;
mod me;
mod motion;
mod own;
mod spoils;
mod stock;

pub use brain::{Brain, Sense, Wish};
pub use combat::{Combat, Refusal};
pub use experience::Experience;
pub use health::Health;
pub use loot::Loot;
pub use me::Me;
pub use motion::Motion;
pub(crate) use own::AnyComponent;
pub use own::{Component, Components};
pub use spoils::{Pile, Spoils};
pub use stock::Stock;
