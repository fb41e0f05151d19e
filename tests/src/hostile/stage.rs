//! Where the attacks take place: a realm with a quiet meadow, in it a post that an honest player can strike for ever; and
//! the figures by which such a realm tells how it is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use actors::launch;
use realm::Clock;
use realm::role::Role;
use tests::{Mode, World, workspace};

use super::attacker::Attacker;
use crate::objects::content::{Content, MEADOW};

/// What stands in the meadow to be struck.
pub(super) const POST: &str = "mobs/post";
/// Two places from which the post is in reach.
pub(super) const WALK: [(f32, f32); 2] = [(16.5, 33.5), (18.5, 33.5)];

const POST_FILE: &str = "name = \"Post\"\n\n[health]\nmax = 1000000\nregeneration_per_s = 1000\n\n\
                         [combat]\nspells = []\nfaction = \"posts\"\n";
const POST_PLACE: &str = "<object id=\"101\" type=\"spawn\" x=\"280\" y=\"552\"><properties>\
                          <property name=\"count\" type=\"int\" value=\"1\"/>\
                          <property name=\"entity\" value=\"mobs/post\"/>\
                          <property name=\"respawn_s\" type=\"int\" value=\"1\"/>\
                          </properties><point/></object></objectgroup>";

/// The content of such a realm. Who plays there walks and strikes faster than usual, so that a test sees more of it.
pub(super) fn content() -> Content {
    Content::quiet()
        .with("mobs/post.toml", POST_FILE)
        .replace(MEADOW, "</objectgroup>", POST_PLACE)
        .replace(
            "avatars/human.toml",
            "speed_tiles_per_s = 5.0",
            "speed_tiles_per_s = 20.0",
        )
        // Whatever else happens to be aimed at it.
        .replace("avatars/human.toml", "max = 100", "max = 1000000")
        .replace(
            "spells/strike.toml",
            "cooldown_ms = 800",
            "cooldown_ms = 100",
        )
}

/// What attacks leave behind is gone after this time: a client that says nothing is cut after some seconds, and so is who
/// does not log in.
const RECOVERS_WITHIN: Duration = Duration::from_secs(60);

/// A realm within this process.
pub(super) struct Stage {
    world: World,
    address: SocketAddr,
    /// It is read while the realm starts, and ends with it.
    _content: Content,
}

impl Stage {
    /// Starts it, with limits that are those of any realm, or raised so that attacks come to what is behind them.
    pub(super) fn start(strict: bool) -> Self {
        let content = content();
        let root = content.root().display().to_string();
        let world = World::start_with(Mode::Local, content.folder(), |roles| {
            let path = workspace().join("tests/roles/hostile.toml");
            let mut role = Role::load(path, &launch::modules().names())
                .unwrap_or_else(|faults| panic!("{faults:?}"));
            role.admin = None;
            let mechanics = role
                .module_mut("mechanics")
                .expect("the role has mechanics");
            mechanics.set("resources", root);
            let local = roles
                .first_mut()
                .and_then(|local| local.module_mut("gateway"));
            let local = local.expect("the local role has a gateway").clone();
            let gateway = role.module_mut("gateway").expect("the role has a gateway");
            if strict {
                *gateway = local;
            }
            *roles = vec![role];
        });
        let address = address_of(world.url());
        Self {
            world,
            address,
            _content: content,
        }
    }

    /// Where clients connect.
    pub(super) fn url(&self) -> &str {
        self.world.url()
    }

    /// The same, for who speaks TCP.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// So many attackers.
    pub(super) fn attackers(&self, count: usize) -> Vec<Attacker> {
        let attacker = |number| Attacker::new(self.address, format!("Foe{number}"));
        (0..count).map(attacker).collect()
    }

    /// How the realm is.
    pub(super) async fn figures(&self) -> Figures {
        Figures::read(&self.world.metrics().await.concat())
    }

    /// Waits until nothing of the attacks is left, and checks that they broke nothing.
    pub(super) async fn recovers(&self, before: &Figures) {
        let clock = Clock::machine();
        let until = clock.now() + RECOVERS_WITHIN;
        while let Err(left) = before.are_back_in(&self.figures().await) {
            assert!(
                clock.now() < until,
                "nothing of the attacks should be left, but {left}"
            );
            pause().await;
        }
        self.figures().await.tell_of_no_fault();
    }

    /// Stops the realm in order.
    pub(super) fn stop(self) {
        self.world.stop();
    }
}

/// The address in the URL of a WebSocket.
pub(super) fn address_of(url: &str) -> SocketAddr {
    let address = url.trim_start_matches("ws://").trim_end_matches("/ws");
    address
        .parse()
        .expect("a gateway listens at a plain address")
}

/// Between two looks at the figures.
pub(super) async fn pause() {
    Clock::machine().sleep(Duration::from_millis(20)).await;
}

/// What the metrics of a realm say, by series.
#[derive(Debug)]
pub(super) struct Figures(BTreeMap<String, f64>);

impl Figures {
    /// Reads the text of `/metrics`.
    pub(super) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        });
        Self(series.collect())
    }

    /// The sum of all series of a name that have these labels.
    pub(super) fn sum(&self, name: &str, labels: &str) -> f64 {
        let of_name = self
            .0
            .iter()
            .filter(|(series, _)| series.starts_with(name) && series.contains(labels));
        of_name.map(|(_, value)| value).sum()
    }

    /// Whether as many locales and sessions are there as in `self`; which are not.
    pub(super) fn are_back_in(&self, now: &Figures) -> Result<(), String> {
        for (series, is) in &now.0 {
            let living = [
                "realm_locales{",
                "realm_gateway_sessions{",
                "realm_calls_pending{",
            ];
            if living.iter().any(|name| series.starts_with(name)) {
                // A call of an instant, such as to save an avatar, is nothing that was left.
                let was = match series.starts_with("realm_calls_pending{") {
                    true => 0.0,
                    false => self.0.get(series).copied().unwrap_or(0.0),
                };
                if *is > was {
                    return Err(format!("{series} was {was} and is {is}"));
                }
            }
        }
        Ok(())
    }

    /// Fails when something panicked, started anew, or could not be read.
    pub(super) fn tell_of_no_fault(&self) {
        for (name, labels) in [
            ("realm_deaths_total", "reason=\"panicked\""),
            ("realm_deaths_total", "reason=\"service_restarted\""),
            ("realm_service_restarts_total", ""),
            ("realm_undecodable_total", ""),
            ("realm_gateway_sockets_cut_total", "why=\"session_died\""),
        ] {
            let faults = self.sum(name, labels);
            assert_eq!(
                faults, 0.0,
                "{name} with {labels} should be 0 after an attack"
            );
        }
        assert!(
            self.0
                .keys()
                .any(|series| series.starts_with("realm_service_restarts_total")),
            "the figures should be there at all"
        );
    }
}
