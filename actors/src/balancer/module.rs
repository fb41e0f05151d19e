//! Gives each character its place: in the fullest channel with room, or in a copy of the map that it has a mechanics service
//! open. It never places more than a channel's limit, and keeps nothing that outlives it.

mod channels;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use realm::{Address, CallTable, Classes, Module, ModuleError, ServiceCx};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{Balancer, BalancerProxy, PlaceError, Placement};
use crate::mechanics::MechanicsProxy;
use channels::Channels;

/// A host that does not tell what it has in this time is asked again by who comes next.
const TELL_WITHIN: Duration = Duration::from_secs(1);
/// A host that takes longer is passed over: whoever waits for a place has 5 s for all of it.
const OPEN_WITHIN: Duration = Duration::from_secs(2);

/// Settings of the module `balancer`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalancerConfig {
    /// The id of the map where characters start.
    map: String,
}

/// The balancer's module. It asks each mechanics service, before it first counts on it, for the channels it has and who is
/// there: so a balancer that starts anew, or takes over, goes on where the last one was.
pub struct BalancerModule {
    cx: ServiceCx,
    map: String,
    channels: RefCell<Channels>,
    /// The mechanics services that have told what they have.
    heard: RefCell<BTreeSet<Address>>,
    /// Held by the one who asks a service that has not; the others wait for the answer.
    asking: Mutex<()>,
    /// Held by the one who has a channel opened. The others wait for it, in order, and look again before they open a next.
    opening: Mutex<()>,
}

impl Module for BalancerModule {
    const NAME: &'static str = "balancer";

    type Config = BalancerConfig;

    fn classes(list: &mut Classes) {
        list.calls(BalancerProxy::METHODS);
    }

    fn new(config: BalancerConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self {
            cx: cx.clone(),
            map: config.map,
            channels: RefCell::default(),
            heard: RefCell::default(),
            asking: Mutex::new(()),
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
        self.hear_hosts().await;
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

    /// Asks those that have not told yet what they have. A character that stands somewhere is found there, whoever placed it.
    async fn hear_hosts(&self) {
        if self.unheard().is_empty() {
            return;
        }
        let _asking = self.asking.lock().await;
        let asked = self.unheard().into_iter().map(async |host| {
            let mechanics = MechanicsProxy::at(&self.cx, host).within(TELL_WITHIN);
            match mechanics.residents().await {
                Ok(residents) => {
                    let mut channels = self.channels.borrow_mut();
                    for it in residents {
                        channels.adopt(it.channel, host, it.limit, it.characters);
                    }
                    self.heard.borrow_mut().insert(host);
                }
                Err(error) => {
                    tracing::warn!(%host, %error, "a mechanics service does not tell who is there");
                }
            }
        });
        futures_util::future::join_all(asked).await;
    }

    fn unheard(&self) -> Vec<Address> {
        let mut heard = self.heard.borrow_mut();
        let hosts = self.hosts();
        heard.retain(|host| hosts.contains(host));
        hosts
            .into_iter()
            .filter(|host| !heard.contains(host))
            .collect()
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
