//! The client's side of a realm: the closed tables of commands and events, both frames, the replica layout, a view, a
//! connection over any transport, and a scripted player.
//!
//! The server uses the same tables and layouts. Nothing here knows the engine: a client sends intents and names handles.

pub mod bindings;
mod cell_frame;
mod clock;
pub mod code;
pub mod command;
pub mod connection;
pub mod event;
mod frame;
pub mod gateways;
mod handle;
mod kept;
pub mod player;
mod reader;
mod replica;
mod shape;
pub mod smoke;
mod socket;
mod table;
mod view;
mod walk;

pub use cell_frame::{
    CellError, CellFrame, CellFrameKind, CellFrameWriter, CellHead, Change, Entry, LAYOUT, mask,
};
pub use clock::{Estimate, ServerClock};
pub use code::Code;
pub use command::{COMMANDS, Command, CommandError};
pub use connection::{Closed, Connection, ConnectionError, Happening, Missed, Transport};
pub use event::{EVENTS, Event, EventError, ItemStack};
pub use frame::{
    COMMAND_FRAME_LEN_MAX, CommandFrame, FrameError, FrameWriter, Header, SERVER_FRAME_LEN_MAX,
    Section, ServerFrame,
};
pub use gateways::Gateways;
pub use handle::Handle;
pub use kept::KEPT_LEN_MAX;
pub use player::Player;
pub use replica::{Cell, Near, Part, STEPS_PER_TILE, State, dequantize, quantize};
pub use shape::{Bound, ClassDoc, FieldDoc, RecordDoc, Shape, Shaped};
pub use socket::WebSocket;
pub use view::{Gap, Version, View};

/// The version of the client protocol: what `Welcome` says and every frame begins with.
pub const PROTOCOL: u8 = wire::FORMAT_VERSION;
