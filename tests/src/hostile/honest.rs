//! An honest player on a thread of its own, who walks and strikes for as long as it is let, and notices whatever an honest
//! player must not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use client::command::{Cast, Move};
use client::player::{Player, STRIKE};
use client::{Code, Event, Happening, Missed, WebSocket};
use tests::PASSWORD;

use super::stage::{POST, WALK};

/// One answer takes no longer than this of the server's time. It is long because the tests of a small machine run beside
/// each other; what is measured is whether the player is served, not how fast.
const ANSWER_MS: u64 = 20_000;
/// One round takes no longer than this.
const ROUND_WITHIN: Duration = Duration::from_secs(60);

/// How long the answers of one round took, in milliseconds of the server's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// From the strike to the blow.
    pub(super) struck_ms: u64,
}

/// The player. It leaves the world when this is dropped.
pub(super) struct Honest {
    told: Receiver<Result<Round, String>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// The longest that a strike took to be answered.
    pub(super) struck_ms_max: u64,
}

impl Honest {
    /// Registers, enters, and begins to play.
    pub(super) fn start(url: &str, name: &str) -> Self {
        let (tell, told) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (url, name, stopped) = (url.to_owned(), name.to_owned(), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.expect("a test needs a runtime");
            if let Err(missed) = runtime.block_on(play(&url, &name, &tell, &stopped)) {
                // Nobody listens any more when the test has failed already.
                let _ = tell.send(Err(missed));
            }
        });
        Self {
            told,
            stop,
            thread: Some(thread),
            struck_ms_max: 0,
        }
    }

    /// Rounds that were played since the last look.
    pub(super) fn rounds(&mut self) -> usize {
        let mut rounds = 0;
        while let Ok(told) = self.told.try_recv() {
            self.take(told);
            rounds += 1;
        }
        rounds
    }

    /// Waits until a round is played that began after this was called.
    pub(super) fn plays_on(&mut self) {
        self.rounds();
        for _ in 0..2 {
            match self.told.recv_timeout(ROUND_WITHIN) {
                Ok(told) => self.take(told),
                Err(RecvTimeoutError::Timeout) => panic!("an honest player should not stand still"),
                Err(RecvTimeoutError::Disconnected) => panic!("an honest player should play on"),
            }
        }
    }

    /// Leaves the world.
    pub(super) fn stop(mut self) {
        self.end();
        while let Ok(told) = self.told.try_recv() {
            self.take(told);
        }
    }

    fn take(&mut self, told: Result<Round, String>) {
        match told {
            Ok(round) => self.struck_ms_max = self.struck_ms_max.max(round.struck_ms),
            Err(missed) => panic!("an honest player should notice nothing, but {missed}"),
        }
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the honest player's thread should not panic"
            );
        }
    }
}

impl Drop for Honest {
    fn drop(&mut self) {
        self.end();
    }
}

async fn play(
    url: &str,
    name: &str,
    tell: &Sender<Result<Round, String>>,
    stopped: &AtomicBool,
) -> Result<(), String> {
    let words = |missed: Missed| missed.to_string();
    let socket = WebSocket::connect(url)
        .await
        .map_err(|closed| closed.to_string())?;
    let mut player = Player::connect(socket).await.map_err(words)?;
    player.register(name, PASSWORD).await.map_err(words)?;
    player.enter().await.map_err(words)?;
    let mut goals = WALK.into_iter().cycle();
    while !stopped.load(Ordering::Relaxed) {
        let goal = goals.next().unwrap_or(WALK[0]);
        let round = round(&mut player, goal).await?;
        if tell.send(Ok(round)).is_err() {
            break;
        }
    }
    player.leave().await.map_err(words)
}

/// Walks to the goal, seen by its own eyes, and strikes the post once.
async fn round(player: &mut Player<WebSocket>, goal: (f32, f32)) -> Result<Round, String> {
    let (x, y) = goal;
    player.set_deadline("walk beside an attack", ANSWER_MS);
    let walked = player.connection_mut().command(Move { x, y }).await;
    walked.map_err(|closed| closed.to_string())?;
    loop {
        let (at_x, at_y) = player.position();
        if (at_x - x).hypot(at_y - y) < 0.3 {
            break;
        }
        notice(player).await?;
    }
    let post = player
        .nearest(POST)
        .ok_or("the post went out of its sight")?;
    let struck_ms = strike(player, post).await?;
    let gaps = player.connection_mut().take_gaps();
    match gaps.is_empty() {
        true => Ok(Round { struck_ms }),
        false => Err(format!("frames of its cells were missing: {gaps:?}")),
    }
}

async fn strike(player: &mut Player<WebSocket>, post: client::Handle) -> Result<u64, String> {
    loop {
        player.set_deadline("strike beside an attack", ANSWER_MS);
        let asked_ms = player.connection().header().server_time_ms;
        let spell = STRIKE.to_owned();
        let cast = Cast {
            spell,
            target: post,
        };
        let sent = player.connection_mut().command(cast).await;
        let sent = sent.map_err(|closed| closed.to_string())?;
        loop {
            match notice(player).await? {
                Happening::Event(Event::Struck(struck)) if struck.target == post => {
                    // The clock of a machine may jump back a little.
                    let now_ms = player.connection().header().server_time_ms;
                    return Ok(now_ms.saturating_sub(asked_ms));
                }
                // The walk was shorter than the spell's rest.
                Happening::Event(Event::Refused(it))
                    if it.sequence == sent && it.code == Code::Cooldown =>
                {
                    break;
                }
                Happening::Event(Event::Refused(it)) => {
                    return Err(format!("it was refused: {:?}", it.code));
                }
                _ => {}
            }
        }
    }
}

/// What happens next, unless it is something that must not happen to an honest player.
async fn notice(player: &mut Player<WebSocket>) -> Result<Happening, String> {
    let happening = player.next().await.map_err(|missed| missed.to_string())?;
    match happening {
        Happening::Event(Event::Entered(_)) => Err("its avatar was lost, and came back".to_owned()),
        Happening::Event(Event::Left(_)) => Err("it was sent out of the world".to_owned()),
        Happening::Event(Event::Died(_)) => Err("it was killed".to_owned()),
        other => Ok(other),
    }
}
