//! An entity: its components, and its entry in the replica store. Avatars, mobs and objects are built on it alike.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use client::{Handle, Near, State, mask, quantize};
use realm::{Address, Locale, message};

use super::component::{Combat, Experience, Health, Loot, Motion};
use super::host::Host;
use super::replicas::{Replica, Replicas, Server, Terrain};
use crate::ground::Point;
use crate::resources::{EntityTemplate, MapTemplate};

/// Time goes on for an entity.
#[message]
pub struct Tick {
    /// Milliseconds since the last one.
    pub ms: u32,
}

/// What avatars, mobs and objects have in common: components, as their resource names them.
pub struct Entity {
    /// The channel it stands in.
    pub channel: u64,
    /// Its name within the channel. 0 if it found no room.
    pub handle: Handle,
    /// The channel's map.
    pub map: Arc<MapTemplate>,
    /// The channel's ground: the map's, and the closed doors.
    pub terrain: Rc<Terrain>,
    /// What it is.
    pub template: Arc<EntityTemplate>,
    /// The store it publishes to and reads from.
    pub replicas: Rc<Replicas>,
    /// Hit points; without them it cannot be hurt.
    pub health: Option<Health>,
    /// A place that changes; without it the entity stands where it appeared.
    pub motion: Option<Motion>,
    /// Spells.
    pub combat: Option<Combat>,
    /// Experience, and its worth to a killer.
    pub experience: Option<Experience>,
    /// What its corpse holds.
    pub loot: Option<Loot>,
    /// What it is at, if that is not for its components to say.
    pub shows: Option<State>,
    near: Near,
}

/// A locale that is an entity.
pub trait Living: Locale {
    /// Its entity.
    fn entity(&mut self) -> &mut Entity;
}

impl Entity {
    /// Builds the components and enters the channel at `place`.
    pub fn new(
        host: &Host,
        address: Address,
        channel: u64,
        map: Arc<MapTemplate>,
        template: Arc<EntityTemplate>,
        name: &str,
        place: Point,
    ) -> Self {
        let spells = template.combat.iter().flat_map(|combat| &combat.spells);
        let spells = spells
            .filter_map(|id| host.resources.spell(id).cloned())
            .collect();
        let health = template.health.as_ref().map(Health::new);
        let near = Near {
            x: place.x,
            y: place.y,
            hp: short(health.as_ref().map_or(0, Health::hp)),
            hp_max: short(health.as_ref().map_or(0, Health::max)),
            state: State::Idle,
            kind: template.id.as_str().into(),
            name: name.into(),
        };
        let faction = template
            .combat
            .as_ref()
            .map_or("", |combat| combat.faction.as_str());
        let server = Server {
            address,
            faction: faction.into(),
            avatar: template.id == host.avatar,
        };
        let replica = Replica {
            near: near.clone(),
            server,
        };
        let terrain = host.replicas.terrain(channel);
        Self {
            channel,
            handle: host.replicas.enter(channel, replica).unwrap_or_default(),
            motion: template
                .motion
                .as_ref()
                .map(|spec| Motion::new(spec, place)),
            combat: template.combat.as_ref().map(|_| Combat::new(spells)),
            experience: template
                .experience
                .as_ref()
                .map(|spec| Experience::new(spec, 0)),
            loot: template
                .loot
                .as_ref()
                .map(|spec| Loot::new(Arc::new(spec.clone()))),
            replicas: host.replicas.clone(),
            shows: None,
            terrain: terrain.unwrap_or_else(|| Rc::new(Terrain::new(&map.ground))),
            map,
            template,
            health,
            near,
        }
    }

    /// Where it is.
    pub fn place(&self) -> Point {
        self.motion
            .as_ref()
            .map_or(Point::new(self.near.x, self.near.y), Motion::place)
    }

    /// True at 0 hit points; what has none cannot die.
    pub fn is_dead(&self) -> bool {
        self.health.as_ref().is_some_and(Health::is_dead)
    }

    /// What it holds with.
    pub fn faction(&self) -> &str {
        self.template
            .combat
            .as_ref()
            .map_or("", |combat| combat.faction.as_str())
    }

    /// Another entity of the channel, as far as rules may read it.
    pub fn see(&self, handle: Handle) -> Option<Replica> {
        self.replicas.get(self.channel, handle)
    }

    /// Lets time pass for walking and healing.
    pub fn tick(&mut self, time: Duration) {
        if let Some(health) = &mut self.health {
            health.tick(time);
        }
        if let Some(motion) = &mut self.motion {
            motion.tick(&self.terrain.now(), time);
        }
    }

    /// Publishes what differs from what is published.
    pub fn publish(&mut self) {
        let place = self.place();
        let mut changed = 0;
        if (quantize(place.x), quantize(place.y)) != (quantize(self.near.x), quantize(self.near.y))
        {
            (self.near.x, self.near.y) = (place.x, place.y);
            changed |= mask::POSITION;
        }
        if let Some(health) = &self.health {
            let (hp, hp_max) = (short(health.hp()), short(health.max()));
            if (hp, hp_max) != (self.near.hp, self.near.hp_max) {
                (self.near.hp, self.near.hp_max) = (hp, hp_max);
                changed |= mask::HEALTH;
            }
        }
        let state = if let Some(shows) = self.shows {
            shows
        } else if self.is_dead() {
            State::Dead
        } else if self.motion.as_ref().is_some_and(Motion::walks) {
            State::Walking
        } else {
            State::Idle
        };
        if state != self.near.state {
            self.near.state = state;
            changed |= mask::STATE;
        }
        if changed != 0 {
            self.replicas
                .publish(self.channel, self.handle, &self.near, changed);
        }
    }
}

/// Hit points as clients are told them: at most 65,535, and never 0 for the living.
fn short(points: u32) -> u16 {
    u16::try_from(points).unwrap_or(u16::MAX)
}
