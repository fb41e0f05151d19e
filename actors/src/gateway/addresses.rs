//! What may come from one network address: connections at a time, handshakes, files of the page, logins,
//! registrations. No address is exempt.
//! Says who is behind a proxy that the role trusts, and believes nobody else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use realm::Clock;

use super::config::GatewayConfig;
use crate::limit::{Limits, per_minute, per_second};

/// Networks whose rates are known at a time.
const KNOWN_MAX: usize = 16_384;

/// What counts as one address. Of IPv6 a customer is given 2⁶⁴, so these are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Network(IpAddr);

impl Network {
    /// The network that an address belongs to.
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = address.to_bits() & !u128::from(u64::MAX);
                Ipv6Addr::from_bits(prefix).into()
            }
            v4 => v4,
        })
    }

    /// Its first address.
    pub(super) fn address(self) -> IpAddr {
        self.0
    }
}

/// The limits of all addresses, and who of them is here.
#[derive(Debug)]
pub(super) struct Addresses {
    open: RefCell<BTreeMap<Network, usize>>,
    open_max: usize,
    handshakes: Limits<Network>,
    assets: Limits<Network>,
    logins: Limits<Network>,
    registrations: Limits<Network>,
    trusted_proxies: Vec<IpAddr>,
}

impl Addresses {
    /// Nobody has come yet.
    pub(super) fn new(config: &GatewayConfig, clock: &Clock) -> Self {
        let limits = |quota| Limits::new(quota, KNOWN_MAX, clock);
        Self {
            open: RefCell::default(),
            open_max: config.connections_per_address_max,
            handshakes: limits(per_second(
                config.connections_per_address_per_s,
                config.connections_per_address_burst,
            )),
            assets: limits(per_second(
                config.assets_per_address_per_s,
                config.assets_per_address_burst,
            )),
            logins: limits(per_minute(
                config.logins_per_address_per_minute,
                config.logins_per_address_burst,
            )),
            registrations: limits(per_minute(
                config.registrations_per_address_per_minute,
                config.registrations_per_address_burst,
            )),
            trusted_proxies: config.trusted_proxies.clone(),
        }
    }

    /// True for a proxy whose word is believed.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.contains(&peer.to_canonical())
    }

    /// Who a connection from `peer` is for: the peer itself, or, if it is trusted, the last of those whom it forwards for
    /// that is not. `forwarded` are the fields of `X-Forwarded-For` as they came; a proxy writes the address that it sees
    /// at the end, and what stands before is what it was told.
    pub(super) fn behind<'a>(
        &self,
        peer: IpAddr,
        forwarded: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> IpAddr {
        let mut client = peer;
        let hops = forwarded
            .rev()
            .flat_map(|field| field.rsplit(|byte| *byte == b','));
        for hop in hops {
            if !self.trusts(client) {
                break;
            }
            // Whoever forwards for nonsense answers for it.
            let Some(address) = address_in(hop) else {
                break;
            };
            client = address;
        }
        client.to_canonical()
    }

    /// Counts a connection until its seat is dropped.
    pub(super) fn arrive(self: &Rc<Self>, address: IpAddr) -> Seat {
        let network = Network::of(address);
        let mut open = self.open.borrow_mut();
        let count = open.entry(network).or_default();
        *count += 1;
        Seat {
            number: *count,
            network,
            addresses: self.clone(),
        }
    }

    /// A request comes.
    ///
    /// # Errors
    /// How long to wait when it is one too many.
    pub(super) fn request(&self, address: IpAddr) -> Result<(), Duration> {
        self.handshakes.take(&Network::of(address))
    }

    /// A file of the page is asked for.
    ///
    /// # Errors
    /// How long to wait when it is one too many.
    pub(super) fn asset(&self, address: IpAddr) -> Result<(), Duration> {
        self.assets.take(&Network::of(address))
    }

    /// Somebody logs in, or tries to; false when it is one too many.
    pub(super) fn log_in(&self, address: IpAddr) -> bool {
        self.logins.take(&Network::of(address)).is_ok()
    }

    /// Somebody registers, or tries to; false when it is one too many.
    pub(super) fn register(&self, address: IpAddr) -> bool {
        self.registrations.take(&Network::of(address)).is_ok()
    }
}

/// One connection of an address.
#[derive(Debug)]
pub(super) struct Seat {
    /// How many there were with it.
    number: usize,
    network: Network,
    addresses: Rc<Addresses>,
}

impl Seat {
    /// It is more than there may be.
    pub(super) fn is_too_many(&self) -> bool {
        self.number > self.addresses.open_max
    }

    /// It is so many more that it should not even be answered.
    pub(super) fn is_flood(&self) -> bool {
        self.number > self.addresses.open_max.saturating_mul(2)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.addresses.open.borrow_mut();
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

/// An address as proxies write it, perhaps with a port.
fn address_in(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bare = hop.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let address = bare.unwrap_or(hop).parse().ok();
    address.or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(config: GatewayConfig) -> Rc<Addresses> {
        Rc::new(Addresses::new(&config, &Clock::manual()))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_customer_is_one_network() {
        let same = |one, other| Network::of(ip(one)) == Network::of(ip(other));
        assert!(!same("192.0.2.1", "192.0.2.2"), "of IPv4 each is its own");
        assert!(
            same("192.0.2.1", "::ffff:192.0.2.1"),
            "however it is written"
        );
        assert!(
            same("2001:db8:1:2::1", "2001:db8:1:2:ffff::7"),
            "of IPv6 the first half tells"
        );
        assert!(
            !same("2001:db8:1:2::1", "2001:db8:1:3::1"),
            "and all of that half"
        );
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let addresses = addresses(GatewayConfig {
            trusted_proxies: vec![ip("127.0.0.1"), ip("10.0.0.9")],
            ..GatewayConfig::default()
        });
        let behind = |peer: &str, fields: &[&str]| {
            addresses.behind(ip(peer), fields.iter().map(|field| field.as_bytes()))
        };
        assert_eq!(
            behind("192.0.2.7", &["203.0.113.1"]),
            ip("192.0.2.7"),
            "a stranger forwards for nobody"
        );
        assert_eq!(
            behind("127.0.0.1", &[]),
            ip("127.0.0.1"),
            "a proxy that says nothing is its own client"
        );
        assert_eq!(
            behind("127.0.0.1", &["203.0.113.1"]),
            ip("203.0.113.1"),
            "a proxy should be believed"
        );
        assert_eq!(
            behind("::ffff:127.0.0.1", &["203.0.113.1"]),
            ip("203.0.113.1"),
            "however its address is written"
        );
        assert_eq!(
            behind("127.0.0.1", &["198.51.100.1, 203.0.113.1"]),
            ip("203.0.113.1"),
            "what a client says of itself should not be"
        );
        assert_eq!(
            behind("127.0.0.1", &["198.51.100.1", "203.0.113.1, 10.0.0.9"]),
            ip("203.0.113.1"),
            "one trusted proxy may stand behind another"
        );
        assert_eq!(
            behind("127.0.0.1", &["203.0.113.1:4711"]),
            ip("203.0.113.1"),
            "a port should not matter"
        );
        assert_eq!(
            behind("127.0.0.1", &["[2001:db8::1]:4711"]),
            ip("2001:db8::1"),
            "nor one of IPv6"
        );
        assert_eq!(
            behind("127.0.0.1", &["203.0.113.1, unknown"]),
            ip("127.0.0.1"),
            "who forwards for nonsense answers for it"
        );
    }

    #[test]
    fn seats_are_counted_for_each_address_and_come_back() {
        let addresses = addresses(GatewayConfig {
            connections_per_address_max: 2,
            ..GatewayConfig::default()
        });
        let arrive = |address| addresses.arrive(ip(address));
        let seats: Vec<Seat> = (0..5).map(|_| arrive("192.0.2.1")).collect();
        let over: Vec<bool> = seats.iter().map(Seat::is_too_many).collect();
        assert_eq!(
            over,
            [false, false, true, true, true],
            "two should be enough"
        );
        let flood: Vec<bool> = seats.iter().map(Seat::is_flood).collect();
        assert_eq!(
            flood,
            [false, false, false, false, true],
            "past twice as many nobody should be answered"
        );
        assert!(
            !arrive("192.0.2.2").is_too_many(),
            "another address should not suffer"
        );
        drop(seats);
        assert!(!arrive("192.0.2.1").is_too_many(), "seats should come back");
        assert!(
            addresses.open.borrow().is_empty(),
            "who has left should be forgotten"
        );
    }
}
