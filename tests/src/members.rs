//! Who is in the realm, over a real broker: leases, freezing, eviction, and services that run once.

mod cut;
mod frozen;
mod singular;
mod stage;
mod strangers;

use realm::{Broken, JoinError};

use crate::members::stage::{LEASE, Stage, WAY, until};
use crate::probe::{self, birth, within};

#[test]
fn a_killed_node_is_lost_to_the_others_once_within_its_lease() {
    probe::run(async {
        let mut stage = Stage::new();
        for number in 1..=3 {
            stage.start(number).await;
        }
        let killed = stage.clock.now();
        stage.nodes.remove(1).node.kill();
        let mut told = Vec::new();
        for _ in 0..2 {
            let (at, lost, moment) = stage.next_loss().await;
            assert_eq!(lost, birth(2), "only the killed node should be lost");
            let took = moment.since(killed);
            assert!(
                took < LEASE + WAY,
                "it should be lost within its lease, not after {took:?}"
            );
            told.push(at.get());
        }
        told.sort_unstable();
        assert_eq!(told, [1, 3], "each of the others should be told, once");
        let evictions: u64 = stage
            .nodes
            .iter()
            .map(|one| one.node.core().metrics().nodes().evictions.get())
            .sum();
        assert_eq!(evictions, 1, "one of them should have evicted it");
        stage.stop().await;
    });
}

#[test]
fn a_node_that_leaves_in_order_is_lost_at_once() {
    probe::run(async {
        let mut stage = Stage::new();
        for number in 1..=2 {
            stage.start(number).await;
        }
        let left = stage.clock.now();
        stage.nodes.remove(0).node.stop().await;
        let (at, lost, moment) = stage.next_loss().await;
        assert_eq!((at, lost), (birth(2), birth(1)), "the other should be told");
        assert!(
            moment.since(left) < LEASE / 2,
            "nobody should wait for the lease of a node that said goodbye"
        );
        stage.stop().await;
    });
}

#[test]
fn a_broker_that_is_away_for_longer_than_the_lease_freezes_all_and_loses_nobody() {
    probe::run(async {
        let mut stage = Stage::with_nodes(3).await;
        stage.broker.stop();
        stage.all_freeze().await;
        stage.stay_frozen().await;
        stage.broker.start_again();
        stage.all_thaw().await;
        stage.nobody_was_lost().await;
        stage.stop().await;
    });
}

#[test]
fn a_broker_that_comes_back_with_nothing_loses_nobody() {
    probe::run(async {
        let mut stage = Stage::with_nodes(3).await;
        stage.broker.kill();
        stage.all_freeze().await;
        stage.broker.wipe();
        stage.broker.start_again();
        stage.all_thaw().await;
        stage.nobody_was_lost().await;
        // Whoever comes now finds all of them.
        stage.start(4).await;
        until("the newcomer should know all", || {
            stage.nodes[3].node.core().directory().members("ear").len() == 4
        })
        .await;
        stage.stop().await;
    });
}

#[test]
fn a_broker_that_is_stopped_and_goes_on_loses_nobody() {
    probe::run(async {
        let mut stage = Stage::with_nodes(2).await;
        stage.broker.signal("STOP");
        stage.all_freeze().await;
        stage.stay_frozen().await;
        stage.broker.signal("CONT");
        stage.all_thaw().await;
        stage.nobody_was_lost().await;
        stage.stop().await;
    });
}

#[test]
fn a_node_that_is_out_says_so_and_whoever_is_alone_comes_back() {
    probe::run(async {
        let mut stage = Stage::new();
        let cut = stage.start_behind_proxy(1).await;
        cut.cut(true, true);
        stage.all_freeze().await;
        cut.heal();
        stage.all_thaw().await;
        stage.start(2).await;
        cut.cut(true, true);
        let (_, lost, _) = stage.next_loss().await;
        assert_eq!(lost, birth(1), "the cut node should be lost");
        cut.heal();
        let why = within(stage.nodes[0].node.broken()).await;
        assert_eq!(
            why,
            Broken::Out(JoinError::Evicted),
            "a node that was evicted should say so"
        );
        assert!(
            !stage.nodes[0].node.core().acts(),
            "a node that is out should not act"
        );
        stage.stop().await;
    });
}

#[test]
fn a_link_that_is_slow_freezes_nobody() {
    probe::run(async {
        let mut stage = Stage::new();
        stage.start(1).await;
        let slow = stage.start_behind_proxy(2).await;
        // As half a second is to a lease of three.
        slow.delay(LEASE / 6);
        let _ = stage.nodes[1].pulse.pause();
        stage.pass(LEASE * 3).await;
        let pause = stage.nodes[1].pulse.pause();
        assert!(
            pause < LEASE / 3,
            "a slow link should not stop the world, as it did for {pause:?}"
        );
        stage.nobody_was_lost().await;
        stage.stop().await;
    });
}
