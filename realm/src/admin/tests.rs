//! The operator's routes over a real socket.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Pages, Readiness, ReadyState, serve};
use crate::http::Listening;
use crate::metrics::Metrics;

async fn admin(metrics: &Metrics, ready: &Readiness) -> Listening {
    admin_with(metrics, ready, &Pages::default()).await
}

async fn admin_with(metrics: &Metrics, ready: &Readiness, pages: &Pages) -> Listening {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port should be free");
    serve(listener, metrics.clone(), ready.clone(), pages.clone())
        .await
        .expect("the admin listener should serve")
}

async fn get(listening: &Listening, path: &str) -> String {
    let mut socket = TcpStream::connect(listening.addr)
        .await
        .expect("the listener should accept");
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    socket
        .write_all(request.as_bytes())
        .await
        .expect("the request should be sent");
    let mut answer = String::new();
    socket
        .read_to_string(&mut answer)
        .await
        .expect("the answer should be text");
    answer
}

#[actix_web::test]
async fn a_node_tells_whether_it_wants_players() {
    let ready = Readiness::new();
    let listening = admin(&Metrics::new("one"), &ready).await;
    for (state, status, reason) in [
        (ReadyState::Starting, "503", "starting\n"),
        (ReadyState::Ready, "200", "ready\n"),
        (ReadyState::Draining, "503", "draining\n"),
    ] {
        ready.set(state);
        assert_eq!(ready.get(), state, "the state should be kept");
        let answer = get(&listening, "/readyz").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.ends_with(reason),
            "a node that is {state:?} should answer {status} and the reason: {answer}"
        );
        let answer = get(&listening, "/livez").await;
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "a node that is {state:?} lives: {answer}"
        );
    }
}

#[actix_web::test]
async fn the_metrics_can_be_scraped() {
    let metrics = Metrics::new("one");
    metrics.death("mob", "panic");
    let listening = admin(&metrics, &Readiness::new()).await;
    let answer = get(&listening, "/metrics").await;
    assert!(
        answer.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "a scraper should be told the format: {answer}"
    );
    assert!(
        answer.contains(r#"realm_deaths_total{node="one",locale="mob",reason="panic"} 1"#),
        "the node's deaths should be in the text: {answer}"
    );
    assert!(
        answer.ends_with("# EOF\n"),
        "the text should be whole: {answer}"
    );
}

#[actix_web::test]
async fn a_module_shows_a_page_and_its_successor_replaces_it() {
    let pages = Pages::default();
    let listening = admin_with(&Metrics::new("one"), &Readiness::new(), &pages).await;
    let answer = get(&listening, "/dogs").await;
    assert!(
        answer.starts_with("HTTP/1.1 404"),
        "a page that nobody shows should not be there: {answer}"
    );
    for count in ["7", "8"] {
        pages.show("/dogs", "application/json", move || count.to_owned());
        let answer = get(&listening, "/dogs").await;
        assert!(
            answer.starts_with("HTTP/1.1 200")
                && answer.contains("content-type: application/json")
                && answer.ends_with(&format!("\r\n\r\n{count}")),
            "the page should be what its module last said: {answer}"
        );
    }
}
