//! The figures of the whole realm are to be had from each of its nodes.

use actors::statistics::{NodeFigures, PAGE, Report, StatisticsModule, StatisticsProxy};
use client::WebSocket;
use client::player::Player;
use realm::role::{ModuleSpec, Rate};
use realm::{Clock, Hub, Modules};
use tests::{FIRST_MECHANICS, Mode, World, in_each_mode};

use crate::probe::{self, Door};

/// What each node that lives tells of the realm.
async fn reports(world: &World) -> Vec<Report> {
    let pages = world.pages(PAGE).await.into_iter();
    pages
        .map(|page| serde_json::from_str(&page).expect("the page should hold a report"))
        .collect()
}

/// Plays on until every node's report is as it should be.
async fn all_tell(
    world: &World,
    player: &mut Player<WebSocket>,
    what: &str,
    within_ms: u64,
    holds: impl Fn(&Report) -> bool,
) {
    player.set_deadline(what, within_ms);
    while !reports(world).await.iter().all(&holds) {
        player
            .next()
            .await
            .expect("the realm should tell it in time");
    }
}

fn any(report: &Report, holds: impl Fn(&NodeFigures) -> bool) -> bool {
    report.nodes.iter().any(holds)
}

/// All that a report should tell of a realm in which one player walks.
fn tells_of_a_player(report: &Report, nodes: usize) -> bool {
    let living = |locale: &str| -> i64 {
        let locales = report.nodes.iter().flat_map(|node| &node.locales);
        let of_type = locales.filter(|it| it.locale == locale);
        of_type.map(|it| it.living).sum()
    };
    let services = || report.nodes.iter().flat_map(|node| &node.services);
    report.nodes.len() == nodes
        && living("avatar") == 1
        && living("session") == 1
        && living("mob") > 0
        && any(report, |node| {
            let gateway = node.gateway.as_ref();
            gateway.is_some_and(|it| it.sessions == 1 && it.refused == [("NotInWorld".to_owned(), 1)])
        })
        && any(report, |node| {
            let mut classes = node.classes.iter();
            classes.any(|it| it.locale == "avatar" && it.class == "Intents" && it.run > 0)
        })
        && any(report, |node| {
            let mut calls = node.calls.iter();
            calls.any(|it| it.call == "accounts.register" && it.answered == 1 && it.failed == 0)
        })
        && services().any(|it| {
            let measured = it.frame_p50_ms.is_some() && it.frame_p99_ms >= it.frame_p50_ms;
            it.service == "mechanics" && it.frames > 20 && measured && it.lateness_p99_ms.is_some()
        })
        // Services that run when mail arrives have their thread measured as well.
        && services().all(|it| it.cpu_s > 0.0)
}

in_each_mode! {
    async fn the_figures_of_all_nodes_are_told_by_each(world: World) {
        let nodes = world.pages(PAGE).await.len();
        let socket = world.connect().await.expect("the gateway should accept a connection");
        let mut player = Player::connect(socket).await.expect("the realm should say welcome");
        player.register("Counted", tests::PASSWORD).await.expect("a new name should be registered");
        player.leave().await.expect_err("nobody leaves the world before entering it");
        player.enter().await.expect("the avatar should enter");
        player.walk_to(12.5, 35.5, 0.5).await.expect("the way is open");
        all_tell(world, &mut player, "the figures", 30_000, |report| tells_of_a_player(report, nodes)).await;
        player.leave().await.expect("the avatar should leave");
        all_tell(world, &mut player, "the avatar's end", 30_000, |report| {
            any(report, |node| node.deaths.iter().any(|it| it.locale == "avatar" && it.reason == "ended"))
        }).await;
    }
}

#[test]
fn a_lost_node_is_told_no_more() {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    // So slow that a node would be silent for 20 s before it is forgotten for that alone.
    let world = World::start_with(Mode::Nodes, folder.path(), |roles| {
        for role in roles {
            let statistics = role.module_mut("statistics");
            let statistics = statistics.expect("every role should have statistics");
            statistics.set("every_ms", 4_000);
        }
    });
    tests::play(async {
        let mut player = world.player("Witness").await;
        let told = |nodes| move |report: &Report| report.nodes.len() == nodes;
        all_tell(&world, &mut player, "all nodes", 30_000, told(4)).await;
        world.kill(FIRST_MECHANICS).await;
        all_tell(&world, &mut player, "its loss", 10_000, told(3)).await;
    });
    world.stop();
}

#[test]
fn a_node_without_statistics_asks_another() {
    probe::run(async {
        let hub = Hub::new(Clock::machine());
        let (teller, asker) = (Door::new(), Door::new());
        let modules = Modules::new().with::<StatisticsModule>();
        let mut telling = probe::service("teller", Rate::Mail, &teller, &[]);
        telling
            .modules
            .push(ModuleSpec::new("statistics", toml::Table::new()));
        let one = probe::start(1, &hub, vec![telling], modules).await;
        let services = vec![probe::service("asker", Rate::Mail, &asker, &[])];
        let two = probe::start(2, &hub, services, Modules::new()).await;
        let report = asker
            .call(|cx| async move { StatisticsProxy::new(&cx).report().await })
            .await
            .expect("the other node should answer");
        let told: Vec<_> = report
            .nodes
            .iter()
            .map(|node| (node.birth, node.role.as_str()))
            .collect();
        assert_eq!(
            told,
            [(1, "test")],
            "the one node with statistics should have told its own"
        );
        two.stop().await;
        one.stop().await;
    });
}
