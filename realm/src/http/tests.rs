//! The listener over real sockets.

use std::io;
use std::time::Duration;

use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Listening, serve, serve_within};
use crate::Clock;

fn routes(app: &mut ServiceConfig) {
    app.route("/hello", web::get().to(async || "hello"))
        .route("/peer", web::get().to(peer))
        .route("/panic", web::get().to(panics))
        .route("/echo", web::get().to(echo));
}

async fn peer(request: HttpRequest) -> String {
    request
        .conn_data::<u16>()
        .map_or("nothing".to_owned(), u16::to_string)
}

async fn panics() -> HttpResponse {
    panic!("a handler that fails")
}

/// What a WebSocket handshake comes down to: 101, and from then on bytes both ways.
async fn echo(payload: Payload) -> HttpResponse {
    HttpResponse::SwitchingProtocols()
        .upgrade("echo")
        .streaming(payload)
}

async fn listen(connections_max: usize) -> (Listening, Counter) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port should be free");
    let refused = Counter::default();
    let listening = serve(
        listener,
        connections_max,
        refused.clone(),
        routes,
        |socket, data| {
            data.insert(socket.peer_addr().map_or(0, |peer| peer.port()));
        },
    );
    (listening.await.expect("the listener should serve"), refused)
}

async fn send(socket: &mut TcpStream, path: &str, header: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n{header}\r\n");
    socket
        .write_all(request.as_bytes())
        .await
        .expect("the request should be sent");
}

/// Reads until what was read ends so.
async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let byte = socket
            .read_u8()
            .await
            .expect("the answer should not end early");
        read.push(byte);
    }
    String::from_utf8(read).expect("the answer should be text")
}

#[actix_web::test]
async fn a_request_is_answered_on_the_thread_that_serves() {
    let (listening, _) = listen(8).await;
    let mut socket = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    send(&mut socket, "/hello", "").await;
    let answer = read_until(&mut socket, "hello").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK"),
        "the route should answer: {answer}"
    );
    let mut socket = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    send(&mut socket, "/nowhere", "").await;
    let answer = read_until(&mut socket, "\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 404"),
        "an unknown route should answer too: {answer}"
    );
}

/// What a client is told that sends a head and then no more than a byte now and then.
async fn dribble(head: &str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port should be free");
    let within = Duration::from_millis(300);
    let listening = serve_within(within, listener, 8, Counter::default(), routes, |_, _| ());
    let listening = listening.await.expect("the listener should serve");
    let socket = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    let (mut reader, mut writer) = socket.into_split();
    let head = head.to_owned();
    let writing = actix_rt::spawn(async move {
        let mut sent = writer.write_all(head.as_bytes()).await;
        while sent.is_ok() {
            Clock::machine().sleep(Duration::from_millis(20)).await;
            sent = writer.write_all(b"x").await;
        }
    });
    let mut told = Vec::new();
    // The end may be a reset: there is always a byte that was not read.
    let _ = reader.read_to_end(&mut told).await;
    writing.abort();
    String::from_utf8(told).expect("the answer should be text")
}

#[actix_web::test]
async fn a_head_that_dribbles_ends_in_time() {
    let told = dribble("GET /hello HTTP/1.1\r\nX: ").await;
    assert!(
        told.is_empty() || told.starts_with("HTTP/1.1 408"),
        "it should be told that it is too slow: {told}"
    );
}

#[actix_web::test]
async fn a_second_head_that_dribbles_ends_too() {
    let told = dribble("GET /hello HTTP/1.1\r\nHost: test\r\n\r\nGET /hello HTTP/1.1\r\nX: ").await;
    assert!(
        told.starts_with("HTTP/1.1 200"),
        "the first request should be answered: {told}"
    );
    assert!(
        !told[1..].contains("HTTP/1.1 200"),
        "the second should not: {told}"
    );
}

#[actix_web::test]
async fn a_body_that_nobody_wants_ends_too() {
    let told =
        dribble("POST /hello HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000\r\n\r\n").await;
    assert!(
        told.is_empty() || told.starts_with("HTTP/1.1 40"),
        "it should be refused: {told}"
    );
}

#[actix_web::test]
async fn what_on_connect_leaves_is_there_for_the_request() {
    let (listening, _) = listen(8).await;
    let mut socket = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    let port = socket
        .local_addr()
        .expect("the socket should have an address")
        .port();
    send(&mut socket, "/peer", "").await;
    let answer = read_until(&mut socket, &port.to_string()).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK"),
        "the handler should see the data: {answer}"
    );
}

#[actix_web::test]
async fn a_connection_can_be_upgraded() {
    let (listening, _) = listen(8).await;
    let mut socket = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    send(
        &mut socket,
        "/echo",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    )
    .await;
    let answer = read_until(&mut socket, "\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 101"),
        "the handler should switch protocols: {answer}"
    );
    socket
        .write_all(b"woof")
        .await
        .expect("the upgraded socket should take bytes");
    let echoed = read_until(&mut socket, "woof").await;
    assert_eq!(echoed, "woof", "bytes should come back as they were sent");
}

#[actix_web::test]
async fn a_connection_past_the_bound_is_closed_and_counted() {
    let (listening, refused) = listen(1).await;
    let mut first = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    while listening.connections_open() == 0 {
        actix_rt::task::yield_now().await;
    }
    assert_eq!(
        listening.connections_open(),
        1,
        "the first connection should hold the place"
    );

    let mut second = TcpStream::connect(listening.addr)
        .await
        .expect("the system should accept");
    let read = second.read(&mut [0; 16]).await;
    assert!(
        matches!(read, Ok(0) | Err(_)),
        "the second connection should be closed unread: {read:?}"
    );
    assert_eq!(refused.get(), 1, "the refusal should be counted");

    send(&mut first, "/hello", "Connection: close\r\n").await;
    let mut rest = String::new();
    first
        .read_to_string(&mut rest)
        .await
        .expect("the first connection should end in order");
    while listening.connections_open() > 0 {
        actix_rt::task::yield_now().await;
    }
    let mut third = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    send(&mut third, "/hello", "").await;
    read_until(&mut third, "hello").await;
}

#[actix_web::test]
async fn a_panic_in_a_handler_ends_its_connection_alone() {
    let (listening, _) = listen(2).await;
    let mut other = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    let mut socket = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    send(&mut socket, "/panic", "").await;
    let read = socket.read(&mut [0; 16]).await;
    assert!(
        matches!(read, Ok(0) | Err(_)),
        "the connection should end: {read:?}"
    );
    send(&mut other, "/hello", "").await;
    read_until(&mut other, "hello").await;
    while listening.connections_open() > 1 {
        actix_rt::task::yield_now().await;
    }
}

#[actix_web::test]
async fn a_stopped_listener_frees_its_port_and_keeps_its_connections() {
    let (listening, _) = listen(8).await;
    let addr = listening.addr;
    let mut socket = TcpStream::connect(addr)
        .await
        .expect("the listener should accept");
    while listening.connections_open() == 0 {
        actix_rt::task::yield_now().await;
    }
    listening.stop();
    let refused = TcpStream::connect(addr).await.map_err(|error| error.kind());
    assert_eq!(
        refused.err(),
        Some(io::ErrorKind::ConnectionRefused),
        "nobody should listen any more"
    );
    send(&mut socket, "/hello", "").await;
    read_until(&mut socket, "hello").await;
}

#[actix_web::test]
async fn a_dropped_listener_frees_its_port_for_the_next() {
    let (listening, _) = listen(8).await;
    let addr = listening.addr;
    drop(listening);
    std::net::TcpListener::bind(addr).expect("the port should be free at once");
}
