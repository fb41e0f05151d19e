//! How a player comes back after its connection was lost: on the same gateway or another, with the same avatar.

use std::time::Duration;

use super::{DEADLINE_MS, Player};
use crate::connection::Deadline;
use crate::event::Entered;
use crate::gateways::{Gateways, Try};
use crate::{Code, ConnectionError, Event, Missed, Transport, WebSocket};

/// So often the way back is tried: with the pauses between, for about a minute.
const TRIES_MAX: usize = 40;

impl<T: Transport> Player<T> {
    /// Goes on over another transport: see [`Connection::resume`](crate::Connection::resume). `Entered` comes back when the
    /// avatar was in the world; its totals are the player's from here on.
    pub async fn resume(&mut self, transport: T) -> Result<Option<Entered>, Missed> {
        self.connection.resume(transport, DEADLINE_MS).await?;
        self.deadline = Deadline::new(self.connection.header(), DEADLINE_MS);
        let mut last = None;
        while let Some(event) = self.connection.next_event() {
            self.learn(&event)?;
            if let Event::Entered(entered) = event {
                last = Some(entered);
            }
        }
        Ok(last)
    }
}

impl Player<WebSocket> {
    /// Connects to one of the gateways, those included that the server has told, and resumes, again and again, until the player is back or there is no hope.
    #[allow(
        clippy::disallowed_methods,
        reason = "a client has no node clock; it waits in real time"
    )]
    pub async fn come_back(&mut self, gateways: &mut Gateways) -> Result<Option<Entered>, Missed> {
        let mut last = None;
        if !self.connection.gateways().is_empty() {
            gateways.learn(self.connection.gateways());
        }
        for _ in 0..TRIES_MAX {
            let Try { url, wait_ms } = gateways.next_try();
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            let resumed = match WebSocket::connect(&url).await {
                Ok(socket) => self.resume(socket).await,
                Err(closed) => Err(ConnectionError::from(closed).into()),
            };
            match resumed {
                Ok(entered) => {
                    gateways.found();
                    return Ok(entered);
                }
                Err(missed) if passes(&missed) => last = Some(missed),
                Err(missed) => return Err(missed),
            }
        }
        Err(last.unwrap_or_else(|| Missed::Odd("the realm was not tried".to_owned())))
    }
}

/// True for what may be well on another gateway, or a little later.
fn passes(missed: &Missed) -> bool {
    match missed {
        Missed::Broken(ConnectionError::Closed(_)) | Missed::TimedOut { .. } => true,
        Missed::Goodbye(code) => *code == Code::Stopping,
        Missed::Refused { code, .. } => matches!(
            code,
            Code::Busy | Code::Unavailable | Code::TooManyLogins | Code::Full
        ),
        _ => false,
    }
}
