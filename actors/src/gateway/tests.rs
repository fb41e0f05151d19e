//! The gateway among fakes of what stands behind it: stepped by hand with clients in memory, and over real sockets.

mod cells;
mod commands;
mod entering;
mod fakes;
mod limits;
mod losing;
mod raw;
mod sockets;
mod stage;
mod talking;
