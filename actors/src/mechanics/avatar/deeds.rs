//! What an avatar does when its player asks: the rules are checked here, against replicas and the ground.

use client::command::{Cast, Loot, Move, Say, Use};
use client::event::{Killed, Looted, LootedBefore, Refused, Struck};
use client::{Code, Command, Handle, State};
use realm::{Cx, Run};

use super::super::component::Refusal;
use super::super::harm::{Harm, Hit};
use super::super::loot::{LootOffer, LootOutcome, NoLoot, TakeLoot};
use super::super::object::{NotUsed, UseObject};
use super::super::replicas::Replica;
use super::Avatar;
use crate::ground::Point;

/// A corpse can be emptied, and an object used, from this far, in tiles.
const REACH_TILES: f32 = 2.0;

impl Avatar {
    /// Does what one command asks, or says why not.
    pub(super) fn obey(&mut self, sequence: u32, command: Command, cx: &mut Cx<Self>) {
        let done = match command {
            _ if self.keeping.departs() => Err(Code::NotInWorld),
            Command::Leave(_) => {
                self.depart(cx);
                Ok(())
            }
            _ if self.entity.is_dead() => Err(Code::YouAreDead),
            Command::Move(Move { x, y }) => self.walk(Point::new(x, y)),
            Command::Cast(Cast { spell, target }) => self.cast(sequence, &spell, target, cx),
            Command::Loot(Loot { target }) => self.loot(sequence, target, cx),
            Command::Use(Use { target }) => self.make_use(sequence, target, cx),
            Command::Say(Say { text, .. }) => self.say_near(&text, cx),
            _ => Err(Code::UnknownClass),
        };
        if let Err(code) = done {
            self.refuse(sequence, code);
        }
    }

    pub(super) fn refuse(&mut self, sequence: u32, code: Code) {
        let refused = Refused {
            sequence,
            code,
            text: code.text().to_owned(),
        };
        self.applied.refused(&refused);
        self.tether.tell(refused);
    }

    fn walk(&mut self, goal: Point) -> Result<(), Code> {
        if !goal.x.is_finite() || !goal.y.is_finite() {
            return Err(Code::OutOfBounds);
        }
        if let Some(motion) = &mut self.entity.motion {
            motion.walk_to(goal);
        }
        Ok(())
    }

    /// An entity that the player can see: within the cells in view, and no further.
    fn seen(&self, target: Handle) -> Result<Replica, Code> {
        let replica = self.entity.see(target).ok_or(Code::NoTarget)?;
        let cell = self.entity.map.ground.cell_of(replica.place());
        if self.view().contains(&cell) {
            Ok(replica)
        } else {
            Err(Code::NoTarget)
        }
    }

    fn cast(
        &mut self,
        sequence: u32,
        spell: &str,
        target: Handle,
        cx: &mut Cx<Self>,
    ) -> Result<(), Code> {
        let victim = self.seen(target)?;
        if victim.server.address == cx.address() || victim.is_object() {
            return Err(Code::NoTarget);
        }
        if !victim.alive() {
            return Err(Code::TargetDead);
        }
        let (from, at, now) = (self.entity.place(), victim.place(), cx.now());
        let combat = self.entity.combat.as_mut().ok_or(Code::UnknownSpell)?;
        let amount = combat
            .cast(
                spell,
                &self.entity.terrain.now(),
                from,
                at,
                now,
                cx.chance(),
            )
            .map_err(|refusal| match refusal {
                Refusal::UnknownSpell => Code::UnknownSpell,
                Refusal::OutOfRange => Code::OutOfRange,
                Refusal::NoSight => Code::NoSight,
                Refusal::Cooldown => Code::Cooldown,
            })?;
        let harm = Harm {
            spell: spell.to_owned(),
            amount,
            by: self.entity.handle,
            sequence,
        };
        cx.send(victim.server.address, harm);
        Ok(())
    }

    fn loot(&mut self, sequence: u32, target: Handle, cx: &mut Cx<Self>) -> Result<(), Code> {
        let corpse = self.seen(target)?;
        if corpse.alive() || corpse.server.avatar {
            return Err(Code::NothingToLoot);
        }
        if self.entity.place().distance(corpse.place()) > REACH_TILES {
            return Err(Code::OutOfRange);
        }
        cx.send(
            corpse.server.address,
            TakeLoot {
                taker: cx.address(),
                sequence,
            },
        );
        Ok(())
    }

    fn make_use(&mut self, sequence: u32, target: Handle, cx: &mut Cx<Self>) -> Result<(), Code> {
        let object = self.seen(target)?;
        if !object.is_object() {
            return Err(Code::NoTarget);
        }
        let (from, at) = (self.entity.place(), object.place());
        if from.distance(at) > REACH_TILES {
            return Err(Code::OutOfRange);
        }
        // A closed door hides what is behind it, but not itself.
        let sees = match object.near.state {
            State::Closed => self.entity.map.ground.sees(from, at),
            _ => self.entity.terrain.now().sees(from, at),
        };
        if !sees {
            return Err(Code::NoSight);
        }
        cx.send(
            object.server.address,
            UseObject {
                user: cx.address(),
                sequence,
            },
        );
        Ok(())
    }
}

impl Run<Avatar> for Hit {
    fn run(self, avatar: &mut Avatar, _: &mut Cx<Avatar>) {
        if self.amount == 0 && self.killed.is_none() {
            return avatar.refuse(self.sequence, Code::TargetDead);
        }
        let by = avatar.entity.handle;
        avatar.tether.tell(Struck {
            spell: self.spell,
            by,
            target: self.target,
            amount: self.amount,
        });
        if let Some(xp) = self.killed {
            if let Some(experience) = &mut avatar.entity.experience {
                experience.gain(xp);
            }
            avatar.tether.tell(Killed {
                target: self.target,
                xp,
            });
            avatar.keeping.save_soon();
        }
    }
}

impl Run<Avatar> for NoLoot {
    fn run(self, avatar: &mut Avatar, _: &mut Cx<Avatar>) {
        avatar.refuse(self.sequence, Code::NothingToLoot);
    }
}

impl Run<Avatar> for NotUsed {
    fn run(self, avatar: &mut Avatar, _: &mut Cx<Avatar>) {
        avatar.refuse(self.sequence, self.code);
    }
}

impl Run<Avatar> for LootOffer {
    fn run(self, avatar: &mut Avatar, cx: &mut Cx<Avatar>) {
        avatar.take(self, cx);
    }
}

impl Avatar {
    /// The offer is in the database, or it is not: the player and the holder are told.
    pub(super) fn took(&mut self, offer: LootOffer, taken: Result<(), Code>, cx: &mut Cx<Self>) {
        // What the database gave to somebody before is not there any more either.
        let gone = matches!(taken, Ok(()) | Err(Code::NothingToLoot));
        cx.send(
            offer.holder,
            LootOutcome {
                taker: cx.address(),
                taken: gone,
            },
        );
        match taken {
            Ok(()) => {
                self.applied.looted(LootedBefore {
                    sequence: offer.sequence,
                    target: offer.target,
                    items: offer.items.clone(),
                    coins: offer.coins,
                });
                self.tether.tell(Looted {
                    target: offer.target,
                    items: offer.items,
                    coins: offer.coins,
                });
            }
            Err(code) => self.refuse(offer.sequence, code),
        }
    }
}
