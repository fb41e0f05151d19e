//! The death of a mechanics node costs nobody the connection: the avatars come back on another.

use actors::database::store::OperationId;
use client::Event;
use client::command::Loot;
use client::player::Player;
use client::{Happening, WebSocket};
use realm::role::Role;
use tests::{Mode, World, in_each_mode};

/// The realm of a mode with two mechanics nodes, and the index of the first of them.
fn two_mechanics(mode: Mode, data: &std::path::Path) -> World {
    World::start_with(mode, data, |roles| {
        if mode == Mode::Nodes {
            return;
        }
        let split: Vec<Role> = tests::roles(Mode::Nodes);
        *roles = split;
    })
}

/// Which node hosts the only avatar.
async fn host_of_the_avatar(world: &World) -> usize {
    let metrics = world.metrics().await;
    let hosts = |text: &String| {
        text.lines()
            .any(|line| line.contains("locale=\"avatar\"") && line.ends_with(" 1"))
    };
    metrics
        .iter()
        .position(hosts)
        .expect("one node should host the avatar")
}

async fn entered_again(player: &mut Player<WebSocket>) -> client::event::Entered {
    player.set_deadline("enter again", 30_000);
    loop {
        let happening = player
            .next()
            .await
            .expect("the connection should survive the node's death");
        if let Happening::Event(Event::Entered(entered)) = happening {
            return entered;
        }
    }
}

fn a_nodes_death_brings_its_avatar_back(mode: Mode) {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let world = two_mechanics(mode, folder.path());
    tests::play(async {
        let mut player = world.player("Phoenix").await;
        let dog = player
            .find("mobs/dog")
            .await
            .expect("a dog should be found");
        let xp = player.kill(dog).await.expect("the dog should be killed");
        player.loot(dog).await.expect("the dog should be looted");
        let before = player.me().clone();
        let host = host_of_the_avatar(&world).await;
        world.kill(host).await;
        let entered = entered_again(&mut player).await;
        assert_eq!(
            entered.coins, before.coins,
            "no coin should be lost or doubled"
        );
        let items: u64 = entered
            .items
            .iter()
            .map(|stack| u64::from(stack.count))
            .sum();
        assert_eq!(
            items,
            before.items.values().sum::<u64>(),
            "no item should be lost or doubled"
        );
        assert!(
            entered.xp <= before.xp && before.xp == xp,
            "experience may be seconds old, and never too much"
        );
        player
            .find("mobs/dog")
            .await
            .expect("the avatar should be in play again");
        let faults = world
            .store()
            .await
            .check()
            .await
            .expect("the store should check itself");
        assert!(
            faults.is_empty(),
            "the economy's invariants should hold: {faults:?}"
        );
    });
    world.stop();
}

#[test]
fn a_nodes_death_brings_its_avatar_back_over_a_good_link() {
    a_nodes_death_brings_its_avatar_back(Mode::Local);
}

#[test]
fn a_nodes_death_brings_its_avatar_back_when_all_is_written_down() {
    a_nodes_death_brings_its_avatar_back(Mode::Wire);
}

#[test]
fn a_nodes_death_brings_its_avatar_back_over_a_link_that_loses() {
    a_nodes_death_brings_its_avatar_back(Mode::Nodes);
}

in_each_mode! {
    async fn an_avatar_whose_character_has_another_owner_has_no_effect(world: World) {
        let mut player = world.player("Twin").await;
        let dog = player.find("mobs/dog").await.expect("a dog should be found");
        player.kill(dog).await.expect("the dog should be killed");
        let before = player.me().clone();
        let store = world.store().await;
        let account = store.account_by_name("twin").await.expect("the store should answer");
        let character = account.expect("the account is there").character;
        // Another owner takes the character, as a node does that believes this one dead.
        let taken = store.take_character(OperationId(7), character, 1).await.expect("the character should be taken");
        let refused = player.connection_mut().ask(30_000, Loot { target: dog }, |event| match event {
            Event::Looted(looted) => Some(looted.clone()),
            _ => None,
        });
        let refused = refused.await.expect_err("the old owner's grant should be refused");
        assert!(format!("{refused:?}").contains("Unavailable"), "the refusal should say so, not {refused:?}");
        // The old owner ends; the player is brought back under a newer epoch, without a new connection.
        let entered = entered_again(&mut player).await;
        assert_eq!(entered.coins, before.coins, "a stale grant should leave nothing behind");
        assert!(entered.items.is_empty(), "a stale grant should leave no item behind: {:?}", entered.items);
        let owner = store.take_character(OperationId(8), character, 1).await.expect("the store should answer");
        assert!(owner.epoch.0 > taken.epoch.0 + 1, "the player should have come back under a newer epoch");
        let faults = store.check().await.expect("the store should check itself");
        assert!(faults.is_empty(), "the economy's invariants should hold: {faults:?}");
    }
}
