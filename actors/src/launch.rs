//! From role files to running nodes: the modules there are, where data lies, and what the command line may change.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};

use realm::role::{ModuleSpec, Password, Role, RoleFault, WireMode};
use realm::{
    Birth, Clock, Hub, Module, Modules, Nats, NatsError, Network, Node, NodeConfig, Outside,
    StartError, Trace, Unfinished,
};

use crate::accounts::AccountsModule;
use crate::balancer::BalancerModule;
use crate::chat::ChatModule;
use crate::database::DatabaseModule;
use crate::database::place::{DatabaseConfig, Environment, Place};
use crate::database::store::{Store, StoreError};
use crate::gateway::GatewayModule;
use crate::mechanics::MechanicsModule;
use crate::statistics::StatisticsModule;

/// The file in the data folder that holds the database.
pub const DATABASE_FILE: &str = "realm.db";

/// The modules that role files may name.
pub fn modules() -> Modules {
    Modules::new()
        .with::<DatabaseModule>()
        .with::<AccountsModule>()
        .with::<BalancerModule>()
        .with::<ChatModule>()
        .with::<MechanicsModule>()
        .with::<GatewayModule>()
        .with::<StatisticsModule>()
}

/// What is said of the broker elsewhere than in the roles. What is not said, the roles say.
#[derive(Clone, Debug, Default)]
pub struct Broker {
    /// Its servers, as `nats://host:port` or `tls://host:port`.
    pub servers: Vec<String>,
    /// The user.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Password>,
}

/// What nodes need beside their roles.
#[derive(Clone)]
pub struct Launch {
    /// The folder for what must be kept; made if it is missing.
    pub data: PathBuf,
    /// Where the gateway listens, instead of what the role says. Port 0 picks a free one.
    pub listen: Option<String>,
    /// Where the admin listener is, instead of what the role says.
    pub admin: Option<SocketAddr>,
    /// The broker's servers, user and password, instead of what a role with a cluster says.
    pub nats: Broker,
    /// How messages travel, instead of what the role says.
    pub wire: Option<WireMode>,
    /// The modules that the roles may name: mostly [`modules`].
    pub modules: Modules,
    /// Where time comes from.
    pub clock: Clock,
    /// Where chance comes from.
    pub seed: u64,
    /// Where slow work goes.
    pub outside: Outside,
    /// What joins the nodes whose roles name no cluster.
    pub hub: Hub,
    /// Set in stepped realms: the thread that runs everything.
    pub stepped: Option<actix_rt::ArbiterHandle>,
    /// Notes what runs.
    pub trace: Option<Trace>,
}

/// Why the realm did not start.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A role's setting is wrong.
    #[error("{0}")]
    Role(#[from] RoleFault),
    /// The database could not be opened; in words for the operator.
    #[error("{0}")]
    Database(String),
    /// No role of this process runs the database.
    #[error(
        "none of the roles runs the module 'database': give all roles of the realm to one `realm up`, or each a [cluster]"
    )]
    NoDatabase,
    /// The other nodes cannot be reached.
    #[error("{0}")]
    Nats(#[from] NatsError),
    /// A node did not start.
    #[error("{0}")]
    Node(#[from] StartError),
    /// The process is going down.
    #[error("{0}")]
    Unfinished(#[from] Unfinished),
}

impl Launch {
    /// Starts a node for each role, in order; returns when all are ready.
    ///
    /// # Errors
    /// When one does not start; those that had are stopped again.
    pub async fn start(&self, roles: Vec<Role>) -> Result<Vec<Node>, LaunchError> {
        let alone = |role: &Role| role.cluster.is_none();
        if roles.iter().any(alone) && !roles.iter().any(keeps_data) {
            return Err(LaunchError::NoDatabase);
        }
        let keeper = roles.iter().find(|role| keeps_data(role));
        let Some(keeper) = keeper.or(roles.first()).cloned() else {
            return Ok(Vec::new());
        };
        let place = self.place(&mut self.adapted(keeper)?)?;
        let mut nodes = Vec::new();
        for role in roles {
            match self.start_in(role, &place).await {
                Ok(node) => nodes.push(node),
                Err(error) => {
                    stop(nodes).await;
                    return Err(error);
                }
            }
        }
        Ok(nodes)
    }

    /// Starts one more node.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_one(&self, role: Role) -> Result<Node, LaunchError> {
        let place = self.place(&mut self.adapted(role.clone())?)?;
        self.start_in(role, &place).await
    }

    /// Starts a node of the realm whose data are in this place.
    async fn start_in(&self, role: Role, place: &Place) -> Result<Node, LaunchError> {
        let role = self.adapted(role)?;
        let (network, birth) = self.network_of(&role, place).await?;
        let config = NodeConfig {
            birth,
            role,
            modules: self.modules.clone(),
            clock: self.clock.clone(),
            seed: self.seed,
            outside: self.outside.clone(),
            network,
            stepped: self.stepped.clone(),
            trace: self.trace.clone(),
        };
        Ok(Node::start(config).await?)
    }

    /// What joins the role's node to the others, and its birth number: from the database if it has one, or else from a node
    /// that has.
    async fn network_of(
        &self,
        role: &Role,
        place: &Place,
    ) -> Result<(Arc<dyn Network>, Birth), LaunchError> {
        let Some(cluster) = role.cluster.clone() else {
            return Ok((Arc::new(self.hub.clone()), self.next_birth(place).await?));
        };
        let clock = self.clock.clone();
        let joined = async move { Nats::connect(&cluster, clock).await };
        let nats = Arc::new(self.outside.run(joined).await??);
        let birth = if keeps_data(role) {
            let birth = self.next_birth(place).await?;
            let (launch, place) = (self.clone(), place.clone());
            nats.serve_births(move || {
                let (launch, place) = (launch.clone(), place.clone());
                async move {
                    let birth = launch.next_birth(&place).await;
                    birth
                        .inspect_err(|error| tracing::error!(%error, "no birth number"))
                        .ok()
                }
            })
            .await?;
            birth
        } else {
            let asking = nats.clone();
            self.outside
                .run(async move { asking.ask_birth().await })
                .await??
        };
        Ok((nats, birth))
    }

    /// The role with what the command line says instead.
    fn adapted(&self, mut role: Role) -> Result<Role, LaunchError> {
        if let Some(wire) = self.wire {
            role.wire = wire;
        }
        if let Some(admin) = self.admin {
            role.admin = role.admin.map(|_| admin);
        }
        if let Some(cluster) = &mut role.cluster {
            let Broker {
                servers,
                user,
                password,
            } = &self.nats;
            if !servers.is_empty() {
                cluster.nats.clone_from(servers);
            }
            cluster.user = user.clone().or(cluster.user.take());
            cluster.password = password.clone().or(cluster.password.take());
        }
        if let Some(database) = role.module_mut("database") {
            let settings: DatabaseConfig = database.config()?;
            if !settings.names_a_server() {
                database.set("file", self.data.join(DATABASE_FILE).display().to_string());
            }
        }
        if let (Some(listen), Some(gateway)) = (&self.listen, role.module_mut("gateway")) {
            gateway.set("listen", listen.clone());
        }
        let content = resources_of(&mut role)?;
        let shown = folder_of(&mut role, "gateway")?.or_else(|| content.clone());
        for (module, folder) in [("mechanics", content), ("gateway", shown)] {
            if let (Some(folder), Some(module)) = (folder, role.module_mut(module)) {
                module.set("resources", folder.display().to_string());
            }
        }
        Ok(role)
    }

    /// Where the data of an adapted role are; a role without a database has them in the data folder, as far as nothing else
    /// is said.
    fn place(&self, role: &mut Role) -> Result<Place, LaunchError> {
        let mut without = ModuleSpec::new(DatabaseModule::NAME, toml::Table::new());
        without.set("file", self.data.join(DATABASE_FILE).display().to_string());
        let module = role
            .module_mut(DatabaseModule::NAME)
            .unwrap_or(&mut without);
        Place::new(&module.config()?, &Environment::of_process()).map_err(LaunchError::Database)
    }

    /// Birth numbers come from the store, so that none is given twice however often nodes start.
    async fn next_birth(&self, place: &Place) -> Result<Birth, LaunchError> {
        let opened = place.clone();
        let number = self.outside.run(async move {
            let store = Store::open(&opened).await?;
            let number = store.next_birth().await;
            store.close().await;
            number
        });
        let number = number.await?;
        let birth = number.and_then(|number| Birth::new(number).ok_or(StoreError::NoBirthsLeft));
        birth.map_err(|error| LaunchError::Database(place.advice(&error)))
    }
}

/// All nodes of a process have so long to stop.
const STOP_WITHIN: Duration = Duration::from_millis(4800);

/// Stops nodes in the reverse order of their start, within 5 s in all. Each has its part of the time, so that one that
/// hangs does not take it from those before it.
pub async fn stop(nodes: Vec<Node>) {
    let Some(clock) = nodes.first().map(|node| node.core().clock().clone()) else {
        return;
    };
    let until = clock.now() + STOP_WITHIN;
    for (before, node) in nodes.into_iter().enumerate().rev() {
        let parts = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
        let part = clock.now() + until.since(clock.now()) / parts;
        let (role, stopping) = (node.role().to_owned(), Box::pin(node.stop()));
        let timer = std::pin::pin!(clock.sleep_until(part));
        if let Either::Right(_) = select(stopping, timer).await {
            tracing::error!(role, "a node did not stop in time and is left behind");
        }
    }
}

/// The content folder that a role's mechanics name, seen from where the role file lies.
///
/// # Errors
/// When the module's settings are wrong.
pub fn resources_of(role: &mut Role) -> Result<Option<PathBuf>, RoleFault> {
    folder_of(role, "mechanics")
}

/// The content folder that one module of a role names.
fn folder_of(role: &mut Role, module: &str) -> Result<Option<PathBuf>, RoleFault> {
    let beside = role
        .path
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let Some(module) = role.module_mut(module) else {
        return Ok(None);
    };
    let settings: toml::Table = module.config()?;
    let folder = settings.get("resources").and_then(toml::Value::as_str);
    Ok(folder.map(|folder| beside.join(folder)))
}

/// True when the role's node has the database.
pub fn keeps_data(role: &Role) -> bool {
    let services = role.services.iter();
    let mut modules = services.flat_map(|service| &service.modules);
    modules.any(|module| module.name == DatabaseModule::NAME)
}

/// True when the role's node keeps its data in a file of this machine, which no other process may have.
pub fn keeps_file(role: &Role) -> bool {
    let services = role.services.iter();
    let mut modules = services.flat_map(|service| &service.modules);
    let database = modules.find(|module| module.name == DatabaseModule::NAME);
    let elsewhere = |settings: DatabaseConfig| settings.names_a_server();
    database.is_some_and(|module| {
        Environment::of_process().url.is_none() && !module.config().is_ok_and(elsewhere)
    })
}
