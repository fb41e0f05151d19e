//! The figures of the whole realm in one place. Each node's module gathers what its node has counted, publishes it about
//! once a second, and holds the latest of all nodes, so that any node can be asked. It counts nothing itself, and changes
//! nothing.

mod calls;
mod figures;
mod gatherer;
mod module;
mod status;
mod table;
mod text;
mod visible;

pub use calls::{Statistics, StatisticsError, StatisticsProxy};
pub use figures::{
    CallFigures, ChannelFigures, ClassFigures, DeadLetterFigures, DeathFigures, GatewayFigures,
    LocaleFigures, NodeFigures, Report, ServiceFigures,
};
pub use module::{StatisticsConfig, StatisticsModule};
pub use status::Status;

/// Where the admin listener shows a [`Report`] as JSON.
pub const PAGE: &str = "/statistics";
