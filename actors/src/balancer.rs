//! Where characters stand: which channel of which map on which mechanics service.

mod calls;
mod module;

pub use calls::{Balancer, BalancerProxy, PlaceError, Placement};
pub use module::BalancerModule;
