//! A report as tables for people.

use std::collections::BTreeMap;
use std::fmt;

use super::table::{Table, ms};
use super::{Report, ServiceFigures};

/// Classes and calls that are told.
const BUSIEST: usize = 10;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nodes.is_empty() {
            return writeln!(f, "no node has told its figures yet");
        }
        self.nodes(f)?;
        self.services(f)?;
        self.gateways(f)?;
        self.busiest(f)?;
        self.calls(f)?;
        self.deaths(f)?;
        self.dead_letters(f)
    }
}

impl Report {
    fn nodes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::of(["node", "role", "heard s ago", "living"]);
        for node in &self.nodes {
            let living: Vec<String> = node
                .locales
                .iter()
                .filter(|it| it.living != 0)
                .map(|it| format!("{} {}", it.living, it.locale))
                .collect();
            table.row([
                node.birth.to_string(),
                node.role.clone(),
                format!("{:.1}", node.age_ms as f64 / 1000.0),
                living.join(", "),
            ]);
        }
        table.write(f)
    }

    fn services(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::of([
            "node",
            "service",
            "cpu %",
            "cpu s",
            "frame p50 ms",
            "p99 ms",
            "late p99 ms",
            "mail run",
            "waited",
            "restarts",
        ]);
        for node in &self.nodes {
            for it in &node.services {
                let ServiceFigures {
                    service, restarts, ..
                } = it;
                table.row([
                    node.birth.to_string(),
                    service.clone(),
                    format!("{:.1}", it.cpu_percent),
                    format!("{:.1}", it.cpu_s),
                    ms(it.frame_p50_ms),
                    ms(it.frame_p99_ms),
                    ms(it.lateness_p99_ms),
                    it.mail_run.to_string(),
                    it.mail_waited.to_string(),
                    restarts.to_string(),
                ]);
            }
        }
        table.write(f)
    }

    fn gateways(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::of([
            "node",
            "sessions",
            "delay p50 ms",
            "p99 ms",
            "sockets cut",
            "commands refused",
        ]);
        for node in &self.nodes {
            let Some(gateway) = &node.gateway else {
                continue;
            };
            table.row([
                node.birth.to_string(),
                gateway.sessions.to_string(),
                ms(gateway.delay_p50_ms),
                ms(gateway.delay_p99_ms),
                listed(&gateway.cut),
                listed(&gateway.refused),
            ]);
        }
        table.write(f)
    }

    fn busiest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: BTreeMap<(&str, &str), (f64, u64)> = BTreeMap::new();
        for it in self.nodes.iter().flat_map(|node| &node.classes) {
            let (per_s, run) = runs.entry((&it.locale, &it.class)).or_default();
            *per_s += it.run_per_s;
            *run += it.run;
        }
        let mut runs: Vec<_> = runs.into_iter().collect();
        runs.sort_by(|(_, a), (_, b)| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        let mut table = Table::of(["busiest class", "on", "a second", "run"]);
        for ((locale, class), (per_s, run)) in runs.into_iter().take(BUSIEST) {
            table.row([
                class.to_owned(),
                locale.to_owned(),
                format!("{per_s:.1}"),
                run.to_string(),
            ]);
        }
        table.write(f)
    }

    fn calls(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut calls: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for it in self.nodes.iter().flat_map(|node| &node.calls) {
            let (answered, failed) = calls.entry(&it.call).or_default();
            *answered += it.answered;
            *failed += it.failed;
        }
        let mut calls: Vec<_> = calls.into_iter().collect();
        calls.sort_by_key(|(_, (answered, failed))| std::cmp::Reverse((*failed, *answered)));
        let mut table = Table::of(["call", "answered", "failed"]);
        for (call, (answered, failed)) in calls.into_iter().take(BUSIEST) {
            table.row([call.to_owned(), answered.to_string(), failed.to_string()]);
        }
        table.write(f)
    }

    fn deaths(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deaths = self.nodes.iter().flat_map(|node| &node.deaths);
        let deaths = deaths.map(|it| (it.locale.as_str(), it.reason.as_str(), it.count));
        summed(["death of", "why", "count"], deaths).write(f)
    }

    fn dead_letters(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = self.nodes.iter().flat_map(|node| &node.dead_letters);
        let letters = letters.map(|it| (it.class.as_str(), it.why.as_str(), it.count));
        summed(["dead letter", "why", "count"], letters).write(f)
    }
}

/// The rows of all nodes put together, the greatest first.
fn summed<'a>(
    heads: [&'static str; 3],
    rows: impl Iterator<Item = (&'a str, &'a str, u64)>,
) -> Table<3> {
    let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (what, why, count) in rows {
        *sums.entry((what, why)).or_default() += count;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut table = Table::of(heads);
    for ((what, why), count) in sums {
        table.row([what.to_owned(), why.to_owned(), count.to_string()]);
    }
    table
}

fn listed(counts: &[(String, u64)]) -> String {
    match counts {
        [] => "none".to_owned(),
        _ => {
            let counts = counts.iter().map(|(what, count)| format!("{count} {what}"));
            counts.collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{ClassFigures, DeadLetterFigures, NodeFigures};

    fn node(birth: u32, run_per_s: f64) -> NodeFigures {
        NodeFigures {
            birth,
            role: "mechanics".to_owned(),
            services: vec![ServiceFigures {
                service: "mechanics".to_owned(),
                frame_p50_ms: Some(1.5),
                cpu_percent: 12.25,
                ..ServiceFigures::default()
            }],
            classes: vec![ClassFigures {
                locale: "mob".to_owned(),
                class: "Damage".to_owned(),
                run: 10,
                run_per_s,
            }],
            dead_letters: vec![DeadLetterFigures {
                class: "Damage".to_owned(),
                why: "gone".to_owned(),
                count: 2,
            }],
            ..NodeFigures::default()
        }
    }

    #[test]
    fn the_tables_are_aligned_and_sum_what_all_nodes_told() {
        let report = Report {
            nodes: vec![node(3, 2.5), node(12, 4.0)],
        };
        let told = report.to_string();
        for line in [
            "node  service    cpu %  cpu s  frame p50 ms  p99 ms  late p99 ms  mail run  waited  restarts",
            "   3  mechanics   12.2    0.0          1.50       -            -         0       0         0",
            "  12  mechanics   12.2    0.0          1.50       -            -         0       0         0",
            "busiest class  on   a second  run",
            "Damage         mob       6.5   20",
            "dead letter  why   count",
            "Damage       gone      4",
        ] {
            assert!(
                told.lines().any(|told| told == line),
                "the text should have the line {line:?}:\n{told}"
            );
        }
        assert!(
            !told.contains("sessions"),
            "without a gateway there is no table of gateways:\n{told}"
        );
    }
}
