//! The way in for clients: the only part that knows WebSockets. It holds no rules of the game: what a player wants goes to
//! the avatar, what the avatar and its cells tell goes to the player.

mod addresses;
mod calls;
mod config;
mod fans;
mod fragments;
mod gate;
mod house;
pub mod memory;
mod metrics;
mod others;
mod outlet;
mod page;
mod pump;
mod scanner;
mod session;
#[cfg(test)]
mod tests;
mod web;

use std::cell::RefCell;
use std::net::{Ipv4Addr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::select;
use realm::http::{self, Listening};
use realm::{
    Address, Birth, CallTable, Classes, Death, Module, ModuleError, ServiceCx, Undelivered,
};

pub use calls::{Gateway, GatewayError, GatewayProxy};
pub use config::GatewayConfig;
use house::House;
use memory::{Meet, PeerOutlet, ToPeer};
pub(crate) use metrics::GatewayMetrics;
use others::Announcement;
use page::Page;
use session::{Alive, CellBytes, FromClient, Passed, SocketLost, Stop, Talk, TooMany};

use crate::mechanics::Components;
use crate::resources::Resources;

const NAME: &str = "gateway";

/// How long the clients have to take their leave when the node stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(1);

/// Accepts clients and keeps their sessions.
pub struct GatewayModule {
    house: Rc<House>,
    cx: ServiceCx,
}

/// The open listener. The service alone holds it, so that the port is free before the service starts anew.
struct Front(RefCell<Option<Listening>>);

impl Module for GatewayModule {
    const NAME: &'static str = NAME;
    type Config = GatewayConfig;

    fn classes(list: &mut Classes) {
        list.calls(GatewayProxy::METHODS)
            .locale::<session::Session>()
            .locale::<memory::Peer>();
    }

    fn new(config: GatewayConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        config.check()?;
        let metrics = GatewayMetrics::register(cx.node().metrics());
        Ok(Self {
            house: Rc::new(House::new(config, metrics, cx.clock())),
            cx: cx.clone(),
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        GatewayProxy::serve(calls, self);
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        cx.hold(self.house.clone());
        self.know_others(cx);
        let Some(address) = self.house.config.listen.as_deref() else {
            return Ok(());
        };
        cx.hold(Rc::new(self.page(cx).await?));
        let refused = |error: std::io::Error| ModuleError::Needs {
            module: NAME,
            what: format!(
                "cannot listen on {address}: {error}; end the program that listens there, or set `listen` to a free \
                 address (port 0 takes any that is free)"
            ),
        };
        let listener = TcpListener::bind(address).map_err(refused)?;
        let turned_away = cx.node().metrics().connections_refused("client");
        let connections_max = self.house.config.connections_max;
        let listening = http::serve(
            listener,
            connections_max,
            turned_away,
            web::routes(cx.clone()),
            web::on_connect(cx.clone()),
        );
        let listening = listening.await.map_err(refused)?;
        cx.node().listens("client", listening.addr);
        let public = self.house.config.public.clone();
        match public.or_else(|| others::url_of(listening.addr)) {
            Some(url) => self.house.others.open(url),
            None => tracing::warn!(
                address,
                "clients are not told of this gateway; set `public` to where they find it"
            ),
        }
        // At once: clients of others may need it by now.
        self.tell_others();
        cx.hold(Rc::new(Front(RefCell::new(Some(listening)))));
        Ok(())
    }

    fn heard(&self, topic: &Arc<str>, bytes: &Bytes, cx: &ServiceCx) {
        if *topic == self.house.others.topic {
            return self.hear_other(bytes, cx);
        }
        self.house.fans.heard(topic, bytes, cx);
        self.house.rooms.heard(topic, bytes, cx);
    }

    fn died(&self, death: Death, cx: &ServiceCx) {
        self.house.left(death.address, cx);
    }

    fn node_lost(&self, node: Birth, _: &ServiceCx) {
        self.house.others.lost(node);
    }

    fn undelivered(&self, mail: &mut Undelivered, _: &ServiceCx) {
        // A session that is full misses a frame, which it finds out by the next, or what is said; one that has ended needs
        // none. A client that sends faster than its session runs loses what does not fit.
        let _ = mail.take::<CellBytes>().is_some()
            || mail.take::<Talk>().is_some()
            || mail.take::<FromClient>().is_some()
            || mail.take::<Passed>().is_some()
            || mail.take::<TooMany>().is_some()
            || mail.take::<Alive>().is_some()
            || mail.take::<SocketLost>().is_some()
            || mail.take::<Stop>().is_some()
            || mail.take::<ToPeer>().is_some()
            || mail.take::<Meet>().is_some();
    }

    async fn drain(self: &Rc<Self>, cx: &ServiceCx) {
        if let Some(front) = cx.held::<Front>() {
            drop(front.0.take());
        }
        for session in self.house.close() {
            cx.send(session, Stop {});
        }
        let empty = std::pin::pin!(self.house.empty());
        select(empty, cx.clock().sleep(DRAIN_WITHIN)).await;
    }
}

impl GatewayModule {
    /// Tells other gateways of this one from now on, and hears of them.
    fn know_others(self: &Rc<Self>, cx: &ServiceCx) {
        cx.subscribe(&self.house.others.topic);
        let me = self.clone();
        cx.run(async move {
            loop {
                me.tell_others();
                me.house.others.look(me.cx.now());
                me.cx.clock().sleep(others::EVERY).await;
            }
        });
    }

    fn tell_others(&self) {
        let Some(url) = self.house.others.here() else {
            return;
        };
        let birth = self.cx.node().birth().get();
        match wire::encode(&Announcement { birth, url }) {
            Ok(bytes) => self.cx.publish(&self.house.others.topic, bytes.into()),
            Err(error) => tracing::error!(%error, "a gateway's address could not be written"),
        }
    }

    fn hear_other(&self, bytes: &Bytes, cx: &ServiceCx) {
        match wire::decode::<Announcement>(bytes) {
            Ok(announcement) => self.house.others.heard(announcement, cx.now()),
            Err(_) => cx.node().metrics().undecodable(NAME),
        }
    }

    /// The page, with the content that it shows.
    async fn page(&self, cx: &ServiceCx) -> Result<Page, ModuleError> {
        let name = self.house.config.realm_name.clone();
        let Some(folder) = self.house.config.resources.clone() else {
            return Ok(Page::new(&name, None));
        };
        let needs = |what| ModuleError::Needs { module: NAME, what };
        // Content may have tables of a team's own, which are not for the page but belong there.
        let components = cx.held::<Components>().unwrap_or_default();
        let tables = components.tables().clone();
        let loaded = cx
            .node()
            .outside()
            .run_blocking(move || Resources::load(&folder, &tables))
            .await;
        let resources = loaded
            .map_err(|error| needs(error.to_string()))?
            .map_err(|faults| needs(faults.iter().map(|fault| format!("\n  {fault}")).collect()))?;
        Ok(Page::new(&name, Some(&resources)))
    }
}

impl Gateway for GatewayModule {
    async fn connect(&self, peer: Address) -> Result<Address, GatewayError> {
        let outlet = PeerOutlet {
            cx: self.cx.clone(),
            peer,
        };
        // Who comes without a network comes from this machine.
        let guest = self.house.guest(Ipv4Addr::LOCALHOST.into(), &self.cx);
        self.house
            .open(&self.cx, Box::new(outlet), None, guest)
            .ok_or(GatewayError::Stopping)
    }
}
