//! Figures as they go over the link, to an operator's program, and into a table. Counts begin with the node's start; what is
//! measured *of late* is of the last ten seconds or so.

use serde::{Deserialize, Serialize};

/// The figures of the realm: of each node that has been heard lately.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// In the order of their births.
    pub nodes: Vec<NodeFigures>,
}

/// The figures of one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeFigures {
    /// Its birth number.
    pub birth: u32,
    /// The name of its role.
    pub role: String,
    /// How long ago they were heard, in milliseconds.
    pub age_ms: u64,
    /// Its services, by name.
    pub services: Vec<ServiceFigures>,
    /// The channels that it hosts, by number.
    #[serde(default)]
    pub channels: Vec<ChannelFigures>,
    /// Its locale types; those of which most live come first.
    pub locales: Vec<LocaleFigures>,
    /// The classes of messages that ran; the busiest of late come first.
    pub classes: Vec<ClassFigures>,
    /// The calls that were made from here; the most frequent come first.
    pub calls: Vec<CallFigures>,
    /// Locales that ended.
    pub deaths: Vec<DeathFigures>,
    /// Messages that reached nobody.
    pub dead_letters: Vec<DeadLetterFigures>,
    /// What its gateway counts, if it has one.
    pub gateway: Option<GatewayFigures>,
    /// Rows that the lists above had no room for.
    pub left_out: u32,
}

/// One service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceFigures {
    /// Its name in the role.
    pub service: String,
    /// Frames so far; none in a service that runs when mail arrives.
    pub frames: u64,
    /// The middle frame of late, in milliseconds.
    pub frame_p50_ms: Option<f64>,
    /// The 99th of a hundred frames of late, in milliseconds.
    pub frame_p99_ms: Option<f64>,
    /// How late the middle frame of late began, in milliseconds.
    pub lateness_p50_ms: Option<f64>,
    /// How late the 99th of a hundred frames of late began, in milliseconds.
    pub lateness_p99_ms: Option<f64>,
    /// Messages that were run.
    pub mail_run: u64,
    /// Messages that waited for the next frame.
    pub mail_waited: u64,
    /// CPU time of its thread, in seconds.
    pub cpu_s: f64,
    /// The part of one CPU that its thread took of late, in percent.
    pub cpu_percent: f64,
    /// Calls that it waits for.
    pub calls_pending: i64,
    /// How often it was started again.
    pub restarts: u64,
}

/// One channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelFigures {
    /// Its number.
    pub channel: u64,
    /// Its map.
    pub map: String,
    /// Avatars that stand there.
    pub population: u32,
    /// Avatars that may.
    pub limit: u32,
}

/// One locale type, on all services of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocaleFigures {
    /// The name of the type.
    pub locale: String,
    /// How many live.
    pub living: i64,
}

/// One class of messages, on one locale type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// The name of the locale type.
    pub locale: String,
    /// The name of the class.
    pub class: String,
    /// How many ran.
    pub run: u64,
    /// How many ran in a second of late.
    pub run_per_s: f64,
}

/// One method.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFigures {
    /// The name of the method.
    pub call: String,
    /// Calls that were answered, and be it by an error of the method's own.
    pub answered: u64,
    /// Calls without an answer: too late, refused as busy, or failed.
    pub failed: u64,
}

/// Locales of one type that ended for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeathFigures {
    /// The name of the type.
    pub locale: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// Messages of one class that reached nobody for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterFigures {
    /// The name of the class.
    pub class: String,
    /// Why.
    pub why: String,
    /// How many.
    pub count: u64,
}

/// What a gateway counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GatewayFigures {
    /// Sessions, those without a socket included.
    pub sessions: u64,
    /// Commands that were refused, by code.
    pub refused: Vec<(String, u64)>,
    /// Sockets that were cut without a word, by reason.
    pub cut: Vec<(String, u64)>,
    /// The middle client's answer to a ping of late, in milliseconds.
    pub delay_p50_ms: Option<f64>,
    /// The answer of the 99th of a hundred clients, in milliseconds.
    pub delay_p99_ms: Option<f64>,
}
