//! What tests of mail and deaths play in.

use realm::role::{Rate, WireMode};
use realm::{Clock, Faults, Hub, Modules, Node, NodeConfig};

use crate::probe::{self, Door, Net};

/// Two services of one node and one of another.
pub(crate) struct Scene {
    pub(crate) node: Node,
    pub(crate) other: Node,
    pub(crate) here: Door,
    pub(crate) there: Door,
    pub(crate) far: Door,
    pub(crate) hub: Hub,
    /// What joins the nodes; a broker ends with it.
    _net: Net,
}

pub(crate) async fn scene(wire: WireMode, faults: Faults, mailbox_len_max: usize) -> Scene {
    let hub = Hub::with_faults(Clock::machine(), faults);
    actix_rt::spawn(hub.clone().courier());
    joined_by(Net::Hub(hub.clone()), hub, wire, mailbox_len_max).await
}

/// The same over a broker.
pub(crate) async fn scene_over_nats(mailbox_len_max: usize) -> Scene {
    let hub = Hub::new(Clock::machine());
    joined_by(Net::nats(), hub, WireMode::Local, mailbox_len_max).await
}

async fn joined_by(net: Net, hub: Hub, wire: WireMode, mailbox_len_max: usize) -> Scene {
    let (here, there, far) = (Door::new(), Door::new(), Door::new());
    let start = async |number, doors: Vec<(&str, &Door)>| {
        let services = doors.into_iter().map(|(name, door)| {
            let mut service = probe::service(name, Rate::Mail, door, &[]);
            service.mailbox_len_max = mailbox_len_max;
            service
        });
        let mut role = probe::role(services.collect());
        role.wire = wire;
        let config = NodeConfig {
            network: net.network().await,
            ..probe::config(number, &hub, role, Modules::new())
        };
        Node::start(config).await.expect("the node should start")
    };
    let node = start(1, vec![("here", &here), ("there", &there)]).await;
    let other = start(2, vec![("far", &far)]).await;
    probe::know(&[&node, &other], "door", 3).await;
    Scene {
        node,
        other,
        here,
        there,
        far,
        hub,
        _net: net,
    }
}

impl Scene {
    pub(crate) async fn stop(self) {
        self.node.stop().await;
        self.other.stop().await;
    }
}
