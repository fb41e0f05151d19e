//! The replica store: doors, whom they stop, and when they do not close; and who is within earshot.

use std::sync::Arc;

use client::{Handle, Near, State};
use realm::{Address, Birth};

use super::{Replica, Replicas, Server, Terrain};
use crate::ground::{Ground, Point};
use crate::resources::MapTemplate;

const DOOR: [(u16, u16); 2] = [(5, 3), (6, 3)];

/// Two channels of one map.
fn channels() -> Replicas {
    let map = Arc::new(MapTemplate {
        id: "maps/hall".to_owned(),
        name: "Hall".to_owned(),
        file: "hall.tmx".to_owned(),
        limit: 10,
        ground: Ground::new(12, 8),
        floor: Vec::new(),
        start: Point::new(1.5, 1.5),
        spawns: Vec::new(),
        sites: Vec::new(),
    });
    let replicas = Replicas::default();
    replicas.open(1, map.clone());
    replicas.open(2, map);
    replicas
}

fn address(counter: u64) -> Address {
    let node = Birth::new(1).expect("1 is a birth number");
    Address::new(node, counter).expect("a small counter is one")
}

fn enter(replicas: &Replicas, counter: u64, place: Point, state: State) -> Handle {
    enter_as(replicas, counter, place, state, false)
}

fn enter_as(replicas: &Replicas, counter: u64, place: Point, state: State, avatar: bool) -> Handle {
    let near = Near {
        x: place.x,
        y: place.y,
        hp: 1,
        hp_max: 1,
        state,
        kind: "test".into(),
        name: "test".into(),
    };
    let server = Server {
        address: address(counter),
        faction: "".into(),
        avatar,
    };
    let entered = replicas.enter(1, Replica { near, server });
    entered.expect("there should be room")
}

fn is_closed(terrain: &Terrain) -> bool {
    let closed = DOOR.map(|(x, y)| terrain.now().blocks_way(x.into(), y.into()));
    assert_eq!(
        closed[0], closed[1],
        "a door should close all of its tiles or none"
    );
    closed[0]
}

#[test]
fn a_door_closes_in_its_own_channel_only() {
    let replicas = channels();
    let [one, other] = [1, 2].map(|channel| replicas.terrain(channel).expect("it is open"));
    let door = enter(&replicas, 1, Point::new(6.0, 3.5), State::Idle);
    assert!(replicas.close_door(1, door, &DOOR), "nobody is in the way");
    assert!(is_closed(&one), "the door should be closed");
    assert!(
        !is_closed(&other),
        "the same door of another channel should not be"
    );
    replicas.open_door(1, door);
    assert!(!is_closed(&one), "the door should be open again");
}

#[test]
fn a_door_that_is_gone_leaves_the_way_free() {
    let replicas = channels();
    let terrain = replicas.terrain(1).expect("it is open");
    let door = enter(&replicas, 1, Point::new(6.0, 3.5), State::Idle);
    let beside = enter(&replicas, 2, Point::new(7.0, 3.5), State::Open);
    assert!(replicas.close_door(1, door, &DOOR), "nobody is in the way");
    assert!(
        replicas.close_door(1, beside, &[(7, 3)]),
        "nobody is in the way"
    );
    replicas.remove(address(1));
    assert!(!is_closed(&terrain), "a dead door should free its tiles");
    assert!(terrain.now().blocks_way(7, 3), "and no others");
}

#[test]
fn nobody_is_shut_into_a_door() {
    let replicas = channels();
    let terrain = replicas.terrain(1).expect("it is open");
    let door = enter(&replicas, 1, Point::new(6.0, 3.5), State::Idle);
    for (counter, place) in [
        (10, (5.5, 3.5)),
        (11, (6.9, 3.9)),
        (12, (4.95, 3.5)),
        (13, (6.5, 4.05)),
    ] {
        enter(
            &replicas,
            counter,
            Point::new(place.0, place.1),
            State::Idle,
        );
        assert!(
            !replicas.close_door(1, door, &DOOR),
            "who stands at {place:?} should be in the way"
        );
        assert!(
            !is_closed(&terrain),
            "a door that does not close should stay open"
        );
        replicas.remove(address(counter));
    }
    enter(&replicas, 20, Point::new(5.5, 4.2), State::Walking);
    enter(&replicas, 21, Point::new(5.5, 3.5), State::Dead);
    assert!(
        replicas.close_door(1, door, &DOOR),
        "neither who is beside nor a corpse should be in the way"
    );
}

#[test]
fn objects_get_no_ticks() {
    let replicas = channels();
    enter(&replicas, 1, Point::new(6.0, 3.5), State::Full);
    enter(&replicas, 2, Point::new(2.0, 3.5), State::Idle);
    replicas
        .channels
        .borrow_mut()
        .get_mut(&1)
        .expect("it is open")
        .avatars = 1;
    assert_eq!(
        replicas.awake(),
        [address(2)],
        "a being should get ticks, and an object none"
    );
}

#[test]
fn the_nearest_avatars_are_within_earshot_and_no_more_than_may_be() {
    let replicas = channels();
    let avatar = |counter, x| enter_as(&replicas, counter, Point::new(x, 1.5), State::Idle, true);
    avatar(1, 9.5);
    avatar(2, 4.5);
    avatar(3, 1.5);
    enter(&replicas, 4, Point::new(2.5, 1.5), State::Idle);
    let near = |range, len_max| replicas.avatars_near(1, Point::new(1.5, 1.5), range, len_max);
    assert_eq!(
        near(4.0, 9),
        [3, 2].map(address),
        "those within 4 tiles should hear, and mobs should not"
    );
    assert_eq!(
        near(20.0, 2),
        [3, 2].map(address),
        "the nearest of a crowd should hear"
    );
    assert!(
        replicas
            .avatars_near(2, Point::new(1.5, 1.5), 20.0, 9)
            .is_empty(),
        "another channel should not hear"
    );
}
