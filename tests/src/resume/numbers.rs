//! What was applied is not applied again, whatever a client sends and to whichever gateway.

use client::command::{Loot, Say};
use client::player::Player;
use client::{Code, Event, Happening, WebSocket};
use tests::World;

use super::{
    all_done, command, connect, hears, leaves_and_enters, on_two_gateways, player_at, say,
};

/// Sends a command under a number of the client's choice.
async fn under(player: &mut Player<WebSocket>, number: u32, it: impl Into<client::Command>) {
    player.connection_mut().number_after(number - 1);
    assert_eq!(command(player, it).await, number, "that number is sent");
}

/// The event that `wanted` knows.
async fn awaits<R>(player: &mut Player<WebSocket>, wanted: impl Fn(&Event) -> Option<R>) -> R {
    player.set_deadline("hear an answer", 20_000);
    loop {
        let happening = player.next().await.expect("the connection should hold");
        if let Happening::Event(event) = &happening
            && let Some(found) = wanted(event)
        {
            return found;
        }
    }
}

fn near(text: &str) -> Say {
    Say {
        room: "near".to_owned(),
        text: text.to_owned(),
    }
}

on_two_gateways! {
    async fn what_was_carried_out_is_not_carried_out_again(world: World) {
        let mut witness = player_at(world, 1, "Hearer").await;
        let mut player = player_at(world, 0, "Repeater").await;
        let said_near = command(&mut player, near("aloud")).await;
        awaits(&mut witness, |event| matches!(event, Event::Said(said) if said.text == "aloud").then_some(())).await;
        let dog = player.find("mobs/dog").await.expect("a dog should be found");
        player.kill(dog).await.expect("the dog should be killed");
        player.approach(dog, 1.0).await.expect("the corpse should be reached");
        let looted = command(&mut player, Loot { target: dog }).await;
        let gains = awaits(&mut player, |event| match event {
            Event::Looted(looted) => Some((looted.items.clone(), looted.coins)),
            _ => None,
        }).await;
        let said = command(&mut player, say("once")).await;
        all_done(&mut player).await;
        let before = player.me().clone();

        // As if nothing of that had been acknowledged.
        let socket = connect(&world.gateways()[1].1).await;
        let entered = player.resume(socket).await.expect("the player should resume");
        let entered = entered.expect("it should be in the world again");
        assert_eq!((entered.coins, entered.xp), (before.coins, before.xp), "the totals should tell what was gained");
        let own = command(&mut player, near("fresh")).await;
        under(&mut player, said_near, near("aloud")).await;
        under(&mut player, looted, Loot { target: dog }).await;
        let told = awaits(&mut player, |event| match event {
            Event::LootedBefore(it) => Some((it.sequence, it.target, (it.items.clone(), it.coins))),
            Event::Looted(it) => panic!("nothing should be gained again: {it:?}"),
            _ => None,
        }).await;
        assert_eq!(told, (looted, dog, gains), "the answer that might have been lost should be told again");
        under(&mut player, said, say("once")).await;
        under(&mut player, said, say("once")).await;
        let code = awaits(&mut player, |event| match event {
            Event::Refused(refused) if refused.sequence == said => Some(refused.code),
            _ => None,
        }).await;
        assert_eq!(code, Code::StaleSequence, "on one connection a number serves once");
        player.connection_mut().number_after(own);
        let after = leaves_and_enters(&mut player).await;
        assert_eq!((after.coins, after.xp), (before.coins, before.xp), "nothing should be gained twice");
        command(&mut player, say("last")).await;
        let heard = hears(&mut witness, "last").await;
        let times = |text: &str| heard.iter().filter(|heard| *heard == text).count();
        assert!(times("once") <= 1, "what was said should not be said again: {heard:?}");
        assert_eq!(times("aloud"), 0, "nor what was said near: {heard:?}");
        let faults = world.store().await.check().await.expect("the store should check itself");
        assert!(faults.is_empty(), "the economy's invariants should hold: {faults:?}");
    }

    async fn a_client_that_lies_about_its_numbers_gains_nothing(world: World) {
        let mut player = player_at(world, 0, "Liar").await;
        let dog = player.find("mobs/dog").await.expect("a dog should be found");
        player.kill(dog).await.expect("the dog should be killed");
        player.loot(dog).await.expect("the dog should be looted");
        let before = player.me().clone();
        // It claims to have sent a thousand commands more than it had, and sends them again.
        player.connection_mut().number_after(2_000);
        let socket = connect(&world.gateways()[1].1).await;
        player.resume(socket).await.expect("the player should resume");
        let own = command(&mut player, near("here")).await;
        for number in [1_000, 1_001, 1_002] {
            under(&mut player, number, Loot { target: dog }).await;
            let code = awaits(&mut player, |event| match event {
                Event::Refused(refused) if refused.sequence == number => Some(refused.code),
                Event::Looted(it) => panic!("a looted corpse gives nothing: {it:?}"),
                _ => None,
            }).await;
            assert!(
                matches!(code, Code::NothingToLoot | Code::NoTarget | Code::OutOfRange),
                "it should be judged as any command: {code:?}"
            );
        }
        // Then it counts from 1 again: its numbers are its own, and its goods what they were.
        player.connection_mut().number_after(0);
        let socket = connect(&world.gateways()[0].1).await;
        let entered = player.resume(socket).await.expect("the player should resume");
        let entered = entered.expect("it should be in the world");
        assert_eq!((entered.coins, entered.xp), (before.coins, before.xp), "a lie should bring nothing");
        assert!(own > 2_000, "its numbers had gone on");
        let heard = command(&mut player, near("anew")).await;
        awaits(&mut player, |event| matches!(event, Event::Said(said) if said.text == "anew").then_some(())).await;
        assert!(heard < 100, "who begins anew is heard under low numbers too");
        let after = leaves_and_enters(&mut player).await;
        assert_eq!((after.coins, after.xp), (before.coins, before.xp), "nor should another");
        let faults = world.store().await.check().await.expect("the store should check itself");
        assert!(faults.is_empty(), "the economy's invariants should hold: {faults:?}");
    }
}
