//! A mob: an entity with a brain. It lives until it is slain, lies as a corpse for a while, and ends.

use std::sync::Arc;
use std::time::Duration;

use client::Handle;
use realm::{Cx, Death, Locale, Messages, Moment, Run, Unlisted};

use super::component::{Brain, Sense, Wish};
use super::entity::{Entity, Living, Tick};
use super::harm::{Harm, Hit, Struck};
use super::host::Host;
use super::loot::{LootOffer, LootOutcome, NoLoot, TakeLoot};
use crate::database::store::OperationId;
use crate::ground::Point;
use crate::resources::{EntityTemplate, MapTemplate};

/// A corpse that holds nothing lies this long.
const BARE_CORPSE: Duration = Duration::from_secs(2);
/// A mob looks for a way round this often at most.
const PATH_EVERY: Duration = Duration::from_millis(500);
/// Tiles that a mob looks at for a way round, at most.
const PATH_NODES_MAX: usize = 1500;
/// A chasing mob comes this part of its range near.
const CLOSE_IN: f32 = 0.8;

/// What a mob is made from.
pub struct MobSeed {
    /// The channel it appears in.
    pub channel: u64,
    /// The channel's map.
    pub map: Arc<MapTemplate>,
    /// What it is.
    pub template: Arc<EntityTemplate>,
    /// Where it appears, and belongs.
    pub at: Point,
}

/// A mob.
pub struct Mob {
    entity: Entity,
    brain: Option<Brain>,
    path_again: Moment,
    blows: u32,
}

impl Locale for Mob {
    const NAME: &'static str = "mob";
    type Seed = MobSeed;

    fn new(seed: MobSeed, cx: &mut Cx<Self>) -> Self {
        let host = Host::of(cx.service());
        let now = cx.now();
        cx.service().watch_from_service(cx.address());
        let brain = seed
            .template
            .brain
            .clone()
            .map(|spec| Brain::new(spec, seed.at, now, cx.chance()));
        let name = seed.template.name.clone();
        let entity = Entity::new(
            &host,
            cx.hands(),
            seed.channel,
            seed.map,
            seed.template,
            name,
            seed.at,
        );
        if entity.handle == Handle::default() {
            cx.stop();
        }
        Self {
            entity,
            brain,
            path_again: now,
            blows: 0,
        }
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Tick>()
            .takes::<Harm>()
            .takes::<Hit>()
            .takes::<TakeLoot>()
            .takes::<LootOutcome>();
    }

    fn settle(&mut self, _: &mut Cx<Self>) {
        self.entity.publish();
    }

    fn unlisted(&mut self, mail: &mut Unlisted, cx: &mut Cx<Self>) {
        self.entity.hear(mail, cx.hands());
    }

    fn died(&mut self, death: Death, _: &mut Cx<Self>) {
        if let Some(loot) = &mut self.entity.loot {
            loot.pile.refused(death.address);
        }
    }
}

impl Living for Mob {
    fn entity(&mut self) -> &mut Entity {
        &mut self.entity
    }
}

impl Struck for Mob {
    fn hurt(&mut self, harm: &Harm, _: u32, _: &mut Cx<Self>) {
        if let Some(brain) = &mut self.brain {
            brain.provoked(harm.by);
        }
    }

    fn slain(&mut self, _: &Harm, _: u32, cx: &mut Cx<Self>) {
        self.brain = None;
        if let Some(motion) = &mut self.entity.motion {
            motion.stop();
        }
        let mut lies = BARE_CORPSE;
        if let Some(loot) = &mut self.entity.loot {
            loot.roll(cx.chance());
            if !loot.pile.is_empty() {
                lies = loot.lasts();
            }
        }
        cx.after(lies, |_, cx| cx.stop());
    }
}

impl Run<Mob> for Tick {
    fn run(self, mob: &mut Mob, cx: &mut Cx<Mob>) {
        if mob.entity.is_dead() {
            return;
        }
        let time = Duration::from_millis(u64::from(self.ms));
        mob.entity.tick(time, cx.hands());
        let Some(brain) = &mut mob.brain else { return };
        let wish = brain.think(
            mob.entity.place(),
            cx.now(),
            &Senses(&mob.entity),
            cx.chance(),
        );
        mob.act(wish, cx);
    }
}

impl Run<Mob> for Hit {
    fn run(self, _: &mut Mob, _: &mut Cx<Mob>) {}
}

impl Run<Mob> for TakeLoot {
    fn run(self, mob: &mut Mob, cx: &mut Cx<Mob>) {
        let dead = mob.entity.is_dead();
        let spoils = mob
            .entity
            .loot
            .as_mut()
            .filter(|_| dead)
            .and_then(|loot| loot.pile.offer(self.taker));
        let Some(spoils) = spoils else {
            return cx.send(
                self.taker,
                NoLoot {
                    sequence: self.sequence,
                },
            );
        };
        cx.watch(self.taker);
        let offer = LootOffer {
            target: mob.entity.handle,
            holder: cx.address(),
            operation: OperationId::derived("loot", cx.address().get(), 0),
            source: mob.entity.template.id.to_string(),
            items: spoils.items,
            coins: spoils.coins,
            sequence: self.sequence,
        };
        cx.send(self.taker, offer);
    }
}

impl Run<Mob> for LootOutcome {
    fn run(self, mob: &mut Mob, cx: &mut Cx<Mob>) {
        let Some(loot) = &mut mob.entity.loot else {
            return;
        };
        if self.taken {
            loot.pile.taken(self.taker);
            cx.after(BARE_CORPSE, |_, cx| cx.stop());
        } else {
            loot.pile.refused(self.taker);
        }
    }
}

impl Mob {
    fn act(&mut self, wish: Wish, cx: &mut Cx<Self>) {
        let Some(brain) = &self.brain else { return };
        let home = brain.home();
        match wish {
            Wish::Nothing => {}
            Wish::Wander => {
                let wander = brain.wander_tiles();
                let chance = cx.chance();
                let ground = self.entity.terrain.now();
                let goal = ground.random_passable_near(home, wander, |below| chance.below(below));
                drop(ground);
                if let Some(goal) = goal {
                    self.walk(goal, cx);
                }
            }
            Wish::Return => self.walk(home, cx),
            Wish::Attack(target, at) => self.attack(target, at, cx),
        }
    }

    fn attack(&mut self, target: Handle, at: Point, cx: &mut Cx<Self>) {
        let place = self.entity.place();
        let Some(combat) = &mut self.entity.combat else {
            return;
        };
        let now = cx.now();
        let reach = combat
            .spells()
            .iter()
            .map(|spell| spell.range_tiles)
            .fold(0.0, f32::max);
        let ids: Vec<String> = combat
            .spells()
            .iter()
            .map(|spell| spell.id.clone())
            .collect();
        for spell in ids {
            let cast = combat.cast(
                &spell,
                &self.entity.terrain.now(),
                place,
                at,
                now,
                cx.chance(),
            );
            let Ok(amount) = cast else { continue };
            self.blows += 1;
            if let Some(victim) = self.entity.see(target) {
                let harm = Harm {
                    spell,
                    amount,
                    by: self.entity.handle,
                    sequence: self.blows,
                };
                cx.send(victim.server.address, harm);
            }
            break;
        }
        let near =
            place.distance(at) <= reach * CLOSE_IN && self.entity.terrain.now().sees(place, at);
        match &mut self.entity.motion {
            Some(motion) if near => motion.stop(),
            _ => self.walk(at, cx),
        }
    }

    /// Walks straight where it can, and looks for a way round where it cannot.
    fn walk(&mut self, goal: Point, cx: &mut Cx<Self>) {
        let Some(motion) = &mut self.entity.motion else {
            return;
        };
        let place = motion.place();
        let ground = self.entity.terrain.now();
        let straight = ground.walk(place, goal, place.distance(goal));
        if straight.distance(goal) < 0.1 {
            return motion.walk_to(goal);
        }
        if cx.now() < self.path_again {
            return;
        }
        self.path_again = cx.now() + PATH_EVERY;
        match ground.path(place, goal, PATH_NODES_MAX) {
            Some(way) => motion.follow(way),
            None => motion.stop(),
        }
    }
}

/// What a mob's brain may know.
struct Senses<'a>(&'a Entity);

impl Sense for Senses<'_> {
    fn nearest_enemy(&self, range: f32) -> Option<Handle> {
        let me = self.0;
        let place = me.place();
        let ground = me.terrain.now();
        let enemy = me.replicas.nearest(me.channel, place, range, |other| {
            other.server.avatar
                && other.alive()
                && *other.server.faction != *me.faction()
                && ground.sees(place, other.place())
        });
        enemy.map(|(handle, _)| handle)
    }

    fn place_of(&self, target: Handle) -> Option<Point> {
        self.0
            .see(target)
            .filter(super::replicas::Replica::alive)
            .map(|replica| replica.place())
    }
}
