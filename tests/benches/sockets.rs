//! A thousand real WebSockets on loopback, each with a player who walks about: what a command costs the server. The realm
//! runs in a process of its own, so that its CPU time is not that of the players.
#![expect(clippy::disallowed_methods, reason = "players keep the machine's time")]

mod common;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::command::Move;
use client::player::Player;
use client::{Event, Happening, WebSocket};
use tests::{Mode, PASSWORD, World, admit_crowd};
use tokio::time::{interval_at, sleep};

use common::cpu;
use common::figures::Figures;
use common::rounds::{Stopwatch, part};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PLAYERS: usize = 1_000;
/// Players who register at a time: accounts refuse more than their queue holds.
const AT_A_TIME: usize = 16;
const COMMAND_EVERY: Duration = Duration::from_millis(200);
const IDLE: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_secs(20);
/// The variable that makes this program the realm instead.
const SERVE: &str = "REALM_BENCH_SERVE";

/// What the players have in common.
#[derive(Default)]
struct Crowd {
    commanding: AtomicBool,
    ended: AtomicBool,
    sent: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    answered_ms: Mutex<Vec<f64>>,
}

fn main() {
    if std::env::var_os(SERVE).is_some() {
        return serve();
    }
    let mut realm = Realm::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("the players need a runtime");
    runtime.block_on(async {
        let crowd = Arc::new(Crowd::default());
        gather(&realm.url, &crowd).await;
        let (idle_cpu, _) = over(IDLE, &realm).await;
        crowd.commanding.store(true, Relaxed);
        // The first commands of all are spread over one interval.
        sleep(COMMAND_EVERY * 2).await;
        let before = crowd.sent.load(Relaxed);
        crowd
            .answered_ms
            .lock()
            .expect("no player should panic")
            .clear();
        let (busy_cpu, players_cpu) = over(MEASURED, &realm).await;
        let commands = (crowd.sent.load(Relaxed) - before) as f64;
        crowd.ended.store(true, Relaxed);
        let idle_rate = idle_cpu / IDLE.as_secs_f64();
        let busy_rate = busy_cpu / MEASURED.as_secs_f64();
        let mut answered_ms =
            std::mem::take(&mut *crowd.answered_ms.lock().expect("no player should panic"));
        let mut figures = Figures::of("sockets");
        figures.add(
            "players",
            (PLAYERS as u64 - crowd.lost.load(Relaxed)) as f64,
        );
        figures.add("commands_per_s", commands / MEASURED.as_secs_f64());
        figures.add("commands_refused", crowd.refused.load(Relaxed) as f64);
        figures.add("server_cpu_us_per_command", busy_cpu * 1e6 / commands);
        let over_idle = (busy_rate - idle_rate) * MEASURED.as_secs_f64();
        figures.add(
            "server_cpu_us_per_command_over_idle",
            over_idle * 1e6 / commands,
        );
        figures.add("server_cpu_idle_percent", idle_rate * 100.0);
        figures.add("server_cpu_busy_percent", busy_rate * 100.0);
        figures.add(
            "players_cpu_busy_percent",
            players_cpu / MEASURED.as_secs_f64() * 100.0,
        );
        figures.add("answered_p50_ms", part(&mut answered_ms, 0.5));
        figures.add("answered_p99_ms", part(&mut answered_ms, 0.99));
        figures.add(
            "server_resident_mib",
            cpu::resident_bytes(realm.process.id()) / 1024.0 / 1024.0,
        );
        figures.write();
    });
    drop(runtime);
    realm.stop();
}

/// The realm's side: runs until its standard input ends.
fn serve() {
    let folder = tempfile::tempdir().expect("the realm needs a folder");
    let world = World::start_with(Mode::Local, folder.path(), |roles| admit_crowd(roles));
    println!("{}", world.url());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    world.stop();
}

struct Realm {
    process: Child,
    url: String,
}

impl Realm {
    fn start() -> Self {
        let myself = std::env::current_exe().expect("a program knows its file");
        let mut command = Command::new(myself);
        let command = command
            .env(SERVE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().expect("the realm should start");
        let mut url = String::new();
        let told = process.stdout.take().expect("the realm's output is ours");
        BufReader::new(told)
            .read_line(&mut url)
            .expect("the realm should tell where it is");
        Self {
            process,
            url: url.trim().to_owned(),
        }
    }

    fn stop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// CPU seconds that the realm and the players use meanwhile.
async fn over(time: Duration, realm: &Realm) -> (f64, f64) {
    let both = || {
        (
            cpu::seconds(realm.process.id()),
            cpu::seconds(std::process::id()),
        )
    };
    let before = both();
    sleep(time).await;
    let after = both();
    (after.0 - before.0, after.1 - before.1)
}

/// Brings all players into the world.
async fn gather(url: &str, crowd: &Arc<Crowd>) {
    let mut comers = tokio::task::JoinSet::new();
    for number in 0..PLAYERS {
        if comers.len() >= AT_A_TIME {
            comers
                .join_next()
                .await
                .expect("some are on their way")
                .expect("a player should enter");
        }
        let (url, crowd) = (url.to_owned(), crowd.clone());
        comers.spawn(async move {
            let socket = WebSocket::connect(&url)
                .await
                .expect("the gateway should accept a connection");
            let mut player = Player::connect(socket)
                .await
                .expect("the realm should say welcome");
            player
                .register(&format!("walker{number}"), PASSWORD)
                .await
                .expect("a new name should be registered");
            player
                .enter()
                .await
                .expect("the avatar should enter the world");
            tokio::spawn(play(player, number, crowd));
        });
    }
    while let Some(entered) = comers.join_next().await {
        entered.expect("a player should enter");
    }
}

/// Reads what comes, and while it is time walks to another place every now and then.
async fn play(mut player: Player<WebSocket>, number: usize, crowd: Arc<Crowd>) {
    let (width, height) = player.me().size;
    let mut dice = number as u32;
    let mut pick = move |below: f32| {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (dice >> 8) as f32 / (1 << 24) as f32 * below
    };
    let first = tokio::time::Instant::now() + COMMAND_EVERY.mul_f64(number as f64 / PLAYERS as f64);
    let mut time = interval_at(first, COMMAND_EVERY);
    let mut open: VecDeque<(u32, Stopwatch)> = VecDeque::new();
    while !crowd.ended.load(Relaxed) {
        let happening = tokio::select! {
            happening = player.next() => happening,
            _ = time.tick() => {
                if crowd.commanding.load(Relaxed) {
                    let there = Move { x: pick(width), y: pick(height) };
                    let Ok(sequence) = player.connection_mut().command(there).await else { break };
                    open.push_back((sequence, Stopwatch::start()));
                    crowd.sent.fetch_add(1, Relaxed);
                }
                continue;
            }
        };
        match happening {
            Ok(Happening::Frame(header)) => {
                let mut answered = Vec::new();
                while let Some((_, watch)) =
                    open.pop_front_if(|(sequence, _)| *sequence <= header.ack)
                {
                    answered.push(watch.nanos() / 1e6);
                }
                crowd
                    .answered_ms
                    .lock()
                    .expect("no player should panic")
                    .extend(answered);
            }
            Ok(Happening::Event(Event::Refused(_))) => drop(crowd.refused.fetch_add(1, Relaxed)),
            Ok(_) => {}
            Err(error) => {
                eprintln!("walker{number}: {error}");
                crowd.lost.fetch_add(1, Relaxed);
                return;
            }
        }
    }
}
