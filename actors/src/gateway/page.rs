//! The page to play on, as the gateway serves it: the files of `client/web`, which are part of the program, and the part of
//! the content that a player may know. It stores nothing and knows no session; the page itself speaks the client protocol.
//!
//! Everything but the page's own text lies below a hash of what it is, so browsers keep it for good and never mix two
//! versions. All addresses in the page are relative: it works behind a proxy that adds a prefix.

mod assets;
mod content;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Data, Path, ServiceConfig, get};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use realm::ServiceCx;
use sha2::{Digest, Sha256};

use super::house::House;
use super::web::{Asked, refusal_of_page, refused};
use crate::resources::Resources;
use assets::{ASSETS, INDEX};

/// What the page may do: run its own modules, show its own pictures, speak with its own host and the other gateways. No script and no style
/// within the page, no markup made from text, and no frame around it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'{gateways}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// What lies under a hash never changes.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// The page itself is asked for again each time, and answered in a few bytes when it is the same.
const ASK_AGAIN: &str = "no-cache";

/// The page of one gateway, put together at its start.
pub(super) struct Page {
    /// The page's text, with a place for the host.
    index: String,
    /// The hash over all assets, by which their addresses begin.
    version: String,
    content: Bytes,
    content_hash: String,
}

impl Page {
    /// The page of a realm of this name, with what it shows of these resources.
    pub(super) fn new(realm_name: &str, resources: Option<&Resources>) -> Self {
        let content = Bytes::from(content::json(resources));
        let content_hash = hash([content.as_ref()]);
        let version = hash(
            ASSETS
                .iter()
                .flat_map(|asset| [asset.path.as_bytes(), asset.bytes]),
        );
        let preloads: String = ASSETS
            .iter()
            .filter(|asset| asset.path.ends_with(".js"))
            .map(|asset| {
                format!(
                    "<link rel=\"modulepreload\" href=\"assets/{version}/{}\">\n",
                    asset.path
                )
            })
            .collect();
        let index = INDEX
            .replace("{preloads}", &preloads)
            .replace("{assets}", &format!("assets/{version}"))
            .replace("{content}", &format!("content/{content_hash}.json"))
            .replace("{protocol}", &client::PROTOCOL.to_string())
            .replace("{realm}", &escaped(realm_name));
        Self {
            index,
            version,
            content,
            content_hash,
        }
    }

    /// The page's text for who calls this host so.
    fn for_host(&self, host: &str) -> String {
        self.index.replace("{host}", host)
    }
}

/// Sets up the routes of the page.
pub(super) fn routes(app: &mut ServiceConfig) {
    app.route("/", get().to(index))
        .route("/assets/{version}/{path:.*}", get().to(asset))
        .route("/content/{file}", get().to(content));
}

async fn index(request: HttpRequest, cx: Data<ServiceCx>) -> HttpResponse {
    if let Some(refusal) = refusal_of_page(&request, &cx, Asked::Way) {
        return refusal;
    }
    let Some(page) = cx.held::<Page>() else {
        return refused(StatusCode::SERVICE_UNAVAILABLE);
    };
    let text = page.for_host(&host_of(request.headers()));
    let tag = format!("\"{}\"", hash([text.as_bytes()]));
    let known = request.headers().get(header::IF_NONE_MATCH);
    let same = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let status = if same {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    };
    let mut answer = HttpResponse::build(status);
    let others = cx.held::<House>().map(|house| house.others.origins());
    let gateways: String = others
        .into_iter()
        .flatten()
        .map(|origin| format!(" {origin}"))
        .collect();
    let policy = CONTENT_SECURITY_POLICY.replace("{gateways}", &gateways);
    guarded(&mut answer, ASK_AGAIN)
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
        .insert_header((header::ETAG, tag));
    if same {
        return answer.finish();
    }
    answer.content_type("text/html; charset=utf-8").body(text)
}

async fn asset(
    request: HttpRequest,
    place: Path<(String, String)>,
    cx: Data<ServiceCx>,
) -> HttpResponse {
    if let Some(refusal) = refusal_of_page(&request, &cx, Asked::Asset) {
        return refusal;
    }
    let (version, path) = place.into_inner();
    let Some(page) = cx.held::<Page>() else {
        return refused(StatusCode::SERVICE_UNAVAILABLE);
    };
    let found = ASSETS.iter().find(|asset| asset.path == path);
    match found.filter(|_| version == page.version) {
        Some(asset) => guarded(&mut HttpResponse::Ok(), FOR_GOOD)
            .content_type(asset.media_type())
            .body(Bytes::from_static(asset.bytes)),
        None => refused(StatusCode::NOT_FOUND),
    }
}

async fn content(request: HttpRequest, file: Path<String>, cx: Data<ServiceCx>) -> HttpResponse {
    if let Some(refusal) = refusal_of_page(&request, &cx, Asked::Asset) {
        return refusal;
    }
    let Some(page) = cx.held::<Page>() else {
        return refused(StatusCode::SERVICE_UNAVAILABLE);
    };
    if file.strip_suffix(".json") != Some(page.content_hash.as_str()) {
        return refused(StatusCode::NOT_FOUND);
    }
    guarded(&mut HttpResponse::Ok(), FOR_GOOD)
        .content_type("application/json")
        .body(page.content.clone())
}

/// What all that belongs to the page is sent with.
fn guarded<'a>(
    answer: &'a mut HttpResponseBuilder,
    keep: &'static str,
) -> &'a mut HttpResponseBuilder {
    answer
        .insert_header((header::CACHE_CONTROL, keep))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
}

/// Sixteen hex digits that change with any of the parts.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The host as the client calls it, as far as it is one: it goes into the page.
fn host_of(headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match host.len() {
        1..=255 if host.bytes().all(plain) => host.to_owned(),
        _ => "HOST".to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
