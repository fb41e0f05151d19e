//! A node: one running role. It starts its services, joins the realm, and leaves it in order. Nothing of it is global:
//! several nodes live in one process. What its threads share is in `node_core`.

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_rt::ArbiterHandle;
use futures_util::future::{Either, select};
use tokio::sync::{mpsc, oneshot};

use crate::address::Birth;
use crate::admin::{self, Readiness, ReadyState};
use crate::clock::{Clock, Moment};
use crate::link::{Announcement, Inlet, JoinError, Network};
use crate::module::{ModuleError, Modules};
use crate::node_core::{Broken, NodeCore};
use crate::outside::Outside;
use crate::role::Role;
use crate::service::{self, Control, ServiceThread};
use crate::trace::Trace;

/// A node that stops has this long to save and tell, and this much more to end its locales, before it ends anyway.
const DRAIN_WITHIN: Duration = Duration::from_secs(4);
const END_WITHIN: Duration = Duration::from_secs(1);
/// The link has so long after that to tell the others.
const LEAVE_WITHIN: Duration = Duration::from_millis(300);

/// What a node is made of.
pub struct NodeConfig {
    /// This start's number, from the store.
    pub birth: Birth,
    /// What to run.
    pub role: Role,
    /// The modules that roles may name.
    pub modules: Modules,
    /// Where time comes from.
    pub clock: Clock,
    /// Where chance comes from.
    pub seed: u64,
    /// Where slow work goes.
    pub outside: Outside,
    /// What joins this node to the others.
    pub network: Arc<dyn Network>,
    /// Stepped realms run every service here and take their secrets from the seed; others have a thread a service.
    pub stepped: Option<ArbiterHandle>,
    /// Notes each message that runs.
    pub trace: Option<Trace>,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A module could not be made or started.
    #[error("service '{service}': {error}")]
    Module {
        /// The service it belongs to.
        service: String,
        /// What went wrong.
        error: ModuleError,
    },
    /// The realm did not take the node in.
    #[error("{0}")]
    Join(#[from] JoinError),
    /// The admin listener could not be opened.
    #[error(
        "the admin listener {address} could not be opened: {error}; set `admin` in the role to a free address"
    )]
    Admin {
        /// Where it should have been.
        address: std::net::SocketAddr,
        /// What the operating system said.
        error: std::io::Error,
    },
}

/// A running node. Stop it with [`Node::stop`]; dropping it ends its threads without saving, and the others
/// learn that it is lost.
pub struct Node {
    core: Arc<NodeCore>,
    role: String,
    services: Vec<ServiceThread>,
    broken: mpsc::UnboundedReceiver<Broken>,
    readiness: Readiness,
    admin: Option<crate::http::Listening>,
}

impl Node {
    /// Starts the services of the role one after the other and joins the realm. Returns when all are ready.
    ///
    /// # Errors
    /// When a module could not be made or started; what had started is stopped again.
    pub async fn start(config: NodeConfig) -> Result<Self, StartError> {
        let NodeConfig {
            birth,
            role,
            modules,
            clock,
            seed,
            outside,
            network,
            stepped,
            trace,
        } = config;
        let announced = Announcement {
            birth,
            role: role.name.clone(),
            revision: 0,
            classes: modules.classes().hash(),
            services: Vec::new(),
        };
        let (core, broken) = NodeCore::new(
            announced,
            role.wire,
            clock,
            seed,
            outside,
            trace,
            stepped.is_some(),
        );
        let core = Arc::new(core);
        let weak = Arc::downgrade(&core);
        core.metrics()
            .lease(move || weak.upgrade().and_then(|core| core.lease().left()));
        let inlet: Arc<dyn Inlet> = core.clone();
        let inlet: Weak<dyn Inlet> = Arc::downgrade(&inlet);
        core.link_to(network.connect(birth, inlet));
        let readiness = Readiness::new();
        let mut node = Self {
            core,
            role: role.name.clone(),
            services: Vec::new(),
            broken,
            readiness,
            admin: None,
        };
        if let Err(error) = node.core.join().await {
            node.stop().await;
            return Err(error.into());
        }
        for spec in role.services {
            let name = spec.name.clone();
            match service::start(&node.core, spec, modules.clone(), stepped.clone()).await {
                Ok(service) => node.services.push(service),
                Err(error) => {
                    node.stop().await;
                    return Err(StartError::Module {
                        service: name,
                        error,
                    });
                }
            }
        }
        if let Some(address) = role.admin {
            let opened = match std::net::TcpListener::bind(address) {
                Ok(listener) => {
                    admin::serve(
                        listener,
                        node.core.metrics().clone(),
                        node.readiness.clone(),
                        node.core.pages().clone(),
                    )
                    .await
                }
                Err(error) => Err(error),
            };
            match opened {
                Ok(listening) => {
                    node.core.listens("admin", listening.addr);
                    node.admin = Some(listening);
                }
                Err(error) => {
                    node.stop().await;
                    return Err(StartError::Admin { address, error });
                }
            }
        }
        node.readiness.set(ReadyState::Ready);
        Ok(node)
    }

    /// What the node's threads share.
    pub fn core(&self) -> &Arc<NodeCore> {
        &self.core
    }

    /// The name of its role.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Where a listener of this node really is: `client`, `admin`.
    pub fn listener(&self, what: &str) -> Option<std::net::SocketAddr> {
        self.core.listener(what)
    }

    /// Ends when this node cannot go on: a service is beyond restarting, or it takes part no more. It should then be stopped.
    pub async fn broken(&mut self) -> Broken {
        match self.broken.recv().await {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }

    /// Saves, tells the clients, leaves the realm, and ends all threads; within 5 s.
    pub async fn stop(self) {
        self.readiness.set(ReadyState::Draining);
        match self.core.acts() {
            true => self.ask_all(Control::Drain, DRAIN_WITHIN).await,
            false => tracing::warn!("a node without a lease ends: it may save nothing any more"),
        }
        if self.core.lease().has_end() {
            // From here on others may act in its place.
            self.core.lease().end();
        }
        let left = self.core.link().leave();
        self.ask_all(Control::Stop, END_WITHIN).await;
        let timer = self.core.clock().sleep(LEAVE_WITHIN);
        if let Either::Right(_) = select(left, std::pin::pin!(timer)).await {
            tracing::warn!("the others were not told that this node has left");
        }
    }

    /// Asks the services from the last to the first. Each has its part of the time, so that one that hangs does not take
    /// it from those before it.
    async fn ask_all(&self, what: fn(oneshot::Sender<()>) -> Control, within: Duration) {
        let until = self.core.clock().now() + within;
        for (before, service) in self.services.iter().enumerate().rev() {
            let now = self.core.clock().now();
            let parts = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
            self.ask(service, what, now + until.since(now) / parts)
                .await;
        }
    }

    async fn ask(
        &self,
        service: &ServiceThread,
        what: fn(oneshot::Sender<()>) -> Control,
        until: Moment,
    ) {
        let (done, wait) = oneshot::channel();
        if service.control.send(what(done)).is_err() {
            return;
        }
        let timer = self.core.clock().sleep_until(until);
        if let Either::Right(_) = select(wait, std::pin::pin!(timer)).await {
            tracing::error!(
                service = service.name,
                "a service did not end in time and is left behind"
            );
        }
    }

    /// Ends as a dead machine does: nothing is saved, nobody is told but by the link.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.core.link().kill();
        for service in &mut self.services {
            if let Some(arbiter) = service.arbiter.take() {
                arbiter.stop();
            }
        }
    }
}
