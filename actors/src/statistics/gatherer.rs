//! Makes a node's figures out of what its engine and its gateway have counted. It remembers what they were a short while
//! ago, to tell what is going on of late.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use realm::metrics::{Figures, ServiceFigures as Service, SpreadFigures};
use realm::{Moment, NodeCore};

use super::{
    CallFigures, ChannelFigures, ClassFigures, DeadLetterFigures, DeathFigures, GatewayFigures,
    LocaleFigures, NodeFigures, ServiceFigures,
};
use crate::gateway::GatewayMetrics;
use crate::mechanics::Census;

/// What counts as of late, and the most earlier figures that are kept for it.
const OF_LATE: Duration = Duration::from_secs(10);
const PAST_LEN_MAX: usize = 16;

/// Rows of each list that are told: so many names are more than a realm has, and bound what is published.
const ROWS_MAX: usize = 128;

/// Gathers the figures of one node.
#[derive(Default)]
pub(super) struct Gatherer {
    /// The oldest first.
    past: VecDeque<Past>,
}

struct Past {
    at: Moment,
    figures: Figures,
    delays: Option<SpreadFigures>,
}

impl Gatherer {
    /// The node's figures now.
    pub(super) fn gather(&mut self, node: &NodeCore) -> NodeFigures {
        let gateway = node.metrics().known::<GatewayMetrics>();
        let now = Past {
            at: node.clock().now(),
            figures: node.metrics().figures(),
            delays: gateway.as_ref().map(|gateway| gateway.delays()),
        };
        let stale = |past: &Past| now.at.since(past.at) > OF_LATE;
        while self.past.len() > PAST_LEN_MAX || self.past.front().is_some_and(stale) {
            self.past.pop_front();
        }
        let late = Late {
            before: self.past.front(),
            now: &now,
        };
        let mut left_out = 0;
        let mut told = NodeFigures {
            birth: node.birth().get(),
            role: node.role(),
            services: now
                .figures
                .services
                .iter()
                .map(|it| late.service(it))
                .collect(),
            channels: channels(node),
            locales: locales(&now.figures),
            classes: late.classes(),
            calls: calls(&now.figures),
            deaths: deaths(&now.figures),
            dead_letters: dead_letters(&now.figures),
            gateway: gateway.map(|gateway| {
                let delays = late.delays();
                GatewayFigures {
                    sessions: gateway.sessions_open(),
                    refused: gateway.refusals(),
                    cut: gateway.cuts(),
                    delay_p50_ms: delays.as_ref().and_then(|it| it.quantile_ms(0.5)),
                    delay_p99_ms: delays.as_ref().and_then(|it| it.quantile_ms(0.99)),
                }
            }),
            ..NodeFigures::default()
        };
        bound(&mut told.services, &mut left_out);
        bound(&mut told.channels, &mut left_out);
        bound(&mut told.locales, &mut left_out);
        bound(&mut told.classes, &mut left_out);
        bound(&mut told.calls, &mut left_out);
        bound(&mut told.deaths, &mut left_out);
        bound(&mut told.dead_letters, &mut left_out);
        told.left_out = left_out;
        self.past.push_back(now);
        told
    }
}

fn bound<T>(rows: &mut Vec<T>, left_out: &mut u32) {
    let over = rows.len().saturating_sub(ROWS_MAX);
    *left_out = left_out.saturating_add(u32::try_from(over).unwrap_or(u32::MAX));
    rows.truncate(ROWS_MAX);
}

/// Compares the figures of now with those of a while ago.
struct Late<'a> {
    before: Option<&'a Past>,
    now: &'a Past,
}

impl Late<'_> {
    fn seconds(&self) -> f64 {
        let before = self.before.map_or(self.now.at, |before| before.at);
        self.now.at.since(before).as_secs_f64()
    }

    /// `grown` in a second of late; 0 before there is anything to compare with.
    fn per_s(&self, grown: f64) -> f64 {
        match self.seconds() {
            0.0 => 0.0,
            seconds => grown / seconds,
        }
    }

    fn service(&self, now: &Service) -> ServiceFigures {
        let before = self.before.and_then(|before| {
            let mut services = before.figures.services.iter();
            services.find(|it| it.name == now.name)
        });
        let spread = |of: fn(&Service) -> &SpreadFigures| match before {
            Some(before) => of(now).since(of(before)),
            None => of(now).clone(),
        };
        let (frame, lateness) = (
            spread(|it| &it.frame_ms),
            spread(|it| &it.frame_lateness_ms),
        );
        let cpu_s = now.thread_cpu_seconds;
        let cpu_grown_s = before.map_or(0.0, |before| cpu_s - before.thread_cpu_seconds);
        ServiceFigures {
            service: now.name.clone(),
            frames: now.frame_ms.count(),
            frame_p50_ms: frame.quantile_ms(0.5),
            frame_p99_ms: frame.quantile_ms(0.99),
            lateness_p50_ms: lateness.quantile_ms(0.5),
            lateness_p99_ms: lateness.quantile_ms(0.99),
            mail_run: now.mail_run,
            mail_waited: now.mail_waited,
            cpu_s,
            cpu_percent: 100.0 * self.per_s(cpu_grown_s.max(0.0)),
            calls_pending: now.calls_pending,
            restarts: now.restarts,
        }
    }

    fn classes(&self) -> Vec<ClassFigures> {
        let before = self.before.map(|before| runs(&before.figures));
        let mut classes: Vec<ClassFigures> = runs(&self.now.figures)
            .into_iter()
            .filter(|(_, run)| *run > 0)
            .map(|((locale, class), run)| {
                let earlier = before.as_ref().and_then(|it| it.get(&(locale, class)));
                let grown = run.saturating_sub(earlier.copied().unwrap_or(0));
                ClassFigures {
                    locale: locale.to_owned(),
                    class: class.to_owned(),
                    run,
                    run_per_s: self.per_s(grown as f64),
                }
            })
            .collect();
        classes.sort_by(|a, b| {
            let busier = b.run_per_s.total_cmp(&a.run_per_s);
            busier.then(b.run.cmp(&a.run))
        });
        classes
    }

    fn delays(&self) -> Option<SpreadFigures> {
        let now = self.now.delays.as_ref()?;
        let before = self.before.and_then(|before| before.delays.as_ref());
        Some(before.map_or_else(|| now.clone(), |before| now.since(before)))
    }
}

/// How often each class ran on each locale type, on all services.
fn runs(figures: &Figures) -> BTreeMap<(&'static str, &'static str), u64> {
    let mut runs = BTreeMap::new();
    for kind in figures.services.iter().flat_map(|it| &it.locales) {
        for (class, run) in &kind.runs {
            *runs.entry((kind.locale, *class)).or_default() += run;
        }
    }
    runs
}

fn channels(node: &NodeCore) -> Vec<ChannelFigures> {
    let census = node.metrics().known::<Census>();
    let channels = census.map(|census| census.channels()).unwrap_or_default();
    let told = channels.into_iter().map(|(channel, count)| ChannelFigures {
        channel,
        map: count.map,
        population: count.population,
        limit: count.limit,
    });
    told.collect()
}

fn locales(figures: &Figures) -> Vec<LocaleFigures> {
    let mut living: BTreeMap<&str, i64> = BTreeMap::new();
    for service in &figures.services {
        // Two lists of classes under one name share the gauge of their name.
        let of_service: BTreeMap<_, _> = service
            .locales
            .iter()
            .map(|kind| (kind.locale, kind.living))
            .collect();
        for (locale, count) in of_service {
            *living.entry(locale).or_default() += count;
        }
    }
    let mut locales: Vec<LocaleFigures> = living
        .into_iter()
        .map(|(locale, living)| LocaleFigures {
            locale: locale.to_owned(),
            living,
        })
        .collect();
    locales.sort_by_key(|it| std::cmp::Reverse(it.living));
    locales
}

fn calls(figures: &Figures) -> Vec<CallFigures> {
    let mut by_method: BTreeMap<&str, CallFigures> = BTreeMap::new();
    for (call, outcome, count) in &figures.calls {
        let told = by_method.entry(call).or_default();
        (*call).clone_into(&mut told.call);
        match *outcome {
            "ok" => told.answered += count,
            _ => told.failed += count,
        }
    }
    let mut calls: Vec<CallFigures> = by_method.into_values().collect();
    calls.sort_by_key(|it| std::cmp::Reverse(it.answered + it.failed));
    calls
}

fn deaths(figures: &Figures) -> Vec<DeathFigures> {
    let told = figures.deaths.iter();
    let mut deaths: Vec<DeathFigures> = told
        .map(|(locale, reason, count)| DeathFigures {
            locale: (*locale).to_owned(),
            reason: (*reason).to_owned(),
            count: *count,
        })
        .collect();
    deaths.sort_by_key(|it| std::cmp::Reverse(it.count));
    deaths
}

fn dead_letters(figures: &Figures) -> Vec<DeadLetterFigures> {
    let told = figures.dead_letters.iter();
    let mut letters: Vec<DeadLetterFigures> = told
        .map(|(class, why, count)| DeadLetterFigures {
            class: (*class).to_owned(),
            why: (*why).to_owned(),
            count: *count,
        })
        .collect();
    letters.sort_by_key(|it| std::cmp::Reverse(it.count));
    letters
}
