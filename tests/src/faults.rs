//! What a realm whose roles run apart survives: nodes that are killed or frozen, a broker that is away or has lost its store,
//! a database that restarts, partitions. Each time everybody is back in play, with one avatar each, and nothing that was
//! acknowledged is lost. `tests/run --soak faults` repeats it and tells how long it takes.

use std::time::Duration;

use client::command::Move;
use client::player::Player;
use client::{ConnectionError, Gateways, Missed, WebSocket};
use futures_util::future::join_all;
use realm::Clock;
use tests::fleet::Fleet;
use tests::{Mode, World};

/// Who plays: as many by each gateway.
const PLAYERS: usize = 4;
/// Everybody is back in play in this time, or the realm is broken.
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// The broker is away for so long: longer than a lease.
const AWAY: Duration = Duration::from_secs(6);
/// One look at whether an avatar walks, in milliseconds.
const LOOK_MS: u64 = 1500;
/// So far an avatar has to get, in tiles.
const FAR: f32 = 0.4;

/// A player, and where it comes back to.
struct Fellow {
    player: Player<WebSocket>,
    gateways: Gateways,
}

impl Fellow {
    async fn new(world: &World, number: usize) -> Self {
        let player = world.player(&format!("Fellow{number}")).await;
        let urls: Vec<String> = world
            .gateways()
            .iter()
            .map(|(_, url)| url.clone())
            .collect();
        let mut gateways = Gateways::new(urls[number % urls.len()].as_str());
        gateways.learn(&urls);
        Self { player, gateways }
    }

    /// Waits until the avatar walks at its player's wish; comes back by itself when the connection is lost.
    async fn plays(&mut self) {
        loop {
            match self.walks().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(missed) => {
                    assert!(
                        matches!(
                            missed,
                            Missed::Broken(ConnectionError::Closed(_)) | Missed::Goodbye(_)
                        ),
                        "a player should lose its connection at most: {missed}"
                    );
                    let back = self.player.come_back(&mut self.gateways).await;
                    back.expect("a player that lost its connection should come back");
                }
            }
        }
    }

    /// True when the avatar has walked some way.
    async fn walks(&mut self) -> Result<bool, Missed> {
        let (x, y) = self.player.position();
        for to in [x + 1.5, x - 1.5] {
            let wish = self
                .player
                .connection_mut()
                .command(Move { x: to, y })
                .await;
            wish.map_err(|closed| Missed::Broken(ConnectionError::Closed(closed)))?;
            self.player.set_deadline("walk", LOOK_MS);
            loop {
                match self.player.next().await {
                    Ok(_) if (self.player.position().0 - x).abs() > FAR => return Ok(true),
                    Ok(_) => {}
                    Err(Missed::TimedOut { .. }) => break,
                    Err(missed) => return Err(missed),
                }
            }
        }
        Ok(false)
    }
}

/// A realm in whose midst things break, and who plays there.
struct Trial {
    world: World,
    fellows: Vec<Fellow>,
    clock: Clock,
    /// How long it took until all were back in play, by fault, in seconds.
    took: Vec<(&'static str, f64)>,
}

impl Trial {
    /// Runs `body` where everybody is in play.
    fn run(body: impl AsyncFnOnce(&mut Trial)) {
        let world = World::start(Mode::Split);
        tests::play_within(Duration::from_secs(3600), async {
            let fellows = join_all((0..PLAYERS).map(|number| Fellow::new(&world, number))).await;
            let mut trial = Trial {
                world,
                fellows,
                clock: Clock::machine(),
                took: Vec::new(),
            };
            trial.all_play().await;
            trial.one_gets_loot().await;
            body(&mut trial).await;
            trial.end().await;
        });
    }

    fn fleet(&self) -> &Fleet {
        self.world.fleet()
    }

    /// The mechanics node on which avatars stand.
    async fn host(&self) -> usize {
        for node in self.fleet().nodes_of("mechanics") {
            let metrics = self
                .fleet()
                .page(node, "/metrics")
                .await
                .unwrap_or_default();
            if population(&metrics) > 0 {
                return node;
            }
        }
        panic!("avatars should stand somewhere");
    }

    async fn all_play(&mut self) {
        join_all(self.fellows.iter_mut().map(Fellow::plays)).await;
    }

    /// Something that must not be lost.
    async fn one_gets_loot(&mut self) {
        let player = &mut self.fellows[0].player;
        player.set_deadline("kill a dog", 60_000);
        let dog = player
            .find("mobs/dog")
            .await
            .expect("a dog should be found");
        player.kill(dog).await.expect("the dog should be killed");
        player.loot(dog).await.expect("the dog should be looted");
    }

    /// Lets something break, and waits until all are back in play.
    async fn breaks(&mut self, what: &'static str, fault: impl AsyncFnOnce(&Fleet)) {
        let before: Vec<_> = self
            .fellows
            .iter()
            .map(|it| it.player.me().clone())
            .collect();
        let began = self.clock.now();
        fault(self.fleet()).await;
        self.all_play().await;
        let took = self.clock.now().since(began);
        assert!(
            took < BACK_WITHIN,
            "after '{what}' play should go on in time, not after {took:?}"
        );
        self.took.push((what, took.as_secs_f64()));
        for (fellow, before) in self.fellows.iter().zip(before) {
            let me = fellow.player.me();
            assert_eq!(
                me.coins, before.coins,
                "after '{what}' no coin should be lost or doubled"
            );
            assert_eq!(
                me.items, before.items,
                "after '{what}' no item should be lost or doubled"
            );
        }
        self.one_avatar_each(what).await;
    }

    /// Two copies of an avatar may be there for a moment: in the end there is one.
    async fn one_avatar_each(&self, what: &str) {
        let until = self.clock.now() + BACK_WITHIN;
        loop {
            let avatars = avatars(&self.world).await;
            if avatars == PLAYERS as u64 {
                return;
            }
            assert!(
                self.clock.now() < until,
                "after '{what}' there should be {PLAYERS} avatars, not {avatars}"
            );
            self.clock.sleep(Duration::from_millis(50)).await;
        }
    }

    async fn end(self) {
        let store = self.world.store().await;
        let faults = store.check().await.expect("the store should check itself");
        assert!(
            faults.is_empty(),
            "the economy's invariants should hold: {faults:?}"
        );
        let mut names: Vec<&str> = self.took.iter().map(|(what, _)| *what).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let of = self.took.iter().filter(|(what, _)| *what == name);
            let mut seconds: Vec<f64> = of.map(|(_, took)| *took).collect();
            seconds.sort_unstable_by(f64::total_cmp);
            let at = |part: f64| seconds[((seconds.len() - 1) as f64 * part).round() as usize];
            tests::soak::figures(
                "faults",
                &format!("-{}", name.replace(' ', "-")),
                &[
                    ("n", seconds.len() as f64),
                    ("back_p50_s", at(0.5)),
                    ("back_p99_s", at(0.99)),
                    ("back_worst_s", at(1.0)),
                ],
            );
        }
        self.world.stop();
    }
}

/// Avatars in the whole realm.
async fn avatars(world: &World) -> u64 {
    world
        .metrics()
        .await
        .iter()
        .map(|text| population(text))
        .sum()
}

fn population(metrics: &str) -> u64 {
    let lines = metrics.lines();
    let of_channels = lines.filter(|line| line.starts_with("realm_channel_population{"));
    of_channels
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// How often each fault is tried: `usual`, or what the soak asks for.
fn times(usual: u64) -> u64 {
    tests::soak::amount("faults", usual)
}

/// A role is killed, and comes back as its supervisor starts it again.
fn killed(role: &'static str) {
    Trial::run(async |trial| {
        for time in 0..times(2) {
            let nodes = trial.fleet().nodes_of(role);
            let node = nodes[usize::try_from(time).unwrap_or(0) % nodes.len()];
            trial
                .breaks(role, async |fleet| {
                    fleet.kill(node);
                    fleet.start_again(node);
                })
                .await;
        }
    });
}

#[test]
fn a_killed_gateway_costs_its_clients_their_connection_only() {
    killed("gateway");
}

#[test]
fn a_killed_mechanics_node_costs_nobody_the_connection() {
    killed("mechanics");
}

#[test]
fn a_killed_account_node_is_not_felt_in_the_world() {
    killed("account");
}

#[test]
fn a_killed_balancer_is_not_felt_in_the_world() {
    killed("balancer");
}

#[test]
fn a_killed_chat_node_is_not_felt_in_the_world() {
    killed("chat");
}

#[test]
fn a_killed_database_node_loses_nothing() {
    killed("database");
}

#[test]
fn a_broker_that_was_away_finds_everybody_where_they_were() {
    Trial::run(async |trial| {
        for _ in 0..times(1) {
            trial.fleet().broker().stop();
            trial.clock.sleep(AWAY).await;
            trial
                .breaks("broker away", async |fleet| fleet.broker().start_again())
                .await;
        }
    });
}

#[test]
fn a_broker_that_lost_its_store_finds_everybody_where_they_were() {
    Trial::run(async |trial| {
        for _ in 0..times(1) {
            trial
                .breaks("broker wiped", async |fleet| {
                    let mut broker = fleet.broker();
                    broker.kill();
                    broker.wipe();
                    broker.start_again();
                })
                .await;
        }
    });
}

#[test]
fn a_mechanics_node_that_was_frozen_has_no_effect_when_it_thaws() {
    Trial::run(async |trial| {
        for _ in 0..times(1) {
            let node = trial.host().await;
            trial
                .breaks("mechanics frozen", async |fleet| fleet.signal(node, "STOP"))
                .await;
            // It thaws when its avatars live elsewhere: it finds that it is out, and ends.
            trial
                .breaks("mechanics thawed", async |fleet| {
                    fleet.signal(node, "CONT");
                    assert!(
                        !fleet.wait_ended(node),
                        "a node that was taken for lost should end"
                    );
                    fleet.start_again(node);
                })
                .await;
        }
    });
}
