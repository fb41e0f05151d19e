//! The WebSocket transport. The one file of the client that knows real time: a server that says nothing for 10 s is gone.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::{Closed, SERVER_FRAME_LEN_MAX, Transport};

const SILENCE_MS_MAX: u64 = 10_000;
const QUIET_MS: u64 = 500;

/// A WebSocket to a gateway.
#[derive(Debug)]
pub struct WebSocket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    silent_ms: u64,
    /// When it was connected: by the steady clock, and since 1970.
    connected: Instant,
    connected_us: u64,
}

impl WebSocket {
    /// Connects to `url`, such as `ws://127.0.0.1:8080/ws`.
    #[allow(
        clippy::disallowed_methods,
        reason = "a client has no node clock; its transport is where its time comes from"
    )]
    pub async fn connect(url: &str) -> Result<WebSocket, Closed> {
        let config = WebSocketConfig::default()
            .max_message_size(Some(SERVER_FRAME_LEN_MAX))
            .max_frame_size(Some(SERVER_FRAME_LEN_MAX))
            // Bots come by the thousand; the default of 128 KiB each would be theirs for good.
            .read_buffer_size(8 * 1024);
        let connecting = connect_async_with_config(url, Some(config), true);
        match tokio::time::timeout(Duration::from_millis(SILENCE_MS_MAX), connecting).await {
            Ok(Ok((stream, _))) => Ok(WebSocket {
                stream,
                silent_ms: 0,
                connected: Instant::now(),
                connected_us: micros(SystemTime::now().duration_since(UNIX_EPOCH).ok()),
            }),
            Ok(Err(error)) => Err(Closed::because(error.to_string())),
            Err(_) => Err(silent()),
        }
    }

    /// Says goodbye to the other side. Dropping the socket just ends it.
    pub async fn close(mut self) {
        // The other side may be gone already, which is as good.
        let _ = self.stream.close(None).await;
    }

    async fn frame(&mut self) -> Result<Vec<u8>, Closed> {
        loop {
            return match self.stream.next().await {
                Some(Ok(Message::Binary(bytes))) => Ok(bytes.into()),
                Some(Ok(Message::Close(None))) => Err(Closed::because("the server closed")),
                Some(Ok(Message::Close(Some(close)))) => Err(Closed {
                    code: Some(close.code.into()),
                    reason: close.reason.to_string(),
                }),
                Some(Ok(Message::Text(_))) => Err(Closed::because("the server sent a text")),
                // Pings are answered by the stream itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(error)) => Err(Closed::because(error.to_string())),
                None => Err(Closed::because("the connection ended")),
            };
        }
    }
}

impl Transport for WebSocket {
    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Closed> {
        let sent = self.stream.send(Message::Binary(bytes.into())).await;
        sent.map_err(|error| Closed::because(error.to_string()))
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Closed> {
        loop {
            if let Some(bytes) = self.receive_or_quiet().await? {
                return Ok(bytes);
            }
        }
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a client has no node clock; silence on a socket is measured in real time"
    )]
    async fn receive_or_quiet(&mut self) -> Result<Option<Vec<u8>>, Closed> {
        match tokio::time::timeout(Duration::from_millis(QUIET_MS), self.frame()).await {
            Ok(received) => {
                self.silent_ms = 0;
                received.map(Some)
            }
            Err(_) => {
                self.silent_ms += QUIET_MS;
                match self.silent_ms < SILENCE_MS_MAX {
                    true => Ok(None),
                    false => Err(silent()),
                }
            }
        }
    }

    /// Since 1970 as the date was when the socket was connected, and steady since.
    fn now_us(&self) -> Option<u64> {
        let since_us = micros(Some(self.connected.elapsed()));
        Some(self.connected_us.saturating_add(since_us))
    }
}

fn micros(time: Option<Duration>) -> u64 {
    time.map_or(0, |time| {
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    })
}

fn silent() -> Closed {
    Closed::because(format!(
        "the server was silent for {} s",
        SILENCE_MS_MAX / 1000
    ))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;
    use tokio_tungstenite::tungstenite::protocol::CloseFrame;

    use super::*;

    /// A server that answers each client's first frame with `answers`.
    async fn serve(answers: Vec<Message>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port should be found");
        let address = listener
            .local_addr()
            .expect("a bound port should have an address");
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("the client should come");
            let mut socket = accept_async(stream)
                .await
                .expect("the handshake should succeed");
            let asked = socket.next().await;
            assert!(
                matches!(asked, Some(Ok(Message::Binary(_)))),
                "commands should be binary: {asked:?}"
            );
            for answer in answers {
                socket
                    .send(answer)
                    .await
                    .expect("the client should still listen");
            }
        });
        format!("ws://{address}/")
    }

    #[tokio::test]
    async fn frames_go_both_ways_and_the_close_code_comes_through() {
        let close = CloseFrame {
            code: 4_003.into(),
            reason: "stopping".into(),
        };
        let url = serve(vec![
            Message::Ping(vec![1].into()),
            Message::Binary(vec![1, 2, 3].into()),
            Message::Close(Some(close)),
        ]);
        let mut socket = WebSocket::connect(&url.await)
            .await
            .expect("the server should be reachable");
        assert_eq!(
            socket.send(vec![7]).await,
            Ok(()),
            "the command should go out"
        );
        assert_eq!(
            socket.receive().await,
            Ok(vec![1, 2, 3]),
            "the ping should be passed over"
        );
        let closed = Closed {
            code: Some(4_003),
            reason: "stopping".to_owned(),
        };
        assert_eq!(
            socket.receive().await,
            Err(closed),
            "the server's reason should come through"
        );
    }

    #[tokio::test]
    async fn a_frame_past_the_bound_ends_the_connection() {
        let url = serve(vec![Message::Binary(
            vec![0; SERVER_FRAME_LEN_MAX + 1].into(),
        )])
        .await;
        let mut socket = WebSocket::connect(&url)
            .await
            .expect("the server should be reachable");
        assert_eq!(
            socket.send(vec![7]).await,
            Ok(()),
            "the command should go out"
        );
        assert!(
            socket.receive().await.is_err(),
            "a frame longer than 1 MiB should not be taken"
        );
    }

    #[tokio::test]
    async fn nobody_there_is_a_closed_connection() {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port should be found");
        let address = listener
            .local_addr()
            .expect("a bound port should have an address");
        drop(listener);
        let refused = WebSocket::connect(&format!("ws://{address}/")).await;
        assert!(refused.is_err(), "a closed port should be told as such");
    }
}
