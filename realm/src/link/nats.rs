//! The link between machines, over NATS. One connection for each node: mail goes to a subject for each node, in numbered
//! batches; a topic is a subject that the broker multicasts; who is there stands in a key-value bucket. The only code that
//! knows NATS.

mod births;
mod end;
mod frame;
mod members;
mod subject;

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event};
use tokio::runtime::Handle;

use super::{Inlet, Link, Network};
use crate::address::Birth;
use crate::clock::Clock;
use crate::role::Cluster;
use subject::Subjects;

/// The oldest server that has what is used here.
const SERVER_MIN: (u32, u32) = (2, 12);
/// How long a start waits for a server that is not there yet.
const START_WITHIN: Duration = Duration::from_secs(30);
/// The pause between two attempts.
const AGAIN: Duration = Duration::from_millis(500);
/// A connection that answers nothing for two of these is given up.
const PING_EVERY: Duration = Duration::from_secs(1);
/// A request to the server, or to a node, waits so long for its answer.
const REQUEST_WITHIN: Duration = Duration::from_secs(1);
/// The longest pause before another attempt at a lost connection.
const RECONNECT_MAX: Duration = Duration::from_millis(500);

/// Why a node cannot speak to the others.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// No server answers.
    #[error(
        "no NATS server answers at {servers}: {error}; start one, or set `nats` in the role's [cluster] or REALM_NATS"
    )]
    Unreachable {
        /// Where it was looked for.
        servers: String,
        /// What was seen last.
        error: String,
    },
    /// The server is too old.
    #[error(
        "the NATS server {server} has version {version}, and 2.12 is needed: install a newer nats-server"
    )]
    TooOld {
        /// Which server.
        server: String,
        /// Its version.
        version: String,
    },
    /// The server keeps nothing.
    #[error(
        "the NATS server {0} runs without JetStream: start it with --jetstream and a --store_dir"
    )]
    NoJetStream(String),
    /// The server refuses something.
    #[error("the NATS server refuses {what}: {error}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// What it said.
        error: String,
    },
    /// No database node told this one its birth number.
    #[error(
        "no node with the module 'database' answers in realm '{0}': start one, or set the same `name` in all [cluster] tables"
    )]
    NoBirth(String),
}

/// A connection to NATS, for one node.
pub struct Nats {
    client: Client,
    subjects: Subjects,
    clock: Clock,
    runtime: Handle,
}

impl Nats {
    /// What is worth a place in the log of what the library tells, as a filter's directive.
    pub const LOGGED: &str = "async_nats=warn";

    /// Connects; waits a while for a server that is not there yet. Its work is done by the
    /// runtime that it is called from.
    ///
    /// # Errors
    /// When no server answers, or one that cannot be used.
    pub async fn connect(cluster: &Cluster, clock: Clock) -> Result<Self, NatsError> {
        let until = clock.now() + START_WITHIN;
        let client = loop {
            match options(cluster).connect(cluster.nats.clone()).await {
                Ok(client) => break client,
                Err(error) if clock.now() < until => {
                    tracing::warn!(servers = cluster.nats.join(", "), %error, "waiting for NATS");
                    clock.sleep(AGAIN).await;
                }
                Err(error) => {
                    return Err(NatsError::Unreachable {
                        servers: cluster.nats.join(", "),
                        error: error.to_string(),
                    });
                }
            }
        };
        usable(&client)?;
        Ok(Self {
            client,
            subjects: Subjects::of(&cluster.name),
            clock,
            runtime: Handle::current(),
        })
    }
}

impl Network for Nats {
    fn connect(&self, birth: Birth, inlet: Weak<dyn Inlet>) -> Arc<dyn Link> {
        Arc::new(end::End::start(self, birth, inlet))
    }
}

fn options(cluster: &Cluster) -> ConnectOptions {
    let mut options = ConnectOptions::new()
        .name(format!("realm {}", cluster.name))
        .no_echo()
        .ping_interval(PING_EVERY)
        .request_timeout(Some(REQUEST_WITHIN))
        .reconnect_delay_callback(|attempt| {
            RECONNECT_MAX
                .min(Duration::from_millis(10) * u32::try_from(attempt).unwrap_or(u32::MAX).min(50))
        })
        .event_callback(async |event| match event {
            Event::Connected => tracing::info!("NATS is there"),
            Event::Disconnected => tracing::warn!("NATS is gone; trying again"),
            other => tracing::warn!(%other, "NATS says"),
        });
    if let (Some(user), password) = (&cluster.user, &cluster.password) {
        let password = password.as_ref().map(|password| password.0.clone());
        options = options.user_and_password(user.clone(), password.unwrap_or_default());
    }
    match &cluster.ca {
        Some(ca) => options.add_root_certificates(ca.clone()),
        None => options,
    }
}

fn usable(client: &Client) -> Result<(), NatsError> {
    let info = client.server_info();
    let mut numbers = info.version.split('.').map(|part| part.parse::<u32>());
    let version = match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => (0, 0),
    };
    let server = format!("{}:{}", info.host, info.port);
    if version < SERVER_MIN {
        let version = info.version;
        return Err(NatsError::TooOld { server, version });
    }
    match info.jetstream {
        true => Ok(()),
        false => Err(NatsError::NoJetStream(server)),
    }
}
