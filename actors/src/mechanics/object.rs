//! An object: an entity that does nothing until it is used. A chest or a plant gives what it holds and fills again after a
//! time; a door opens and closes, and while it is closed its tiles stop way and sight in its channel. It has no tick.

use std::sync::Arc;

use client::{Code, Handle, State};
use realm::{Address, Cx, Death, Locale, Messages, Run, message};

use super::component::Stock;
use super::entity::Entity;
use super::host::Host;
use super::loot::{LootOffer, LootOutcome};
use crate::database::store::OperationId;
use crate::resources::{EntityTemplate, MapTemplate, ObjectTemplate, Site};

/// What an object is made from.
pub struct ObjectSeed {
    /// The channel it stands in.
    pub channel: u64,
    /// The channel's map.
    pub map: Arc<MapTemplate>,
    /// What it is.
    pub template: Arc<ObjectTemplate>,
    /// Where it stands.
    pub site: Site,
}

/// A chest, a plant or a door.
pub struct Object {
    entity: Entity,
    stock: Option<Stock>,
    door: Option<Door>,
}

struct Door {
    tiles: Vec<(u16, u16)>,
    open: bool,
}

/// Avatar to object: I use you. It stands within reach.
#[message]
pub(crate) struct UseObject {
    /// The avatar.
    pub(crate) user: Address,
    /// The client's number of the command; comes back in the answer.
    pub(crate) sequence: u32,
}

/// Object to avatar: that does not go.
#[message]
pub(crate) struct NotUsed {
    /// Why.
    pub(crate) code: Code,
    /// The client's number of the command.
    pub(crate) sequence: u32,
}

impl Locale for Object {
    const NAME: &'static str = "object";
    type Seed = ObjectSeed;

    fn new(seed: ObjectSeed, cx: &mut Cx<Self>) -> Self {
        let host = Host::of(cx.service());
        cx.service().watch_from_service(cx.address());
        let ObjectSeed {
            channel,
            map,
            template,
            site,
        } = seed;
        // It has none of the components of beings.
        let id = template.id.as_str().into();
        let bare = Arc::new(EntityTemplate {
            id,
            ..EntityTemplate::default()
        });
        let name = template.name.as_str().into();
        let entity = Entity::new(&host, cx.hands(), channel, map, bare, name, site.at);
        if entity.handle == Handle::default() {
            cx.stop();
        }
        let stock = template.stock.clone().map(Stock::new);
        let open = template.door.as_ref().map(|door| door.open);
        let tiles = site.tiles;
        let door = open.map(|_| Door { tiles, open: true });
        let mut me = Self {
            entity,
            stock,
            door,
        };
        me.fill(cx);
        if open == Some(false) {
            // Where somebody stands already, it stays open.
            let _ = me.turn();
        }
        me
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<UseObject>().takes::<LootOutcome>();
    }

    fn settle(&mut self, _: &mut Cx<Self>) {
        let full = |stock: &Stock| match stock.pile.is_empty() {
            true => State::Empty,
            false => State::Full,
        };
        let stands = |door: &Door| match door.open {
            true => State::Open,
            false => State::Closed,
        };
        let shows = self.stock.as_ref().map(full);
        self.entity.shows = shows.or(self.door.as_ref().map(stands));
        self.entity.publish();
    }

    fn died(&mut self, death: Death, _: &mut Cx<Self>) {
        if let Some(stock) = &mut self.stock {
            stock.pile.refused(death.address);
        }
    }
}

impl Run<Object> for UseObject {
    fn run(self, object: &mut Object, cx: &mut Cx<Object>) {
        let used = match object.door {
            Some(_) => object.turn(),
            None => object.offer(&self, cx),
        };
        if let Err(code) = used {
            let sequence = self.sequence;
            cx.send(self.user, NotUsed { code, sequence });
        }
    }
}

impl Run<Object> for LootOutcome {
    fn run(self, object: &mut Object, cx: &mut Cx<Object>) {
        let Some(stock) = &mut object.stock else {
            return;
        };
        if !self.taken {
            stock.pile.refused(self.taker);
        } else if stock.pile.taken(self.taker) {
            object.fill_later(cx);
        }
    }
}

impl Object {
    /// Opens the door or closes it. Nobody is shut into one.
    fn turn(&mut self) -> Result<(), Code> {
        let Entity {
            replicas,
            channel,
            handle,
            ..
        } = &self.entity;
        let Some(door) = &mut self.door else {
            return Ok(());
        };
        if !door.open {
            replicas.open_door(*channel, *handle);
        } else if !replicas.close_door(*channel, *handle, &door.tiles) {
            return Err(Code::InTheWay);
        }
        door.open = !door.open;
        Ok(())
    }

    /// Offers what is there to the user, who says what became of it.
    fn offer(&mut self, to: &UseObject, cx: &mut Cx<Self>) -> Result<(), Code> {
        let stock = self.stock.as_mut().ok_or(Code::NothingToLoot)?;
        let spoils = stock.pile.offer(to.user).ok_or(Code::NothingToLoot)?;
        cx.watch(to.user);
        let offer = LootOffer {
            target: self.entity.handle,
            holder: cx.address(),
            operation: OperationId::derived("stock", cx.address().get(), stock.filling()),
            source: self.entity.template.id.to_string(),
            items: spoils.items,
            coins: spoils.coins,
            sequence: to.sequence,
        };
        cx.send(to.user, offer);
        Ok(())
    }

    fn fill(&mut self, cx: &mut Cx<Self>) {
        let Some(stock) = &mut self.stock else { return };
        stock.fill(cx.chance());
        if stock.pile.is_empty() {
            self.fill_later(cx);
        }
    }

    fn fill_later(&mut self, cx: &mut Cx<Self>) {
        let Some(stock) = &self.stock else { return };
        cx.after(stock.refill(), Self::fill);
    }
}
