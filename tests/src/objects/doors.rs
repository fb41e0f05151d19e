//! Doors: what they close, to whom, and in which channel.

use client::command::Move;

use super::*;

/// North of it, in one line with it.
const INSIDE: (f32, f32) = (24.0, 24.5);

/// A door in the gap of the long wall in the east, with a dog behind it; the way round the wall is free.
fn door_in_the_long_wall() -> Content {
    Content::quiet()
        .replace(
            MEADOW,
            "x=\"368\" y=\"432\" width=\"32\" height=\"16\"",
            "x=\"640\" y=\"624\" width=\"16\" height=\"32\"",
        )
        .replace(
            "mobs/beast.toml",
            "wander_tiles = 3.0",
            "wander_tiles = 1.0",
        )
        .add_dog(42.5, 39.5)
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
    baiter
        .walk_to(38.5, 40.0, 0.3)
        .await
        .expect("the way to the wall is open");
    let door = sees(&mut baiter, "objects/door").await;
    baiter
        .approach(door, REACH)
        .await
        .expect("the way to the door is open");
    let dog = sees(&mut baiter, "mobs/dog").await;
    // Long enough to come round the wall.
    let until_ms = baiter.connection().header().server_time_ms + 6_000;
    baiter.set_deadline("wait before the door", ANSWER_MS);
    while baiter.connection().header().server_time_ms < until_ms {
        let happening = baiter.next().await.expect("time should go on");
        let bitten = matches!(happening, Happening::Event(Event::Struck(_)));
        assert!(
            !bitten,
            "a dog should not notice who is behind a closed door"
        );
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
    a_closed_door_stops_way_and_sight_and_an_open_one_lets_through
    who_left_in_a_doorway_is_not_shut_in
}

in_each_mode_of! { Content::quiet().replace(MEADOW, "x=\"408\" y=\"376\"", "x=\"392\" y=\"424\"");
    nobody_reaches_through_a_closed_door
}

in_each_mode_of! { door_in_the_long_wall();
    a_mob_does_not_mind_who_is_behind_a_closed_door
}

in_each_mode_of! { Content::quiet().replace("maps/meadow.toml", "limit = 250", "limit = 1");
    two_channels_have_doors_of_their_own
}
