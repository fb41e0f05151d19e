//! A lease that is over, without a broker: the in-process link gives and takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use realm::role::Rate;
use realm::{Broken, Clock, Hub, JoinError, Module, ModuleError, Modules, Node, ServiceCx};

use crate::members::stage::until;
use crate::probe::{self, Door, Notes, Tell, Witness, birth, within};

/// Counts frames.
struct Frames(Arc<AtomicU64>);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FramesConfig {
    to: i64,
}

impl Module for Frames {
    const NAME: &'static str = "frames";
    type Config = FramesConfig;

    fn new(config: FramesConfig, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self(probe::unshelve(config.to)))
    }

    fn tick(&self, _: &ServiceCx) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn start(hub: &Hub, frames: &Arc<AtomicU64>, world: &Door, gate: &Door) -> Node {
    let mut counted = realm::role::ModuleSpec::new(Frames::NAME, toml::Table::new());
    counted.set("to", probe::shelve(frames.clone()));
    let mut service = probe::service("world", Rate::Hz(100), world, &[]);
    service.modules.push(counted);
    let services = vec![service, probe::service("gate", Rate::Mail, gate, &[])];
    probe::start(1, hub, services, Modules::new().with::<Frames>()).await
}

#[test]
fn a_thread_that_was_stopped_past_its_lease_runs_no_frame_and_no_mail() {
    probe::run(async {
        let clock = Clock::machine();
        let hub = Hub::new(clock.clone());
        let frames = Arc::new(AtomicU64::new(0));
        let (world, gate) = (Door::new(), Door::new());
        let node = start(&hub, &frames, &world, &gate).await;
        let mut notes = Notes::new();
        let near = world.spawn::<Witness>(notes.sender.clone()).await;
        until("the world should move", || {
            frames.load(Ordering::SeqCst) > 2
        })
        .await;
        let end = clock.now() + Duration::from_millis(60);
        hub.lease(birth(1), Some(end));
        // What SIGSTOP does to a thread in the middle of its work: mail and frames are due when it goes on.
        let counted = frames.clone();
        let before = world
            .ask(move |cx| {
                let tell = Tell {
                    to: near,
                    first: 0,
                    end: 1,
                };
                cx.send(near, tell);
                while cx.now() < end + Duration::from_millis(60) {
                    std::hint::spin_loop();
                }
                counted.load(Ordering::SeqCst)
            })
            .await;
        // The other service goes on: clients stay connected.
        for _ in 0..20 {
            gate.ask(|_| ()).await;
            clock.sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(
            frames.load(Ordering::SeqCst),
            before,
            "no frame should run on an old lease"
        );
        assert_eq!(notes.rest(), [], "no mail should run on an old lease");
        hub.thaw(birth(1));
        let _ = within(notes.next()).await;
        until("the world should go on", || {
            frames.load(Ordering::SeqCst) > before
        })
        .await;
        node.stop().await;
    });
}

#[test]
fn a_node_that_is_evicted_acts_no_more_and_breaks() {
    probe::run(async {
        let hub = Hub::new(Clock::machine());
        let frames = Arc::new(AtomicU64::new(0));
        let mut node = start(&hub, &frames, &Door::new(), &Door::new()).await;
        hub.evict(birth(1));
        assert_eq!(
            within(node.broken()).await,
            Broken::Out(JoinError::Evicted),
            "the node should be told why it cannot go on"
        );
        hub.thaw(birth(1));
        assert!(!node.core().acts(), "an eviction should be for good");
        node.stop().await;
    });
}
