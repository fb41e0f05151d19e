//! The command of a team that builds its own world: what stands in the README, and nothing else.

include!(concat!(env!("OUT_DIR"), "/readme.rs"));
