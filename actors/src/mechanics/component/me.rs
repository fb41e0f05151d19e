//! What a component of a team's own may touch: its own entity, the replicas that rules may read, mail, time and chance.
//! Never the state of another locale.

use std::rc::Rc;

use client::Handle;
use realm::{Address, Chance, Hands, Message, Moment};

use super::super::entity::Entity;
use super::super::replicas::Replica;
use super::{Health, Motion};
use crate::ground::Point;

/// The entity that a component belongs to, while it runs. What changes is published when the run has ended well.
pub struct Me<'a> {
    pub(in super::super) entity: &'a mut Entity,
    pub(in super::super) hands: Hands<'a>,
}

impl Me<'_> {
    /// Its address, for answers.
    pub fn address(&self) -> Address {
        self.hands.address()
    }

    /// Its name within its channel.
    pub fn handle(&self) -> Handle {
        self.entity.handle
    }

    /// Where it is.
    pub fn place(&self) -> Point {
        self.entity.place()
    }

    /// Hit points left; 0 for what has no health.
    pub fn hp(&self) -> u32 {
        self.entity.health.as_ref().map_or(0, Health::hp)
    }

    /// Hit points when unhurt; 0 for what has no health.
    pub fn hp_max(&self) -> u32 {
        self.entity.health.as_ref().map_or(0, Health::max)
    }

    /// Gives hit points back, up to the maximum. The dead stay dead. What takes some is [`Harm`](super::super::Harm), which
    /// is sent.
    pub fn heal(&mut self, amount: u32) {
        if let Some(health) = &mut self.entity.health
            && !health.is_dead()
        {
            health.set(health.hp().saturating_add(amount));
        }
    }

    /// Walks straight towards `goal` at its own speed; a wall ends the walk.
    pub fn walk_to(&mut self, goal: Point) {
        if let Some(motion) = &mut self.entity.motion {
            motion.walk_to(goal);
        }
    }

    /// Stands still.
    pub fn stand(&mut self) {
        if let Some(motion) = &mut self.entity.motion {
            Motion::stop(motion);
        }
    }

    /// Another entity of its channel, as rules may read it.
    pub fn see(&self, other: Handle) -> Option<Replica> {
        self.entity.see(other)
    }

    /// The nearest other entity within `range` tiles that `wanted` accepts.
    pub fn nearest(
        &self,
        range: f32,
        wanted: impl Fn(&Replica) -> bool,
    ) -> Option<(Handle, Replica)> {
        let (channel, place, mine) = (self.entity.channel, self.place(), self.address());
        self.entity
            .replicas
            .nearest(channel, place, range, |other| {
                other.server.address != mine && wanted(other)
            })
    }

    /// Sends `message` from the entity; in order, at most once.
    pub fn send<M: Message>(&mut self, to: Address, message: M) {
        self.hands.send(to, message);
    }

    /// What a module of this service holds out, such as the address of a locale.
    pub fn held<T: 'static>(&self) -> Option<Rc<T>> {
        self.hands.service().held()
    }

    /// Now.
    pub fn now(&self) -> Moment {
        self.hands.service().now()
    }

    /// The entity's random source.
    pub fn chance(&mut self) -> &mut Chance {
        self.hands.chance()
    }
}
