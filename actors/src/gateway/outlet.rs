//! What a session needs of its socket, whatever the socket is. Nothing here waits: a socket that does not take what it
//! is given is the session's worry.

use bytes::Bytes;
use realm::Address;

/// The way from a session to its client.
pub(super) trait Outlet {
    /// Sends one server frame.
    fn write(&self, frame: Bytes);

    /// Bytes that were written and have not left yet.
    fn outstanding(&self) -> usize;

    /// Asks the client for a sign of life.
    fn ping(&self);

    /// Says why, and closes once all that was written has left. The session hears of it as of any loss of its socket.
    fn finish(&self, code: u16, reason: &str);

    /// Ends the socket at once, whatever is on its way.
    fn cut(&self);

    /// The locale that stands for the socket, if one does; its death is the socket's.
    fn peer(&self) -> Option<Address> {
        None
    }
}
