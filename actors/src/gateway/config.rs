//! The settings of a gateway.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use realm::ModuleError;
use serde::Deserialize;

use super::gate::SLOWED_BY;
use super::others::is_url;
use crate::limit::{BURST_MAX, some};

/// What a role may set for the module `gateway`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Where clients connect, such as `127.0.0.1:7777`; port 0 takes any that is free. Without it nobody listens.
    pub listen: Option<String>,
    /// Where clients find this gateway, such as `wss://play.example/ws`, if that is not where it listens. All clients of the
    /// realm are told, for when they lose their own gateway.
    pub public: Option<String>,
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
    /// Connections that may be open from one address. An IPv6 address stands for its /64.
    pub connections_per_address_max: usize,
    /// Connections that may come from one address in a second, on and on.
    pub connections_per_address_per_s: NonZeroU32,
    /// Connections that may come from one address at once.
    pub connections_per_address_burst: NonZeroU32,
    /// Files of the page that may be asked for from one address in a second, on and on.
    pub assets_per_address_per_s: NonZeroU32,
    /// Files of the page that may be asked for from one address at once; a browser that comes anew asks for some forty.
    pub assets_per_address_burst: NonZeroU32,
    /// Logins and resumes that may be tried from one address in a minute, on and on.
    pub logins_per_address_per_minute: NonZeroU32,
    /// Logins and resumes that may be tried from one address at once.
    pub logins_per_address_burst: NonZeroU32,
    /// Registrations that may be tried from one address in a minute, on and on.
    pub registrations_per_address_per_minute: NonZeroU32,
    /// Registrations that may be tried from one address at once.
    pub registrations_per_address_burst: NonZeroU32,
    /// Proxies whose `X-Forwarded-For` is believed. Without them all who come through a proxy count as one.
    pub trusted_proxies: Vec<IpAddr>,
    /// Commands that a client may send in a second, on and on.
    pub commands_per_s: NonZeroU32,
    /// Commands that it may send at once, such as after a moment without a network.
    pub commands_burst: NonZeroU32,
    /// Pings and pongs that it may send in a second, and as many at once.
    pub controls_per_s: NonZeroU32,
    /// From where on a client is suspected, and what comes of it.
    pub suspicion: SuspicionConfig,
    /// The folder with the content that the page shows: maps and names. Without it the page draws open ground. It is
    /// that of the role's mechanics if the role says nothing.
    pub resources: Option<PathBuf>,
}

/// The scores at which a client's session comes to a stage. What a refusal weighs is in `session/suspicion.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SuspicionConfig {
    /// From here on the log tells of it, once.
    pub note: NonZeroU32,
    /// From here on it may send a quarter of the commands, until the score has halved.
    pub slow: NonZeroU32,
    /// From here on it is sent away.
    pub kick: NonZeroU32,
    /// In this time a score halves.
    pub half_life_ms: NonZeroU32,
}

impl Default for SuspicionConfig {
    fn default() -> Self {
        Self {
            note: some(25),
            slow: some(50),
            kick: some(100),
            half_life_ms: some(30_000),
        }
    }
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: None,
            public: None,
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
            connections_per_address_max: 100,
            connections_per_address_per_s: some(10),
            connections_per_address_burst: some(50),
            assets_per_address_per_s: some(40),
            assets_per_address_burst: some(800),
            logins_per_address_per_minute: some(60),
            logins_per_address_burst: some(30),
            registrations_per_address_per_minute: some(6),
            registrations_per_address_burst: some(20),
            trusted_proxies: Vec::new(),
            commands_per_s: some(30),
            commands_burst: some(120),
            controls_per_s: some(20),
            suspicion: SuspicionConfig::default(),
            resources: None,
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
        if self.public.as_deref().is_some_and(|url| !is_url(url)) {
            return refuse("public must be an address such as wss://play.example/ws");
        }
        if self.heartbeat_ms >= self.silence_ms {
            return refuse(
                "heartbeat_ms must be less than silence_ms: a client is asked before it is cut",
            );
        }
        if self.connections_max == 0 || self.connections_per_address_max == 0 {
            return refuse("connections_max and connections_per_address_max must be at least 1");
        }
        for (name, burst) in [
            (
                "connections_per_address_burst",
                self.connections_per_address_burst,
            ),
            ("logins_per_address_burst", self.logins_per_address_burst),
            (
                "registrations_per_address_burst",
                self.registrations_per_address_burst,
            ),
        ] {
            if burst.get() > BURST_MAX {
                return refuse(&format!("{name} must be at most {BURST_MAX}"));
            }
        }
        if !(SLOWED_BY.get()..=BURST_MAX).contains(&self.commands_burst.get()) {
            return refuse(&format!(
                "commands_burst must be {SLOWED_BY} to {BURST_MAX}: a command of a client that is slowed counts for \
                 {SLOWED_BY}"
            ));
        }
        let controls_per_s = self.controls_per_s.get();
        if controls_per_s > BURST_MAX || u64::from(controls_per_s) * self.heartbeat_ms < 1_000 {
            return refuse(&format!(
                "controls_per_s must be at most {BURST_MAX}, and leave room for an answer every heartbeat_ms"
            ));
        }
        let SuspicionConfig {
            note, slow, kick, ..
        } = self.suspicion;
        if note > slow || slow > kick {
            return refuse(&format!(
                "the scores of `suspicion` must ascend: note {note}, slow {slow}, kick {kick}"
            ));
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
