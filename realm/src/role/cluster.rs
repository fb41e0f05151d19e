//! Where a role's node finds the others when they run on other machines.

use std::fmt;
use std::path::PathBuf;

/// The broker that joins the nodes of a realm, and as whom to speak to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The realm's name, `[a-z0-9-]{1,32}`: several realms may share a broker.
    pub name: String,
    /// The broker's servers, as `nats://host:port` or `tls://host:port`; at least one.
    pub nats: Vec<String>,
    /// The user, if the servers ask for one.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Password>,
    /// How long a node that is not heard of may be alive yet, 300 to 3000: so late its singular services are taken over, and so
    /// long it acts without a word of NATS, less a sixth.
    pub lease_ms: u32,
    /// A file with the certificates of who may have signed the servers', beside those that the machine trusts.
    pub ca: Option<PathBuf>,
    /// How long a start waits for a server that is not there yet.
    pub start_within_ms: u32,
}

impl Cluster {
    /// How long a start waits when a role does not say.
    pub const START_WITHIN_MS: u32 = 30_000;

    /// True for `nats://host:port` and `tls://host:port`, without user and password: what is shown of a server must hold no
    /// secret.
    pub fn is_server(server: &str) -> bool {
        let rest = server
            .strip_prefix("nats://")
            .or_else(|| server.strip_prefix("tls://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('@'))
    }
}

/// The lease when the role says nothing else.
pub const LEASE_MS_DEFAULT: u32 = 3000;

/// A password that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
