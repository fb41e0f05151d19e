//! Chests, plants and doors: what they give, to whom, and what they close.

pub(crate) mod content;
mod deaths;
mod doors;

use actors::database::store::Belongings;
use client::command::{Cast, Use};
use client::event::Looted;
use client::player::{Player, REACH};
use client::{Code, Event, Handle, Happening, Missed, State, WebSocket};
use futures_util::future::join;
use tests::World;

use content::{Content, MEADOW, in_each_mode_of};

/// South of the door of the house.
const OUTSIDE: (f32, f32) = (24.0, 29.5);
/// No answer takes so much server time.
const ANSWER_MS: u64 = 20_000;

type Human = Player<WebSocket>;

/// Waits until the player sees something of a kind.
async fn sees(player: &mut Human, kind: &str) -> Handle {
    player.set_deadline(kind, ANSWER_MS);
    loop {
        if let Some(found) = player.nearest(kind) {
            return found;
        }
        player
            .next()
            .await
            .unwrap_or_else(|missed| panic!("{kind} should come into view: {missed}"));
    }
}

/// Waits until the player sees an object in that state.
async fn sees_it(player: &mut Human, object: Handle, state: State) {
    player.set_deadline("see a state change", ANSWER_MS);
    while player.state(object) != Some(state) {
        player
            .next()
            .await
            .unwrap_or_else(|missed| panic!("it should be {state:?} for all near: {missed}"));
    }
}

/// What the player has, as the database knows it.
async fn belongings(world: &World, name: &str) -> Belongings {
    let store = world.store().await;
    let account = store
        .account_by_name(&name.to_lowercase())
        .await
        .expect("the store should answer");
    let character = account
        .expect("the player should have an account")
        .character;
    store
        .belongings(character)
        .await
        .expect("the store should answer")
}

fn count_of(belongings: &Belongings, item: &str) -> u32 {
    belongings
        .items
        .iter()
        .filter(|(kind, _)| kind == item)
        .map(|(_, count)| count)
        .sum()
}

fn is_refused<R: std::fmt::Debug>(answer: &Result<R, Missed>, wanted: Code) -> bool {
    matches!(answer, Err(Missed::Refused { code, .. }) if *code == wanted)
}

/// Uses an object from where the player stands; the refusal, if it is one.
async fn use_from_here(player: &mut Human, target: Handle) -> Result<Looted, Missed> {
    let looted = player
        .connection_mut()
        .ask(ANSWER_MS, Use { target }, |event| match event {
            Event::Looted(looted) => Some(looted.clone()),
            _ => None,
        });
    looted.await
}

/// Comes up to the door of the house.
async fn go_to_door(player: &mut Human) -> Handle {
    player
        .walk_to(OUTSIDE.0, OUTSIDE.1, 0.3)
        .await
        .expect("the way to the house is open");
    sees(player, "objects/door").await
}

/// Opens the door of the house and comes up to the chest in it.
async fn go_to_chest(player: &mut Human) -> Handle {
    let door = go_to_door(player).await;
    assert_eq!(
        player.turn(door).await,
        Ok(State::Open),
        "the door should open"
    );
    let chest = sees(player, "objects/chest").await;
    player
        .approach(chest, REACH)
        .await
        .expect("the way to the chest is open");
    chest
}

async fn a_chest_gives_what_it_holds_once(world: &World) {
    let mut thief = world.player("Thief").await;
    let door = sees(&mut thief, "objects/door").await;
    let far = use_from_here(&mut thief, door).await;
    assert!(
        is_refused(&far, Code::OutOfRange),
        "the door should be out of reach from the gate: {far:?}"
    );
    let chest = go_to_chest(&mut thief).await;
    assert_eq!(
        thief.state(chest),
        Some(State::Full),
        "a new chest should be full"
    );
    let looted = thief
        .gather(chest)
        .await
        .expect("the chest should give what it holds");
    assert!(looted.coins >= 10, "a chest always holds coins: {looted:?}");
    let again = use_from_here(&mut thief, chest).await;
    assert!(
        is_refused(&again, Code::NothingToLoot),
        "a chest should be emptied once: {again:?}"
    );
    sees_it(&mut thief, chest, State::Empty).await;

    let has = belongings(world, "Thief").await;
    assert_eq!(
        has.coins, looted.coins,
        "the coins should be in the database, once"
    );
    for stack in &looted.items {
        assert_eq!(
            count_of(&has, &stack.item),
            stack.count,
            "{} should be in the database, once",
            stack.item
        );
    }
    let me = thief.me().handle;
    let being = use_from_here(&mut thief, me).await;
    assert!(
        is_refused(&being, Code::NoTarget),
        "nobody should be used: {being:?}"
    );
    let struck = cast_fireball(&mut thief, chest).await;
    assert!(
        is_refused(&struck, Code::NoTarget),
        "what cannot be hurt should be no target: {struck:?}"
    );
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
}

async fn one_of_two_gets_what_both_reach_for(world: &World) {
    let mut one = world.player("Castor").await;
    let mut other = world.player("Pollux").await;
    let plant = sees(&mut one, "objects/healwort").await;
    assert_eq!(
        sees(&mut other, "objects/healwort").await,
        plant,
        "both should see the same plant"
    );
    one.approach(plant, REACH)
        .await
        .expect("the way to the plant is open");
    other
        .approach(plant, REACH)
        .await
        .expect("the way to the plant is open");
    let (first, second) = join(
        use_from_here(&mut one, plant),
        use_from_here(&mut other, plant),
    )
    .await;
    let (got, missed) = if first.is_ok() {
        (first, second)
    } else {
        (second, first)
    };
    assert!(got.is_ok(), "one of the two should get it: {got:?}");
    assert!(
        is_refused(&missed, Code::NothingToLoot),
        "and the other nothing: {missed:?}"
    );
    let had = [
        belongings(world, "Castor").await,
        belongings(world, "Pollux").await,
    ];
    let had: u32 = had.iter().map(|has| count_of(has, "items/healwort")).sum();
    assert_eq!(had, 1, "there was one, so the database should hold one");
}

async fn a_harvested_plant_grows_again(world: &World) {
    let mut gardener = world.player("Flora").await;
    let bush = sees(&mut gardener, "objects/berry_bush").await;
    gardener
        .gather(bush)
        .await
        .expect("a bush should be ripe at first");
    let mut bare = 0;
    gardener.set_deadline("wait for berries", ANSWER_MS);
    let looted = loop {
        let looted = use_from_here(&mut gardener, bush).await;
        if !is_refused(&looted, Code::NothingToLoot) {
            break looted;
        }
        bare += 1;
        gardener.next().await.expect("time should go on");
    };
    assert!(bare > 0, "a bush should be bare for a while");
    looted.expect("a bush should grow again");
    let has = belongings(world, "Flora").await;
    assert_eq!(
        count_of(&has, "items/berry"),
        6,
        "each harvest should be an operation of its own in the database"
    );
}

async fn cast_fireball(player: &mut Human, target: Handle) -> Result<(), Missed> {
    let by = player.me().handle;
    let cast = Cast {
        spell: "spells/fireball".to_owned(),
        target,
    };
    let struck =
        |event: &Event| matches!(event, Event::Struck(struck) if struck.by == by).then_some(());
    player.connection_mut().ask(ANSWER_MS, cast, struck).await
}

in_each_mode_of! { Content::quiet();
    a_chest_gives_what_it_holds_once
    one_of_two_gets_what_both_reach_for
}

in_each_mode_of! { Content::quiet().replace("objects/plant.toml", "refill_s = 120", "refill_s = 3");
    a_harvested_plant_grows_again
}
