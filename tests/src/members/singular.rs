//! Services that run once in the realm: a second one stands by or refuses, and takes over when the first has ended.

use std::time::Duration;

use realm::role::Singular;
use realm::{Broken, JoinError, StartError};

use crate::members::cut::Proxy;
use crate::members::stage::{Event, LEASE, Stage, WAY, until};
use crate::probe::{self, birth, within};

async fn started(stage: &mut Stage) -> (u32, u64) {
    loop {
        if let Event::Started(at, epoch) = stage.next().await {
            return (at.get(), epoch);
        }
    }
}

/// All call the one with the highest epoch.
async fn all_call(stage: &Stage, holder: usize) {
    for one in &stage.nodes {
        until("only the holder should be called", || {
            let members = one.node.core().directory().members("ear");
            members.len() == 1
                && members[0].birth() == Some(stage.nodes[holder].node.core().birth())
        })
        .await;
    }
}

#[test]
fn a_second_one_stands_by_and_takes_over_under_a_higher_epoch() {
    probe::run(async {
        let mut stage = Stage::new();
        stage
            .start_singular(1, Singular::StandBy)
            .await
            .expect("the first should start");
        let (_, first) = started(&mut stage).await;
        for number in [2, 3] {
            stage
                .start_singular(number, Singular::StandBy)
                .await
                .expect("a second one should be ready, and stand by");
        }
        assert_eq!(
            stage.nodes[1].node.core().standing_by(),
            ["ears"],
            "the second should say that it stands by"
        );
        assert!(
            !stage
                .events()
                .iter()
                .any(|event| matches!(event, Event::Started(..))),
            "the modules of who stands by should not start"
        );
        all_call(&stage, 0).await;
        let killed = stage.clock.now();
        stage.nodes.remove(0).node.kill();
        let (at, second) = started(&mut stage).await;
        let took = stage.clock.now().since(killed);
        assert!(
            took < LEASE + WAY,
            "it should take over within the lease, not after {took:?}"
        );
        assert!(second > first, "the epoch should grow");
        let place = usize::from(at == 3);
        all_call(&stage, place).await;
        let left = stage.clock.now();
        stage.nodes.remove(place).node.stop().await;
        let (_, third) = started(&mut stage).await;
        let took = stage.clock.now().since(left);
        assert!(
            took < LEASE / 2,
            "who leaves in order should be followed at once, not after {took:?}"
        );
        assert!(third > second, "the epoch should grow again");
        stage.stop().await;
    });
}

#[test]
fn a_second_one_refuses_to_start_and_a_restart_waits_no_longer_than_its_own_old_lease() {
    probe::run(async {
        let mut stage = Stage::new();
        stage
            .start_singular(1, Singular::Refuse)
            .await
            .expect("the first should start");
        let refused = stage.start_singular(2, Singular::Refuse).await;
        let Err(StartError::Module { service, error }) = refused else {
            panic!("a second one should not start");
        };
        assert_eq!(service, "ears", "the refusal should name the service");
        assert!(
            error.to_string().contains(&format!("node {}", birth(1))),
            "the refusal should name who runs it: {error}"
        );
        let killed = stage.clock.now();
        stage.nodes.remove(0).node.kill();
        stage
            .start_singular(3, Singular::Refuse)
            .await
            .expect("a restart should start");
        let took = stage.clock.now().since(killed);
        assert!(
            took < LEASE + WAY,
            "a restart should wait for its old lease at most, not {took:?}"
        );
        stage.nodes.remove(0).node.stop().await;
        let left = stage.clock.now();
        stage
            .start_singular(4, Singular::Refuse)
            .await
            .expect("a restart should start");
        let took = stage.clock.now().since(left);
        assert!(
            took < LEASE / 2,
            "who left in order should not keep out its restart, as it did for {took:?}"
        );
        stage.stop().await;
    });
}

#[test]
fn a_holder_keeps_its_service_when_the_broker_comes_back_with_nothing() {
    probe::run(async {
        let mut stage = Stage::new();
        for number in [1, 2] {
            stage
                .start_singular(number, Singular::StandBy)
                .await
                .expect("the node should start");
        }
        let (_, epoch) = started(&mut stage).await;
        stage.broker.kill();
        stage.broker.wipe();
        stage.broker.start_again();
        stage.all_thaw().await;
        // Who comes now knows nothing of before.
        stage
            .start_singular(3, Singular::StandBy)
            .await
            .expect("the node should start");
        stage.pass(LEASE + Duration::from_millis(300)).await;
        let again: Vec<_> = stage
            .events()
            .into_iter()
            .filter(|event| matches!(event, Event::Started(..)))
            .collect();
        assert_eq!(
            again,
            [],
            "nobody should take over from a holder that lives"
        );
        all_call(&stage, 0).await;
        stage.nodes.remove(0).node.kill();
        let (_, next) = started(&mut stage).await;
        assert!(
            next > epoch,
            "the epoch should grow, whatever the broker has lost"
        );
        stage.stop().await;
    });
}

/// The bucket is gone while the holder is out of reach. `back` says whether it comes back in time.
async fn newcomer_after_a_wipe(back: bool) -> (Stage, Proxy, u64) {
    let mut stage = Stage::new();
    let proxy = stage
        .start_singular_behind_proxy(1, Singular::StandBy)
        .await;
    let (_, epoch) = started(&mut stage).await;
    proxy.break_off();
    stage.broker.kill();
    stage.broker.wipe();
    stage.broker.start_again();
    if back {
        proxy.heal();
    }
    stage
        .start_singular(2, Singular::StandBy)
        .await
        .expect("the newcomer should be ready");
    proxy.heal();
    (stage, proxy, epoch)
}

#[test]
fn a_newcomer_gives_a_holder_that_nobody_knows_a_lease_to_say_so() {
    probe::run(async {
        let (stage, _proxy, _) = newcomer_after_a_wipe(true).await;
        assert_eq!(
            stage.nodes[1].node.core().standing_by(),
            ["ears"],
            "the newcomer should find the holder, and stand by"
        );
        all_call(&stage, 0).await;
        stage.stop().await;
    });
}

#[test]
fn a_holder_that_comes_back_too_late_is_out() {
    probe::run(async {
        let (mut stage, _proxy, first) = newcomer_after_a_wipe(false).await;
        let (_, second) = started(&mut stage).await;
        assert!(
            second > first,
            "the epoch should grow, though nobody remembers the last"
        );
        let why = within(stage.nodes[0].node.broken()).await;
        let expected = JoinError::Deposed {
            service: "ears".to_owned(),
            by: birth(2),
        };
        assert_eq!(
            why,
            Broken::Out(expected),
            "a holder should learn who has its service now"
        );
        stage.stop().await;
    });
}
