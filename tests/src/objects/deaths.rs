//! An object that dies takes nothing with it, and comes back.

use actors::ground::Point;
use actors::mechanics::{Host, MechanicsModule, MechanicsProxy};
use client::State;
use realm::role::{ModuleSpec, Rate, ServiceSpec};
use realm::{Address, Clock, Hub, Module, Modules, ServiceCx};

use super::content::{Content, MEADOW};
use crate::probe::{self, Door, within};

const CHANNEL: u64 = 1;

/// What stands there: its address and its state.
fn object(cx: &ServiceCx, kind: &str) -> Option<(Address, State)> {
    let host = cx.held::<Host>()?;
    let middle = Point::new(24.0, 27.5);
    let found = host
        .replicas
        .nearest(CHANNEL, middle, 8.0, |replica| *replica.near.kind == *kind);
    found.map(|(_, replica)| (replica.server.address, replica.near.state))
}

/// Whether the doorway of the house lets through.
fn is_free(cx: &ServiceCx) -> bool {
    let host = cx.held::<Host>().expect("mechanics should hold its host");
    let terrain = host
        .replicas
        .terrain(CHANNEL)
        .expect("the channel should be open");
    let free = [23, 24].map(|x| !terrain.now().blocks_way(x, 27));
    assert_eq!(
        free[0], free[1],
        "a door should close its whole doorway or nothing"
    );
    free[0]
}

#[test]
fn a_dead_object_leaves_the_others_alone_and_comes_back() {
    let seldom = "name=\"respawn_s\" type=\"int\" value=\"15\"";
    let soon = "name=\"respawn_s\" type=\"int\" value=\"1\"";
    let content = Content::quiet().replace(MEADOW, seldom, soon);
    probe::run(async {
        let door = Door::new();
        let mut mechanics = ModuleSpec::new(MechanicsModule::NAME, Default::default());
        mechanics.set("resources", content.root().display().to_string());
        let service = ServiceSpec::new("world", Rate::Hz(20), vec![door.spec(), mechanics]);
        let modules = Modules::new().with::<MechanicsModule>();
        let node = probe::start(1, &Hub::new(Clock::machine()), vec![service], modules).await;
        let open = door.call(|cx| async move {
            MechanicsProxy::new(&cx)
                .open(CHANNEL, "maps/meadow".to_owned())
                .await
        });
        open.await.expect("the channel should open");

        // What does not come at all ends the test by its time.
        let eventually = async |is: fn(&ServiceCx) -> bool| while !door.ask(is).await {};
        eventually(|cx| !is_free(cx) && object(cx, "objects/chest").is_some()).await;
        let find = |kind: &'static str| {
            door.ask(move |cx| object(cx, kind).expect("it should stand there"))
        };
        let (chest, first) = (find("objects/chest").await, find("objects/door").await);
        assert_eq!(
            first.1,
            State::Closed,
            "the door should show that it is closed"
        );

        door.ask(move |cx| cx.end(first.0)).await;
        eventually(is_free).await;
        assert!(
            door.ask(|cx| object(cx, "objects/door").is_none()).await,
            "a dead door should be seen no more"
        );
        assert_eq!(
            find("objects/chest").await,
            chest,
            "the chest should not have died with it"
        );
        eventually(|cx| !is_free(cx)).await;
        let second = find("objects/door").await;
        assert_ne!(
            second.0, first.0,
            "a door that comes back should be another one"
        );

        door.ask(move |cx| cx.end(chest.0)).await;
        eventually(|cx| object(cx, "objects/chest").is_none()).await;
        assert_eq!(
            find("objects/door").await,
            second,
            "the door should not have died with it"
        );
        eventually(|cx| object(cx, "objects/chest").is_some()).await;
        let again = find("objects/chest").await;
        assert_eq!(
            again.1,
            State::Full,
            "a chest that comes back should be full"
        );
        within(node.stop()).await;
    });
}
