//! The actor between a session and its WebSocket. It moves bytes and knows nothing of what they say: its mailbox stands
//! still while its client does not read, so whatever needs time or a bound is the session's.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, AsyncContext, Handler, Message, StreamHandler};
use actix_web_actors::ws;
use bytes::Bytes;
use client::COMMAND_FRAME_LEN_MAX;
use realm::metrics::Spread;
use realm::{Address, Moment, ServiceCx};

use super::house::{House, Kick};
use super::outlet::Outlet;
use super::session::{Alive, FromClient, SocketLost};

/// The longest reason that fits into a close frame, in bytes.
const REASON_LEN_MAX: usize = 123;

/// A client that takes longer to answer a ping is told as one that took so long. Whoever is silent for longer is cut.
const DELAY_MAX: Duration = Duration::from_secs(60);

/// One client's socket as an actor. It spawns its session when it starts and tells it when it ends.
pub(super) struct Pump {
    cx: ServiceCx,
    /// Until the session is there: the house must be able to end while sockets are open.
    house: Option<Rc<House>>,
    kick: Kick,
    session: Option<Address>,
    outstanding: Rc<Cell<usize>>,
    too_long: Rc<Cell<bool>>,
    delay_ms: Spread,
    pings: u64,
    /// The ping that is measured: its number, and when it went out. A client can delay its answer, and nothing else.
    measured: Option<(u64, Moment)>,
}

impl Pump {
    /// `too_long` says that the client's bytes ended because a frame claimed too much.
    pub(super) fn new(
        cx: ServiceCx,
        house: Rc<House>,
        kick: Kick,
        too_long: Rc<Cell<bool>>,
    ) -> Self {
        Self {
            cx,
            delay_ms: house.metrics.delay_ms.clone(),
            pings: 0,
            measured: None,
            house: Some(house),
            kick,
            session: None,
            outstanding: Rc::default(),
            too_long,
        }
    }

    fn close(&self, code: ws::CloseCode, why: &str, ctx: &mut ws::WebsocketContext<Self>) {
        let why = &why[..why.floor_char_boundary(REASON_LEN_MAX)];
        ctx.close(Some((code, why).into()));
        ctx.stop();
    }

    fn ping(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        self.pings += 1;
        // One at a time, or a client that is slower than the pings would never be measured.
        if self.measured.is_none() {
            self.measured = Some((self.pings, self.cx.now()));
        }
        ctx.ping(&self.pings.to_be_bytes());
    }

    fn pong(&mut self, bytes: &[u8]) {
        let answered = self
            .measured
            .take_if(|(number, _)| number.to_be_bytes() == *bytes);
        if let Some((_, asked)) = answered {
            let delay = self.cx.now().since(asked).min(DELAY_MAX);
            self.delay_ms.observe(delay.as_secs_f64() * 1000.0);
        }
        self.to_session(Alive {});
    }

    fn to_session<M: realm::Message>(&self, message: M) {
        if let Some(session) = self.session {
            self.cx.send(session, message);
        }
    }
}

impl Actor for Pump {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let outlet = WebSocketOutlet {
            pump: ctx.address(),
            kick: self.kick.clone(),
            outstanding: self.outstanding.clone(),
        };
        let kick = Some(self.kick.clone());
        let house = self.house.take();
        self.session = house.and_then(|house| house.open(&self.cx, Box::new(outlet), kick));
        if self.session.is_none() {
            self.close(ws::CloseCode::Away, "stopping", ctx);
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // A session that ended first needs no telling, and its silence is no dead letter.
        if let Some(session) = self.session
            && self.cx.node().directory().is_here(session)
        {
            self.cx.send(session, SocketLost {});
        }
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Pump {
    fn handle(
        &mut self,
        got: Result<ws::Message, ws::ProtocolError>,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        match got {
            Ok(ws::Message::Binary(bytes)) if bytes.len() <= COMMAND_FRAME_LEN_MAX => {
                self.to_session(FromClient { bytes });
            }
            Ok(ws::Message::Binary(_)) => {
                self.close(ws::CloseCode::Size, "the command is too long", ctx);
            }
            Ok(ws::Message::Text(_) | ws::Message::Continuation(_)) => {
                self.close(
                    ws::CloseCode::Unsupported,
                    "commands are whole binary messages",
                    ctx,
                );
            }
            Ok(ws::Message::Ping(bytes)) => {
                ctx.pong(&bytes);
                self.to_session(Alive {});
            }
            Ok(ws::Message::Pong(bytes)) => self.pong(&bytes),
            Ok(ws::Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Ok(ws::Message::Nop) => {}
            Err(ws::ProtocolError::Overflow) => {
                self.close(ws::CloseCode::Size, "the frame is too long", ctx);
            }
            Err(_) if self.too_long.get() => {
                self.close(ws::CloseCode::Size, "the frame is too long", ctx);
            }
            Err(error) => self.close(ws::CloseCode::Protocol, &error.to_string(), ctx),
        }
    }
}

/// A server frame for the client.
struct Write(Bytes);

impl Message for Write {
    type Result = ();
}

impl Handler<Write> for Pump {
    type Result = ();

    fn handle(&mut self, Write(bytes): Write, ctx: &mut Self::Context) {
        let left = self.outstanding.get().saturating_sub(bytes.len());
        self.outstanding.set(left);
        ctx.binary(bytes);
    }
}

/// A question for a sign of life.
struct Ping;

impl Message for Ping {
    type Result = ();
}

impl Handler<Ping> for Pump {
    type Result = ();

    fn handle(&mut self, _: Ping, ctx: &mut Self::Context) {
        self.ping(ctx);
    }
}

/// The last word.
struct Finish {
    code: u16,
    why: String,
}

impl Message for Finish {
    type Result = ();
}

impl Handler<Finish> for Pump {
    type Result = ();

    fn handle(&mut self, Finish { code, why }: Finish, ctx: &mut Self::Context) {
        self.close(code.into(), &why, ctx);
    }
}

/// A session's hold on its WebSocket.
struct WebSocketOutlet {
    pump: Addr<Pump>,
    kick: Kick,
    outstanding: Rc<Cell<usize>>,
}

impl Outlet for WebSocketOutlet {
    fn write(&self, frame: Bytes) {
        self.outstanding.set(self.outstanding.get() + frame.len());
        self.pump.do_send(Write(frame));
    }

    fn outstanding(&self) -> usize {
        self.outstanding.get()
    }

    fn ping(&self) {
        self.pump.do_send(Ping);
    }

    fn finish(&self, code: u16, reason: &str) {
        self.pump.do_send(Finish {
            code,
            why: reason.to_owned(),
        });
    }

    fn cut(&self) {
        self.kick.cut();
    }
}
