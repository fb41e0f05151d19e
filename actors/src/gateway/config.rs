//! The settings of a gateway.

use std::time::Duration;

use realm::ModuleError;
use serde::Deserialize;

/// What a role may set for the module `gateway`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Where clients connect, such as `127.0.0.1:7777`; port 0 takes any that is free. Without it nobody listens.
    pub listen: Option<String>,
    /// What `Welcome` calls the realm.
    pub realm_name: String,
    /// How long a player whose socket was lost stays in the world.
    pub grace_ms: u64,
    /// After so long without a word from the client it is pinged.
    pub heartbeat_ms: u64,
    /// After so long without a word from the client, not even a pong, its socket is cut. So is the socket of a client
    /// that takes nothing for so long.
    pub silence_ms: u64,
    /// Who has not logged in after so long is sent away.
    pub login_within_ms: u64,
    /// Who stays logged in outside the world for so long is sent away.
    pub idle_ms: u64,
    /// How long what is to be sent is gathered for one frame.
    pub flush_ms: u64,
    /// With more than this on its way to a client, the socket is cut.
    pub outbox_bytes_max: usize,
    /// With more than this on its way to a client, cells wait and come as fresh snapshots later.
    pub outbox_slow_bytes: usize,
    /// Sockets that may be open at a time.
    pub connections_max: usize,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: None,
            realm_name: "Realm".to_owned(),
            grace_ms: 10_000,
            heartbeat_ms: 5_000,
            silence_ms: 15_000,
            login_within_ms: 10_000,
            idle_ms: 600_000,
            flush_ms: 25,
            outbox_bytes_max: 262_144,
            outbox_slow_bytes: 65_536,
            connections_max: 4_096,
        }
    }
}

impl GatewayConfig {
    /// Refuses settings that cannot work together.
    pub(super) fn check(&self) -> Result<(), ModuleError> {
        let refuse = |what: &str| {
            Err(ModuleError::Needs {
                module: super::NAME,
                what: what.to_owned(),
            })
        };
        if self.outbox_slow_bytes > self.outbox_bytes_max {
            return refuse(
                "outbox_slow_bytes must not exceed outbox_bytes_max: a client is slow before it is cut",
            );
        }
        if self.heartbeat_ms >= self.silence_ms {
            return refuse(
                "heartbeat_ms must be less than silence_ms: a client is asked before it is cut",
            );
        }
        if self.connections_max == 0 {
            return refuse("connections_max must be at least 1");
        }
        Ok(())
    }

    pub(super) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    pub(super) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    pub(super) fn silence(&self) -> Duration {
        Duration::from_millis(self.silence_ms)
    }

    pub(super) fn login_within(&self) -> Duration {
        Duration::from_millis(self.login_within_ms)
    }

    pub(super) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    pub(super) fn flush(&self) -> Duration {
        Duration::from_millis(self.flush_ms)
    }

    /// How often a session looks at its clock: once a second, or as often as the shortest of its limits needs.
    pub(super) fn pulse(&self) -> Duration {
        let shortest = [
            1_000,
            self.heartbeat_ms,
            self.silence_ms,
            self.login_within_ms,
            self.idle_ms,
        ];
        let shortest = shortest.into_iter().min().unwrap_or(1_000);
        Duration::from_millis(shortest.max(10))
    }
}
