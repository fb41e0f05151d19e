//! An entity: its components, and its entry in the replica store. Avatars, mobs and objects are built on it alike.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use client::{Handle, Near, State, mask, quantize};
use realm::{Hands, Locale, Unlisted, message};

use super::component::{AnyComponent, Combat, Experience, Health, Loot, Me, Motion};
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
    /// Components of the team's own.
    own: Box<[Box<dyn AnyComponent>]>,
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
        hands: Hands<'_>,
        channel: u64,
        map: Arc<MapTemplate>,
        template: Arc<EntityTemplate>,
        name: Arc<str>,
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
            kind: template.id.clone(),
            name,
        };
        let combat = template.combat.as_ref();
        let server = Server {
            address: hands.address(),
            faction: combat.map_or_else(|| "".into(), |combat| combat.faction.clone()),
            avatar: *template.id == *host.avatar,
        };
        let replica = Replica {
            near: near.clone(),
            server,
        };
        let terrain = host.replicas.terrain(channel);
        let mut entity = Self {
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
            loot: template.loot.clone().map(Loot::new),
            replicas: host.replicas.clone(),
            shows: None,
            terrain: terrain.unwrap_or_else(|| Rc::new(Terrain::new(&map.ground))),
            map,
            template: template.clone(),
            health,
            own: Box::default(),
            near,
        };
        let mut me = Me {
            entity: &mut entity,
            hands,
        };
        entity.own = host.components.make(&template, &mut me);
        entity
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
            .map_or("", |combat| &combat.faction)
    }

    /// Another entity of the channel, as far as rules may read it.
    pub fn see(&self, handle: Handle) -> Option<Replica> {
        self.replicas.get(self.channel, handle)
    }

    /// Lets time pass for walking, healing, and the team's own components.
    pub fn tick(&mut self, time: Duration, hands: Hands<'_>) {
        if let Some(health) = &mut self.health {
            health.tick(time);
        }
        if let Some(motion) = &mut self.motion {
            motion.tick(&self.terrain.now(), time);
        }
        if !self.is_dead() {
            self.each_own(hands, |own, me| own.tick(time, me));
        }
    }

    /// It lost `amount` hit points, and lives.
    pub(super) fn hurt(&mut self, by: Handle, amount: u32, hands: Hands<'_>) {
        self.each_own(hands, |own, me| own.hurt(by, amount, me));
    }

    /// It is dead.
    pub(super) fn slain(&mut self, by: Handle, hands: Hands<'_>) {
        self.each_own(hands, |own, me| own.slain(by, me));
    }

    /// A message came that only the team's own components may take.
    pub(super) fn hear(&mut self, mail: &mut Unlisted, hands: Hands<'_>) {
        self.each_own(hands, |own, me| own.hear(mail, me));
    }

    fn each_own(&mut self, hands: Hands<'_>, mut run: impl FnMut(&mut dyn AnyComponent, &mut Me)) {
        // Out of the entity while they run, because each is given the rest of it. A panic ends both.
        let mut own = std::mem::take(&mut self.own);
        let mut me = Me {
            entity: self,
            hands,
        };
        for component in &mut own {
            run(component.as_mut(), &mut me);
        }
        self.own = own;
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
