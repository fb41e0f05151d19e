//! What a session is told, and what it does with it.

use bytes::Bytes;
use client::Cell;
use realm::{Cx, Run, message};

use super::Session;
use crate::chat::Whisper;
use crate::tether::News;

/// One command frame of the client.
#[message(name = "gateway.from_client")]
pub(crate) struct FromClient {
    /// What `client::CommandFrame::decode` takes.
    pub(crate) bytes: Bytes,
}

impl Run<Session> for FromClient {
    fn run(self, session: &mut Session, cx: &mut Cx<Session>) {
        session.alive(cx);
        session.command(&self.bytes, cx);
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
