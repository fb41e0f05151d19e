//! The actor between a session and its WebSocket. It moves bytes and knows nothing of what they say: its mailbox stands
//! still while its client does not read, so whatever needs time or a bound is the session's.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, AsyncContext, Handler, Message, StreamHandler};
use actix_http::ws::Item;
use actix_web_actors::ws;
use bytes::Bytes;
use client::COMMAND_FRAME_LEN_MAX;
use realm::{Address, Moment, ServiceCx};

use super::addresses::Seat;
use super::fragments::Fragments;
use super::gate::{Guest, Verdict};
use super::house::{House, Kick};
use super::metrics::GatewayMetrics;
use super::outlet::Outlet;
use super::scanner::{Fault, FaultCell};
use super::session::{Alive, Passed, SocketLost, TooMany};

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
    guest: Guest,
    _seat: Option<Seat>,
    session: Option<Address>,
    outstanding: Rc<Cell<usize>>,
    fault: FaultCell,
    fragments: Fragments,
    metrics: Arc<GatewayMetrics>,
    pings: u64,
    /// The ping that is measured: its number, and when it went out. A client can delay its answer, and nothing else.
    measured: Option<(u64, Moment)>,
}

impl Pump {
    /// `seat` is given back when the socket ends. `fault` is where the scanner of the client's bytes says what is wrong with them.
    pub(super) fn new(
        cx: ServiceCx,
        house: Rc<House>,
        kick: Kick,
        guest: Guest,
        seat: Option<Seat>,
        fault: FaultCell,
    ) -> Self {
        Self {
            cx,
            metrics: house.metrics.clone(),
            pings: 0,
            measured: None,
            house: Some(house),
            kick,
            guest,
            _seat: seat,
            session: None,
            outstanding: Rc::default(),
            fault,
            fragments: Fragments::default(),
        }
    }

    /// Says why and closes. The HTTP server reads on for a second, or until the client's own close: a socket that is ended
    /// on unread bytes is reset, and the reason is lost.
    fn close(&self, code: ws::CloseCode, why: &str, ctx: &mut ws::WebsocketContext<Self>) {
        let why = &why[..why.floor_char_boundary(REASON_LEN_MAX)];
        ctx.close(Some((code, why).into()));
        ctx.stop();
    }

    /// Closes the socket of a client that broke the rules of its protocol.
    fn refuse(&self, fault: Fault, ctx: &mut ws::WebsocketContext<Self>) {
        let (code, why) = match fault {
            Fault::TooLong => (ws::CloseCode::Size, "a frame is too long"),
            Fault::TooMany => (ws::CloseCode::Policy, "too many pings"),
            Fault::Text => (ws::CloseCode::Unsupported, "commands are binary messages"),
            Fault::Protocol(why) => (ws::CloseCode::Protocol, why),
        };
        tracing::debug!(peer = %self.guest.address, why, "a client's socket is closed");
        self.metrics.closed(code.into());
        self.close(code, why, ctx);
    }

    /// Takes a sign of life; false when there are too many of them.
    fn alive(&self, ctx: &mut ws::WebsocketContext<Self>) -> bool {
        let heard = self.guest.gate.control();
        match heard {
            true => self.to_session(Alive {}),
            false => self.refuse(Fault::TooMany, ctx),
        }
        heard
    }

    /// Takes a piece of a command.
    fn fragment(&mut self, item: Item, ctx: &mut ws::WebsocketContext<Self>) {
        let taken = match &item {
            Item::FirstText(_) => Err(Fault::Text),
            Item::FirstBinary(bytes) | Item::Continue(bytes) => self.fragments.take(bytes, false),
            Item::Last(bytes) => self.fragments.take(bytes, true),
        };
        match taken {
            Ok(Some(bytes)) => self.command(bytes),
            Ok(None) => {}
            Err(fault) => self.refuse(fault, ctx),
        }
    }

    /// Hands a command on, or what is left of it at the gate.
    fn command(&self, bytes: Bytes) {
        match self.guest.gate.command() {
            Verdict::Pass => self.to_session(Passed { bytes }),
            Verdict::Refuse(frames) => self.to_session(TooMany { bytes, frames }),
            Verdict::Drop => {}
        }
    }

    fn ping(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        self.pings += 1;
        // One at a time, or a client that is slower than the pings would never be measured.
        if self.measured.is_none() {
            self.measured = Some((self.pings, self.cx.now()));
        }
        ctx.ping(&self.pings.to_be_bytes());
    }

    fn pong(&mut self, bytes: &[u8], ctx: &mut ws::WebsocketContext<Self>) {
        let answered = self
            .measured
            .take_if(|(number, _)| number.to_be_bytes() == *bytes);
        if let Some((_, asked)) = answered {
            let delay = self.cx.now().since(asked).min(DELAY_MAX);
            self.metrics.delay_ms.observe(delay.as_secs_f64() * 1000.0);
        }
        self.alive(ctx);
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
        let guest = self.guest.clone();
        self.session = house.and_then(|house| house.open(&self.cx, Box::new(outlet), kick, guest));
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
                self.command(bytes);
            }
            Ok(ws::Message::Binary(_)) => self.refuse(Fault::TooLong, ctx),
            Ok(ws::Message::Text(_)) => self.refuse(Fault::Text, ctx),
            Ok(ws::Message::Continuation(item)) => self.fragment(item, ctx),
            Ok(ws::Message::Ping(bytes)) => {
                if self.alive(ctx) {
                    ctx.pong(&bytes);
                }
            }
            Ok(ws::Message::Pong(bytes)) => self.pong(&bytes, ctx),
            Ok(ws::Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Ok(ws::Message::Nop) => {}
            Err(_) => {
                // What the scanner passed and the codec did not is in the wrong place, or a close that says nonsense.
                let fault = Fault::Protocol("a frame cannot be here");
                self.refuse(self.fault.get().unwrap_or(fault), ctx);
            }
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
