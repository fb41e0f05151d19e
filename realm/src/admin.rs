//! The operator's listener: metrics, whether the process lives, whether it should get players, and what modules show. It
//! changes nothing and belongs on an address that only operators reach.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use actix_web::http::header::ContentType;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Responder};

use crate::http::{self, Listening};
use crate::metrics::Metrics;
use crate::pages::Pages;

#[cfg(test)]
mod tests;

/// A scraper, an orchestrator and a few people: more is a mistake.
const CONNECTIONS_MAX: usize = 64;

/// Whether the node should get players. A clone tells the same; it starts as `Starting`.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    state: Arc<AtomicU8>,
}

/// How far a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ReadyState {
    /// Its services are not all up yet.
    Starting,
    /// It serves.
    Ready,
    /// It serves those whom it has and wants no more.
    Draining,
}

impl Readiness {
    /// A node that is starting.
    pub fn new() -> Readiness {
        Readiness::default()
    }

    /// Says how far the node is from now on.
    pub fn set(&self, state: ReadyState) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// How far the node is.
    pub fn get(&self) -> ReadyState {
        match self.state.load(Ordering::Acquire) {
            state if state == ReadyState::Starting as u8 => ReadyState::Starting,
            state if state == ReadyState::Ready as u8 => ReadyState::Ready,
            _ => ReadyState::Draining,
        }
    }
}

/// Serves `/metrics`, `/livez`, `/readyz` and the modules' `pages` on the current arbiter.
pub async fn serve(
    listener: std::net::TcpListener,
    metrics: Metrics,
    ready: Readiness,
    pages: Pages,
) -> io::Result<Listening> {
    let refused = metrics.connections_refused("admin");
    let routes = move |app: &mut ServiceConfig| {
        app.app_data(Data::new(metrics))
            .app_data(Data::new(ready))
            .app_data(Data::new(pages))
            .route("/metrics", web::get().to(metrics_text))
            .route("/livez", web::get().to(livez))
            .route("/readyz", web::get().to(readyz))
            .default_service(web::get().to(page));
    };
    http::serve(listener, CONNECTIONS_MAX, refused, routes, |_, _| ()).await
}

async fn metrics_text(metrics: Data<Metrics>) -> impl Responder {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(metrics.encode())
}

async fn livez() -> impl Responder {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body("alive\n")
}

async fn readyz(ready: Data<Readiness>) -> impl Responder {
    let (mut response, reason) = match ready.get() {
        ReadyState::Ready => (HttpResponse::Ok(), "ready\n"),
        ReadyState::Starting => (HttpResponse::ServiceUnavailable(), "starting\n"),
        ReadyState::Draining => (HttpResponse::ServiceUnavailable(), "draining\n"),
    };
    response.content_type(ContentType::plaintext()).body(reason)
}

async fn page(request: HttpRequest, pages: Data<Pages>) -> impl Responder {
    match pages.read(request.path()) {
        Some((content_type, body)) => HttpResponse::Ok().content_type(content_type).body(body),
        None => HttpResponse::NotFound()
            .content_type(ContentType::plaintext())
            .body("no such page\n"),
    }
}
