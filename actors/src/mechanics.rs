//! Hosts channels and what lives in them. A channel is a locale that decides who may come in; avatars, mobs and objects
//! are locales made of [`component`]s; what they show of themselves lies in [`replicas`], which rules read and clients are sent.

mod avatar;
mod calls;
mod census;
mod channel;
pub mod component;
mod entity;
mod entrance;
mod harm;
mod host;
mod loot;
mod mob;
mod module;
mod object;
pub mod replicas;

pub use avatar::{Avatar, AvatarSeed};
pub use calls::{EnterError, Entrance, Mechanics, MechanicsProxy, Residents};
pub(crate) use census::Census;
pub use channel::{Admit, Channel, ChannelSeed};
pub use component::{Component, Components, Me};
pub use entity::{Entity, Living, Tick};
pub use entrance::Entrances;
pub use harm::{Harm, Hit};
pub use host::Host;
pub use mob::{Mob, MobSeed};
pub use module::MechanicsModule;
pub use object::{Object, ObjectSeed};
