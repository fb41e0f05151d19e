//! Ten thousand mobs awake on one mechanics service at 20 Hz: how long its frames take, from the first tick to the end of
//! what the frame publishes.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actors::mechanics::replicas::{Replica, Server};
use actors::mechanics::{Harm, Host, MechanicsModule, MechanicsProxy, Mob, MobSeed, Tick};
use client::{Near, State};
use realm::role::Rate;
use realm::{Cx, Locale, Messages, Module, ModuleError, Modules, Run, ServiceCx};
use serde::Deserialize;

use common::figures::{Figures, Goal};
use common::inside;
use common::rounds::{Stopwatch, part};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MAP: &str = "maps/meadow";
const MOBS: u64 = 10_000;
const CROWD: u64 = 250;
const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(15);

/// An avatar that stands where the map's first mobs are, and never dies: who lives in its channel is awake.
struct Bait;

impl Locale for Bait {
    const NAME: &'static str = "bait";
    type Seed = u64;

    fn new(channel: u64, cx: &mut Cx<Self>) -> Self {
        let host = Host::of(cx.service());
        let map = host
            .replicas
            .map(channel)
            .expect("the channel should be open");
        let at = map.spawns.first().map_or(map.start, |spawn| spawn.at);
        let (x, y) = (at.x, at.y);
        let near = Near {
            x,
            y,
            hp: 100,
            hp_max: 100,
            state: State::Idle,
            kind: "bait".into(),
            name: "Bait".into(),
        };
        let server = Server {
            address: cx.address(),
            faction: "people".into(),
            avatar: true,
        };
        host.replicas
            .enter(channel, Replica { near, server })
            .expect("the channel should have room");
        Self
    }

    fn messages(list: &mut Messages<Self>) {
        list.takes::<Tick>().takes::<Harm>();
    }
}

impl Run<Bait> for Tick {
    fn run(self, _: &mut Bait, _: &mut Cx<Bait>) {}
}

impl Run<Bait> for Harm {
    fn run(self, _: &mut Bait, _: &mut Cx<Bait>) {}
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoConfig {}

/// Frame times, held by the service; `FrameBegins` is its first module and `FrameEnds` its last.
#[derive(Default)]
struct FrameTimes {
    running: RefCell<Option<Stopwatch>>,
    nanos: RefCell<Vec<f64>>,
}

struct FrameBegins;

impl Module for FrameBegins {
    const NAME: &'static str = "frame_begins";
    type Config = NoConfig;

    fn new(_: NoConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        cx.hold(Rc::new(FrameTimes::default()));
        Ok(Self)
    }

    fn tick(&self, cx: &ServiceCx) {
        if let Some(times) = cx.held::<FrameTimes>() {
            *times.running.borrow_mut() = Some(Stopwatch::start());
        }
    }
}

struct FrameEnds;

impl Module for FrameEnds {
    const NAME: &'static str = "frame_ends";
    type Config = NoConfig;

    fn new(_: NoConfig, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self)
    }

    fn frame_end(&self, cx: &ServiceCx) {
        let Some(times) = cx.held::<FrameTimes>() else {
            return;
        };
        if let Some(running) = times.running.borrow_mut().take() {
            times.nanos.borrow_mut().push(running.nanos());
        }
    }
}

struct Measured {
    mobs: usize,
    nanos: Vec<f64>,
    cpu_seconds: f64,
    waited: u64,
}

fn measure(fill: impl AsyncFn(&ServiceCx, &Host) -> u64 + Send + 'static) -> Measured {
    let modules = [
        FrameBegins::NAME,
        MechanicsModule::NAME,
        "job",
        FrameEnds::NAME,
    ];
    let mut mechanics = inside::service("mechanics", Rate::Hz(20), &modules);
    inside::set_resources(&mut mechanics);
    let known = Modules::new()
        .with::<MechanicsModule>()
        .with::<FrameBegins>()
        .with::<FrameEnds>();
    inside::run(vec![mechanics], known, move |cx| async move {
        let host = Host::of(&cx);
        let channels = fill(&cx, &host).await;
        for channel in 1..=channels {
            cx.spawn::<Bait>(channel);
        }
        cx.clock().sleep(WARM_UP).await;
        let mobs =
            host.replicas.awake().len() - usize::try_from(channels).expect("channels are few");
        let times = cx
            .held::<FrameTimes>()
            .expect("the first module should hold the times");
        let metrics = cx.node().metrics().service("mechanics");
        times.nanos.borrow_mut().clear();
        let (cpu, waited) = (metrics.thread_cpu_seconds.get(), metrics.mail_waited.get());
        cx.clock().sleep(MEASURED).await;
        Measured {
            mobs,
            nanos: times.nanos.take(),
            cpu_seconds: metrics.thread_cpu_seconds.get() - cpu,
            waited: metrics.mail_waited.get() - waited,
        }
    })
}

/// As many meadows as it takes, each with the mobs that its map says.
async fn meadows(cx: &ServiceCx, host: &Host) -> u64 {
    let map = host.resources.map(MAP).expect("there is a meadow");
    let each: u64 = map.spawns.iter().map(|spawn| u64::from(spawn.count)).sum();
    let channels = MOBS.div_ceil(each);
    for channel in 1..=channels {
        MechanicsProxy::new(cx)
            .open(channel, MAP.to_owned())
            .await
            .expect("the meadow should open");
    }
    channels
}

/// Fewer meadows with dogs all over.
async fn crowds(cx: &ServiceCx, host: &Host) -> u64 {
    let map = host.resources.map(MAP).expect("there is a meadow");
    let dog = host.resources.entity("mobs/dog").expect("there is a dog");
    let places = inside::places(map);
    for channel in 1..=MOBS / CROWD {
        host.replicas.open(channel, map.clone());
        for number in 0..CROWD as usize {
            let at = places[number * places.len() / CROWD as usize];
            cx.spawn::<Mob>(MobSeed {
                channel,
                map: map.clone(),
                template: dog.clone(),
                at,
            });
        }
        tokio::task::yield_now().await;
    }
    MOBS / CROWD
}

fn main() {
    let mut figures = Figures::of("mobs");
    for (name, mut measured) in [
        ("meadows_of_18", measure(meadows)),
        ("meadows_of_250", measure(crowds)),
    ] {
        let frames = measured.nanos.len() as f64;
        figures.add(format!("{name}.mobs"), measured.mobs as f64);
        figures.add(
            format!("{name}.frames_per_s"),
            frames / MEASURED.as_secs_f64(),
        );
        figures.aim(
            format!("{name}.frame_p50_ms"),
            part(&mut measured.nanos, 0.5) / 1e6,
            Goal::AtMost(20.0),
        );
        figures.add(
            format!("{name}.frame_p99_ms"),
            part(&mut measured.nanos, 0.99) / 1e6,
        );
        figures.add(format!("{name}.mail_waited"), measured.waited as f64);
        let micros = measured.cpu_seconds * 1e6 / (frames * measured.mobs as f64);
        figures.add(format!("{name}.cpu_us_per_mob_and_frame"), micros);
    }
    figures.write();
}
