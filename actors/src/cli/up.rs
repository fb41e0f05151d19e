//! `realm up`: runs roles until it is told to stop.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::launch::{self, Broker, Launch};
use anyhow::Context;
use clap::{Args, ValueEnum};
use futures_util::future::{Either, select, select_all};
use realm::role::{Password, Role, WireMode};
use realm::{Clock, Hub, Modules, Node, Outside, Secrets};

use super::{Known, LOCAL_ROLE};

#[derive(Args)]
pub(super) struct Up {
    /// Role files [default: roles/local.toml]
    #[arg(value_name = "ROLE")]
    roles: Vec<PathBuf>,
    /// Where players connect, instead of what the role says; port 0 picks a free one
    #[arg(long, env = "REALM_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Where metrics and health are served, instead of what the role says; port 0 picks a free one
    #[arg(long, env = "REALM_ADMIN", value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,
    /// Folder for the database; made if it is missing
    #[arg(long, env = "REALM_DATA", value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Servers of the broker that joins the nodes, instead of what the role's [cluster] says
    #[arg(long, env = "REALM_NATS", value_name = "URL", value_delimiter = ',')]
    nats: Vec<String>,
    /// The user there; the password is taken from REALM_NATS_PASSWORD only, so that no list of processes shows it
    #[arg(long, env = "REALM_NATS_USER", value_name = "NAME")]
    nats_user: Option<String>,
    /// How messages travel within a node, instead of what the role says
    #[arg(long, value_enum)]
    wire: Option<Wire>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Wire {
    /// Moved as they are
    Local,
    /// Serialized, each of them: finds what does not travel
    Always,
}

impl Up {
    pub(super) fn run(self, known: Known) -> anyhow::Result<ExitCode> {
        let named = if self.roles.is_empty() {
            vec![LOCAL_ROLE.into()]
        } else {
            self.roles
        };
        let roles = load(&named, &known.modules)?;
        let _ours = match roles.iter().any(launch::keeps_file) {
            true => Some(claim(&self.data)?),
            false => None,
        };
        let aside = aside()?;
        let clock = Clock::machine();
        let launch = Launch {
            data: self.data,
            listen: self.listen,
            admin: self.admin,
            wire: self.wire.map(|wire| match wire {
                Wire::Local => WireMode::Local,
                Wire::Always => WireMode::Always,
            }),
            nats: Broker {
                servers: self.nats,
                user: self.nats_user,
                password: std::env::var("REALM_NATS_PASSWORD").ok().map(Password),
            },
            hub: Hub::new(clock.clone()),
            clock,
            modules: known.modules,
            seed: seed()?,
            outside: Outside::new(aside.handle().clone()),
            stepped: None,
            trace: None,
        };
        let code = actix_rt::System::new().block_on(serve(launch, roles));
        aside.shutdown_background();
        code
    }
}

async fn serve(launch: Launch, roles: Vec<Role>) -> anyhow::Result<ExitCode> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be heard")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut nodes = launch.start(roles).await?;
    println!("{}", ready_line(&nodes));
    let told = select(Box::pin(interrupt.recv()), Box::pin(terminate.recv()));
    let broken = select_all(nodes.iter_mut().map(|node| Box::pin(node.broken())));
    let code = match select(told, broken).await {
        Either::Left(_) => ExitCode::SUCCESS,
        Either::Right(((why, ..), _)) => {
            tracing::error!("the realm stops: {why}");
            ExitCode::FAILURE
        }
    };
    tracing::info!("stopping");
    launch::stop(nodes).await;
    Ok(code)
}

/// Two realms on one file would each believe to own its characters: the second is refused. The lock goes with the
/// process, however it ends.
fn claim(data: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(data)
        .with_context(|| format!("the folder {} cannot be made", data.display()))?;
    let path = data.join("realm.lock");
    let lock =
        File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            anyhow::bail!(
                "another realm runs on {}; stop it, or give this one its own --data",
                data.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", path.display()))
        }
    }
}

/// What scripts wait for: one line that names where the realm really listens.
fn ready_line(nodes: &[Node]) -> String {
    let mut line = "realm ready".to_owned();
    for client in nodes.iter().filter_map(|node| node.listener("client")) {
        line += &format!(" http://{client}/ ws://{client}/ws");
    }
    for admin in nodes.iter().filter_map(|node| node.listener("admin")) {
        line += &format!(" admin http://{admin}/metrics");
    }
    for service in nodes.iter().flat_map(|node| node.core().standing_by()) {
        line += &format!(" standing by: {service}");
    }
    line
}

/// Loads role files; every fault of all of them is in the error.
pub(super) fn load(named: &[PathBuf], modules: &Modules) -> anyhow::Result<Vec<Role>> {
    let mut roles = Vec::new();
    let mut faults = Vec::new();
    for path in named {
        match Role::load(path, &modules.names()) {
            Ok(role) => roles.push(role),
            Err(found) => faults.extend(found.iter().map(ToString::to_string)),
        }
    }
    anyhow::ensure!(
        faults.is_empty(),
        "the realm cannot start:\n  {}",
        faults.join("\n  ")
    );
    Ok(roles)
}

/// The runtime beside the services, for the database and for hashing.
pub(super) fn aside() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("aside")
        .enable_all()
        .build()
        .context("no threads for the database")
}

/// Each start of a real realm has another seed.
pub(super) fn seed() -> anyhow::Result<u64> {
    let mut seed = [0; 8];
    Secrets::machine()
        .fill(&mut seed)
        .context("the operating system gives no randomness")?;
    Ok(u64::from_le_bytes(seed))
}
