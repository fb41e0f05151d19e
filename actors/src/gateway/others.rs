//! Which gateways clients can go to. Each publishes its address about once a second, and holds what it has heard of the
//! others until their node is lost or they are silent. Connects to none.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use realm::{Birth, Moment};
use serde::{Deserialize, Serialize};

/// How often a gateway tells of itself.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// A gateway that is not heard for so long is not told any more.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// Gateways that are remembered, those included that are up no more: a page that one of them served goes on by another.
const REMEMBERED_MAX: usize = 64;
/// Gateways that a client is told.
const TOLD_MAX: usize = client::gateways::GATEWAYS_LEN_MAX;
/// The longest address, in bytes.
const URL_LEN_MAX: usize = 256;

/// What a gateway tells of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Announcement {
    pub(super) birth: u32,
    pub(super) url: String,
}

/// The gateways of the realm, as one of them knows them.
pub(super) struct Others {
    pub(super) topic: Arc<str>,
    here: RefCell<Option<String>>,
    known: RefCell<BTreeMap<u32, Known>>,
    /// Counts the changes of what clients are told.
    version: Cell<u64>,
}

struct Known {
    url: String,
    heard_at: Moment,
    up: bool,
}

impl Default for Others {
    fn default() -> Self {
        Self {
            topic: "gateways".into(),
            here: RefCell::default(),
            known: RefCell::default(),
            version: Cell::new(0),
        }
    }
}

impl Others {
    /// Clients find this gateway there.
    pub(super) fn open(&self, url: String) {
        *self.here.borrow_mut() = Some(url);
        self.changed();
    }

    /// Where clients find this gateway, if anywhere.
    pub(super) fn here(&self) -> Option<String> {
        self.here.borrow().clone()
    }

    /// Another gateway was heard.
    pub(super) fn heard(&self, announcement: Announcement, now: Moment) {
        let Announcement { birth, url } = announcement;
        if !is_url(&url) {
            return;
        }
        let mut known = self.known.borrow_mut();
        let before = known.get(&birth);
        let news = before.is_none_or(|before| !before.up || before.url != url);
        if before.is_none() && known.len() >= REMEMBERED_MAX {
            let down = known.iter().find(|(_, known)| !known.up);
            let Some(down) = down.map(|(birth, _)| *birth) else {
                return;
            };
            known.remove(&down);
        }
        let heard = Known {
            url,
            heard_at: now,
            up: true,
        };
        known.insert(birth, heard);
        if news {
            self.changed();
        }
    }

    /// A node is gone, and its gateway with it.
    pub(super) fn lost(&self, node: Birth) {
        let mut known = self.known.borrow_mut();
        if let Some(lost) = known.get_mut(&node.get()).filter(|known| known.up) {
            lost.up = false;
            self.changed();
        }
    }

    /// Time has passed: who is silent is not up.
    pub(super) fn look(&self, now: Moment) {
        for known in self.known.borrow_mut().values_mut() {
            if known.up && now.since(known.heard_at) > SILENCE_MAX {
                known.up = false;
                self.changed();
            }
        }
    }

    /// Grows with each change.
    pub(super) fn version(&self) -> u64 {
        self.version.get()
    }

    /// What one client is told: this gateway first, then the others. They begin at another one for each `turn`, so that the
    /// clients of a gateway that ends do not all go to the same.
    pub(super) fn told(&self, turn: u64) -> Vec<String> {
        let known = self.known.borrow();
        let mut others: Vec<&String> = Vec::new();
        for known in known.values().filter(|known| known.up) {
            if !others.contains(&&known.url) {
                others.push(&known.url);
            }
        }
        if let Some(count) = std::num::NonZeroU64::new(others.len() as u64) {
            others.rotate_left(usize::try_from(turn % count).unwrap_or(0));
        }
        let here = self.here.borrow();
        let all = here
            .iter()
            .chain(others.into_iter().filter(|url| Some(*url) != here.as_ref()));
        all.take(TOLD_MAX).cloned().collect()
    }

    /// Where a page from here may connect to.
    pub(super) fn origins(&self) -> Vec<String> {
        let told = self.told(0);
        told.iter()
            .filter_map(|url| Some(split(url)?.0.to_owned()))
            .collect()
    }

    /// True when that host and port is, or was, a gateway's: its page may go on here.
    pub(super) fn is_known(&self, host: &str) -> bool {
        let is_it = |url: &String| split(url).is_some_and(|(_, it)| it.eq_ignore_ascii_case(host));
        self.here.borrow().iter().any(is_it)
            || self.known.borrow().values().any(|known| is_it(&known.url))
    }

    fn changed(&self) {
        self.version.set(self.version.get() + 1);
    }
}

/// The address by which clients find who listens there; `None` when that is known to the operator only.
pub(super) fn url_of(listening: SocketAddr) -> Option<String> {
    (!listening.ip().is_unspecified()).then(|| format!("ws://{listening}/ws"))
}

/// True for an address of a WebSocket that has nothing in it that a header or a page could take for something else.
pub(super) fn is_url(url: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]".contains(&byte);
    url.len() <= URL_LEN_MAX && url.bytes().all(plain) && split(url).is_some()
}

/// Scheme and host, and the host alone, with its port.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url
        .strip_prefix("ws://")
        .or_else(|| url.strip_prefix("wss://"))?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    let scheme = url.len() - rest.len();
    Some((url.get(..scheme + host.len())?, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::default() + Duration::from_millis(millis)
    }

    fn hear(others: &Others, birth: u32, now: Moment) {
        let url = format!("ws://10.0.0.{birth}:7777/ws");
        others.heard(Announcement { birth, url }, now);
    }

    fn told(others: &Others, turn: u64) -> Vec<String> {
        let told = others.told(turn);
        let number = |url: &String| {
            url.trim_start_matches("ws://10.0.0.")
                .trim_end_matches(":7777/ws")
                .to_owned()
        };
        told.iter().map(number).collect()
    }

    #[test]
    fn clients_are_told_this_gateway_first_and_spread_over_the_others() {
        let others = Others::default();
        others.open("ws://10.0.0.2:7777/ws".to_owned());
        for birth in [1, 2, 3] {
            hear(&others, birth, at(0));
        }
        assert_eq!(
            told(&others, 0),
            ["2", "1", "3"],
            "no one should be told twice"
        );
        assert_eq!(
            told(&others, 2),
            ["2", "3", "1"],
            "another client should go elsewhere first"
        );
    }

    #[test]
    fn who_is_lost_or_silent_is_not_told_and_remembered() {
        let others = Others::default();
        hear(&others, 1, at(0));
        hear(&others, 2, at(0));
        let version = others.version();
        hear(&others, 1, at(4_000));
        assert_eq!(others.version(), version, "what was known is no news");
        others.look(at(5_001));
        assert_eq!(told(&others, 0), ["1"], "the silent one should not be told");
        others.lost(Birth::new(1).expect("a birth"));
        assert!(told(&others, 0).is_empty(), "nor the lost one");
        assert!(others.version() > version, "both are news");
        assert!(others.is_known("10.0.0.1:7777"), "its page may go on here");
        assert!(!others.is_known("evil.example"), "no other page may");
        hear(&others, 1, at(6_000));
        assert_eq!(told(&others, 0), ["1"], "who is heard again is up again");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let others = Others::default();
        for birth in 1..=2 * REMEMBERED_MAX as u32 {
            hear(&others, birth, at(0));
        }
        assert_eq!(
            others.known.borrow().len(),
            REMEMBERED_MAX,
            "no more should be remembered"
        );
        assert_eq!(others.told(0).len(), TOLD_MAX, "and fewer told");
    }

    #[test]
    fn only_a_plain_address_of_a_web_socket_is_one() {
        for url in [
            "ws://127.0.0.1:7777/ws",
            "wss://play.example/ws",
            "ws://[::1]:7777/ws",
        ] {
            assert!(is_url(url), "{url} should do");
        }
        for url in [
            "",
            "http://a/ws",
            "ws://",
            "ws:///ws",
            "ws://a b/ws",
            "ws://a;script-src/ws",
            "ws://a'/ws",
        ] {
            assert!(!is_url(url), "{url} should be refused");
        }
        let anywhere = SocketAddr::from(([0, 0, 0, 0], 7777));
        assert_eq!(url_of(anywhere), None, "nobody can connect to everywhere");
    }
}
