//! What a scraper gets, and what tests may read.

use prometheus_client::metrics::counter::Counter;

use super::Metrics;

#[test]
fn a_service_that_starts_again_goes_on_with_its_numbers() {
    let metrics = Metrics::new("one");
    metrics.service("world").mail_run.inc_by(3);
    metrics.service("world").mail_run.inc();
    let text = metrics.encode();
    assert!(
        text.contains(r#"realm_mail_run_total{node="one",service="world"} 4"#),
        "a restarted service should count on from where it was: {text}"
    );
}

#[test]
fn totals_sum_what_the_labels_tell_apart() {
    let metrics = Metrics::new("one");
    metrics.death("mob", "panic");
    metrics.death("mob", "killed");
    metrics.dead_letter("Damage", "no such address");
    assert_eq!(
        metrics.deaths(),
        2,
        "both deaths should count whatever their reason"
    );
    assert_eq!(
        metrics.deaths_of("mob", "panic"),
        1,
        "one death should be told by its reason"
    );
    assert_eq!(
        metrics.deaths_of("avatar", "panic"),
        0,
        "a type that lost nobody should count none"
    );
    assert_eq!(metrics.dead_letters(), 1, "the dead letter should count");
}

#[test]
fn every_metric_of_the_engine_is_in_the_text() {
    let metrics = Metrics::new("one");
    let world = metrics.service("world");
    world.frame_ms.observe(4.0);
    world.frame_lateness_ms.observe(0.1);
    world.thread_cpu_seconds.set(1.5);
    world.locales("mob").set(7);
    metrics.death("mob", "panic");
    metrics.dead_letter("Damage", "gone");
    metrics.refused_mail("mob", "full");
    metrics.undecodable("Damage");
    metrics.call("login", "ok");
    metrics.link_lost();
    metrics.connections_refused("admin").inc();
    let text = metrics.encode();
    for line in [
        r#"realm_frame_ms_bucket{node="one",le="5.0",service="world"} 1"#,
        r#"realm_frame_ms_bucket{node="one",le="3.0",service="world"} 0"#,
        r#"realm_frame_lateness_ms_count{node="one",service="world"} 1"#,
        r#"realm_thread_cpu_seconds{node="one",service="world"} 1.5"#,
        r#"realm_mail_waited_total{node="one",service="world"} 0"#,
        r#"realm_calls_pending{node="one",service="world"} 0"#,
        r#"realm_service_restarts_total{node="one",service="world"} 0"#,
        r#"realm_locales{node="one",service="world",locale="mob"} 7"#,
        r#"realm_deaths_total{node="one",locale="mob",reason="panic"} 1"#,
        r#"realm_dead_letters_total{node="one",class="Damage",why="gone"} 1"#,
        r#"realm_refused_mail_total{node="one",locale="mob",why="full"} 1"#,
        r#"realm_undecodable_total{node="one",class="Damage"} 1"#,
        r#"realm_calls_total{node="one",call="login",outcome="ok"} 1"#,
        r#"realm_link_lost_total{node="one"} 1"#,
        r#"realm_connections_refused_total{node="one",listener="admin"} 1"#,
        "# EOF",
    ] {
        assert!(
            text.contains(line),
            "the text should hold the line {line}: {text}"
        );
    }
}

#[test]
fn two_nodes_of_one_process_count_apart() {
    let (one, two) = (Metrics::new("one"), Metrics::new("two"));
    one.death("mob", "panic");
    assert_eq!(
        two.deaths(),
        0,
        "another node's deaths should not be counted here"
    );
}

#[test]
fn a_game_registers_its_own() {
    let metrics = Metrics::new("one");
    let kills: Counter = Counter::default();
    metrics.registry(|registry| registry.register("dog_kills", "Dogs killed", kills.clone()));
    kills.inc();
    let text = metrics.encode();
    assert!(
        text.contains(r#"dog_kills_total{node="one"} 1"#),
        "a game's metric should stand beside the engine's: {text}"
    );
}
