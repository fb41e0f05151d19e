//! How the realm stands, for people: which nodes there are, how their frames go, and which channels they host.

use std::fmt;

use super::Report;
use super::table::{Table, ms};

/// A report, told in short.
pub struct Status<'a>(pub &'a Report);

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.nodes.is_empty() {
            return writeln!(f, "no node has told its figures yet");
        }
        self.nodes(f)?;
        self.services(f)?;
        self.channels(f)
    }
}

impl Status<'_> {
    fn nodes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::of(["node", "role", "heard s ago", "sessions", "avatars"]);
        for node in &self.0.nodes {
            let avatars = node.channels.iter().map(|it| it.population);
            let gateway = node.gateway.as_ref();
            table.row([
                node.birth.to_string(),
                node.role.clone(),
                format!("{:.1}", node.age_ms as f64 / 1000.0),
                gateway.map_or_else(|| "-".to_owned(), |gateway| gateway.sessions.to_string()),
                match node.channels.is_empty() {
                    true => "-".to_owned(),
                    false => avatars.sum::<u32>().to_string(),
                },
            ]);
        }
        table.write(f)
    }

    fn services(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::of([
            "node",
            "service",
            "frame p50 ms",
            "p99 ms",
            "cpu %",
            "restarts",
        ]);
        for node in &self.0.nodes {
            for it in &node.services {
                table.row([
                    node.birth.to_string(),
                    it.service.clone(),
                    ms(it.frame_p50_ms),
                    ms(it.frame_p99_ms),
                    format!("{:.1}", it.cpu_percent),
                    it.restarts.to_string(),
                ]);
            }
        }
        table.write(f)
    }

    fn channels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::of(["node", "channel", "map", "population", "limit"]);
        for node in &self.0.nodes {
            for it in &node.channels {
                table.row([
                    node.birth.to_string(),
                    it.channel.to_string(),
                    it.map.clone(),
                    it.population.to_string(),
                    it.limit.to_string(),
                ]);
            }
        }
        table.write(f)
    }
}
