//! The latest figures of all nodes that one node has heard. Who is lost, or silent for long, is in it no more.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use realm::{Birth, Moment};

use super::{NodeFigures, Report};

/// Nodes that are held at a time. Births are never used twice, so only a mistake would have more.
const NODES_MAX: usize = 1024;

/// What is visible of the realm. Read by the admin listener's thread as well.
#[derive(Debug)]
pub(super) struct Visible {
    nodes: Mutex<BTreeMap<u32, (Moment, NodeFigures)>>,
    silence_max: Duration,
}

impl Visible {
    pub(super) fn new(silence_max: Duration) -> Self {
        Self {
            nodes: Mutex::default(),
            silence_max,
        }
    }

    /// A node was heard.
    pub(super) fn heard(&self, figures: NodeFigures, now: Moment) {
        self.with(now, |nodes| {
            if nodes.len() < NODES_MAX || nodes.contains_key(&figures.birth) {
                nodes.insert(figures.birth, (now, figures));
            }
        });
    }

    /// A node is gone.
    pub(super) fn lost(&self, node: Birth, now: Moment) {
        self.with(now, |nodes| drop(nodes.remove(&node.get())));
    }

    /// All that is visible.
    pub(super) fn report(&self, now: Moment) -> Report {
        self.with(now, |nodes| {
            let aged = |(heard_at, figures): &(Moment, NodeFigures)| {
                let age = now.since(*heard_at).as_millis();
                NodeFigures {
                    age_ms: u64::try_from(age).unwrap_or(u64::MAX),
                    ..figures.clone()
                }
            };
            Report {
                nodes: nodes.values().map(aged).collect(),
            }
        })
    }

    fn with<R>(
        &self,
        now: Moment,
        then: impl FnOnce(&mut BTreeMap<u32, (Moment, NodeFigures)>) -> R,
    ) -> R {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|_, (heard_at, _)| now.since(*heard_at) <= self.silence_max);
        then(&mut nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::default() + Duration::from_millis(millis)
    }

    fn node(birth: u32) -> NodeFigures {
        NodeFigures {
            birth,
            ..NodeFigures::default()
        }
    }

    fn births(visible: &Visible, now: Moment) -> Vec<(u32, u64)> {
        let nodes = visible.report(now).nodes.into_iter();
        nodes.map(|node| (node.birth, node.age_ms)).collect()
    }

    #[test]
    fn a_node_is_visible_until_it_is_lost_or_silent() {
        let visible = Visible::new(Duration::from_secs(5));
        visible.heard(node(2), at(0));
        visible.heard(node(1), at(1_000));
        visible.heard(node(3), at(1_000));
        assert_eq!(
            births(&visible, at(1_500)),
            [(1, 500), (2, 1_500), (3, 500)],
            "all should be told, with their ages"
        );
        visible.lost(Birth::new(3).expect("3 is a birth"), at(1_600));
        visible.heard(node(1), at(4_000));
        assert_eq!(
            births(&visible, at(5_001)),
            [(1, 1_001)],
            "who is lost or silent should be told no more"
        );
    }

    #[test]
    fn the_nodes_held_are_bounded() {
        let visible = Visible::new(Duration::from_secs(5));
        for birth in 0..=NODES_MAX as u32 {
            visible.heard(node(birth), at(0));
        }
        assert_eq!(
            births(&visible, at(0)).len(),
            NODES_MAX,
            "one node more than the bound should be passed over"
        );
        visible.heard(node(7), at(1));
        assert_eq!(
            births(&visible, at(1))
                .iter()
                .find(|(birth, _)| *birth == 7),
            Some(&(7, 0)),
            "who is held already should be renewed"
        );
    }
}
