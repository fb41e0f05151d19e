//! What all sessions of one gateway share: settings, counters, fans, and the register of who is in. It ends with its
//! service, and with it every socket that is still open.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{IpAddr, Shutdown};
use std::rc::Rc;
use std::sync::Arc;

use realm::{Address, Clock, ServiceCx};
use socket2::Socket;
use tokio::sync::Notify;

use super::addresses::Addresses;
use super::config::GatewayConfig;
use super::fans::Fans;
use super::gate::{Gate, Guest};
use super::metrics::{Cut, GatewayMetrics};
use super::others::Others;
use super::outlet::Outlet;
use super::session::{Session, SessionSeed};

/// A second handle on a client's socket, to end it from outside: the pump of a client that does not read is not polled.
#[derive(Clone, Debug)]
pub(super) struct Kick(Rc<Socket>);

impl Kick {
    pub(super) fn new(socket: Socket) -> Self {
        Self(Rc::new(socket))
    }

    pub(super) fn cut(&self) {
        // A socket that has ended already cannot be ended again, which is as good.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// The common house of a gateway's sessions.
pub(super) struct House {
    pub(super) config: GatewayConfig,
    pub(super) metrics: Arc<GatewayMetrics>,
    /// What may come from where.
    pub(super) addresses: Rc<Addresses>,
    /// Where clients find this gateway and the others.
    pub(super) others: Others,
    /// Who sees which cells.
    pub(super) fans: Fans,
    /// Who hears which rooms.
    pub(super) rooms: Fans,
    sessions: RefCell<BTreeMap<Address, Option<Kick>>>,
    closing: Cell<bool>,
    emptied: Notify,
}

impl House {
    pub(super) fn new(config: GatewayConfig, metrics: Arc<GatewayMetrics>, clock: &Clock) -> Self {
        Self {
            addresses: Rc::new(Addresses::new(&config, clock)),
            config,
            metrics,
            others: Others::default(),
            fans: Fans::default(),
            rooms: Fans::default(),
            sessions: RefCell::default(),
            closing: Cell::new(false),
            emptied: Notify::new(),
        }
    }

    /// Somebody who comes from there, and has sent nothing yet.
    pub(super) fn guest(&self, address: IpAddr, cx: &ServiceCx) -> Guest {
        Guest {
            address,
            gate: Rc::new(Gate::new(&self.config, cx.clock())),
        }
    }

    /// Spawns a session on a socket; `None` when the gateway takes nobody any more.
    pub(super) fn open(
        self: &Rc<Self>,
        cx: &ServiceCx,
        outlet: Box<dyn Outlet>,
        kick: Option<Kick>,
        guest: Guest,
    ) -> Option<Address> {
        if self.closing.get() {
            return None;
        }
        let session = cx.spawn::<Session>(SessionSeed {
            house: self.clone(),
            outlet,
            guest,
        });
        cx.watch_from_service(session);
        let mut sessions = self.sessions.borrow_mut();
        sessions.insert(session, kick);
        self.metrics.sessions(sessions.len());
        Some(session)
    }

    /// A session is dead: its socket, if it left one open, ends too.
    pub(super) fn left(&self, session: Address, cx: &ServiceCx) {
        self.fans.forget(session, cx);
        self.rooms.forget(session, cx);
        let mut sessions = self.sessions.borrow_mut();
        let Some(kick) = sessions.remove(&session) else {
            return;
        };
        self.metrics.sessions(sessions.len());
        if sessions.is_empty() {
            self.emptied.notify_waiters();
        }
        if let Some(kick) = kick {
            self.metrics.cut(Cut::SessionDied);
            kick.cut();
        }
    }

    /// A session has lost its socket, and so has nothing left that could be cut.
    pub(super) fn socket_lost(&self, session: Address) {
        if let Some(kick) = self.sessions.borrow_mut().get_mut(&session) {
            *kick = None;
        }
    }

    /// Takes nobody any more; returns who is in.
    pub(super) fn close(&self) -> Vec<Address> {
        self.closing.set(true);
        self.sessions.borrow().keys().copied().collect()
    }

    /// Ends when nobody is in.
    pub(super) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.sessions.borrow().is_empty() {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for kick in self.sessions.get_mut().values().flatten() {
            kick.cut();
        }
    }
}
