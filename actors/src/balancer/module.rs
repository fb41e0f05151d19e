//! Gives each character its place: in the fullest channel with room, or in a copy of the map that it has a mechanics service
//! open. It never places more than a channel's limit, and keeps nothing that outlives it.

mod channels;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use realm::{Address, CallTable, Module, ModuleError, ServiceCx};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{Balancer, BalancerProxy, PlaceError, Placement};
use crate::mechanics::MechanicsProxy;
use channels::Channels;

/// A host that takes longer is passed over: whoever waits for a place has 5 s for all of it.
const OPEN_WITHIN: Duration = Duration::from_secs(2);

/// Settings of the module `balancer`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalancerConfig {
    /// The id of the map where characters start.
    map: String,
}

/// The balancer's module. What it knows of channels it forgets when its service restarts; characters are then placed anew.
pub struct BalancerModule {
    cx: ServiceCx,
    map: String,
    channels: RefCell<Channels>,
    /// Held by the one who has a channel opened. The others wait for it, in order, and look again before they open a next.
    opening: Mutex<()>,
}

impl Module for BalancerModule {
    const NAME: &'static str = "balancer";

    type Config = BalancerConfig;

    fn new(config: BalancerConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self {
            cx: cx.clone(),
            map: config.map,
            channels: RefCell::default(),
            opening: Mutex::new(()),
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        BalancerProxy::serve(calls, self);
    }

    fn members_changed(&self, _: &ServiceCx) {
        self.channels.borrow_mut().keep_those_of(&self.hosts());
    }
}

impl Balancer for BalancerModule {
    async fn place(&self, character: i64, lost: Option<Address>) -> Result<Placement, PlaceError> {
        if let Some(lost) = lost {
            self.channels.borrow_mut().give_up_at(character, lost);
        }
        if let Some(place) = self.seat(character, lost) {
            return Ok(place);
        }
        let _opening = self.opening.lock().await;
        match self.seat(character, lost) {
            Some(place) => Ok(place),
            None => self.open_for(character, lost).await,
        }
    }

    async fn refused(&self, character: i64, channel: u64) -> Result<(), PlaceError> {
        self.channels.borrow_mut().refused(character, channel);
        Ok(())
    }

    async fn left(&self, character: i64, channel: u64) -> Result<(), PlaceError> {
        self.channels.borrow_mut().left(character, channel);
        Ok(())
    }
}

impl BalancerModule {
    /// The mechanics services that are up, in the order of their addresses.
    fn hosts(&self) -> Vec<Address> {
        self.cx.node().directory().members(MechanicsProxy::GROUP)
    }

    /// The character's place, old or new, among the channels that are open.
    fn seat(&self, character: i64, lost: Option<Address>) -> Option<Placement> {
        let hosts = self.hosts();
        let mut channels = self.channels.borrow_mut();
        channels.keep_those_of(&hosts);
        channels
            .place_of(character)
            .or_else(|| channels.seat(character, avoided(&hosts, lost)))
    }

    /// Has a channel opened, where there is least to do, and places the character.
    async fn open_for(
        &self,
        character: i64,
        lost: Option<Address>,
    ) -> Result<Placement, PlaceError> {
        let mut hosts = self.hosts();
        let avoid = avoided(&hosts, lost);
        hosts.retain(|host| Some(*host) != avoid);
        hosts.sort_by_cached_key(|host| self.channels.borrow().load(*host));
        let mut why = "no mechanics service is up".to_owned();
        for host in hosts {
            let channel = self.cx.node().next_address().get();
            let mechanics = MechanicsProxy::at(&self.cx, host).within(OPEN_WITHIN);
            match mechanics.open(channel, self.map.clone()).await {
                Ok(0) => "its channels take nobody".clone_into(&mut why),
                Ok(limit) => {
                    self.channels.borrow_mut().add(channel, host, limit);
                    match self.seat(character, lost) {
                        Some(place) => return Ok(place),
                        None => "the service was lost as it opened a channel".clone_into(&mut why),
                    }
                }
                Err(error) => why = error.to_string(),
            }
            tracing::warn!(%host, map = self.map, why, "a mechanics service opened no channel");
        }
        Err(PlaceError::Unavailable(why))
    }
}

/// The host to keep clear of: the lost one, unless there is no other.
fn avoided(hosts: &[Address], lost: Option<Address>) -> Option<Address> {
    lost.filter(|lost| hosts.iter().any(|host| host != lost))
}
