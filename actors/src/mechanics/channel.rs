//! A channel: a live copy of a map. It decides who may come in, and brings back what was slain. It hosts nothing itself:
//! its entities are locales of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use realm::{Address, Cx, Death, Locale, Messages, Run, message};

use super::avatar::{Avatar, AvatarSeed};
use super::calls::EnterError;
use super::host::Host;
use super::mob::{Mob, MobSeed};
use super::object::{Object, ObjectSeed};
use crate::database::store::CharacterRow;
use crate::resources::MapTemplate;
use crate::tether::Play;

/// What a channel is made from.
pub struct ChannelSeed {
    /// Its id, never used before.
    pub channel: u64,
    /// Its map.
    pub map: Arc<MapTemplate>,
}

/// The locale of one channel.
pub struct Channel {
    seed: ChannelSeed,
    avatars: BTreeMap<Address, i64>,
    /// Living mobs, and the index of the spawn that brings them back.
    mobs: BTreeMap<Address, usize>,
    /// Objects, and the index of the site that brings them back.
    objects: BTreeMap<Address, usize>,
}

/// Lets a character in, if there is room.
#[message]
pub struct Admit {
    /// Which waiting call to answer.
    pub ticket: u64,
    /// The character.
    pub character: CharacterRow,
    /// Who plays it.
    pub session: Address,
    /// For which login.
    pub play: Play,
}

impl Locale for Channel {
    const NAME: &'static str = "channel";
    type Seed = ChannelSeed;

    fn new(seed: ChannelSeed, cx: &mut Cx<Self>) -> Self {
        let mut me = Self {
            seed,
            avatars: BTreeMap::new(),
            mobs: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        for site in 0..me.seed.map.sites.len() {
            me.place(site, cx);
        }
        for spawn in 0..me.seed.map.spawns.len() {
            for _ in 0..me.seed.map.spawns[spawn].count {
                me.spawn(spawn, cx);
            }
        }
        me
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Admit>();
    }

    fn died(&mut self, death: Death, cx: &mut Cx<Self>) {
        self.avatars.remove(&death.address);
        if let Some(spawn) = self.mobs.remove(&death.address) {
            let after = Duration::from_secs(self.seed.map.spawns[spawn].respawn_s);
            cx.after(after, move |me, cx| me.spawn(spawn, cx));
        }
        if let Some(site) = self.objects.remove(&death.address) {
            let after = Duration::from_secs(self.seed.map.sites[site].respawn_s);
            cx.after(after, move |me, cx| me.place(site, cx));
        }
    }
}

impl Channel {
    fn spawn(&mut self, spawn: usize, cx: &mut Cx<Self>) {
        let host = Host::of(cx.service());
        let spec = &self.seed.map.spawns[spawn];
        let Some(template) = host.resources.entity(&spec.entity).cloned() else {
            return;
        };
        let chance = cx.chance();
        let near = host
            .replicas
            .terrain(self.seed.channel)
            .and_then(|terrain| {
                terrain
                    .now()
                    .random_passable_near(spec.at, spec.radius_tiles, |below| chance.below(below))
            });
        let at = near.unwrap_or(spec.at);
        let (channel, map) = (self.seed.channel, self.seed.map.clone());
        let mob = cx.spawn::<Mob>(MobSeed {
            channel,
            map,
            template,
            at,
        });
        cx.watch(mob);
        self.mobs.insert(mob, spawn);
    }

    fn place(&mut self, site: usize, cx: &mut Cx<Self>) {
        let host = Host::of(cx.service());
        let spec = self.seed.map.sites[site].clone();
        let Some(template) = host.resources.object(&spec.object).cloned() else {
            return;
        };
        let (channel, map) = (self.seed.channel, self.seed.map.clone());
        let object = cx.spawn::<Object>(ObjectSeed {
            channel,
            map,
            template,
            site: spec,
        });
        cx.watch(object);
        self.objects.insert(object, site);
    }
}

impl Run<Channel> for Admit {
    fn run(self, channel: &mut Channel, cx: &mut Cx<Channel>) {
        let host = Host::of(cx.service());
        if channel.avatars.len() >= channel.seed.map.limit as usize {
            return host.entrances.answer(self.ticket, Err(EnterError::Full));
        }
        let character = self.character.character;
        let avatar = cx.spawn::<Avatar>(AvatarSeed {
            ticket: self.ticket,
            channel: channel.seed.channel,
            map: channel.seed.map.clone(),
            row: self.character,
            session: self.session,
            play: self.play,
        });
        cx.watch(avatar);
        channel.avatars.insert(avatar, character);
    }
}
