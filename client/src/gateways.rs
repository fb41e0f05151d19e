//! Where a realm can be reached, and where a client that lost its connection tries next: the same gateway, then the others,
//! with growing pauses. Connects to nothing itself.

/// How many addresses a client keeps.
pub const GATEWAYS_LEN_MAX: usize = 16;

/// The pause after each has been tried in vain; it doubles.
const PAUSE_MS: u64 = 250;
const PAUSE_MS_MAX: u64 = 5_000;

/// The gateways of a realm. The list is never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateways {
    urls: Vec<String>,
    /// The one that is connected to, or was.
    current: usize,
    tries: usize,
}

/// Where to connect, and how long to wait before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The gateway.
    pub url: String,
    /// The pause before.
    pub wait_ms: u64,
}

impl Gateways {
    /// One gateway is known: the one where the client is.
    pub fn new(url: impl Into<String>) -> Gateways {
        Gateways {
            urls: vec![url.into()],
            current: 0,
            tries: 0,
        }
    }

    /// The server has told which there are. The one where the client is stays among them, whatever it is called there.
    pub fn learn(&mut self, urls: &[String]) {
        let here = self.urls.swap_remove(self.current);
        let mut known = vec![here];
        for url in urls {
            if !known.contains(url) && known.len() < GATEWAYS_LEN_MAX {
                known.push(url.clone());
            }
        }
        (self.urls, self.current) = (known, 0);
    }

    /// All that are known.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// The next one to try.
    pub fn next_try(&mut self) -> Try {
        let rounds = (self.tries / self.urls.len()) as u32;
        let begins_round = self.tries.is_multiple_of(self.urls.len());
        if self.tries > 0 {
            self.current = (self.current + 1) % self.urls.len();
        }
        self.tries += 1;
        let wait_ms = match rounds {
            1.. if begins_round => {
                let doubled = PAUSE_MS.saturating_mul(1 << (rounds - 1).min(16));
                doubled.min(PAUSE_MS_MAX)
            }
            _ => 0,
        };
        Try {
            url: self.urls[self.current].clone(),
            wait_ms,
        }
    }

    /// The last try has led back into the realm.
    pub fn found(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(gateways: &mut Gateways, count: usize) -> Vec<(String, u64)> {
        let next = |_| gateways.next_try();
        let tries = (0..count).map(next);
        tries.map(|it| (it.url, it.wait_ms)).collect()
    }

    fn of(told: &[(&str, u64)]) -> Vec<(String, u64)> {
        told.iter()
            .map(|(url, wait_ms)| ((*url).to_owned(), *wait_ms))
            .collect()
    }

    #[test]
    fn the_same_gateway_is_tried_first_and_then_the_others_in_turn() {
        let mut gateways = Gateways::new("a");
        gateways.learn(&["b".to_owned(), "a".to_owned(), "c".to_owned()]);
        assert_eq!(
            tries(&mut gateways, 7),
            of(&[
                ("a", 0),
                ("b", 0),
                ("c", 0),
                ("a", 250),
                ("b", 0),
                ("c", 0),
                ("a", 500)
            ]),
            "each should be tried once before a pause, and pauses should grow"
        );
        assert_eq!(tries(&mut gateways, 1), of(&[("b", 0)]));
        gateways.found();
        assert_eq!(
            tries(&mut gateways, 2),
            of(&[("b", 0), ("c", 0)]),
            "the one that was found should be the first next time"
        );
        gateways.learn(&["a".to_owned()]);
        assert_eq!(
            gateways.urls(),
            ["c", "a"],
            "the one where the client is should stay"
        );
    }

    #[test]
    fn pauses_and_the_list_are_bounded() {
        let mut gateways = Gateways::new("a");
        let pauses = tries(&mut gateways, 100);
        let longest = pauses.iter().map(|(_, wait_ms)| *wait_ms).max();
        assert_eq!(
            longest,
            Some(PAUSE_MS_MAX),
            "no pause should be longer than that"
        );
        let many: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        gateways.learn(&many);
        assert_eq!(
            gateways.urls().len(),
            GATEWAYS_LEN_MAX,
            "no more should be kept"
        );
    }
}
