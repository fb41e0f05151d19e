//! A hit on its way from the one who strikes to the one who is struck, and the answer to it.

use client::Handle;
use client::event::CastSeen;
use realm::{Cx, Locale, Run, message};

use super::entity::Living;

/// Takes hit points from its target.
#[message]
pub struct Harm {
    /// The spell that does it.
    pub spell: String,
    /// Hit points.
    pub amount: u32,
    /// Who strikes.
    pub by: Handle,
    /// The striker's own number of the blow; comes back in [`Hit`].
    pub sequence: u32,
}

/// Tells the striker what a blow did.
#[message]
pub struct Hit {
    /// The spell.
    pub spell: String,
    /// Who was struck.
    pub target: Handle,
    /// Hit points taken; 0 when the target was dead already.
    pub amount: u32,
    /// The experience that killing it was worth, if this blow did.
    pub killed: Option<u64>,
    /// The striker's own number of the blow.
    pub sequence: u32,
}

/// An entity that can be struck.
pub trait Struck: Living {
    /// It was hurt, and lives.
    fn hurt(&mut self, harm: &Harm, taken: u32, cx: &mut Cx<Self>);

    /// It was hurt, and is dead.
    fn slain(&mut self, harm: &Harm, taken: u32, cx: &mut Cx<Self>);
}

impl<L: Struck + Locale> Run<L> for Harm {
    fn run(self, me: &mut L, cx: &mut Cx<L>) {
        let entity = me.entity();
        let target = entity.handle;
        let striker = entity.see(self.by).map(|replica| replica.server.address);
        let alive = !entity.is_dead();
        let taken = match &mut entity.health {
            Some(health) if alive => health.hurt(self.amount),
            _ => 0,
        };
        let killed = alive && entity.is_dead();
        let worth = entity
            .experience
            .as_ref()
            .map_or(0, |experience| experience.worth());
        if let Some(striker) = striker {
            let killed = killed.then_some(worth);
            let hit = Hit {
                spell: self.spell.clone(),
                target,
                amount: taken,
                killed,
                sequence: self.sequence,
            };
            cx.send(striker, hit);
        }
        if killed {
            me.slain(&self, taken, cx);
            me.entity().slain(self.by, cx.hands());
        } else if alive {
            me.hurt(&self, taken, cx);
            me.entity().hurt(self.by, taken, cx.hands());
        }
        if alive {
            let entity = me.entity();
            let seen = CastSeen {
                spell: self.spell,
                by: self.by,
                target,
            };
            entity.replicas.blow(entity.channel, seen);
        }
    }
}
