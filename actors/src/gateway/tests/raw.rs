//! A WebSocket client that does what no decent client does.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

pub(super) const TEXT: u8 = 0x81;
pub(super) const BINARY: u8 = 0x82;
pub(super) const CLOSE: u8 = 0x88;
pub(super) const PING: u8 = 0x89;
pub(super) const PONG: u8 = 0x8a;

pub(super) struct Raw(TcpStream);

/// One frame of the server; `None` at the end of the socket.
type Frame = Option<(u8, Vec<u8>)>;

impl Raw {
    /// Connects with a small window, so that a client that does not read is noticed soon.
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket should be there");
        socket
            .set_recv_buffer_size(4096)
            .expect("the window should be small");
        let stream = socket
            .connect(address)
            .await
            .expect("the gateway should accept");
        let mut raw = Self(stream);
        let answer = raw.ask("/ws", HANDSHAKE).await;
        assert!(
            answer.starts_with("HTTP/1.1 101"),
            "the handshake should succeed: {answer}"
        );
        raw
    }

    /// Sends a request head and reads the answer's.
    async fn ask(&mut self, path: &str, headers: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: realm.test\r\n{headers}\r\n");
        self.0
            .write_all(head.as_bytes())
            .await
            .expect("the request should go out");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(
                self.0
                    .read_u8()
                    .await
                    .expect("the answer should not end early"),
            );
        }
        String::from_utf8(answer).expect("the answer should be text")
    }

    /// Sends bytes as they are.
    pub(super) async fn bytes(&mut self, bytes: &[u8]) {
        self.0
            .write_all(bytes)
            .await
            .expect("the bytes should go out");
    }

    /// Sends a masked frame, with a mask that changes nothing.
    pub(super) async fn frame(&mut self, head: u8, body: &[u8]) {
        let mut frame = vec![head];
        match body.len() {
            short @ 0..=125 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend((long as u16).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(body);
        self.bytes(&frame).await;
    }

    pub(super) async fn next(&mut self) -> Frame {
        let head = self.0.read_u8().await.ok()?;
        let length = match self.0.read_u8().await.ok()? {
            126 => u64::from(self.0.read_u16().await.ok()?),
            127 => self.0.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut body = vec![0; length as usize];
        self.0.read_exact(&mut body).await.ok()?;
        Some((head, body))
    }

    /// Reads until the server closes; the close code, if one came.
    pub(super) async fn close_code(&mut self) -> Option<u16> {
        while let Some((head, body)) = self.next().await {
            if head == CLOSE {
                return body.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
            }
        }
        None
    }
}

pub(super) const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The whole answer to one request, after which the connection is closed.
pub(super) async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address)
        .await
        .expect("the gateway should accept");
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: realm.test\r\nConnection: close\r\n{headers}\r\n");
    stream
        .write_all(head.as_bytes())
        .await
        .expect("the request should go out");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("the answer should be text");
    answer
}
