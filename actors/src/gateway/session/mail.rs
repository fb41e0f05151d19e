//! What a session is told, and what it does with it.

use bytes::Bytes;
use client::Cell;
use realm::{Cx, Run, message};

use super::Session;
use crate::chat::Whisper;
use crate::gateway::gate::Verdict;
use crate::tether::News;

/// One command frame of a client whose socket does not ask at the gate.
#[message(name = "gateway.from_client")]
pub(crate) struct FromClient {
    /// What `client::CommandFrame::decode` takes.
    pub(crate) bytes: Bytes,
}

impl Run<Session> for FromClient {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        let bytes = self.bytes;
        match session.guest.gate.command() {
            Verdict::Pass => Passed { bytes }.run(session, cx),
            Verdict::Refuse(frames) => TooMany { bytes, frames }.run(session, cx),
            Verdict::Drop => {}
        }
    }
}

/// One command frame of the client, which the gate let through.
#[message(name = "gateway.passed")]
pub(crate) struct Passed {
    /// What `client::CommandFrame::decode` takes.
    pub(crate) bytes: Bytes,
}

impl Run<Session> for Passed {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.alive(cx);
        session.command(&self.bytes, cx);
    }
}

/// The client sent more than it may.
#[message(name = "gateway.too_many")]
pub(crate) struct TooMany {
    /// The last frame that was too many.
    pub(crate) bytes: Bytes,
    /// How many were, since it was told the last time.
    pub(crate) frames: u32,
}

impl Run<Session> for TooMany {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.alive(cx);
        session.too_many(&self.bytes, self.frames, cx);
    }
}

/// The client gave a sign of life.
#[message(name = "gateway.alive")]
pub(crate) struct Alive {}

impl Run<Session> for Alive {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.alive(cx);
    }
}

/// The socket has ended.
#[message(name = "gateway.socket_lost")]
pub(crate) struct SocketLost {}

impl Run<Session> for SocketLost {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.socket_lost(cx);
    }
}

/// A frame of a cell was published.
#[message(name = "gateway.cell_bytes")]
pub(crate) struct CellBytes {
    /// The channel.
    pub(crate) channel: u64,
    /// The cell.
    pub(crate) cell: Cell,
    /// The frame, as its publisher encoded it.
    pub(crate) bytes: Bytes,
}

impl Run<Session> for CellBytes {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.cell_published(self.channel, self.cell, self.bytes, cx);
    }
}

/// Something was said in a room.
#[message(name = "gateway.talk")]
pub(crate) struct Talk {
    /// The body of its `Said`, as the chat service encoded it.
    pub(crate) bytes: Bytes,
}

impl Run<Session> for Talk {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.hear_said(self.bytes, cx);
    }
}

impl Run<Session> for Whisper {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.hear_whisper(self, cx);
    }
}

impl Run<Session> for News {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.hear(self, cx);
    }
}

/// The node is about to stop.
#[message(name = "gateway.stop")]
pub(crate) struct Stop {}

impl Run<Session> for Stop {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.goodbye(client::Code::Stopping, super::CLOSE_AWAY, cx);
    }
}
