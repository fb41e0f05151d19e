//! The mechanics module: opens channels, brings avatars in, lets time pass, and publishes what changed.

use std::cell::{Cell as Slot, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use client::Cell;
use futures_util::future::{Either, select};
use realm::{Address, CallTable, Classes, Death, DurableId, Module, ModuleError, ServiceCx};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use tokio::sync::Notify;

use super::avatar::{Attach, Avatar, CHARACTER, Depart};
use super::calls::{EnterError, Entrance, Mechanics, MechanicsProxy, Residents};
use super::census::Census;
use super::channel::{Admit, Channel, ChannelSeed};
use super::component::Components;
use super::entity::Tick;
use super::entrance::Entrances;
use super::host::Host;
use super::mob::Mob;
use super::object::Object;
use super::replicas::Replicas;
use crate::balancer::BalancerProxy;
use crate::database::store::OperationId;
use crate::database::{DatabaseError, DatabaseProxy};
use crate::resources::Resources;
use crate::tether::{Play, cell_topic};

/// An avatar that does not answer for this long will not.
const ENTER_WITHIN: Duration = Duration::from_secs(4);
/// Cells that one call may ask for.
const SNAPSHOT_CELLS_MAX: usize = 64;

/// Settings of the mechanics module.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder with the content.
    resources: PathBuf,
    /// The resource id of players' avatars.
    #[serde(default = "Config::avatar")]
    avatar: String,
    /// How often changes are sent to clients, in Hz; at most the service's own rate.
    #[serde(default = "Config::replication_hz")]
    replication_hz: u32,
    /// How often an avatar is saved.
    #[serde(default = "Config::save_every_ms")]
    save_every_ms: u64,
    /// How long an avatar stays without a session.
    #[serde(default = "Config::linger_ms")]
    linger_ms: u64,
    /// How long a dead avatar waits for its next life.
    #[serde(default = "Config::respawn_ms")]
    respawn_ms: u64,
}

impl Config {
    fn avatar() -> String {
        "avatars/human".to_owned()
    }

    fn replication_hz() -> u32 {
        10
    }

    fn save_every_ms() -> u64 {
        5000
    }

    fn linger_ms() -> u64 {
        10_000
    }

    fn respawn_ms() -> u64 {
        5000
    }
}

/// Hosts channels on one service.
pub struct MechanicsModule {
    cx: ServiceCx,
    config: Config,
    replicas: Rc<Replicas>,
    census: Arc<Census>,
    channels: RefCell<BTreeMap<u64, Address>>,
    entering: RefCell<BTreeSet<i64>>,
    topics: RefCell<BTreeMap<(u64, Cell), Arc<str>>>,
    frames_until_replication: Slot<u32>,
    emptied: Notify,
}

impl Module for MechanicsModule {
    const NAME: &'static str = "mechanics";
    type Config = Config;

    fn classes(list: &mut Classes) {
        list.calls(MechanicsProxy::METHODS)
            .locale::<Avatar>()
            .locale::<Channel>()
            .locale::<Mob>()
            .locale::<Object>();
    }

    fn new(config: Config, cx: &ServiceCx) -> Result<Self, ModuleError> {
        if cx.period().is_none() {
            let what =
                "its service needs a fixed rate: set rate_hz = 20 in its [[service]]".to_owned();
            return Err(ModuleError::Needs {
                module: Self::NAME,
                what,
            });
        }
        Ok(Self {
            cx: cx.clone(),
            config,
            replicas: Rc::default(),
            census: Census::register(cx.node().metrics(), cx.name()),
            channels: RefCell::default(),
            entering: RefCell::default(),
            topics: RefCell::default(),
            frames_until_replication: Slot::new(0),
            emptied: Notify::new(),
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        MechanicsProxy::serve(calls, self);
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        let needs = |what| ModuleError::Needs {
            module: Self::NAME,
            what,
        };
        let folder = self.config.resources.clone();
        let components = cx.held::<Components>().unwrap_or_default();
        let components = Components::clone(&components);
        let tables = components.tables().clone();
        let loaded = cx
            .node()
            .outside()
            .run_blocking(move || Resources::load(&folder, &tables))
            .await;
        let resources = loaded
            .map_err(|error| needs(error.to_string()))?
            .map_err(|faults| needs(faults.iter().map(|fault| format!("\n  {fault}")).collect()))?;
        if resources.entity(&self.config.avatar).is_none() {
            return Err(needs(format!(
                "there is no '{}' among the resources; set `avatar`",
                self.config.avatar
            )));
        }
        cx.hold(Rc::new(Host {
            resources: Arc::new(resources),
            components,
            replicas: self.replicas.clone(),
            avatars: RefCell::default(),
            census: self.census.clone(),
            entrances: Entrances::default(),
            avatar: self.config.avatar.clone(),
            save_every: Duration::from_millis(self.config.save_every_ms),
            linger: Duration::from_millis(self.config.linger_ms),
            respawn_after: Duration::from_millis(self.config.respawn_ms),
        }));
        Ok(())
    }

    fn tick(&self, cx: &ServiceCx) {
        let ms = cx
            .period()
            .map_or(0, |period| u32::try_from(period.as_millis()).unwrap_or(0));
        for address in self.replicas.awake() {
            cx.send(address, Tick { ms });
        }
    }

    fn frame_end(&self, cx: &ServiceCx) {
        let left = self.frames_until_replication.get();
        if left > 0 {
            return self.frames_until_replication.set(left - 1);
        }
        let rate = cx
            .period()
            .map_or(1, |period| (1.0 / period.as_secs_f64()).round() as u32);
        self.frames_until_replication
            .set((rate / self.config.replication_hz.max(1)).max(1) - 1);
        let mut topics = self.topics.borrow_mut();
        for (channel, cell, bytes) in self.replicas.frames() {
            let topic = topics
                .entry((channel, cell))
                .or_insert_with(|| cell_topic(channel, cell));
            cx.publish(topic, bytes);
        }
    }

    fn died(&self, death: Death, cx: &ServiceCx) {
        self.replicas.remove(death.address);
        let host = cx.held::<Host>();
        let avatar = host
            .as_ref()
            .and_then(|host| host.avatars.borrow_mut().remove(&death.address));
        if let Some((character, channel)) = avatar {
            let id = DurableId {
                kind: CHARACTER,
                number: character.unsigned_abs(),
            };
            cx.node().directory().release(id, death.address);
            self.census.went(channel);
            self.give_up_place(character, channel);
            if host.is_some_and(|host| host.avatars.borrow().is_empty()) {
                self.emptied.notify_waiters();
            }
        }
        let closed = self
            .channels
            .borrow()
            .iter()
            .find(|(_, address)| **address == death.address)
            .map(|(id, _)| *id);
        if let Some(channel) = closed {
            tracing::error!(channel, "a channel died; its entities end with it");
            self.channels.borrow_mut().remove(&channel);
            self.census.closed(channel);
            self.topics.borrow_mut().retain(|(of, _), _| *of != channel);
            for address in self.replicas.close(channel) {
                cx.end(address);
            }
        }
    }

    async fn drain(self: &Rc<Self>, cx: &ServiceCx) {
        let Some(host) = cx.held::<Host>() else {
            return;
        };
        for avatar in host.avatars.borrow().keys() {
            cx.send(*avatar, Depart {});
        }
        loop {
            let emptied = self.emptied.notified();
            if host.avatars.borrow().is_empty() {
                return;
            }
            emptied.await;
        }
    }
}

impl Mechanics for MechanicsModule {
    async fn open(&self, channel: u64, map: String) -> Result<u32, EnterError> {
        let host = Host::of(&self.cx);
        let Some(map) = host.resources.map(&map).cloned() else {
            return Err(EnterError::NoSuchMap(map));
        };
        let limit = map.limit;
        if self.channels.borrow().contains_key(&channel) {
            return Ok(limit);
        }
        self.replicas.open(channel, map.clone());
        self.census.opened(channel, self.cx.name(), &map.id, limit);
        let address = self.cx.spawn::<Channel>(ChannelSeed { channel, map });
        self.cx.watch_from_service(address);
        self.channels.borrow_mut().insert(channel, address);
        tracing::info!(channel, limit, "a channel is open");
        Ok(limit)
    }

    async fn residents(&self) -> Result<Vec<Residents>, EnterError> {
        let host = Host::of(&self.cx);
        let mut channels: BTreeMap<u64, Residents> = BTreeMap::new();
        for (channel, count) in self.census.channels() {
            if count.service == self.cx.name() {
                let residents = Residents {
                    channel,
                    map: count.map,
                    limit: count.limit,
                    characters: Vec::new(),
                };
                channels.insert(channel, residents);
            }
        }
        for (character, channel) in host.avatars.borrow().values() {
            if let Some(residents) = channels.get_mut(channel) {
                residents.characters.push(*character);
            }
        }
        Ok(channels.into_values().collect())
    }

    async fn enter(
        &self,
        channel: u64,
        character: i64,
        session: Address,
        play: Play,
    ) -> Result<Entrance, EnterError> {
        if !self.entering.borrow_mut().insert(character) {
            return Err(EnterError::Busy);
        }
        let entered = self.enter_one(channel, character, session, play).await;
        self.entering.borrow_mut().remove(&character);
        if entered.is_err() && self.avatar_of(character).is_none() {
            // The balancer keeps a place for who is on the way; nobody is any more.
            self.give_up_place(character, channel);
        }
        entered
    }

    async fn snapshot(&self, channel: u64, cells: Vec<Cell>) -> Result<Vec<ByteBuf>, EnterError> {
        let cells = cells.into_iter().take(SNAPSHOT_CELLS_MAX);
        let frames = cells.map(|cell| self.replicas.snapshot(channel, cell).map(ByteBuf::from));
        frames
            .collect::<Option<Vec<_>>>()
            .ok_or(EnterError::NoSuchChannel)
    }
}

impl MechanicsModule {
    /// The avatar of a character, if it stands here.
    fn avatar_of(&self, character: i64) -> Option<Address> {
        let host = self.cx.held::<Host>()?;
        let avatars = host.avatars.borrow();
        avatars
            .iter()
            .find(|(_, (whose, _))| *whose == character)
            .map(|(avatar, _)| *avatar)
    }

    fn give_up_place(&self, character: i64, channel: u64) {
        let balancer = BalancerProxy::new(&self.cx);
        self.cx.run(async move {
            // A balancer that is away forgets its placements anyway.
            let _ = balancer.left(character, channel).await;
        });
    }

    async fn enter_one(
        &self,
        channel: u64,
        character: i64,
        session: Address,
        play: Play,
    ) -> Result<Entrance, EnterError> {
        let host = Host::of(&self.cx);
        let standing = self.avatar_of(character);
        let (ticket, answer) = host.entrances.wait();
        match standing {
            Some(avatar) => {
                let attach = Attach {
                    ticket,
                    session,
                    play,
                };
                self.cx.send(avatar, attach);
            }
            None => {
                let door = self
                    .channels
                    .borrow()
                    .get(&channel)
                    .copied()
                    .ok_or(EnterError::NoSuchChannel)?;
                let mut operation = [0; 16];
                self.cx
                    .secret(&mut operation)
                    .map_err(|error| EnterError::Unavailable(error.to_string()))?;
                let operation = OperationId(u128::from_le_bytes(operation));
                let taken = DatabaseProxy::new(&self.cx)
                    .take_character(operation, character, self.cx.address())
                    .await;
                let row = taken
                    .map_err(|error: DatabaseError| EnterError::Unavailable(error.to_string()))?;
                self.cx.send(
                    door,
                    Admit {
                        ticket,
                        character: row,
                        session,
                        play,
                    },
                );
            }
        }
        let timer = std::pin::pin!(self.cx.clock().sleep(ENTER_WITHIN));
        match select(answer, timer).await {
            Either::Left((Ok(answer), _)) => answer,
            _ => {
                host.entrances.forget(ticket);
                Err(EnterError::Unavailable("the avatar did not answer".into()))
            }
        }
    }
}
