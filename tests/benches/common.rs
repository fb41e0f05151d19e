//! What the benches have in common. They measure and print; they judge nothing, because a busy machine is no fault.
#![allow(dead_code, reason = "each bench uses its part of this")]

pub(crate) mod cpu;
pub(crate) mod figures;
pub(crate) mod inside;
pub(crate) mod rounds;
pub(crate) mod tally;
