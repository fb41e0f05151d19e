//! Chests, plants and doors: what they give, to whom, and what they close.

mod content;
mod deaths;

use actors::database::store::Belongings;
use client::command::{Cast, Move, Use};
use client::event::Looted;
use client::player::{Player, REACH};
use client::{Code, Event, Handle, Happening, Missed, State, WebSocket};
use futures_util::future::join;
use tests::World;

use content::{Content, in_each_mode_of};

/// South of the door of the house.
const OUTSIDE: (f32, f32) = (24.0, 29.5);
/// North of it, in one line with it.
const INSIDE: (f32, f32) = (24.0, 24.5);
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

/// Walks towards a place for some server time, whatever comes of it; the furthest north that the player got.
async fn push_north(player: &mut Human, (x, y): (f32, f32), for_ms: u64) -> f32 {
    let until_ms = player.connection().header().server_time_ms + for_ms;
    player.set_deadline("push", ANSWER_MS);
    let mut north = f32::MAX;
    while player.connection().header().server_time_ms < until_ms {
        player
            .connection_mut()
            .command(Move { x, y })
            .await
            .expect("the socket should hold");
        player.next().await.expect("the walker should go on");
        north = north.min(player.position().1);
    }
    north
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

async fn a_closed_door_stops_way_and_sight_and_an_open_one_lets_through(world: &World) {
    let mut archer = world.player("Archer").await;
    let door = go_to_door(&mut archer).await;
    assert_eq!(
        archer.state(door),
        Some(State::Closed),
        "the door of the house should be closed at first"
    );
    let north = push_north(&mut archer, INSIDE, 2_000).await;
    assert!(
        (27.9..28.5).contains(&north),
        "a closed door should stop a walker right before it, not at {north}"
    );

    let mut hermit = world.player("Hermit").await;
    let hermit_handle = hermit.me().handle;
    hermit
        .walk_to(OUTSIDE.0, OUTSIDE.1 + 1.0, 0.3)
        .await
        .expect("the way to the house is open");
    archer
        .walk_to(OUTSIDE.0, OUTSIDE.1, 0.2)
        .await
        .expect("the way back is open");
    assert_eq!(
        archer.turn(door).await,
        Ok(State::Open),
        "the door should open"
    );
    sees_it(&mut hermit, door, State::Open).await;
    hermit
        .walk_to(INSIDE.0, 27.5, 0.2)
        .await
        .expect("an open door should let a walker in");
    archer
        .approach(door, REACH)
        .await
        .expect("the way to the door is open");
    archer
        .stand_still()
        .await
        .expect("the archer should stop before the door");
    let (_, stands) = archer.position();
    assert!(
        stands > 28.2,
        "the archer should not be in the way itself, at {stands}"
    );
    let closed = use_from_here(&mut archer, door).await;
    assert!(
        is_refused(&closed, Code::InTheWay),
        "nobody should be shut into a doorway: {closed:?}"
    );
    hermit
        .walk_to(INSIDE.0, INSIDE.1, 0.2)
        .await
        .expect("the way into the house is open");
    cast_fireball(&mut archer, hermit_handle)
        .await
        .expect("a fireball should fly through an open door");

    assert_eq!(
        archer.turn(door).await,
        Ok(State::Closed),
        "the door should close"
    );
    sees_it(&mut hermit, door, State::Closed).await;
    let cast = cast_fireball(&mut archer, hermit_handle).await;
    assert!(
        is_refused(&cast, Code::NoSight),
        "nobody should cast through a closed door: {cast:?}"
    );
    let north = push_north(&mut archer, INSIDE, 1_000).await;
    assert!(
        north > 27.9,
        "a door that closed again should stop a walker, not at {north}"
    );

    assert_eq!(
        hermit.turn(door).await,
        Ok(State::Open),
        "a door should open from both sides"
    );
    sees_it(&mut archer, door, State::Open).await;
    archer
        .walk_to(INSIDE.0, INSIDE.1, 1.0)
        .await
        .expect("an open door should let a walker in");
}

async fn nobody_reaches_through_a_closed_door(world: &World) {
    let mut thief = world.player("Longfinger").await;
    let door = go_to_door(&mut thief).await;
    let chest = sees(&mut thief, "objects/chest").await;
    push_north(&mut thief, (24.5, INSIDE.1), 1_000).await;
    let taken = use_from_here(&mut thief, chest).await;
    assert!(
        is_refused(&taken, Code::NoSight),
        "a chest behind a closed door should be out of reach: {taken:?}"
    );
    assert_eq!(
        thief.turn(door).await,
        Ok(State::Open),
        "the door should open"
    );
    thief
        .gather(chest)
        .await
        .expect("through an open door it should be within reach");
}

async fn who_left_in_a_doorway_is_not_shut_in(world: &World) {
    let mut guest = world.player("Guest").await;
    let start = guest.position();
    let door = go_to_door(&mut guest).await;
    assert_eq!(
        guest.turn(door).await,
        Ok(State::Open),
        "the door should open"
    );
    guest
        .walk_to(INSIDE.0, 27.5, 0.2)
        .await
        .expect("an open door should let a walker in");
    guest
        .stand_still()
        .await
        .expect("the guest should stop in the doorway");
    guest.leave().await.expect("the guest should leave");
    let mut host = world.player("Host").await;
    go_to_door(&mut host).await;
    assert_eq!(
        host.turn(door).await,
        Ok(State::Closed),
        "the door should close behind who left"
    );
    let entered = guest.enter().await.expect("the guest should come back");
    assert_eq!(
        (entered.x, entered.y),
        start,
        "who has no room where it was should come in at the gate"
    );
}

async fn a_mob_does_not_mind_who_is_behind_a_closed_door(world: &World) {
    let mut baiter = world.player("Baiter").await;
    let door = go_to_door(&mut baiter).await;
    baiter
        .approach(door, REACH)
        .await
        .expect("the way to the door is open");
    let dog = sees(&mut baiter, "mobs/dog").await;
    let until_ms = baiter.connection().header().server_time_ms + 3_000;
    baiter.set_deadline("wait before the door", ANSWER_MS);
    while baiter.connection().header().server_time_ms < until_ms {
        let happening = baiter.next().await.expect("time should go on");
        let bitten = matches!(happening, Happening::Event(Event::Struck(_)));
        assert!(!bitten, "a dog should not bite through a closed door");
    }
    assert_eq!(
        baiter.turn(door).await,
        Ok(State::Open),
        "the door should open"
    );
    baiter.set_deadline("be bitten", ANSWER_MS);
    loop {
        let happening = baiter
            .next()
            .await
            .expect("the dog should come through the open door");
        if matches!(happening, Happening::Event(Event::Struck(struck)) if struck.by == dog) {
            return;
        }
    }
}

async fn two_channels_have_doors_of_their_own(world: &World) {
    let mut one = world.player("Urban").await;
    let opened = go_to_door(&mut one).await;
    assert_eq!(
        one.turn(opened).await,
        Ok(State::Open),
        "the door should open"
    );
    let mut other = world.player("Rustic").await;
    let door = go_to_door(&mut other).await;
    assert_eq!(
        other.state(door),
        Some(State::Closed),
        "a door of another channel should stand as it stood"
    );
    let north = push_north(&mut other, INSIDE, 1_000).await;
    assert!(north > 27.9, "it should stop a walker, not at {north}");
    one.walk_to(INSIDE.0, INSIDE.1, 0.5)
        .await
        .expect("the open door should let through");
    assert_eq!(one.state(opened), Some(State::Open), "and stay open");
}

in_each_mode_of! { Content::quiet();
    a_chest_gives_what_it_holds_once
    one_of_two_gets_what_both_reach_for
    a_closed_door_stops_way_and_sight_and_an_open_one_lets_through
    who_left_in_a_doorway_is_not_shut_in
}

in_each_mode_of! { Content::quiet().replace("maps/meadow.tmx", "x=\"408\" y=\"376\"", "x=\"392\" y=\"424\"");
    nobody_reaches_through_a_closed_door
}

in_each_mode_of! { Content::quiet().replace("objects/plant.toml", "refill_s = 120", "refill_s = 3");
    a_harvested_plant_grows_again
}

in_each_mode_of! { Content::quiet().add_dog(24.5, 24.5);
    a_mob_does_not_mind_who_is_behind_a_closed_door
}

in_each_mode_of! { Content::quiet().replace("maps/meadow.toml", "limit = 250", "limit = 1");
    two_channels_have_doors_of_their_own
}
