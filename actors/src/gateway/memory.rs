//! A socket without a network: the client's transport for realms that are stepped by hand. A locale stands where the
//! WebSocket would, so a session cannot tell the two apart.

use std::future::Future;

use bytes::Bytes;
use client::{Closed, Transport};
use realm::{Address, Cx, Death, Locale, Messages, Run, ServiceCx, Undelivered, message};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::calls::{GatewayError, GatewayProxy};
use super::outlet::Outlet;
use super::session::{Alive, FromClient, SocketLost};

/// What a session says to the locale that stands for its socket.
#[message(name = "gateway.to_peer")]
pub enum ToPeer {
    /// A server frame.
    Frame(Bytes),
    /// A question for a sign of life.
    Ping,
    /// The socket is closed, with a code and a reason.
    Finish(u16, String),
    /// The socket is cut.
    Cut,
}

/// Opens a session at a gateway of the realm, this node's own first. The socket's locale lives on `cx`'s service. The
/// channels are not bounded: this is for realms whose every step is awaited.
///
/// # Errors
/// When no gateway takes the session.
pub fn dial(cx: &ServiceCx) -> impl Future<Output = Result<MemorySocket, GatewayError>> + 'static {
    let (to_server, from_client) = unbounded_channel();
    let (to_client, from_server) = unbounded_channel();
    let peer = cx.spawn::<Peer>(PeerSeed {
        from_client,
        to_client,
    });
    let cx = cx.clone();
    async move {
        let session = GatewayProxy::new(&cx).connect(peer).await?;
        cx.send(peer, Meet { session });
        Ok(MemorySocket {
            to_server,
            from_server,
        })
    }
}

/// The client's end. Dropping it is losing the socket.
#[derive(Debug)]
pub struct MemorySocket {
    to_server: UnboundedSender<Vec<u8>>,
    from_server: UnboundedReceiver<Result<Bytes, Closed>>,
}

impl Transport for MemorySocket {
    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Closed> {
        self.to_server.send(bytes).map_err(|_| lost())
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Closed> {
        match self.from_server.recv().await {
            Some(frame) => frame.map(Vec::from),
            None => Err(lost()),
        }
    }
}

fn lost() -> Closed {
    Closed::because("the session is gone")
}

/// Stands for a socket. Lives until the client drops its end, or the session ends.
pub struct Peer {
    session: Option<Address>,
    to_client: UnboundedSender<Result<Bytes, Closed>>,
}

/// Both channels of a [`Peer`].
pub struct PeerSeed {
    from_client: UnboundedReceiver<Vec<u8>>,
    to_client: UnboundedSender<Result<Bytes, Closed>>,
}

impl Locale for Peer {
    const NAME: &'static str = "gateway_peer";
    type Seed = PeerSeed;

    fn new(seed: PeerSeed, cx: &mut Cx<Self>) -> Self {
        listen(seed.from_client, cx);
        Self {
            session: None,
            to_client: seed.to_client,
        }
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Meet>().takes::<ToPeer>();
    }

    fn undelivered(&mut self, mail: &mut Undelivered, _: &mut Cx<Self>) {
        // Words to a session that has ended meanwhile: its death is told by itself.
        let _ = mail.take::<FromClient>().is_some()
            || mail.take::<Alive>().is_some()
            || mail.take::<SocketLost>().is_some();
    }

    fn died(&mut self, death: Death, cx: &mut Cx<Self>) {
        if Some(death.address) == self.session {
            cx.stop();
        }
    }
}

/// Hands on what the client sends, one frame after the other.
fn listen(mut from_client: UnboundedReceiver<Vec<u8>>, cx: &mut Cx<Peer>) {
    let next = async move { (from_client.recv().await, from_client) };
    cx.call(next, |me, (bytes, from_client), cx| {
        match (bytes, me.session) {
            (Some(bytes), Some(session)) => cx.send(
                session,
                FromClient {
                    bytes: bytes.into(),
                },
            ),
            // Nobody can send before the session is known.
            (Some(_), None) => {}
            (None, session) => {
                if let Some(session) = session {
                    cx.send(session, SocketLost {});
                }
                return cx.stop();
            }
        }
        listen(from_client, cx);
    });
}

/// Tells a peer who its session is.
#[message(name = "gateway.meet")]
pub struct Meet {
    /// The session.
    pub session: Address,
}

impl Run<Peer> for Meet {
    fn run(self, peer: &mut Peer, cx: &mut Cx<Peer>) {
        peer.session = Some(self.session);
        cx.watch(self.session);
    }
}

impl Run<Peer> for ToPeer {
    fn run(self, peer: &mut Peer, cx: &mut Cx<Peer>) {
        // A client that has dropped its end is told of by `listen`.
        match self {
            Self::Frame(bytes) => drop(peer.to_client.send(Ok(bytes))),
            Self::Ping => {
                if let Some(session) = peer.session {
                    cx.send(session, Alive {});
                }
            }
            Self::Finish(code, reason) => {
                let code = Some(code);
                drop(peer.to_client.send(Err(Closed { code, reason })));
                cx.stop();
            }
            Self::Cut => cx.stop(),
        }
    }
}

/// A session's hold on a [`Peer`]. Its mail is bounded by the peer's mailbox; what is on its way is not counted.
pub(super) struct PeerOutlet {
    pub(super) cx: ServiceCx,
    pub(super) peer: Address,
}

impl Outlet for PeerOutlet {
    fn write(&self, frame: Bytes) {
        self.cx.send(self.peer, ToPeer::Frame(frame));
    }

    fn outstanding(&self) -> usize {
        0
    }

    fn ping(&self) {
        self.cx.send(self.peer, ToPeer::Ping);
    }

    fn finish(&self, code: u16, reason: &str) {
        self.cx
            .send(self.peer, ToPeer::Finish(code, reason.to_owned()));
    }

    fn cut(&self) {
        self.cx.send(self.peer, ToPeer::Cut);
    }

    fn peer(&self) -> Option<Address> {
        Some(self.peer)
    }
}
