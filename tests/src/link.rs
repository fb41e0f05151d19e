//! The link between nodes: topics, partitions, and nodes that are lost.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use realm::role::{ModuleSpec, Rate};
use realm::{
    Address, Birth, CallError, CallTable, Clock, Hub, Module, ModuleError, Modules, Node,
    ServiceCx, calls,
};
use tokio::sync::mpsc;

use crate::probe::{self, Door, KnockProxy, Net, Note, Notes, Tell, Witness, birth, within};

/// What an ear hears, and where.
#[derive(Debug, PartialEq)]
enum Heard {
    Topic(Birth, String, Bytes),
    Lost(Birth, Birth),
}

#[calls(group = "ear", proxy = EarProxy)]
trait Ears {
    async fn who(&self) -> Result<Address, CallError>;
}

/// Tells the test what it hears.
struct Ear {
    to: mpsc::UnboundedSender<Heard>,
    address: Address,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct EarConfig {
    to: i64,
}

impl Module for Ear {
    const NAME: &'static str = "ear";
    type Config = EarConfig;

    fn new(config: EarConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        let to = (*probe::unshelve::<mpsc::UnboundedSender<Heard>>(config.to)).clone();
        Ok(Self {
            to,
            address: cx.address(),
        })
    }

    fn serve(self: &std::rc::Rc<Self>, calls: &mut CallTable) {
        EarProxy::serve(calls, self);
    }

    fn heard(&self, topic: &Arc<str>, bytes: &Bytes, cx: &ServiceCx) {
        let _ = self.to.send(Heard::Topic(
            cx.node().birth(),
            topic.to_string(),
            bytes.clone(),
        ));
    }

    fn node_lost(&self, node: Birth, cx: &ServiceCx) {
        let _ = self.to.send(Heard::Lost(cx.node().birth(), node));
    }
}

impl Ears for Ear {
    async fn who(&self) -> Result<Address, CallError> {
        Ok(self.address)
    }
}

/// Three nodes with ears.
struct Scene {
    /// What joins them, when it is no broker.
    hub: Hub,
    net: Net,
    nodes: Vec<Node>,
    doors: Vec<Door>,
    heard: mpsc::UnboundedReceiver<Heard>,
}

async fn scene() -> Scene {
    let hub = Hub::new(Clock::machine());
    joined_by(Net::Hub(hub.clone()), hub).await
}

async fn scene_over_nats() -> Scene {
    joined_by(Net::nats(), Hub::new(Clock::machine())).await
}

async fn joined_by(net: Net, hub: Hub) -> Scene {
    let (to, heard) = mpsc::unbounded_channel();
    let number = probe::shelve(Arc::new(to));
    let (mut nodes, mut doors) = (Vec::new(), Vec::new());
    for node in 1..=3 {
        let door = Door::new();
        let mut service = probe::service("ears", Rate::Mail, &door, &[]);
        let mut ear = ModuleSpec::new("ear", toml::Table::new());
        ear.set("to", number);
        service.modules.push(ear);
        nodes.push(probe::start(node, &net, vec![service], Modules::new().with::<Ear>()).await);
        doors.push(door);
    }
    probe::know(&nodes.iter().collect::<Vec<_>>(), "ear", 3).await;
    Scene {
        hub,
        net,
        nodes,
        doors,
        heard,
    }
}

impl Scene {
    async fn publish(&self, from: usize, topic: &'static str, text: &'static str) {
        self.doors[from - 1]
            .ask(move |cx| cx.publish(&topic.into(), text.into()))
            .await;
    }

    /// Has a node take part in a topic, and waits until the others' publications there reach it.
    async fn subscribe(&self, at: usize, topic: &'static str) {
        let other = self.doors[at % self.doors.len()].address().await;
        let knocked = self.doors[at - 1].call(move |cx| async move {
            cx.subscribe(&topic.into());
            // What a node sends later does not overtake that it takes part.
            KnockProxy::at(&cx, other).knock().await
        });
        assert_eq!(knocked.await, Ok(()), "the other node should be there");
    }

    async fn hears(&mut self, at: u32, topic: &str, text: &'static str) {
        let next = within(self.heard.recv())
            .await
            .expect("the ears should live");
        assert_eq!(
            next,
            Heard::Topic(birth(at), topic.to_owned(), text.into()),
            "this should be heard next, and no other"
        );
    }

    /// Each of these nodes, in whichever order, is told once that `node` is lost.
    async fn hear_of_loss(&mut self, at: [u32; 2], node: u32) {
        let mut told = Vec::new();
        for _ in at {
            match within(self.heard.recv()).await {
                Some(Heard::Lost(at, lost)) if lost == birth(node) => told.push(at.get()),
                other => panic!("only the loss of node {node} should be heard, not {other:?}"),
            }
        }
        told.sort_unstable();
        assert_eq!(told, at, "each node that is left should be told, once");
    }

    async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

async fn a_topic_is_heard_where_a_node_takes_part(scene: &mut Scene) {
    scene.subscribe(2, "a").await;
    scene.subscribe(3, "b").await;
    scene.publish(1, "a", "to two").await;
    scene.hears(2, "a", "to two").await;
    scene.publish(1, "b", "to three").await;
    scene.hears(3, "b", "to three").await;
    scene.publish(2, "a", "to itself").await;
    scene.hears(2, "a", "to itself").await;
}

#[test]
fn a_topic_over_nats_is_heard_on_the_nodes_that_take_part_and_on_no_other() {
    probe::run(async {
        let mut scene = scene_over_nats().await;
        a_topic_is_heard_where_a_node_takes_part(&mut scene).await;
        scene.doors[1].ask(|cx| cx.unsubscribe(&"a".into())).await;
        scene.publish(1, "a", "to nobody").await;
        scene.subscribe(2, "b").await;
        scene.publish(3, "b", "to two and three").await;
        scene.hears(3, "b", "to two and three").await;
        scene.hears(2, "b", "to two and three").await;
        scene.stop().await;
    });
}

#[test]
fn a_topic_is_heard_on_the_nodes_that_take_part_and_on_no_other() {
    probe::run(async {
        let mut scene = scene().await;
        a_topic_is_heard_where_a_node_takes_part(&mut scene).await;
        scene.doors[1].ask(|cx| cx.unsubscribe(&"a".into())).await;
        scene.hub.cut(birth(1), birth(2));
        scene.publish(1, "a", "to nobody").await;
        assert_eq!(
            scene.hub.lost(),
            0,
            "nothing should be sent to a node that takes part no more"
        );
        scene.hub.heal();
        scene.publish(1, "b", "to three again").await;
        scene.hears(3, "b", "to three again").await;
        scene.doors[1].ask(|cx| cx.subscribe(&"a".into())).await;
        scene.publish(3, "a", "to two again").await;
        scene.hears(2, "a", "to two again").await;
        scene.stop().await;
    });
}

#[test]
fn what_was_on_its_way_when_a_service_took_part_no_more_is_not_heard() {
    probe::run(async {
        let mut scene = scene().await;
        scene.doors[0]
            .ask(|cx| {
                let (left, kept): (Arc<str>, Arc<str>) = ("left".into(), "kept".into());
                cx.subscribe(&left);
                cx.subscribe(&kept);
                cx.publish(&left, Bytes::new());
                cx.publish(&kept, "this".into());
                cx.unsubscribe(&left);
            })
            .await;
        scene.hears(1, "kept", "this").await;
        scene.stop().await;
    });
}

#[test]
fn a_cut_link_loses_mail_and_topics_until_it_heals_and_a_call_begun_meanwhile_gets_through() {
    probe::run(async {
        let mut scene = scene().await;
        let mut notes = Notes::new();
        let near = scene.doors[0].spawn::<Witness>(notes.sender.clone()).await;
        let far = scene.doors[1].spawn::<Witness>(notes.sender.clone()).await;
        scene.doors[1].ask(|cx| cx.subscribe(&"a".into())).await;
        let member = scene.doors[1].address().await;
        scene.hub.cut(birth(1), birth(2));
        scene.publish(1, "a", "cut off").await;
        let who =
            scene.doors[0].begin(move |cx| async move { EarProxy::at(&cx, member).who().await });
        scene.doors[0]
            .ask(move |cx| {
                cx.send(
                    near,
                    Tell {
                        to: far,
                        first: 0,
                        end: 1,
                    },
                )
            })
            .await;
        // The topic, the mail and at least one request.
        while scene.hub.lost() < 3 {
            scene.doors[0].ask(|_| ()).await;
        }
        scene.hub.heal();
        scene.publish(1, "a", "healed").await;
        scene.hears(2, "a", "healed").await;
        let who = within(who).await.expect("the caller lives");
        assert_eq!(
            who,
            Ok(member),
            "a call should be sent again until it gets through"
        );
        scene.doors[0]
            .ask(move |cx| {
                cx.send(
                    near,
                    Tell {
                        to: far,
                        first: 1,
                        end: 2,
                    },
                )
            })
            .await;
        assert_eq!(
            notes.next().await,
            Note::Said(far, 1),
            "mail after the cut should arrive"
        );
        scene.stop().await;
    });
}

#[test]
fn a_killed_node_is_lost_to_the_others_and_its_place_in_the_group_with_it() {
    probe::run(async {
        let mut scene = scene().await;
        let addresses = [
            scene.doors[0].address().await,
            scene.doors[1].address().await,
            scene.doors[2].address().await,
        ];
        assert_eq!(
            scene.nodes[0].core().directory().members("ear"),
            addresses,
            "all should know all"
        );
        scene.nodes.remove(1).kill();
        scene.hear_of_loss([1, 3], 2).await;
        for node in &scene.nodes {
            let members = node.core().directory().members("ear");
            assert_eq!(
                members,
                [addresses[0], addresses[2]],
                "the lost one should answer no calls"
            );
        }
        scene.stop().await;
    });
}

async fn a_node_stops(mut scene: Scene) {
    scene.nodes.remove(0).stop().await;
    scene.hear_of_loss([2, 3], 1).await;
    let (node, door) = late_caller(&scene.net).await;
    probe::know(&[&node], "ear", 2).await;
    let who = door
        .call(|cx| async move {
            EarProxy::new(&cx)
                .within(Duration::from_secs(50))
                .who()
                .await
        })
        .await;
    let others = [
        scene.doors[1].address().await,
        scene.doors[2].address().await,
    ];
    assert!(
        who.is_ok_and(|who| others.contains(&who)),
        "one of those that are left should answer: {who:?}"
    );
    node.stop().await;
    scene.stop().await;
}

#[test]
fn a_node_that_stops_leaves_the_realm() {
    probe::run(async { a_node_stops(scene().await).await });
}

#[test]
fn a_node_that_stops_leaves_the_realm_over_nats() {
    probe::run(async { a_node_stops(scene_over_nats().await).await });
}

async fn late_caller(net: &Net) -> (Node, Door) {
    let door = Door::new();
    let services = vec![probe::service("caller", Rate::Mail, &door, &[])];
    (probe::start(4, net, services, Modules::new()).await, door)
}

async fn calls_spread(scene: Scene) {
    let mut members = std::collections::BTreeSet::new();
    for door in &scene.doors {
        members.insert(door.address().await);
    }
    let (node, door) = late_caller(&scene.net).await;
    probe::know(&[&node], "ear", 3).await;
    let mut answered = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let who = door
            .call(|cx| async move { EarProxy::new(&cx).who().await })
            .await;
        answered.insert(who.expect("a member of the group should answer"));
    }
    assert_eq!(
        answered, members,
        "each member should have had some of sixty calls"
    );
    node.stop().await;
    scene.stop().await;
}

#[test]
fn calls_to_a_group_spread_over_its_members_on_other_nodes() {
    probe::run(async { calls_spread(scene().await).await });
}

#[test]
fn calls_to_a_group_spread_over_its_members_on_other_nodes_over_nats() {
    probe::run(async { calls_spread(scene_over_nats().await).await });
}
