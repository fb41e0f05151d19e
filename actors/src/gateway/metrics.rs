//! What a gateway counts.

use std::sync::Arc;

use client::Code;
use prometheus_client::metrics::gauge::Gauge;
use realm::metrics::{Counts, Metrics, Spread, SpreadFigures};

use super::session::Suspected;

type Labels = Vec<(&'static str, String)>;

/// Upper bounds of the buckets of a client's delay, in milliseconds.
static DELAY_BUCKETS_MS: [f64; 14] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0, 1_000.0, 5_000.0,
];

/// The gateway's own metrics, in the node's registry.
#[derive(Debug)]
pub(crate) struct GatewayMetrics {
    sessions: Gauge,
    cut: Counts<Labels>,
    refused: Counts<Labels>,
    suspected: Counts<Labels>,
    closed: Counts<Labels>,
    turned_away: Counts<Labels>,
    /// From a ping to its answer.
    pub(super) delay_ms: Spread,
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
    /// Metrics that the node exports. A gateway that starts anew goes on with them, and with no sessions.
    pub(super) fn register(metrics: &Metrics) -> Arc<Self> {
        let own = metrics.once(|registry| {
            let (sessions, delay_ms) = (Gauge::default(), Spread::new(&DELAY_BUCKETS_MS));
            registry.register(
                "realm_gateway_sessions",
                "Client sessions, those without a socket included",
                sessions.clone(),
            );
            registry.register(
                "realm_client_delay_ms",
                "From a ping to a client until its answer",
                delay_ms.clone(),
            );
            Self {
                sessions,
                delay_ms,
                cut: Counts::register(
                    registry,
                    "realm_gateway_sockets_cut",
                    "Sockets that were cut without a word, by reason",
                ),
                refused: Counts::register(
                    registry,
                    "realm_gateway_commands_refused",
                    "Commands of clients that were refused, by code",
                ),
                suspected: Counts::register(
                    registry,
                    "realm_gateway_suspected",
                    "Clients that came to a stage of suspicion, by stage",
                ),
                closed: Counts::register(
                    registry,
                    "realm_gateway_sockets_closed",
                    "Sockets closed because their client broke the rules of WebSockets, by close code",
                ),
                turned_away: Counts::register(
                    registry,
                    "realm_gateway_turned_away",
                    "Connections and requests turned away because too many came from one address, by reason",
                ),
            }
        });
        own.sessions(0);
        own
    }

    /// How many sessions there are.
    pub(crate) fn sessions_open(&self) -> u64 {
        u64::try_from(self.sessions.get()).unwrap_or(0)
    }

    /// How many commands were refused, by code.
    pub(crate) fn refusals(&self) -> Vec<(String, u64)> {
        by_label(&self.refused)
    }

    /// How many sockets were cut, by reason.
    pub(crate) fn cuts(&self) -> Vec<(String, u64)> {
        by_label(&self.cut)
    }

    /// How long clients take to answer a ping.
    pub(crate) fn delays(&self) -> SpreadFigures {
        self.delay_ms.read()
    }

    pub(super) fn sessions(&self, open: usize) {
        self.sessions.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    pub(super) fn cut(&self, why: Cut) {
        let labels = vec![("why", why.label().to_owned())];
        self.cut.count(&labels);
    }

    pub(super) fn refused(&self, code: Code, commands: u32) {
        let labels = vec![("code", format!("{code:?}"))];
        self.refused.count_many(&labels, u64::from(commands));
    }

    pub(super) fn suspected(&self, stage: Suspected) {
        let labels = vec![("stage", format!("{stage:?}").to_lowercase())];
        self.suspected.count(&labels);
    }

    pub(super) fn closed(&self, code: u16) {
        let labels = vec![("code", code.to_string())];
        self.closed.count(&labels);
    }

    pub(super) fn turned_away(&self, why: Crowd) {
        let labels = vec![("why", format!("{why:?}").to_lowercase())];
        self.turned_away.count(&labels);
    }
}

fn by_label(counts: &Counts<Labels>) -> Vec<(String, u64)> {
    let each = counts.each().into_iter();
    each.filter_map(|(labels, count)| Some((labels.into_iter().next()?.1, count)))
        .collect()
}
