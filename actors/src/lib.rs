//! The world on the engine: avatars, mobs and maps as locales, and the services that carry them.
//!
//! The main road, file by file: a client's command enters through [`gateway`]; [`accounts`] says who it is, on what
//! [`database`] keeps; [`balancer`] says where its avatar stands; [`mechanics`] holds the channels, and in them the
//! entities, which act on the [`ground`] by the rules in [`resources`]. What players say goes through [`chat`]. How it all
//! does is told by [`statistics`].

pub mod accounts;
pub mod balancer;
pub mod chat;
pub mod cli;
pub mod database;
pub mod gateway;
pub mod ground;
pub mod launch;
mod limit;
pub mod mechanics;
pub mod resources;
pub mod statistics;
pub mod tether;
