//! Nodes of other versions: another protocol is refused, other messages and calls are errors.

use realm::{
    CallError, Cx, JoinError, LINK_PROTOCOL, Locale, Messages, Nats, Run, StartError, Undelivered,
    Why, calls, message,
};
use tokio::sync::mpsc;

use crate::members::stage::Stage;
use crate::probe::{self, Notes, Witness, birth, within};

#[calls(group = "news", proxy = NewsProxy)]
trait News {
    async fn what(&self) -> Result<u64, CallError>;
}

/// What an old node does not know.
#[message]
struct Novelty(u64);

/// Has a sender send a novelty.
#[message]
struct Send(realm::Address);

/// Tells what comes back.
struct Sender(mpsc::UnboundedSender<(Why, bool)>);

impl Locale for Sender {
    const NAME: &'static str = "sender";
    type Seed = mpsc::UnboundedSender<(Why, bool)>;

    fn new(seed: Self::Seed, _: &mut Cx<Self>) -> Self {
        Self(seed)
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Send>();
    }

    fn undelivered(&mut self, mail: &mut Undelivered, _: &mut Cx<Self>) {
        let kept = mail.take::<Novelty>().is_some_and(|novelty| novelty.0 == 7);
        let _ = self.0.send((mail.why, kept));
    }
}

impl Run<Sender> for Send {
    fn run(self, _: &mut Sender, cx: &mut Cx<Sender>) {
        cx.send(self.0, Novelty(7));
    }
}

#[test]
fn a_node_of_another_protocol_is_refused_and_whoever_was_there_plays_on() {
    probe::run(async {
        let mut stage = Stage::with_nodes(1).await;
        let cluster = Stage::cluster(stage.broker.url());
        let nats = Nats::connect(&cluster, stage.clock.clone()).await;
        let nats = nats
            .expect("the broker should be there")
            .speaking(LINK_PROTOCOL + 1);
        let refused = stage.start_on(2, nats, None).await;
        let expected = JoinError::Protocol {
            own: LINK_PROTOCOL + 1,
            other: LINK_PROTOCOL,
            node: birth(1),
        };
        match refused {
            Err(StartError::Join(why)) => assert_eq!(why, expected, "it should be told why"),
            other => panic!("another protocol should be refused: {:?}", other.err()),
        }
        stage.nobody_was_lost().await;
        stage.stop().await;
    });
}

#[test]
fn a_node_of_another_protocol_that_is_dead_keeps_nobody_out() {
    probe::run(async {
        let mut stage = Stage::new();
        let cluster = Stage::cluster(stage.broker.url());
        let nats = Nats::connect(&cluster, stage.clock.clone()).await;
        let nats = nats
            .expect("the broker should be there")
            .speaking(LINK_PROTOCOL + 1);
        stage
            .start_on(1, nats, None)
            .await
            .expect("the old realm should start");
        stage.nodes.remove(0).node.kill();
        stage.start(2).await;
        stage.stop().await;
    });
}

#[test]
fn what_a_node_does_not_know_comes_back_as_an_error() {
    probe::run(async {
        let stage = Stage::with_nodes(2).await;
        let member = stage.nodes[1].door.address().await;
        let answer = stage.nodes[0]
            .door
            .call(move |cx| async move { NewsProxy::at(&cx, member).what().await })
            .await;
        assert_eq!(
            answer,
            Err(CallError::NotServed),
            "a call that the other does not know should be told so"
        );
        let notes = Notes::new();
        let old = stage.nodes[1]
            .door
            .spawn::<Witness>(notes.sender.clone())
            .await;
        let (to, mut back) = mpsc::unbounded_channel();
        let new = stage.nodes[0].door.spawn::<Sender>(to).await;
        stage.nodes[0]
            .door
            .ask(move |cx| cx.send(new, Send(old)))
            .await;
        assert_eq!(
            within(back.recv()).await,
            Some((Why::NotTaken, true)),
            "a message that the other does not know should come back"
        );
        stage.stop().await;
    });
}
