//! What players say to each other beyond earshot, and the rules for all that they say: who may be talked to, how a text must
//! be, how often. One chat service serves a realm. It keeps nothing that outlives it: sessions tell it again who is there.

mod calls;
mod module;
mod pace;
mod people;
mod room;
mod rules;
mod said;

pub use calls::{Chat, ChatError, ChatProxy, Whisper};
pub use module::ChatModule;
pub use people::Talker;
pub use room::{Room, RoomName};
