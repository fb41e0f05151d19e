//! What a gateway counts.

use client::Code;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use realm::metrics::Metrics;

use super::session::Suspected;

type Labels = Vec<(&'static str, String)>;

/// The gateway's own metrics, in the node's registry.
#[derive(Clone, Debug, Default)]
pub(super) struct GatewayMetrics {
    sessions: Gauge,
    cut: Family<Labels, Counter>,
    refused: Family<Labels, Counter>,
    suspected: Family<Labels, Counter>,
    closed: Family<Labels, Counter>,
    turned_away: Family<Labels, Counter>,
}

/// Why an address was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crowd {
    /// It has too many connections.
    Open,
    /// It has far too many, and was not answered.
    Flood,
    /// It comes too often.
    Rate,
}

/// Why a socket was cut without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing came from the client.
    Silent,
    /// The client does not take what it is sent.
    Slow,
    /// The client did not take the close of its socket.
    Closing,
    /// The session is dead.
    SessionDied,
}

impl Cut {
    const fn label(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Slow => "slow",
            Self::Closing => "closing",
            Self::SessionDied => "session_died",
        }
    }
}

impl GatewayMetrics {
    /// Metrics that the node exports.
    pub(super) fn register(metrics: &Metrics) -> Self {
        let own = Self::default();
        metrics.registry(|registry| {
            registry.register(
                "realm_gateway_sessions",
                "Client sessions, those without a socket included",
                own.sessions.clone(),
            );
            registry.register(
                "realm_gateway_sockets_cut",
                "Sockets that were cut without a word, by reason",
                own.cut.clone(),
            );
            registry.register(
                "realm_gateway_commands_refused",
                "Commands of clients that were refused, by code",
                own.refused.clone(),
            );
            registry.register(
                "realm_gateway_suspected",
                "Clients that came to a stage of suspicion, by stage",
                own.suspected.clone(),
            );
            registry.register(
                "realm_gateway_sockets_closed",
                "Sockets closed because their client broke the rules of WebSockets, by close code",
                own.closed.clone(),
            );
            registry.register(
                "realm_gateway_turned_away",
                "Connections and requests turned away because too many came from one address, by reason",
                own.turned_away.clone(),
            );
        });
        own
    }

    pub(super) fn sessions(&self, open: usize) {
        self.sessions.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    pub(super) fn cut(&self, why: Cut) {
        let labels = vec![("why", why.label().to_owned())];
        self.cut.get_or_create(&labels).inc();
    }

    pub(super) fn refused(&self, code: Code, commands: u32) {
        let labels = vec![("code", format!("{code:?}"))];
        self.refused
            .get_or_create(&labels)
            .inc_by(u64::from(commands));
    }

    pub(super) fn suspected(&self, stage: Suspected) {
        let labels = vec![("stage", format!("{stage:?}").to_lowercase())];
        self.suspected.get_or_create(&labels).inc();
    }

    pub(super) fn closed(&self, code: u16) {
        let labels = vec![("code", code.to_string())];
        self.closed.get_or_create(&labels).inc();
    }

    pub(super) fn turned_away(&self, why: Crowd) {
        let labels = vec![("why", format!("{why:?}").to_lowercase())];
        self.turned_away.get_or_create(&labels).inc();
    }
}
