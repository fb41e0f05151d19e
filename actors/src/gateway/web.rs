//! What the gateway answers over HTTP: the page to play on (`page.rs`), and the handshake of a WebSocket. Refuses heads that
//! are too long, addresses from which too much comes, and browsers that come from somebody else's page.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Data, Payload, ServiceConfig, get};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_actors::ws::WsResponseBuilder;
use realm::ServiceCx;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::addresses::Seat;
use super::house::{House, Kick};
use super::metrics::Crowd;
use super::others::Others;
use super::page;
use super::pump::Pump;
use super::scanner::{FRAME_LEN_MAX, FaultCell, Scanner};

/// The longest request head, in bytes of its target and headers.
const HEAD_LEN_MAX: usize = 8 * 1024;

/// What the system holds for a client that does not read. More would only hide that it is slow.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// An address that has too many connections open should look again after this.
const OPEN_AGAIN: Duration = Duration::from_secs(10);

/// Where a proxy says for whom it asks.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Sets up the routes; `cx` is the service whose sessions are opened here.
pub(super) fn routes(cx: ServiceCx) -> impl FnOnce(&mut ServiceConfig) {
    move |app| {
        app.app_data(Data::new(cx))
            .route("/ws", get().to(socket))
            .configure(page::routes);
    }
}

/// What is known of a connection before its first byte.
struct Arrival {
    /// A second handle on the socket, by which it can be ended when it does not move any more.
    kick: Kick,
    peer: IpAddr,
    /// Its place among those of its address; a trusted proxy needs none.
    seat: Option<Seat>,
}

/// Receives each socket; `cx` is the service whose sessions are opened here.
pub(super) fn on_connect(cx: ServiceCx) -> impl Fn(&TcpStream, &mut actix_web::dev::Extensions) {
    move |socket, data| match (cx.held::<House>(), socket.peer_addr()) {
        (Some(house), Ok(peer)) => receive(&house, socket, peer.ip(), data),
        // Without its house the service is ending, and a socket without a peer has ended: neither is answered.
        (None, _) | (_, Err(_)) => {}
    }
}

fn receive(house: &House, socket: &TcpStream, peer: IpAddr, data: &mut actix_web::dev::Extensions) {
    let socket = SockRef::from(socket);
    if let Err(error) = socket.set_send_buffer_size(SEND_BUFFER_BYTES) {
        tracing::debug!(%error, "a socket keeps the send buffer that the system gave it");
    }
    let kick = match socket.try_clone() {
        Ok(socket) => Kick::new(socket),
        Err(error) => {
            return tracing::warn!(%error, "a socket without a second handle takes no WebSocket");
        }
    };
    let addresses = &house.addresses;
    let seat = (!addresses.trusts(peer)).then(|| addresses.arrive(peer));
    if seat.as_ref().is_some_and(Seat::is_flood) {
        house.metrics.turned_away(Crowd::Flood);
        kick.cut();
    }
    data.insert(Arrival { kick, peer, seat });
}

/// What is asked for, each with a rate of its own: a page has many files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The page's text, or a WebSocket.
    Way,
    /// A file of the page.
    Asset,
}

/// Who asks, if that may be asked from there. The second is the place of somebody behind a proxy.
fn admit(
    request: &HttpRequest,
    house: &House,
    asked: Asked,
) -> Result<(IpAddr, Option<Seat>), Refusal> {
    if head_len(request) > HEAD_LEN_MAX {
        return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into());
    }
    let Some(arrival) = request.conn_data::<Arrival>() else {
        return Err(StatusCode::SERVICE_UNAVAILABLE.into());
    };
    let (address, own) = match arrival.seat {
        Some(_) => (arrival.peer, None),
        None => {
            let forwarded: Vec<&[u8]> = request
                .headers()
                .get_all(FORWARDED_FOR)
                .map(header::HeaderValue::as_bytes)
                .collect();
            let client = house.addresses.behind(arrival.peer, forwarded.into_iter());
            (client, Some(house.addresses.arrive(client)))
        }
    };
    let seat = own.as_ref().or(arrival.seat.as_ref());
    if seat.is_some_and(Seat::is_too_many) {
        house.metrics.turned_away(Crowd::Open);
        return Err(Refusal::until(OPEN_AGAIN));
    }
    let taken = match asked {
        Asked::Way => house.addresses.request(address),
        Asked::Asset => house.addresses.asset(address),
    };
    if let Err(wait) = taken {
        house.metrics.turned_away(Crowd::Rate);
        return Err(Refusal::until(wait));
    }
    Ok((address, own))
}

/// The answer to who may not ask for something of the page.
pub(super) fn refusal_of_page(
    request: &HttpRequest,
    cx: &ServiceCx,
    asked: Asked,
) -> Option<HttpResponse> {
    let Some(house) = cx.held::<House>() else {
        return Some(refused(StatusCode::SERVICE_UNAVAILABLE));
    };
    admit(request, &house, asked).err().map(Refusal::answer)
}

async fn socket(request: HttpRequest, payload: Payload, cx: Data<ServiceCx>) -> HttpResponse {
    // Without its house the service is ending; without a kick a client that does not read could not be ended.
    let (Some(house), Some(arrival)) = (cx.held::<House>(), request.conn_data::<Arrival>()) else {
        return refused(StatusCode::SERVICE_UNAVAILABLE);
    };
    let (address, seat) = match admit(&request, &house, Asked::Way) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.answer(),
    };
    if is_foreign(request.headers(), &house.others) {
        return refused(StatusCode::FORBIDDEN);
    }
    let guest = house.guest(address, &cx);
    let kick = arrival.kick.clone();
    let fault = FaultCell::default();
    let payload = Scanner::new(payload, fault.clone());
    let pump = Pump::new(cx.get_ref().clone(), house, kick, guest, seat, fault);
    let frame_len_max = usize::try_from(FRAME_LEN_MAX).unwrap_or(usize::MAX);
    WsResponseBuilder::new(pump, &request, payload)
        .frame_size(frame_len_max)
        .start()
        .unwrap_or_else(|error| error.error_response())
}

/// Why a request is not carried out.
struct Refusal {
    status: StatusCode,
    /// When it may be.
    after: Option<Duration>,
}

impl Refusal {
    /// To an address from which too much comes.
    fn until(after: Duration) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            after: Some(after),
        }
    }

    fn answer(self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        if let Some(after) = self.after {
            let seconds = after.as_millis().div_ceil(1_000).max(1);
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        answer
            .content_type("text/plain; charset=utf-8")
            .body(self.status.canonical_reason().unwrap_or_default())
    }
}

impl From<StatusCode> for Refusal {
    fn from(status: StatusCode) -> Self {
        Self {
            status,
            after: None,
        }
    }
}

pub(super) fn refused(status: StatusCode) -> HttpResponse {
    Refusal::from(status).answer()
}

/// The parser takes heads of 128 KiB; no client of ours needs that.
fn head_len(request: &HttpRequest) -> usize {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    target + headers
}

/// True for a browser on a page that came neither from this host nor from another gateway. Programs send no origin.
fn is_foreign(headers: &HeaderMap, others: &Others) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    match (origin, host) {
        (Some((_, origin)), Some(host)) => {
            !origin.eq_ignore_ascii_case(host) && !others.is_known(origin)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::gateway::others::Announcement;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut request = TestRequest::default().insert_header((header::HOST, host));
        if let Some(origin) = origin {
            request = request.insert_header((header::ORIGIN, origin));
        }
        request.to_http_request().headers().clone()
    }

    #[test]
    fn only_a_page_of_this_realm_opens_a_socket() {
        let others = Others::default();
        let url = "ws://other.example:7777/ws".to_owned();
        others.heard(Announcement { birth: 1, url }, realm::Moment::default());
        let foreign = |origin| is_foreign(&headers("realm.example:7777", origin), &others);
        assert!(
            !foreign(Some("http://other.example:7777")),
            "a page of another gateway is welcome"
        );
        assert!(!foreign(None), "a program without an origin is welcome");
        assert!(
            !foreign(Some("http://Realm.example:7777")),
            "our own page is welcome"
        );
        assert!(
            foreign(Some("http://realm.example")),
            "another port is another site"
        );
        assert!(
            foreign(Some("https://evil.example")),
            "somebody else's page is foreign"
        );
        assert!(foreign(Some("null")), "a page from nowhere is foreign");
    }
}
