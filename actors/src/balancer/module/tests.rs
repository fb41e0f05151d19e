//! Placing characters on mechanics services that only count.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use realm::{Modules, Node};
use serde_bytes::ByteBuf;

use super::*;
use crate::database::scene::{Scene, asker, asking, module, play};
use crate::mechanics::{EnterError, Entrance, Mechanics, Residents};
use crate::tether::Play;
use client::Cell;

thread_local! {
    static OPENED: RefCell<Vec<(Address, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Opens channels and does nothing else.
struct Fake {
    cx: ServiceCx,
    limit: u32,
    broken: bool,
    residents: Vec<i64>,
}

#[derive(Deserialize)]
struct FakeConfig {
    limit: u32,
    #[serde(default)]
    broken: bool,
    #[serde(default)]
    residents: Vec<i64>,
}

impl Module for Fake {
    const NAME: &'static str = "mechanics";

    type Config = FakeConfig;

    fn new(config: FakeConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self {
            cx: cx.clone(),
            limit: config.limit,
            broken: config.broken,
            residents: config.residents,
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        MechanicsProxy::serve(calls, self);
    }
}

impl Mechanics for Fake {
    async fn open(&self, channel: u64, map: String) -> Result<u32, EnterError> {
        // Long enough for everybody else to ask meanwhile.
        self.cx.clock().sleep(Duration::from_millis(1)).await;
        if self.broken || map != "maps/meadow" {
            return Err(EnterError::NoSuchMap(map));
        }
        OPENED.with_borrow_mut(|opened| opened.push((self.cx.address(), channel)));
        Ok(self.limit)
    }

    async fn residents(&self) -> Result<Vec<Residents>, EnterError> {
        let residents = |channel| Residents {
            channel,
            map: "maps/meadow".to_owned(),
            limit: self.limit,
            characters: self.residents.clone(),
        };
        Ok(self
            .residents
            .first()
            .map(|_| residents(7))
            .into_iter()
            .collect())
    }

    async fn enter(&self, _: u64, _: i64, _: Address, _: Play) -> Result<Entrance, EnterError> {
        Err(EnterError::NoSuchChannel)
    }

    async fn snapshot(&self, _: u64, _: Vec<Cell>) -> Result<Vec<ByteBuf>, EnterError> {
        Err(EnterError::NoSuchChannel)
    }
}

/// Plays `story` in a realm with a balancer and a mechanics service for each of `hosts`.
fn with_balancer<F: Future<Output = ()>>(
    hosts: &[&str],
    story: impl FnOnce(BalancerProxy, Scene, Node) -> F,
) {
    play(
        Modules::new().with::<BalancerModule>().with::<Fake>(),
        async |mut scene| {
            let mut modules: Vec<_> = hosts
                .iter()
                .map(|settings| module::<Fake>(settings))
                .collect();
            modules.extend([module::<BalancerModule>("map = 'maps/meadow'"), asker()]);
            let node = scene.node(modules).await;
            story(BalancerProxy::new(&asking()), scene, node).await;
        },
    );
}

fn opened() -> Vec<(Address, u64)> {
    OPENED.with_borrow(Clone::clone)
}

/// How many are placed in each channel.
fn crowds<'a>(places: impl IntoIterator<Item = &'a Placement>) -> BTreeMap<u64, u32> {
    let mut crowds = BTreeMap::new();
    for place in places {
        *crowds.entry(place.channel).or_default() += 1;
    }
    crowds
}

async fn place(balancer: &BalancerProxy, character: i64) -> Placement {
    balancer.place(character, None).await.expect("a place")
}

#[test]
fn a_crowd_that_comes_at_once_fills_each_channel_to_its_limit_and_opens_no_more() {
    with_balancer(&["limit = 10", "limit = 10"], async |balancer, _, _| {
        let places = join_all((0..500).map(|character| place(&balancer, character))).await;
        let crowds = crowds(&places);
        assert_eq!(
            opened().len(),
            50,
            "fifty channels of ten should do for five hundred"
        );
        assert_eq!(crowds.len(), 50, "each of them should be used");
        assert!(
            crowds.values().all(|crowd| *crowd == 10),
            "each should be full, none past its limit: {crowds:?}"
        );
        let hosts: BTreeSet<Address> = opened().into_iter().map(|(host, _)| host).collect();
        for host in hosts {
            let share = opened()
                .iter()
                .filter(|(opener, _)| *opener == host)
                .count();
            assert_eq!(share, 25, "the hosts should share the channels evenly");
        }
    });
}

#[test]
fn a_character_keeps_its_place_and_takes_one_only() {
    with_balancer(&["limit = 2"], async |balancer, _, _| {
        let both = join_all([place(&balancer, 1), place(&balancer, 1)]).await;
        assert_eq!(
            both[0], both[1],
            "two sessions of one character should be sent to one place"
        );
        assert_eq!(place(&balancer, 1).await, both[0], "a later one too");
        assert_eq!(
            place(&balancer, 2).await,
            both[0],
            "the channel should have room for a second character"
        );
        assert_ne!(place(&balancer, 3).await, both[0], "and for no third");
    });
}

#[test]
fn the_fullest_channel_is_filled_first() {
    with_balancer(&["limit = 3"], async |balancer, _, _| {
        let places = join_all((1..=4).map(|character| place(&balancer, character))).await;
        let (older, newer) = (places[0], places[3]);
        assert_ne!(
            older, newer,
            "the fourth should stand in a channel of its own"
        );
        balancer.left(1, older.channel).await.expect("an answer");
        assert_eq!(
            place(&balancer, 5).await,
            older,
            "two should be joined before one is"
        );
        assert_eq!(
            place(&balancer, 6).await,
            newer,
            "when it is full the other should be next"
        );
        assert_eq!(
            opened().len(),
            2,
            "no further channel should have been opened"
        );
    });
}

#[test]
fn coming_and_going_never_overfills_a_channel() {
    with_balancer(&["limit = 4", "limit = 7"], async |balancer, _, _| {
        let mut placed: BTreeMap<i64, Placement> = BTreeMap::new();
        for wave in 0..20_i64 {
            let comers = wave * 20..wave * 20 + 20;
            let leavers: Vec<i64> = placed
                .keys()
                .copied()
                .filter(|character| (character * 7 + wave) % 3 != 0)
                .collect();
            let left = leavers
                .iter()
                .map(|character| balancer.left(*character, placed[character].channel));
            let come = comers.clone().map(|character| place(&balancer, character));
            let (_, places) = futures_util::future::join(join_all(left), join_all(come)).await;
            placed.retain(|character, _| !leavers.contains(character));
            placed.extend(comers.zip(places));
            for (channel, crowd) in crowds(placed.values()) {
                let host = placed
                    .values()
                    .find(|place| place.channel == channel)
                    .map(|place| place.host);
                let first = opened().first().map(|(host, _)| *host);
                let limit = if host == first { 4 } else { 7 };
                assert!(
                    crowd <= limit,
                    "channel {channel} should not hold {crowd} with a limit of {limit}"
                );
            }
        }
    });
}

#[test]
fn a_channel_that_refuses_is_full_until_somebody_leaves() {
    with_balancer(&["limit = 5"], async |balancer, _, _| {
        let first = place(&balancer, 1).await;
        assert_eq!(
            place(&balancer, 2).await,
            first,
            "the channel should have room"
        );
        balancer.refused(2, first.channel).await.expect("an answer");
        let second = place(&balancer, 2).await;
        assert_ne!(second, first, "who was refused should be sent elsewhere");
        assert_eq!(place(&balancer, 3).await, second, "and so should others");
        balancer.left(1, first.channel).await.expect("an answer");
        balancer
            .refused(2, second.channel)
            .await
            .expect("an answer");
        assert_eq!(
            place(&balancer, 2).await,
            first,
            "when somebody has left there should be room again"
        );
    });
}

#[test]
fn a_late_word_of_leaving_takes_no_newer_place() {
    with_balancer(&["limit = 1"], async |balancer, _, _| {
        let first = place(&balancer, 1).await;
        balancer.refused(1, first.channel).await.expect("an answer");
        let second = place(&balancer, 1).await;
        balancer.left(1, first.channel).await.expect("an answer");
        assert_eq!(
            place(&balancer, 1).await,
            second,
            "the newer place should stand"
        );
        assert_eq!(
            place(&balancer, 2).await,
            first,
            "the older one should be free"
        );
    });
}

#[test]
fn a_host_that_opens_nothing_is_passed_over() {
    with_balancer(
        &["limit = 5\nbroken = true", "limit = 0", "limit = 5"],
        async |balancer, _, _| {
            let placed = place(&balancer, 1).await;
            let good = opened().last().map(|(host, _)| *host);
            assert_eq!(
                Some(placed.host),
                good,
                "the one host that works should be found"
            );
        },
    );
    with_balancer(&["limit = 5\nbroken = true"], async |balancer, _, _| {
        let answer = balancer.place(1, None).await;
        assert!(
            matches!(answer, Err(PlaceError::Unavailable(_))),
            "without any there is no place: {answer:?}"
        );
    });
    with_balancer(&[], async |balancer, _, _| {
        let answer = balancer.place(1, None).await;
        assert!(
            matches!(answer, Err(PlaceError::Unavailable(_))),
            "without any there is no place: {answer:?}"
        );
    });
}

#[test]
fn a_host_that_was_seen_to_fail_is_avoided_while_there_is_another() {
    with_balancer(&["limit = 5", "limit = 5"], async |balancer, _, _| {
        let first = place(&balancer, 1).await;
        let second = balancer.place(1, Some(first.host)).await.expect("a place");
        assert_ne!(
            second.host, first.host,
            "the place should be given up for one at the other host"
        );
        let again = balancer.place(1, Some(first.host)).await;
        assert_eq!(again, Ok(second), "it should be given up once");
    });
    with_balancer(&["limit = 5"], async |balancer, _, _| {
        let first = place(&balancer, 1).await;
        let second = balancer.place(1, Some(first.host)).await.expect("a place");
        assert_eq!(
            second.host, first.host,
            "the only host should be tried again"
        );
    });
}

#[test]
fn what_stood_on_a_lost_node_is_placed_anew() {
    with_balancer(&[], async |balancer, mut scene, _| {
        let doomed = scene.node(vec![module::<Fake>("limit = 2")]).await;
        let before = join_all((1..=4).map(|character| place(&balancer, character))).await;
        assert!(
            before
                .iter()
                .all(|place| place.host.birth() == Some(doomed.core().birth())),
            "only it should host"
        );
        let _next = scene.node(vec![module::<Fake>("limit = 2")]).await;
        assert_eq!(
            place(&balancer, 1).await,
            before[0],
            "while the host lives the place should stand"
        );
        doomed.kill();
        let after = join_all((1..=4).map(|character| place(&balancer, character))).await;
        assert!(
            after.iter().all(|place| place.host != before[0].host),
            "nobody should be sent to the dead: {after:?}"
        );
        assert!(
            crowds(&after).values().all(|crowd| *crowd <= 2),
            "and the limits should hold: {after:?}"
        );
    });
}

#[test]
fn who_stands_somewhere_already_is_placed_there_and_counts() {
    // As a balancer finds it that starts anew, or takes over.
    with_balancer(
        &["limit = 3\nresidents = [1, 2]", "limit = 3"],
        async |balancer, _, _| {
            let [first, second] = [place(&balancer, 1).await, place(&balancer, 2).await];
            assert_eq!(first, second, "both should be found where they stand");
            assert_eq!(first.channel, 7, "that is in the channel that was open");
            assert_eq!(
                place(&balancer, 3).await,
                first,
                "a newcomer should fill the channel up"
            );
            assert_ne!(
                place(&balancer, 4).await.channel,
                first.channel,
                "those who stood there should count"
            );
        },
    );
}
