//! The replica store of a mechanics service: what its entities show of themselves. Entities write their own entry, after
//! a run that returned normally; rules read all entries; clients are sent the near part, encoded once for each cell.

mod cells;
mod terrain;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use client::event::CastSeen;
use client::{Cell, Handle, Near, mask};
use realm::Address;

use crate::ground::Point;
use crate::resources::MapTemplate;
use crate::tether::Blow;
use cells::Cells;
pub use terrain::Terrain;

/// How far from a door, in tiles, one stands out of its way: what is published may differ that much from where one is.
const OUT_OF_THE_WAY: f32 = 0.1;

/// The published part of an entity: what anybody near may see, and what only rules may.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Audience *near*: sent to every client that sees the cell.
    pub near: Near,
    /// Audience *server*: read by rules, never sent.
    pub server: Server,
}

/// The part of a replica that never leaves the server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where mail for the entity goes.
    pub address: Address,
    /// Who it holds with.
    pub faction: Arc<str>,
    /// True for a player's avatar.
    pub avatar: bool,
}

impl Replica {
    /// Where the entity is.
    pub fn place(&self) -> Point {
        Point::new(self.near.x, self.near.y)
    }

    /// True of what can be used, and is no being.
    pub fn is_object(&self) -> bool {
        self.near.state.is_of_object()
    }

    /// True unless the entity is a corpse.
    pub fn alive(&self) -> bool {
        self.near.state != client::State::Dead
    }
}

/// The channels of one service.
#[derive(Default)]
pub struct Replicas {
    channels: RefCell<BTreeMap<u64, Held>>,
    whose: RefCell<BTreeMap<Address, (u64, Handle)>>,
}

struct Held {
    map: Arc<MapTemplate>,
    terrain: Rc<Terrain>,
    entities: BTreeMap<Handle, (Cell, Replica)>,
    cells: Cells,
    last: u16,
    avatars: u32,
}

impl Replicas {
    /// Opens a channel. Its id was never used before, so its cells begin with epoch 1.
    pub fn open(&self, channel: u64, map: Arc<MapTemplate>) {
        let terrain = Rc::new(Terrain::new(&map.ground));
        let held = Held {
            map,
            terrain,
            entities: BTreeMap::new(),
            cells: Cells::default(),
            last: 0,
            avatars: 0,
        };
        self.channels.borrow_mut().insert(channel, held);
    }

    /// Closes a channel; returns the entities that were still in it.
    pub fn close(&self, channel: u64) -> Vec<Address> {
        let Some(held) = self.channels.borrow_mut().remove(&channel) else {
            return Vec::new();
        };
        let left: Vec<Address> = held
            .entities
            .values()
            .map(|(_, replica)| replica.server.address)
            .collect();
        let mut whose = self.whose.borrow_mut();
        for address in &left {
            whose.remove(address);
        }
        left
    }

    /// The map of a channel.
    pub fn map(&self, channel: u64) -> Option<Arc<MapTemplate>> {
        Some(self.channels.borrow().get(&channel)?.map.clone())
    }

    /// The ground of a channel, as it is now and will be.
    pub fn terrain(&self, channel: u64) -> Option<Rc<Terrain>> {
        Some(self.channels.borrow().get(&channel)?.terrain.clone())
    }

    /// Lays a closed door over these tiles, until it is opened or removed. False when somebody stands there.
    pub fn close_door(&self, channel: u64, door: Handle, tiles: &[(u16, u16)]) -> bool {
        let channels = self.channels.borrow();
        let Some(held) = channels.get(&channel) else {
            return false;
        };
        let free = !held.somebody_on(tiles, door);
        if free {
            held.terrain.close(door, tiles);
        }
        free
    }

    /// Frees the tiles of a door.
    pub fn open_door(&self, channel: u64, door: Handle) {
        if let Some(held) = self.channels.borrow().get(&channel) {
            held.terrain.open(door);
        }
    }

    /// Puts a new entity in and gives it its handle. `None` when the channel is closed or has no handle free.
    pub fn enter(&self, channel: u64, replica: Replica) -> Option<Handle> {
        let mut channels = self.channels.borrow_mut();
        let held = channels.get_mut(&channel)?;
        let handle = held.free_handle()?;
        let cell = held.map.ground.cell_of(replica.place());
        held.avatars += u32::from(replica.server.avatar);
        held.cells.change(cell, handle, mask::ALL);
        self.whose
            .borrow_mut()
            .insert(replica.server.address, (channel, handle));
        held.entities.insert(handle, (cell, replica));
        Some(handle)
    }

    /// Moves what an entity changed into its entry; `changed` is a mask of [`client::mask`].
    pub fn publish(&self, channel: u64, handle: Handle, near: &Near, changed: u8) {
        let mut channels = self.channels.borrow_mut();
        let Some(held) = channels.get_mut(&channel) else {
            return;
        };
        let Some((cell, replica)) = held.entities.get_mut(&handle) else {
            return;
        };
        replica.near.clone_from(near);
        let now = held.map.ground.cell_of(replica.place());
        if now == *cell {
            held.cells.change(now, handle, changed);
        } else {
            held.cells.leave(*cell, handle, Some(now));
            held.cells.change(now, handle, mask::ALL);
            *cell = now;
        }
    }

    /// A spell took effect. Who sees both the one who cast it and the one who felt it is told so with the next frame.
    pub fn blow(&self, channel: u64, seen: CastSeen) {
        let mut channels = self.channels.borrow_mut();
        let Some(held) = channels.get_mut(&channel) else {
            return;
        };
        let cell_of = |handle| held.entities.get(&handle).map(|(cell, _)| *cell);
        if let (Some(from), Some(cell)) = (cell_of(seen.by), cell_of(seen.target)) {
            held.cells.blow(cell, Blow { from, seen });
        }
    }

    /// Takes an entity out, and frees what it closed if it was a door. Unknown addresses are passed over.
    pub fn remove(&self, address: Address) {
        let Some((channel, handle)) = self.whose.borrow_mut().remove(&address) else {
            return;
        };
        let mut channels = self.channels.borrow_mut();
        let Some(held) = channels.get_mut(&channel) else {
            return;
        };
        if let Some((cell, replica)) = held.entities.remove(&handle) {
            held.avatars -= u32::from(replica.server.avatar);
            held.cells.leave(cell, handle, None);
            held.terrain.open(handle);
        }
    }

    /// One entity, as a rule may read it.
    pub fn get(&self, channel: u64, handle: Handle) -> Option<Replica> {
        Some(
            self.channels
                .borrow()
                .get(&channel)?
                .entities
                .get(&handle)?
                .1
                .clone(),
        )
    }

    /// The nearest entity to `place` within `range` tiles that `fits`; of two equally near, the one with the lower handle.
    pub fn nearest(
        &self,
        channel: u64,
        place: Point,
        range: f32,
        mut fits: impl FnMut(&Replica) -> bool,
    ) -> Option<(Handle, Replica)> {
        let channels = self.channels.borrow();
        let held = channels.get(&channel)?;
        let mut best: Option<(f32, Handle)> = None;
        for handle in held.cells.members_near(&held.map.ground, place, range) {
            let Some((_, replica)) = held.entities.get(&handle) else {
                continue;
            };
            let distance = place.distance(replica.place());
            let nearer = best.is_none_or(|known| (distance, handle) < known);
            if distance <= range && nearer && fits(replica) {
                best = Some((distance, handle));
            }
        }
        let (_, handle) = best?;
        Some((handle, held.entities.get(&handle)?.1.clone()))
    }

    /// The avatars within `range` tiles of `place`: the nearest `len_max` of them, nearest first.
    pub fn avatars_near(
        &self,
        channel: u64,
        place: Point,
        range: f32,
        len_max: usize,
    ) -> Vec<Address> {
        let channels = self.channels.borrow();
        let Some(held) = channels.get(&channel) else {
            return Vec::new();
        };
        let members = held.cells.members_near(&held.map.ground, place, range);
        let mut near: Vec<(f32, Handle, Address)> = members
            .filter_map(|handle| Some((handle, &held.entities.get(&handle)?.1)))
            .filter(|(_, replica)| replica.server.avatar)
            .map(|(handle, replica)| {
                let distance = place.distance(replica.place());
                (distance, handle, replica.server.address)
            })
            .filter(|(distance, ..)| *distance <= range)
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.truncate(len_max);
        near.into_iter().map(|(.., address)| address).collect()
    }

    /// The addresses of all beings in channels that have an avatar in them: who needs a tick.
    pub fn awake(&self) -> Vec<Address> {
        let channels = self.channels.borrow();
        let awake = channels.values().filter(|held| held.avatars > 0);
        let beings = awake
            .flat_map(|held| held.entities.values())
            .filter(|(_, replica)| !replica.is_object());
        beings.map(|(_, replica)| replica.server.address).collect()
    }

    /// Encodes each changed entity once into the frame of its cell; what was told is forgotten.
    pub fn frames(&self) -> Vec<(u64, Cell, Bytes)> {
        let mut channels = self.channels.borrow_mut();
        let mut frames = Vec::new();
        for (channel, held) in channels.iter_mut() {
            let entities = &held.entities;
            let near = |handle| {
                entities
                    .get(&handle)
                    .map(|(_, replica): &(Cell, Replica)| &replica.near)
            };
            frames.extend(
                held.cells
                    .deltas(near)
                    .into_iter()
                    .map(|(cell, bytes)| (*channel, cell, bytes)),
            );
        }
        frames
    }

    /// All there is in a cell, as of the last frame that was sent for it; what changed since comes with the next.
    pub fn snapshot(&self, channel: u64, cell: Cell) -> Option<Vec<u8>> {
        let channels = self.channels.borrow();
        let held = channels.get(&channel)?;
        let entities = &held.entities;
        let near = |handle| {
            entities
                .get(&handle)
                .map(|(_, replica): &(Cell, Replica)| &replica.near)
        };
        Some(held.cells.snapshot(cell, near))
    }
}

impl Held {
    /// True when somebody who lives is on one of the tiles of a door, or nearly.
    fn somebody_on(&self, tiles: &[(u16, u16)], door: Handle) -> bool {
        let reach = 0.5 + OUT_OF_THE_WAY;
        tiles
            .iter()
            .map(|(x, y)| Point::centre_of((i32::from(*x), i32::from(*y))))
            .any(|middle| {
                let near = self.cells.members_near(&self.map.ground, middle, 1.0);
                let others = near.filter(|handle| *handle != door);
                others
                    .filter_map(|handle| self.entities.get(&handle))
                    .any(|(_, replica)| {
                        let at = replica.place();
                        let on = (at.x - middle.x).abs() < reach && (at.y - middle.y).abs() < reach;
                        on && replica.alive() && !replica.is_object()
                    })
            })
    }

    /// The next handle that is free, counting up and around, so that a handle is not soon used again. 0 is nobody.
    fn free_handle(&mut self) -> Option<Handle> {
        for _ in 0..u16::MAX {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.entities.contains_key(&Handle(self.last)) {
                return Some(Handle(self.last));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
