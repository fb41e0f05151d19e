//! What the locales of one mechanics service share: the content, the replica store, the settings, and the doors through
//! which calls wait for avatars. Held out by the module; gone when the service restarts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use realm::{Address, ServiceCx};

use super::census::Census;
use super::component::Components;
use super::entrance::Entrances;
use super::replicas::Replicas;
use crate::resources::Resources;

/// The common ground of a mechanics service.
pub struct Host {
    /// Content.
    pub resources: Arc<Resources>,
    /// The components that content may name beside the built-in ones.
    pub components: Components,
    /// What entities show of themselves.
    pub replicas: Rc<Replicas>,
    /// The avatars that stand here: whose each is, and in which channel. Avatars enter themselves, the module strikes
    /// them out when they are dead.
    pub avatars: RefCell<BTreeMap<Address, (i64, u64)>>,
    /// How many of them stand in each channel.
    pub(crate) census: Arc<Census>,
    /// Calls that wait for an avatar.
    pub entrances: Entrances,
    /// The resource id of players' avatars.
    pub avatar: String,
    /// How often an avatar is saved.
    pub save_every: Duration,
    /// How long an avatar stays in the world without a session.
    pub linger: Duration,
    /// How long a dead avatar waits for its next life.
    pub respawn_after: Duration,
}

impl Host {
    /// The host of this service.
    ///
    /// # Panics
    /// When there is none: entities are spawned by the module that holds it, and end before it goes.
    pub fn of(service: &ServiceCx) -> Rc<Self> {
        service
            .held()
            .expect("a mechanics service holds its host as long as it has entities")
    }
}
