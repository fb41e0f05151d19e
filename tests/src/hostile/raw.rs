//! A WebSocket client that does as it likes. It answers pings, and it has no other manners.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::{Buf, BytesMut};
use client::{Code, Command, CommandFrame, Event, Section, ServerFrame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use wire::ClassId;

use super::{Answer, Odd};

pub(super) const TEXT: u8 = 0x81;
pub(super) const BINARY: u8 = 0x82;
pub(super) const CLOSE: u8 = 0x88;
/// What stands for the code of a close that has none (RFC 6455, 7.1.5).
pub(super) const NO_CODE: u16 = 1005;
pub(super) const PING: u8 = 0x89;
pub(super) const PONG: u8 = 0x8a;

/// What a handshake needs beside its first line and host.
pub(super) const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A request's head.
pub(super) fn head(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: realm.test\r\n{headers}\r\n")
}

/// A masked frame, with a mask that changes nothing.
pub(super) fn frame(head: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![head];
    match body.len() {
        short @ 0..=125 => frame.push(0x80 | short as u8),
        long @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((long as u16).to_be_bytes());
        }
        longer => {
            frame.push(0x80 | 127);
            frame.extend((longer as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(body);
    frame
}

/// A socket to the gateway.
pub(super) struct Raw {
    stream: TcpStream,
    got: BytesMut,
    sequence: u32,
    /// Why the server said goodbye.
    goodbye: Option<Code>,
}

impl Raw {
    /// Connects, and says nothing.
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::of(stream))
    }

    /// Connects from another address of this machine.
    pub(super) async fn connect_from(from: Ipv4Addr, address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        Ok(Self::of(socket.connect(address).await?))
    }

    /// Connects with a small window, so that what is not read is soon noticed.
    pub(super) async fn connect_narrow(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(32 * 1024)?;
        Ok(Self::of(socket.connect(address).await?))
    }

    fn of(stream: TcpStream) -> Self {
        Self {
            stream,
            got: BytesMut::new(),
            sequence: 0,
            goodbye: None,
        }
    }

    /// A connection that has shaken hands.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, Odd> {
        Self::connect(address).await?.shake_hands().await
    }

    /// Shakes hands as any client does.
    pub(super) async fn shake_hands(mut self) -> Result<Self, Odd> {
        let answer = self.ask(&head("/ws", UPGRADE)).await?;
        match status_of(&answer) {
            Some(101) => Ok(self),
            _ => Err(Odd::because(format!(
                "the handshake was answered: {answer}"
            ))),
        }
    }

    /// Sends a request's head and reads the head of the answer, which is empty when there is none.
    pub(super) async fn ask(&mut self, head: &str) -> Result<String, Odd> {
        // A server that has heard enough closes while it is still being told; its answer is there to be read.
        let _ = self.stream.write_all(head.as_bytes()).await;
        self.answer_head().await
    }

    /// The head of an HTTP answer; empty when the socket ended without one.
    pub(super) async fn answer_head(&mut self) -> Result<String, Odd> {
        loop {
            if let Some(end) = self.got.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.got.split_to(end + 4);
                return Ok(String::from_utf8(head.to_vec())?);
            }
            match self.stream.read_buf(&mut self.got).await {
                Ok(0) | Err(_) => return Ok(String::new()),
                Ok(_) => {}
            }
        }
    }

    /// Sends bytes as they are. A socket that has ended takes none, which shows when it is read.
    pub(super) async fn bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Sends a frame.
    pub(super) async fn frame(&mut self, head: u8, body: &[u8]) {
        self.bytes(&frame(head, body)).await;
    }

    /// Sends a command of the table; its sequence.
    pub(super) async fn command(&mut self, command: impl Into<Command>) -> u32 {
        let (class, body) = command.into().encode();
        self.class(class, &body).await
    }

    /// Sends a command twice, in one piece, so that nothing comes between the two; the sequence of the second.
    pub(super) async fn command_twice(&mut self, command: impl Into<Command>) -> u32 {
        let (class, body) = command.into().encode();
        let mut both = self.class_frame(class, &body);
        both.extend(self.class_frame(class, &body));
        self.bytes(&both).await;
        self.sequence
    }

    /// Sends a command frame with any class and body; its sequence.
    pub(super) async fn class(&mut self, class: ClassId, body: &[u8]) -> u32 {
        let frame = self.class_frame(class, body);
        self.bytes(&frame).await;
        self.sequence
    }

    /// The next command frame, as it goes out.
    fn class_frame(&mut self, class: ClassId, body: &[u8]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let command = CommandFrame {
            class,
            sequence: self.sequence,
            body,
        };
        frame(BINARY, &command.encode())
    }

    /// The number of the last command.
    pub(super) fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Leaves numbers out.
    pub(super) fn skip_sequences(&mut self, count: u32) {
        self.sequence = self.sequence.wrapping_add(count);
    }

    /// The next frame of the server, pings answered; `None` at the end of the socket.
    pub(super) async fn next(&mut self) -> Option<(u8, BytesMut)> {
        loop {
            if let Some((head, body)) = self.whole() {
                match head {
                    PING => self.frame(PONG, &body).await,
                    _ => return Some((head, body)),
                }
                continue;
            }
            match self.stream.read_buf(&mut self.got).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// A frame that is there whole.
    fn whole(&mut self) -> Option<(u8, BytesMut)> {
        let (&head, &second) = (self.got.first()?, self.got.get(1)?);
        let (at, length) = match second {
            126 => (4, usize::from(self.got.get(2..4)?.get_u16())),
            127 => (
                10,
                usize::try_from(self.got.get(2..10)?.get_u64()).unwrap_or(usize::MAX),
            ),
            short => (2, usize::from(short)),
        };
        if self.got.len().saturating_sub(at) < length {
            return None;
        }
        self.got.advance(at);
        Some((head, self.got.split_to(length)))
    }

    /// Reads until `f` answers to an event. An end of the connection is an answer too.
    pub(super) async fn until<R>(
        &mut self,
        mut f: impl FnMut(&Event) -> Option<R>,
    ) -> Result<Result<R, Answer>, Odd> {
        loop {
            let Some((head, body)) = self.next().await else {
                return Ok(Err(Answer::Cut));
            };
            match head {
                BINARY => {
                    for section in ServerFrame::decode(&body)?.sections {
                        let Section::Event { class, body } = section else {
                            continue;
                        };
                        let event = Event::decode(class, body)?;
                        if let Event::Goodbye(goodbye) = &event {
                            self.goodbye = Some(goodbye.code);
                        }
                        if let Some(found) = f(&event) {
                            return Ok(Ok(found));
                        }
                    }
                }
                CLOSE => {
                    let code = body.first_chunk().map(|code| u16::from_be_bytes(*code));
                    return Ok(Err(match (self.goodbye, code) {
                        (Some(Code::Expelled), Some(1008)) => Answer::Expelled,
                        (Some(why), Some(1000)) => Answer::Goodbye(why),
                        (_, code) => Answer::Closed(code.unwrap_or(NO_CODE)),
                    }));
                }
                _ => {}
            }
        }
    }

    /// Reads until the connection ends; how.
    pub(super) async fn end(&mut self) -> Result<Answer, Odd> {
        match self.until(|_| None::<()>).await? {
            Err(end) => Ok(end),
            Ok(()) => Err(Odd::because("no event is an end")),
        }
    }

    /// Reads until the command of this number is refused, or the connection ends.
    pub(super) async fn refusal(&mut self, sequence: u32) -> Result<Answer, Odd> {
        let refused = self.until(|event| match event {
            Event::Refused(refused) if refused.sequence == sequence => {
                Some(Answer::Refused(refused.code))
            }
            _ => None,
        });
        Ok(refused.await?.unwrap_or_else(|end| end))
    }

    /// Reads until an event answers, or the command is refused, or the connection ends.
    pub(super) async fn reply<R>(
        &mut self,
        command: impl Into<Command>,
        mut f: impl FnMut(&Event) -> Option<R>,
    ) -> Result<Result<R, Answer>, Odd> {
        let sequence = self.command(command).await;
        let reply = self.until(|event| match event {
            Event::Refused(refused) if refused.sequence == sequence => {
                Some(Err(Answer::Refused(refused.code)))
            }
            other => f(other).map(Ok),
        });
        Ok(reply.await?.and_then(|reply| reply))
    }

    /// The server's clock.
    pub(super) async fn time_ms(&mut self) -> Result<u64, Odd> {
        let time = self.reply(
            client::command::Ping { client_time_ms: 0 },
            |event| match event {
                Event::Pong(pong) => Some(pong.server_time_ms),
                _ => None,
            },
        );
        let time = time.await?;
        time.map_err(|end| Odd::because(format!("the question for the time got {end:?}")))
    }

    /// True when the connection still serves: a ping is answered.
    pub(super) async fn serves(&mut self) -> Result<Answer, Odd> {
        let client_time_ms = u64::from(self.sequence) << 32 | 7;
        let ping = client::command::Ping { client_time_ms };
        let reply = self.reply(ping, |event| match event {
            Event::Pong(pong) => (pong.client_time_ms == client_time_ms).then_some(()),
            _ => None,
        });
        Ok(reply.await?.err().unwrap_or(Answer::Harmless))
    }
}

/// The status of an HTTP answer.
pub(super) fn status_of(answer: &str) -> Option<u16> {
    answer.split(' ').nth(1)?.parse().ok()
}
