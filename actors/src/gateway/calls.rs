//! What a gateway answers to other services.

use realm::{Address, CallError, calls};
use serde::{Deserialize, Serialize};

/// Why a gateway opens no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum GatewayError {
    /// Its node is about to stop.
    #[error("the gateway is stopping")]
    Stopping,
    /// The gateway did not answer.
    #[error("the gateway is not available: {0}")]
    Unavailable(String),
}

impl From<CallError> for GatewayError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Opens sessions for those who come without a WebSocket.
#[calls(group = "gateway", proxy = GatewayProxy)]
pub trait Gateway {
    /// Opens a session and returns its address. The locale at `peer` stands for its socket: it is sent `ToPeer`, and
    /// sends `FromClient`, `Alive` and `SocketLost`. The session takes its death for the loss of the socket.
    async fn connect(&self, peer: Address) -> Result<Address, GatewayError>;
}
