//! A lost socket or a dead gateway costs a client its connection only: it goes on, on any gateway, with the same avatar, and
//! each of its commands is applied once.

mod numbers;
mod tokens;

use std::path::Path;

use client::command::{Cast, Loot, Move, Say};
use client::event::Entered;
use client::player::{Player, STRIKE};
use client::{Event, Gateways, Handle, Happening, WebSocket};
use tests::{Mode, PASSWORD, World};

/// Kills of gateways that one test makes.
const KILLS: u64 = 12;

/// Runs a body in a realm with two gateways on nodes of their own: over a good link, with every message serialized, over a
/// link that delays and loses, and in processes that a broker joins.
macro_rules! on_two_gateways {
    ($($(#[$attribute:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn body($world: &World) $body

            fn play(mode: tests::Mode) {
                let folder = tempfile::tempdir().expect("a test needs a temporary folder");
                let world = crate::resume::world(mode, folder.path());
                tests::play(body(&world));
                world.stop();
            }

            #[test]
            fn local() {
                play(tests::Mode::Local);
            }

            #[test]
            fn wire() {
                play(tests::Mode::Wire);
            }

            #[test]
            fn nodes() {
                play(tests::Mode::Nodes);
            }

            #[test]
            fn split() {
                play(tests::Mode::Split);
            }
        }
    )*};
}
use on_two_gateways;

fn world(mode: Mode, data: &Path) -> World {
    World::start_with(mode, data, tests::two_gateways)
}

async fn connect(url: &str) -> WebSocket {
    WebSocket::connect(url)
        .await
        .expect("the gateway should accept a connection")
}

/// A player in the world, by the gateway with this number.
async fn player_at(world: &World, gateway: usize, name: &str) -> Player<WebSocket> {
    let socket = connect(&world.gateways()[gateway].1).await;
    let mut player = Player::connect(socket)
        .await
        .expect("the realm should say welcome");
    player
        .register(name, PASSWORD)
        .await
        .expect("a new name should be registered");
    player.enter().await.expect("the avatar should enter");
    player
}

/// Waits until the server has told of these gateways.
async fn told_of(player: &mut Player<WebSocket>, rig: &[(usize, String)]) {
    player.set_deadline("hear of the gateways", 20_000);
    let told = |player: &Player<WebSocket>, url| player.connection().gateways().contains(url);
    while !rig.iter().all(|(_, url)| told(player, url)) {
        player.next().await.expect("the connection should hold");
    }
}

/// Avatars in the whole realm.
async fn avatars(world: &World) -> u64 {
    let metrics = world.metrics().await;
    let lines = metrics.iter().flat_map(|text| text.lines());
    let of_avatars = lines
        .filter(|line| line.starts_with("realm_locales{") && line.contains("locale=\"avatar\""));
    of_avatars
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// Where the avatar is: its channel, and its handle there.
fn place(entered: &Entered) -> (u64, u16) {
    (entered.channel, entered.me.0)
}

async fn command(player: &mut Player<WebSocket>, command: impl Into<client::Command>) -> u32 {
    let sent = player.connection_mut().command(command).await;
    sent.expect("the connection should hold")
}

fn say(text: &str) -> Say {
    Say {
        room: "realm".to_owned(),
        text: text.to_owned(),
    }
}

/// Listens until it has heard `last`; how often it heard each text.
async fn hears(witness: &mut Player<WebSocket>, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    witness.set_deadline(last, 30_000);
    loop {
        let happening = witness.next().await.expect("the witness should stay");
        if let Happening::Event(Event::Said(said)) = happening {
            heard.push(said.text.clone());
            if said.text == last {
                return heard;
            }
        }
    }
}

/// Waits until the server is done with all that the player has sent.
async fn all_done(player: &mut Player<WebSocket>) {
    player.set_deadline("have all acknowledged", 20_000);
    while player.connection().kept() > 0 {
        player.next().await.expect("the connection should hold");
    }
}

/// Waits until the fresh view holds somebody.
async fn sees(player: &mut Player<WebSocket>, whom: Handle) {
    player.set_deadline("see who was there before", 20_000);
    while player.connection().view().get(whom).is_none() {
        player.next().await.expect("the connection should hold");
    }
}

/// The player's first entry is told again by the one after a leave.
async fn leaves_and_enters(player: &mut Player<WebSocket>) -> Entered {
    player.set_deadline("leave and enter", 60_000);
    player.leave().await.expect("the avatar should leave");
    player.enter().await.expect("the avatar should enter")
}

on_two_gateways! {
    async fn a_client_whose_gateway_dies_in_a_fight_goes_on_with_the_same_avatar(world: World) {
        let mut witness = player_at(world, 1, "Witness").await;
        let (node, here) = world.gateways()[0].clone();
        let socket = connect(&here).await;
        let mut player = Player::connect(socket).await.expect("the realm should say welcome");
        player.register("Fighter", PASSWORD).await.expect("a new name should be registered");
        let entered = player.enter().await.expect("the avatar should enter");
        told_of(&mut player, world.gateways()).await;
        let mut gateways = Gateways::new(here);
        let dog = player.find("mobs/dog").await.expect("a dog should be found");
        player.approach(dog, 1.2).await.expect("the dog should be reached");
        // Neither what comes of these nor their acknowledgement is read before the gateway ends.
        command(&mut player, Cast { spell: STRIKE.to_owned(), target: dog }).await;
        command(&mut player, say("in the fight")).await;
        world.kill(node).await;
        let again = player.come_back(&mut gateways).await.expect("the player should come back on the other gateway");
        let again = again.expect("it should be in the world again");
        assert_eq!(place(&again), place(&entered), "it should be the same avatar");
        assert_eq!(avatars(world).await, 2, "there should be the avatar and the witness's, and no other");
        all_done(&mut player).await;
        sees(&mut player, dog).await;
        let xp = player.kill(dog).await.expect("the dog should be killed");
        command(&mut player, Loot { target: dog }).await;
        command(&mut player, Move { x: again.x, y: again.y }).await;
        // The loot is under way, and so is what tells of it.
        drop(connect(&world.gateways()[1].1).await);
        let socket = connect(&world.gateways()[1].1).await;
        let third = player.resume(socket).await.expect("a lost socket should be resumed on the same gateway");
        let third = third.expect("it should be in the world again");
        assert_eq!(place(&third), place(&entered), "it should be the same avatar still");
        all_done(&mut player).await;
        player.set_deadline("loot", 20_000);
        let _ = player.loot(dog).await;
        let totals = player.me().clone();
        let last = leaves_and_enters(&mut player).await;
        assert_eq!(last.xp, xp, "experience should be there once");
        assert_eq!(last.coins, totals.coins, "what the client counted should be what the realm has");
        let bones: u32 = last.items.iter().map(|stack| stack.count).sum();
        assert!(bones > 0, "the dog should have been looted");
        command(&mut player, say("the end")).await;
        let heard = hears(&mut witness, "the end").await;
        let times = heard.iter().filter(|text| *text == "in the fight").count();
        assert!(times <= 1, "what was said once should not be heard twice: {heard:?}");
        let faults = world.store().await.check().await.expect("the store should check itself");
        assert!(faults.is_empty(), "the economy's invariants should hold: {faults:?}");
    }
}

fn gateways_die_by_turns(mode: Mode) {
    let kills = tests::soak::amount("faults", KILLS);
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let world = world(mode, folder.path());
    let mut rig: Vec<(usize, String)> = world.gateways().to_vec();
    let mut lost = 0;
    tests::play_within(std::time::Duration::from_secs(60 + 5 * kills), async {
        let mut player = player_at(&world, 0, "Survivor").await;
        let mut gateways = Gateways::new(rig[0].1.as_str());
        let mut before = leaves_and_enters(&mut player).await;
        for kill in 0..kills {
            let at = usize::try_from(kill % 2).unwrap_or(0);
            told_of(&mut player, &rig).await;
            let (x, y) = player.position();
            command(&mut player, Move { x: x + 1.0, y }).await;
            command(&mut player, Move { x, y }).await;
            world.kill(rig[at].0).await;
            let entered = player.come_back(&mut gateways).await;
            let entered = entered.unwrap_or_else(|missed| panic!("after {kill} kills: {missed}"));
            let entered = entered.expect("the player should be in the world again");
            assert_eq!(
                place(&entered),
                place(&before),
                "kill {kill} should cost no avatar"
            );
            assert_eq!(
                avatars(&world).await,
                1,
                "kill {kill} should make no second avatar"
            );
            lost += player.connection().kept();
            all_done(&mut player).await;
            before = entered;
            let url = world.replace(rig[at].0).await;
            rig[at].1 = url.expect("a new gateway should start");
        }
    });
    println!("{kills} kills: 0 double avatars, {lost} commands sent again");
    world.stop();
}

#[test]
fn gateways_that_die_by_turns_never_make_two_avatars_over_a_good_link() {
    gateways_die_by_turns(Mode::Local);
}

#[test]
fn gateways_that_die_by_turns_never_make_two_avatars_over_a_link_that_loses() {
    gateways_die_by_turns(Mode::Nodes);
}

#[test]
fn gateways_that_die_by_turns_never_make_two_avatars_in_processes_of_their_own() {
    gateways_die_by_turns(Mode::Split);
}
