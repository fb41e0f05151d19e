//! What becomes of a session whose socket is lost, whose player comes back, whose node stops.

use std::time::Duration;

use client::{Code, Event};

use super::fakes::script;
use super::stage::{closed, event, play};

fn leaves() -> usize {
    script(|script| script.log.iter().filter(|line| *line == "leave").count())
}

fn goodbye(event: &Event) -> Option<Code> {
    match event {
        Event::Goodbye(goodbye) => Some(goodbye.code),
        _ => None,
    }
}

#[test]
fn a_lost_socket_leaves_the_avatar_its_grace() {
    play("grace_ms = 10000", |stage| async move {
        let connection = stage.player("Ann").await;
        drop(connection);
        stage.pass(Duration::from_secs(9)).await;
        assert_eq!(leaves(), 0, "the avatar should stay for its grace");
        let deaths = || stage.metrics().deaths_of("session", "ended");
        assert_eq!(deaths(), 0, "and so should the session");
        stage.pass(Duration::from_secs(2)).await;
        assert_eq!(leaves(), 1, "then the avatar should leave the world");
        assert_eq!(deaths(), 1, "and the session should end");
    });
}

#[test]
fn a_session_without_a_player_ends_with_its_socket() {
    play("", |stage| async move {
        let connection = stage.connect().await;
        drop(connection);
        stage.pass(Duration::from_millis(100)).await;
        assert_eq!(
            stage.metrics().deaths_of("session", "ended"),
            1,
            "nobody is worth waiting for"
        );
    });
}

#[test]
fn an_avatar_that_hears_nothing_does_not_keep_its_session() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        script(|script| script.deaf = true);
        drop(connection);
        stage.pass(Duration::from_secs(16)).await;
        assert_eq!(
            stage.metrics().deaths_of("session", "ended"),
            1,
            "grace and five seconds are the end"
        );
    });
}

#[test]
fn who_logs_in_elsewhere_takes_the_avatar_over() {
    play("", |stage| async move {
        let first = stage.player("Ann").await;
        let second = stage.player("Ann").await;
        stage
            .with(first, async |mut connection| {
                assert_eq!(
                    event(&mut connection, goodbye).await,
                    Code::Replaced,
                    "the reason should be told"
                );
                assert_eq!(
                    closed(&mut connection).await.code,
                    Some(1000),
                    "the socket should be closed"
                );
            })
            .await;
        stage.pass(Duration::from_secs(20)).await;
        assert_eq!(leaves(), 0, "the avatar belongs to the second session");
        assert_eq!(
            stage.metrics().deaths_of("session", "ended"),
            1,
            "the first session should be gone"
        );
        drop(second);
    });
}

#[test]
fn a_lost_session_is_taken_over_within_its_grace() {
    play("", |stage| async move {
        drop(stage.player("Ann").await);
        stage.pass(Duration::from_secs(5)).await;
        let second = stage.player("Ann").await;
        stage.pass(Duration::from_secs(20)).await;
        assert_eq!(leaves(), 0, "the avatar should never have left");
        assert_eq!(
            stage.metrics().deaths_of("session", "ended"),
            1,
            "the first session should be gone"
        );
        drop(second);
    });
}

#[test]
fn a_stopping_node_says_goodbye() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        stage.stop().await;
        stage
            .with(connection, async |mut connection| {
                assert_eq!(
                    event(&mut connection, goodbye).await,
                    Code::Stopping,
                    "the reason should be told"
                );
                assert_eq!(
                    closed(&mut connection).await.code,
                    Some(1001),
                    "the server goes away"
                );
            })
            .await;
    });
}
