//! The main job of the realm: a player kills a dog, takes its loot, and finds it again.

use client::smoke::{check_belongings, kill_the_dog};
use tests::{PASSWORD, World, in_each_mode};

in_each_mode! {
    async fn a_player_kills_a_dog_and_finds_its_loot_again(world: World) {
        let mut steps = Vec::new();
        let story = kill_the_dog(|| world.connect(), "Hunter", PASSWORD, &mut |step| steps.push(step.name)).await;
        let story = story.expect("a new player should kill a dog and keep what it had");
        assert_eq!(steps.last(), Some(&"come back"), "the story should go to its end");
        assert!(story.coins > 0 && !story.items.is_empty(), "a dog should have had something on it: {story:?}");
        check_belongings(|| world.connect(), "Hunter", PASSWORD, &story)
            .await
            .expect("belongings should be there on a third visit too");
        let faults = world.store().await.check().await.expect("the store should check itself");
        assert!(faults.is_empty(), "the economy's invariants should hold: {faults:?}");
    }

    async fn a_name_is_had_once(world: World) {
        let _first = world.player("Solitaire").await;
        let socket = world.connect().await.expect("the gateway should accept a second connection");
        let mut second = client::player::Player::connect(socket).await.expect("the realm should say welcome");
        let refused = second.register("solitaire", PASSWORD).await;
        let refused = refused.expect_err("a name that differs by its case only should be refused");
        assert!(format!("{refused:?}").contains("NameTaken"), "the refusal should say why, not {refused:?}");
    }
}

#[test]
fn an_idle_realm_has_no_maps() {
    let world = World::start(tests::Mode::Local);
    tests::play(async {
        let before = world.metrics().await.concat();
        assert!(
            !before.contains("locale=\"channel\""),
            "nobody has come, so no channel should be open"
        );
        let _player = world.player("Firstcomer").await;
        let after = world.metrics().await.concat();
        assert!(
            after.contains("locale=\"channel\""),
            "the first player should have opened a channel"
        );
    });
    world.stop();
}
