//! Components of a team's own: what they hear, what is nobody's, and what they break.

use std::path::Path;
use std::sync::Arc;

use actors::mechanics::{Component, Components, Host, Me, MechanicsModule, Mob, MobSeed};
use realm::role::{ModuleSpec, Rate, ServiceSpec, WireMode};
use realm::{Address, Clock, DeathReason, Hub, Module, Modules, Node, ServiceCx, Unlisted, Why};
use serde::Deserialize;
use tests::workspace;

use crate::command_line::copy;
use crate::probe::{self, Door, Note, Notes, Say, Tell, Watch, Witness, within};

const CHANNEL: u64 = 1;

/// Answers each number with a larger one, and cannot bear one of them.
struct Echo(Arc<EchoSpec>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EchoSpec {
    adds: u64,
    breaks_at: u64,
}

impl Component for Echo {
    const NAME: &'static str = "echo";
    type Spec = EchoSpec;

    fn new(spec: Arc<EchoSpec>, _: &mut Me<'_>) -> Self {
        Self(spec)
    }

    fn hear(&mut self, mail: &mut Unlisted, me: &mut Me<'_>) {
        let from = mail.from;
        if let Some(Say(number)) = mail.take() {
            assert_ne!(number, self.0.breaks_at, "the component should break here");
            me.send(from, Say(number + self.0.adds));
        }
    }
}

/// Content in which dogs have an echo, and boars have none.
fn content(folder: &Path) {
    copy(&workspace().join("resources"), folder);
    let dog = folder.join("mobs/dog.toml");
    let text = std::fs::read_to_string(&dog).expect("there is a dog");
    let text = text + "\n[echo]\nadds = 100\nbreaks_at = 13\n";
    std::fs::write(dog, text).expect("the dog should be given an echo");
}

fn spawn(cx: &ServiceCx, kind: &str) -> Address {
    let host = Host::of(cx);
    let map = host
        .resources
        .map("maps/meadow")
        .expect("there is a meadow")
        .clone();
    let template = host
        .resources
        .entity(kind)
        .expect("there is such a mob")
        .clone();
    let at = map.start;
    if host.replicas.map(CHANNEL).is_none() {
        host.replicas.open(CHANNEL, map.clone());
    }
    cx.spawn::<Mob>(MobSeed {
        channel: CHANNEL,
        map,
        template,
        at,
    })
}

fn hears_its_own_gives_back_the_rest_and_dies_alone(wire: WireMode) {
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    content(folder.path());
    let resources = folder.path().display().to_string();
    probe::run(async {
        let (door, mut notes) = (Door::new(), Notes::new());
        let mut mechanics = ModuleSpec::new(MechanicsModule::NAME, toml::Table::new());
        mechanics.set("resources", resources);
        let service = ServiceSpec::new("world", Rate::Hz(20), vec![door.spec(), mechanics]);
        let mut role = probe::role(vec![service]);
        role.wire = wire;
        let components = Components::new().with::<Echo>();
        let modules = Modules::new().with::<MechanicsModule>().holding(components);
        let hub = Hub::new(Clock::machine());
        let node = Node::start(probe::config(1, &hub, role, modules))
            .await
            .expect("the node should start");

        let me = door.spawn::<Witness>(notes.sender.clone()).await;
        let mob = |kind: &'static str| door.ask(move |cx| spawn(cx, kind));
        let (dog, other, boar) = (
            mob("mobs/dog").await,
            mob("mobs/dog").await,
            mob("mobs/boar").await,
        );
        let say = |to, first| {
            door.ask(move |cx| {
                cx.send(
                    me,
                    Tell {
                        to,
                        first,
                        end: first + 1,
                    },
                )
            })
        };
        say(dog, 7).await;
        assert_eq!(
            notes.next().await,
            Note::Said(me, 107),
            "a component should hear what is its own"
        );
        say(boar, 7).await;
        let back = Note::Back(me, boar, Why::NotTaken, Some(7));
        assert_eq!(
            notes.next().await,
            back,
            "what no component takes should come back"
        );

        door.ask(move |cx| cx.send(me, Watch(dog))).await;
        say(dog, 13).await;
        let Note::Died(_, death) = notes.next().await else {
            panic!("a component that panics should end its entity")
        };
        assert_eq!(
            (death.address, death.reason),
            (dog, DeathReason::Panicked),
            "its own entity should die of it"
        );
        say(other, 8).await;
        assert_eq!(
            notes.next().await,
            Note::Said(me, 108),
            "nobody else should"
        );
        assert_eq!(notes.rest(), [], "and nothing else should come of it");
        within(node.stop()).await;
    });
}

#[test]
fn a_component_hears_its_own_gives_back_the_rest_and_dies_with_its_entity_alone() {
    hears_its_own_gives_back_the_rest_and_dies_alone(WireMode::Local);
}

#[test]
fn a_component_does_so_too_when_every_message_is_serialized() {
    hears_its_own_gives_back_the_rest_and_dies_alone(WireMode::Always);
}

#[test]
#[should_panic(expected = "entities have a table `brain` already")]
fn a_component_cannot_have_the_name_of_a_built_in_one() {
    struct Brain;
    impl Component for Brain {
        const NAME: &'static str = "brain";
        type Spec = EchoSpec;

        fn new(_: Arc<EchoSpec>, _: &mut Me<'_>) -> Self {
            Self
        }
    }
    let _ = Components::new().with::<Brain>();
}
