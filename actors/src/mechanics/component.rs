//! What entities are made of. A component holds its own state and rule, and knows neither locales nor mail; which of them
//! an entity has is said in its resource.

mod brain;
mod combat;
mod experience;
mod health;
mod loot;
mod motion;
mod spoils;
mod stock;

pub use brain::{Brain, Sense, Wish};
pub use combat::{Combat, Refusal};
pub use experience::Experience;
pub use health::Health;
pub use loot::Loot;
pub use motion::Motion;
pub use spoils::{Pile, Spoils};
pub use stock::Stock;
