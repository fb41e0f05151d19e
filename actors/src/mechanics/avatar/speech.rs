//! What an avatar says aloud, and what it hears. The text was checked by the chat service.

use client::{Code, event};
use realm::{Cx, Run, message};

use super::Avatar;
use crate::chat::Room;

/// How far a voice carries, in tiles.
const EARSHOT_TILES: f32 = 12.0;
/// Of a crowd, so many hear one who speaks: the nearest.
const HEARERS_MAX: usize = 256;

/// Somebody near says something.
#[message]
pub(crate) struct Overheard {
    /// The speaker's name.
    from: String,
    /// What it says.
    text: String,
}

impl Avatar {
    /// Tells all avatars within earshot, its own player among them.
    pub(super) fn say_near(&mut self, text: &str, cx: &mut Cx<Self>) -> Result<(), Code> {
        let entity = &self.entity;
        let me = entity.see(entity.handle).ok_or(Code::NotInWorld)?;
        let hearers =
            entity
                .replicas
                .avatars_near(entity.channel, me.place(), EARSHOT_TILES, HEARERS_MAX);
        for hearer in hearers {
            let overheard = Overheard {
                from: me.near.name.to_string(),
                text: text.to_owned(),
            };
            cx.send(hearer, overheard);
        }
        Ok(())
    }
}

impl Run<Avatar> for Overheard {
    fn run(self, avatar: &mut Avatar, _: &mut Cx<Avatar>) {
        avatar.tether.mention(event::Said {
            room: Room::Near.written(),
            from: self.from,
            text: self.text,
        });
    }
}
