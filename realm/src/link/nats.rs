//! The link between machines, over NATS. One connection for each node: mail goes to a subject for each node, in numbered
//! batches; a topic is a subject that the broker multicasts; who is there stands in a key-value bucket. The only code that
//! knows NATS.

mod births;
mod end;
mod frame;
mod lane;
mod members;
mod queue;
mod reader;
mod seen;
mod subject;
mod writer;

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions};
use tokio::runtime::Handle;

use super::{Inlet, LINK_PROTOCOL, Link, Network};
use crate::address::Birth;
use crate::clock::Clock;
use crate::role::Cluster;
use seen::Seen;
use subject::Subjects;

/// The oldest server that has what is used here.
const SERVER_MIN: (u32, u32) = (2, 12);
/// The pause between two attempts.
const AGAIN: Duration = Duration::from_millis(500);
/// A connection that answers nothing for two of these is given up.
const PING_EVERY: Duration = Duration::from_secs(1);
/// A request to the server, or to a node, waits so long for its answer.
const REQUEST_WITHIN: Duration = Duration::from_secs(2);
/// The longest pause before another attempt at a lost connection.
const RECONNECT_MAX: Duration = Duration::from_millis(500);
/// What the client holds of a subscription; more it drops. Mail never comes to that: 128 nodes may each have their window
/// on the way, of 128 batches. A topic comes to it when its reader stands still for that long.
const SUBSCRIPTION_LEN: usize = 16 * 1024;
/// What the client holds of what is to be sent, in messages, beside 64 KiB that it has begun to write.
const CLIENT_LEN: usize = 512;

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
    /// The servers do not know the user, or the password is another.
    #[error(
        "the NATS server at {servers} refuses the login {user}: set user and password by `user` and `password` in the role's \
         [cluster], or by REALM_NATS_USER and REALM_NATS_PASSWORD"
    )]
    Login {
        /// Where it was tried.
        servers: String,
        /// As whom.
        user: String,
    },
    /// The servers are not whom they should be, or cannot be spoken to in secret.
    #[error(
        "no safe connection to the NATS server at {servers}: {error}; set `ca` in the role's [cluster] to the certificate of \
         who signed the server's, and the server's name as it stands there"
    )]
    Tls {
        /// Where it was tried.
        servers: String,
        /// What was seen.
        error: String,
    },
    /// A server is written wrongly. It is not shown: there may be a password in it.
    #[error(
        "a NATS server must be nats://host:port or tls://host:port; user and password stand beside it, in REALM_NATS_USER and \
         REALM_NATS_PASSWORD or in the role's [cluster]"
    )]
    Server,
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
    seen: Arc<Seen>,
    lease: Duration,
    protocol: u16,
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
        if !cluster.nats.iter().all(|server| Cluster::is_server(server)) {
            return Err(NatsError::Server);
        }
        let until = clock.now() + Duration::from_millis(cluster.start_within_ms.into());
        let seen = Arc::new(Seen::default());
        let client = loop {
            match options(cluster, &seen).connect(cluster.nats.clone()).await {
                Ok(client) => break client,
                Err(error) => {
                    let refused = refused(cluster, &error);
                    let waits = matches!(refused, NatsError::Unreachable { .. });
                    if !waits || clock.now() >= until {
                        return Err(refused);
                    }
                    tracing::warn!(servers = cluster.nats.join(", "), %error, "waiting for NATS");
                    clock.sleep(AGAIN).await;
                }
            }
        };
        usable(&client)?;
        Ok(Self {
            client,
            subjects: Subjects::of(&cluster.name),
            clock,
            runtime: Handle::current(),
            seen,
            lease: Duration::from_millis(u64::from(cluster.lease_ms)),
            protocol: LINK_PROTOCOL,
        })
    }

    /// Speaks another version of the link's protocol: how an upgrade looks to those who are there.
    pub fn speaking(mut self, protocol: u16) -> Self {
        self.protocol = protocol;
        self
    }
}

impl Network for Nats {
    fn connect(&self, birth: Birth, inlet: Weak<dyn Inlet>) -> Arc<dyn Link> {
        Arc::new(end::End::start(self, birth, inlet))
    }
}

fn options(cluster: &Cluster, seen: &Arc<Seen>) -> ConnectOptions {
    let seen = Arc::clone(seen);
    let mut options = ConnectOptions::new()
        .name(format!("realm {}", cluster.name))
        .no_echo()
        .ping_interval(PING_EVERY)
        .request_timeout(Some(REQUEST_WITHIN))
        .subscription_capacity(SUBSCRIPTION_LEN)
        .client_capacity(CLIENT_LEN)
        .reconnect_delay_callback(|attempt| {
            RECONNECT_MAX
                .min(Duration::from_millis(10) * u32::try_from(attempt).unwrap_or(u32::MAX).min(50))
        })
        .event_callback(move |event| {
            seen.event(&event);
            std::future::ready(())
        });
    if let (Some(user), password) = (&cluster.user, &cluster.password) {
        let password = password.as_ref().map(|password| password.0.clone());
        options = options.user_and_password(user.clone(), password.unwrap_or_default());
    }
    match &cluster.ca {
        // Who names a signer wants no connection that anybody can listen to, whatever the server offers.
        Some(ca) => options.add_root_certificates(ca.clone()).require_tls(true),
        None => options,
    }
}

/// Why a connection could not be made, without what is secret.
fn refused(cluster: &Cluster, error: &ConnectError) -> NatsError {
    let servers = cluster.nats.join(", ");
    // What TLS finds wrong comes as bad data read from the socket.
    let cause = std::error::Error::source(error);
    let cause = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let bad_data = cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::InvalidData);
    match error.kind() {
        ConnectErrorKind::Io if bad_data => NatsError::Tls {
            servers,
            error: error.to_string(),
        },
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            let user = match &cluster.user {
                Some(user) => format!("of user '{user}'"),
                None => "without a user".to_owned(),
            };
            NatsError::Login { servers, user }
        }
        ConnectErrorKind::Tls => NatsError::Tls {
            servers,
            error: error.to_string(),
        },
        _ => NatsError::Unreachable {
            servers,
            error: error.to_string(),
        },
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
