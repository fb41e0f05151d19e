//! A player's avatar: an entity that does what its session's intents say, within the rules. What the player wants comes in
//! through `hearing`, what of it was done before is in `applied`, what it does is in `deeds`, what it says in `speech`, what must outlive it is in `keeping`.

mod applied;
mod deeds;
mod hearing;
mod keeping;
mod speech;

use std::sync::Arc;
use std::time::Duration;

use client::event::{Died, Entered, Respawned, You};
use client::{Code, Handle, ItemStack};
use realm::{Cx, Death, DurableId, Locale, Messages, Owner, Run, Undelivered, Unlisted, Why};

use super::calls::{EnterError, Entrance};
use super::component::{Experience, Health};
use super::entity::{Entity, Living, Tick};
use super::harm::{Harm, Hit, Struck};
use super::host::Host;
use super::loot::{LootOffer, NoLoot, TakeLoot};
use super::object::{NotUsed, UseObject};
use crate::database::store::{CharacterRow, Epoch};
use crate::ground::{CELL_TILES, Point};
use crate::resources::MapTemplate;
use crate::tether::{Intents, News, Play};
use applied::Applied;
pub(super) use hearing::Attach;
use hearing::Tether;
pub(super) use keeping::Depart;
use speech::Overheard;

/// The kind of durable id that characters have.
pub(super) const CHARACTER: u16 = 1;

/// What an avatar is made from.
pub struct AvatarSeed {
    /// The call that waits for it.
    pub ticket: u64,
    /// The channel it enters.
    pub channel: u64,
    /// The channel's map.
    pub map: Arc<MapTemplate>,
    /// The character, as its new owner finds it.
    pub row: CharacterRow,
    /// Who plays it.
    pub session: realm::Address,
    /// For which login.
    pub play: Play,
}

/// An avatar.
pub struct Avatar {
    entity: Entity,
    character: i64,
    epoch: Epoch,
    coins: u64,
    items: Vec<(String, u32)>,
    tether: Tether,
    applied: Applied,
    keeping: keeping::Keeping,
    /// The figures that the player was told last.
    told: Option<(u32, u64)>,
}

impl Locale for Avatar {
    const NAME: &'static str = "avatar";
    type Seed = AvatarSeed;

    fn new(seed: AvatarSeed, cx: &mut Cx<Self>) -> Self {
        let host = Host::of(cx.service());
        let row = seed.row;
        cx.service().watch_from_service(cx.address());
        let saved = Point::new(row.x as f32, row.y as f32);
        let here = row.map.as_deref() == Some(seed.map.id.as_str())
            && host
                .replicas
                .terrain(seed.channel)
                .is_some_and(|terrain| terrain.now().passable(saved));
        let place = if here { saved } else { seed.map.start };
        let template = host.resources.entity(&host.avatar).cloned();
        let template = template
            .expect("the module checks at its start that players' avatars are among the resources");
        let mut entity = Entity::new(
            &host,
            cx.hands(),
            seed.channel,
            seed.map,
            template.clone(),
            row.name.as_str().into(),
            place,
        );
        if let Some(hp) = row.hp.filter(|hp| *hp > 0)
            && let Some(health) = &mut entity.health
        {
            health.set(hp);
        }
        entity.experience = template
            .experience
            .as_ref()
            .map(|spec| Experience::new(spec, row.xp));
        let owner = Owner {
            epoch: row.epoch.0,
            address: cx.address(),
        };
        let id = DurableId {
            kind: CHARACTER,
            number: row.character.unsigned_abs(),
        };
        let claimed = cx.service().node().directory().claim(id, owner);
        let mut me = Self {
            entity,
            character: row.character,
            epoch: row.epoch,
            coins: row.coins,
            items: row.items,
            tether: Tether::new(cx.now()),
            applied: Applied::new(seed.play),
            keeping: keeping::Keeping::new(cx.now() + host.save_every),
            told: None,
        };
        if me.entity.handle == Handle::default() || claimed.is_err() {
            let why = "the channel has no room, or another owner has the character".to_owned();
            host.entrances
                .answer(seed.ticket, Err(EnterError::Unavailable(why)));
            cx.stop();
            return me;
        }
        host.avatars
            .borrow_mut()
            .insert(cx.address(), (me.character, me.entity.channel));
        host.census.came(me.entity.channel);
        me.attach(seed.session, cx);
        host.entrances.answer(seed.ticket, Ok(me.entrance(cx)));
        me
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Intents>().takes::<Attach>().takes::<Depart>();
        list.takes::<Tick>().takes::<Harm>().takes::<Hit>();
        list.takes::<LootOffer>()
            .takes::<NoLoot>()
            .takes::<NotUsed>()
            .takes::<Overheard>();
    }

    fn settle(&mut self, cx: &mut Cx<Self>) {
        self.entity.publish();
        let figures = (self.hp(), self.xp());
        if self.told != Some(figures) {
            self.told = Some(figures);
            let hp_max = self.entity.health.as_ref().map_or(0, Health::max);
            let level = self.entity.experience.as_ref().map_or(1, Experience::level);
            self.tether.tell(You {
                hp: figures.0,
                hp_max,
                xp: figures.1,
                level,
            });
        }
        self.look(cx);
        self.speak(cx);
    }

    fn undelivered(&mut self, mail: &mut Undelivered, cx: &mut Cx<Self>) {
        // A notice of death can be lost on its way; mail that comes back says the same.
        if mail.take::<News>().is_some() && matches!(mail.why, Why::Gone | Why::Died) {
            self.session_died(mail.to, cx);
        }
        // Who was struck, looted or used ended while it was on its way: the player is told, and not left to wait.
        let missed = None
            .or_else(|| mail.take::<Harm>().map(|harm| harm.sequence))
            .or_else(|| mail.take::<TakeLoot>().map(|take| take.sequence))
            .or_else(|| mail.take::<UseObject>().map(|using| using.sequence));
        if let Some(sequence) = missed {
            self.refuse(sequence, Code::NoTarget);
        }
    }

    fn unlisted(&mut self, mail: &mut Unlisted, cx: &mut Cx<Self>) {
        self.entity.hear(mail, cx.hands());
    }

    fn died(&mut self, death: Death, cx: &mut Cx<Self>) {
        self.session_died(death.address, cx);
    }
}

impl Living for Avatar {
    fn entity(&mut self) -> &mut Entity {
        &mut self.entity
    }
}

impl Struck for Avatar {
    fn hurt(&mut self, harm: &Harm, taken: u32, _: &mut Cx<Self>) {
        self.tell_struck(harm, taken);
    }

    fn slain(&mut self, harm: &Harm, taken: u32, cx: &mut Cx<Self>) {
        self.tell_struck(harm, taken);
        if let Some(motion) = &mut self.entity.motion {
            motion.stop();
        }
        self.tether.tell(Died { by: harm.by });
        let wait = Host::of(cx.service()).respawn_after;
        cx.after(wait, |me, _| me.respawn());
    }
}

impl Run<Avatar> for Tick {
    fn run(self, avatar: &mut Avatar, cx: &mut Cx<Avatar>) {
        let time = Duration::from_millis(u64::from(self.ms));
        avatar.entity.tick(time, cx.hands());
        avatar.save_when_due(cx);
    }
}

impl Avatar {
    fn hp(&self) -> u32 {
        self.entity.health.as_ref().map_or(0, Health::hp)
    }

    fn xp(&self) -> u64 {
        self.entity.experience.as_ref().map_or(0, Experience::xp)
    }

    fn tell_struck(&mut self, harm: &Harm, taken: u32) {
        let target = self.entity.handle;
        self.tether.tell(client::event::Struck {
            spell: harm.spell.clone(),
            by: harm.by,
            target,
            amount: taken,
        });
    }

    fn respawn(&mut self) {
        let start = self.entity.map.start;
        if let Some(health) = &mut self.entity.health {
            health.set(health.max());
        }
        if let Some(motion) = &mut self.entity.motion {
            motion.put(start);
        }
        self.tether.tell(Respawned {
            x: start.x,
            y: start.y,
        });
    }

    /// What a session is told that the avatar now listens to.
    fn entrance(&self, cx: &Cx<Self>) -> Entrance {
        let place = self.entity.place();
        let spells = self
            .entity
            .combat
            .as_ref()
            .map(|combat| combat.spells())
            .unwrap_or_default();
        let entered = Entered {
            channel: self.entity.channel,
            map: self.entity.map.id.clone(),
            width: self.entity.map.ground.width(),
            height: self.entity.map.ground.height(),
            cell: CELL_TILES,
            me: self.entity.handle,
            x: place.x,
            y: place.y,
            hp: self.hp(),
            hp_max: self.entity.health.as_ref().map_or(0, Health::max),
            xp: self.xp(),
            coins: self.coins,
            items: stacks(&self.items),
            spells: spells.iter().map(|spell| spell.id.clone()).collect(),
        };
        Entrance {
            avatar: cx.address(),
            entered: entered.into(),
            view: self.view(),
        }
    }
}

/// Items as clients are told them.
fn stacks(items: &[(String, u32)]) -> Vec<ItemStack> {
    items
        .iter()
        .map(|(item, count)| ItemStack {
            item: item.clone(),
            count: *count,
        })
        .collect()
}
