//! Serves HTTP and WebSockets on the current arbiter. It accepts there itself because actix-web's own server starts
//! threads; it knows no route, and it does not close what it has accepted.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::{HttpService, KeepAlive};
use actix_rt::task::JoinHandle;
use actix_service::{
    IntoServiceFactory as _, Service, ServiceFactory as _, ServiceFactoryExt as _, map_config,
};
use actix_web::dev::{AppConfig, Extensions};
use actix_web::web::ServiceConfig;
use actix_web::{App, Error};
use prometheus_client::metrics::counter::Counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::lock::lock;

#[cfg(test)]
mod tests;

/// A client that has not sent its request's head by then is answered 408 and dropped.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// A client that does not take the end of a connection is dropped after this.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long accepting rests after the system refused it: most likely all file descriptors are in use.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// A listener at work. It ends with `stop`, or when this is dropped, so that a service that starts again finds the port
/// free; connections that were accepted go on.
pub struct Listening {
    /// The address it listens on, with the port that the system chose if it was asked to.
    pub addr: SocketAddr,
    door: Arc<Door>,
    accepting: JoinHandle<()>,
}

/// The listening socket, taken away by `stop`: closing it there frees the port at once and not at the arbiter's next turn.
struct Door {
    listener: Mutex<Option<TcpListener>>,
    places: Arc<Semaphore>,
    connections_max: usize,
}

/// Serves what `configure` sets up on the arbiter that polls this, until the returned `Listening` ends. The future stays
/// on its thread; the `Listening` may leave it.
///
/// A connection is good for one request: the time that a client has for its head is watched for the first only, and by the
/// next it could hold its place for ever.
///
/// At most `connections_max` connections are open at a time; one more is closed at once and counted in `refused`.
/// `on_connect` sees each socket first and may leave data for its requests (`HttpRequest::conn_data`).
pub async fn serve<C, O>(
    listener: std::net::TcpListener,
    connections_max: usize,
    refused: Counter,
    configure: C,
    on_connect: O,
) -> io::Result<Listening>
where
    C: FnOnce(&mut ServiceConfig),
    O: Fn(&TcpStream, &mut Extensions) + 'static,
{
    let within = REQUEST_TIMEOUT;
    serve_within(
        within,
        listener,
        connections_max,
        refused,
        configure,
        on_connect,
    )
    .await
}

/// The same with another time for the head.
async fn serve_within<C, O>(
    within: Duration,
    listener: std::net::TcpListener,
    connections_max: usize,
    refused: Counter,
    configure: C,
    on_connect: O,
) -> io::Result<Listening>
where
    C: FnOnce(&mut ServiceConfig),
    O: Fn(&TcpStream, &mut Extensions) + 'static,
{
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let addr = listener.local_addr()?;
    let app = App::new()
        .configure(configure)
        .into_factory()
        .map_err(|error: Error| error.error_response());
    let service = HttpService::build()
        .keep_alive(KeepAlive::Disabled)
        .client_request_timeout(within)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .local_addr(addr)
        .on_connect_ext(on_connect)
        .finish(map_config(app, |_| AppConfig::default()))
        .tcp()
        .new_service(())
        .await
        .map_err(|()| io::Error::other("the HTTP application could not be set up"))?;

    let connections_max = connections_max.min(Semaphore::MAX_PERMITS);
    let door = Arc::new(Door {
        listener: Mutex::new(Some(listener)),
        places: Arc::new(Semaphore::new(connections_max)),
        connections_max,
    });
    let accepting = actix_rt::spawn(accept(Arc::clone(&door), refused, Rc::new(service)));
    Ok(Listening {
        addr,
        door,
        accepting,
    })
}

impl Listening {
    /// Stops accepting and frees the port. Connections that are open go on.
    pub fn stop(&self) {
        self.accepting.abort();
        drop(lock(&self.door.listener).take());
    }

    /// How many connections are open.
    pub fn connections_open(&self) -> usize {
        self.door.connections_max - self.door.places.available_permits()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Door {
    /// The next socket; `None` when the door is closed.
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<TcpStream>>> {
        match lock(&self.listener).as_ref() {
            Some(listener) => listener
                .poll_accept(cx)
                .map(|accepted| Some(accepted.map(|(socket, _)| socket))),
            None => Poll::Ready(None),
        }
    }
}

async fn accept<S>(door: Arc<Door>, refused: Counter, service: Rc<S>)
where
    S: Service<TcpStream, Response = ()> + 'static,
    S::Error: fmt::Debug,
{
    while let Some(accepted) = poll_fn(|cx| door.poll_accept(cx)).await {
        let socket = match accepted {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                rest().await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&door.places).try_acquire_owned() else {
            refused.inc();
            continue;
        };
        let connection = service.call(socket);
        actix_rt::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(?error, "a connection ended in an error");
            }
            drop(place);
        });
    }
}

/// A pause on the blocking pool: the listener would report the same error again at once, and time belongs to the clock.
async fn rest() {
    let _ = actix_rt::task::spawn_blocking(|| std::thread::sleep(ACCEPT_REST)).await;
}
