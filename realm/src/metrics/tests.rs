//! What a scraper gets, and what tests may read.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::{LocaleFigures, Metrics};

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
    let mobs = world.kind("mob", &["Damage", "Heal"]);
    mobs.living.set(7);
    mobs.ran(1);
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
        r#"realm_messages_run_total{node="one",service="world",locale="mob",class="Damage"} 0"#,
        r#"realm_messages_run_total{node="one",service="world",locale="mob",class="Heal"} 1"#,
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

struct Kills(Counter);

fn kills(registry: &mut Registry) -> Kills {
    let kills = Counter::default();
    registry.register("dog_kills", "Dogs killed", kills.clone());
    Kills(kills)
}

#[test]
fn a_module_that_starts_again_registers_nothing_twice() {
    let metrics = Metrics::new("one");
    assert!(
        metrics.known::<Kills>().is_none(),
        "nothing should be known before it is registered"
    );
    metrics.once(kills).0.inc();
    metrics.once(kills).0.inc();
    let text = metrics.encode();
    assert_eq!(
        text.matches("# TYPE dog_kills counter").count(),
        1,
        "the metric should be exported once: {text}"
    );
    assert!(
        text.contains(r#"dog_kills_total{node="one"} 2"#),
        "the second start should go on with the first one's numbers: {text}"
    );
    let known = metrics.known::<Kills>().map(|known| known.0.get());
    assert_eq!(known, Some(2), "others of the node should find them");
}

#[test]
fn the_figures_tell_what_was_counted() {
    let metrics = Metrics::new("one");
    let world = metrics.service("world");
    world.frame_ms.observe(4.0);
    world.mail_run.inc_by(2);
    let mobs = world.kind("mob", &["Damage", "Heal"]);
    mobs.living.set(7);
    mobs.ran(0);
    world.kind("mob", &["Damage", "Heal"]).ran(0);
    metrics.death("mob", "panicked");
    metrics.dead_letter("Damage", "gone");
    metrics.call("login", "ok");
    let figures = metrics.figures();
    let service = &figures.services[0];
    assert_eq!(
        (
            service.name.as_str(),
            service.mail_run,
            service.frame_ms.count()
        ),
        ("world", 2, 1),
        "the service should be told with its numbers"
    );
    let mob = LocaleFigures {
        locale: "mob",
        living: 7,
        runs: vec![("Damage", 2), ("Heal", 0)],
    };
    assert_eq!(
        service.locales,
        [mob],
        "a type should be told once, however often its service looked it up"
    );
    assert_eq!(figures.deaths, [("mob", "panicked", 1)], "deaths by reason");
    assert_eq!(
        figures.dead_letters,
        [("Damage", "gone", 1)],
        "dead letters by class"
    );
    assert_eq!(figures.calls, [("login", "ok", 1)], "calls by outcome");
}

#[test]
fn a_game_registers_its_own() {
    let metrics = Metrics::new("one");
    metrics.once(kills).0.inc();
    let text = metrics.encode();
    assert!(
        text.contains(r#"dog_kills_total{node="one"} 1"#),
        "a game's metric should stand beside the engine's: {text}"
    );
}
