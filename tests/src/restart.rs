//! A module that panics restarts its service and nothing else: three times in a minute at most.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use realm::role::{ModuleSpec, Rate, ServiceSpec};
use realm::{
    Broken, CallError, CallTable, Clock, Cx, DeathReason, Hub, Locale, Messages, Module,
    ModuleError, Modules, Node, ServiceCx, StartError, calls,
};

use crate::probe::{self, Door, Note, Notes, Tell, Watch, Witness};

/// Panics raised on purpose make no noise.
fn raise() {
    std::panic::resume_unwind(Box::new("injected"));
}

#[calls(group = "fragility", proxy = FragilityProxy)]
trait Fragility {
    async fn fall(&self) -> Result<(), CallError>;
    async fn stand(&self) -> Result<(), CallError>;
    async fn never(&self) -> Result<(), CallError>;
}

/// Panics when it is asked to.
struct Fragile(Rc<Fuse>);

#[derive(Default)]
struct Fuse {
    tick: Cell<bool>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FragileConfig {
    #[serde(default)]
    start_panics: bool,
}

impl Module for Fragile {
    const NAME: &'static str = "fragile";
    type Config = FragileConfig;

    fn new(config: FragileConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        let fuse = Rc::new(Fuse::default());
        cx.hold(fuse.clone());
        cx.subscribe(&"doom".into());
        fuse.tick.set(config.start_panics);
        Ok(Self(fuse))
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        FragilityProxy::serve(calls, self);
    }

    async fn start(self: &Rc<Self>, _: &ServiceCx) -> Result<(), ModuleError> {
        if self.0.tick.get() {
            raise();
        }
        Ok(())
    }

    fn tick(&self, _: &ServiceCx) {
        if self.0.tick.get() {
            raise();
        }
    }

    fn heard(&self, topic: &Arc<str>, _: &Bytes, _: &ServiceCx) {
        if &**topic == "doom" {
            raise();
        }
    }
}

impl Fragility for Fragile {
    async fn fall(&self) -> Result<(), CallError> {
        raise();
        Ok(())
    }

    async fn stand(&self) -> Result<(), CallError> {
        Ok(())
    }

    async fn never(&self) -> Result<(), CallError> {
        std::future::pending().await
    }
}

struct Scene {
    node: Node,
    fragile: Door,
    steady: Door,
}

async fn scene() -> Scene {
    let (fragile, steady) = (Door::new(), Door::new());
    let services = vec![
        probe::service("fragile", Rate::Hz(200), &fragile, &["fragile"]),
        probe::service("steady", Rate::Mail, &steady, &[]),
    ];
    let node = probe::start(
        1,
        &Hub::new(Clock::machine()),
        services,
        Modules::new().with::<Fragile>(),
    )
    .await;
    Scene {
        node,
        fragile,
        steady,
    }
}

/// A service with locales, a watcher and a call under way restarts as it should after `trigger`.
async fn restarts_after(trigger: impl AsyncFnOnce(&Scene)) {
    let scene = scene().await;
    let mut notes = Notes::new();
    let (old, steady) = (scene.fragile.address().await, scene.steady.address().await);
    let locale = scene.fragile.spawn::<Witness>(notes.sender.clone()).await;
    let watcher = scene.steady.spawn::<Witness>(notes.sender.clone()).await;
    scene
        .steady
        .ask(move |cx| {
            cx.send(watcher, Watch(locale));
            cx.send(watcher, Watch(old));
        })
        .await;
    let never = scene
        .steady
        .begin(|cx| async move { FragilityProxy::new(&cx).never().await });
    let stands = scene
        .steady
        .call(|cx| async move { FragilityProxy::new(&cx).stand().await })
        .await;
    assert_eq!(
        stands,
        Ok(()),
        "the service should answer before it panics, and have the call that never ends"
    );

    let holders = scene.fragile.holders();
    trigger(&scene).await;

    let mut deaths: Vec<_> = notes.many(2).await;
    deaths.sort_by_key(|note| matches!(note, Note::Died(_, death) if death.address == old));
    for (note, dead) in deaths.iter().zip([locale, old]) {
        let Note::Died(_, death) = note else {
            panic!("only deaths should be told, not {note:?}")
        };
        assert_eq!(
            (death.address, death.reason),
            (dead, DeathReason::ServiceRestarted),
            "both should die of the restart"
        );
    }
    let never = probe::within(never).await.expect("the caller lives");
    assert_eq!(
        never,
        Err(CallError::Failed),
        "a call under way should be told that the service failed"
    );

    let stands = scene
        .steady
        .call(|cx| async move { FragilityProxy::new(&cx).stand().await })
        .await;
    assert_eq!(stands, Ok(()), "the service should answer again");
    let new = scene.fragile.address().await;
    assert_ne!(
        new, old,
        "the new incarnation should have an address of its own"
    );
    let gone = scene
        .steady
        .call(move |cx| async move { FragilityProxy::at(&cx, old).stand().await })
        .await;
    assert_eq!(
        gone,
        Err(CallError::Gone),
        "the old incarnation should be gone"
    );
    assert_eq!(
        scene.fragile.holders(),
        holders,
        "the old incarnation's modules and tasks should be gone"
    );
    let core = scene.node.core();
    assert_eq!(
        core.directory().members("fragility"),
        [new],
        "the realm should know the new incarnation only"
    );
    assert_eq!(
        core.metrics().service("fragile").restarts.get(),
        1,
        "the restart should be counted"
    );
    assert_eq!(
        core.metrics().service("steady").restarts.get(),
        0,
        "the other service should not have restarted"
    );
    assert_eq!(
        scene.steady.address().await,
        steady,
        "the other service should still have its address"
    );
    scene
        .steady
        .ask(move |cx| {
            cx.send(
                watcher,
                Tell {
                    to: watcher,
                    first: 7,
                    end: 8,
                },
            )
        })
        .await;
    assert_eq!(
        notes.next().await,
        Note::Said(watcher, 7),
        "the other service's locales should live"
    );
    scene.node.stop().await;
}

#[test]
fn a_panic_in_a_tick_restarts_the_service() {
    probe::run(restarts_after(async |scene| {
        scene
            .fragile
            .ask(|cx| {
                cx.held::<Fuse>()
                    .expect("the module holds it")
                    .tick
                    .set(true)
            })
            .await;
    }));
}

#[test]
fn a_panic_in_what_is_heard_restarts_the_service() {
    probe::run(restarts_after(async |scene| {
        scene
            .steady
            .ask(|cx| cx.publish(&"doom".into(), Bytes::new()))
            .await;
    }));
}

#[test]
fn a_panic_in_a_call_restarts_the_service_and_the_caller_is_told() {
    probe::run(restarts_after(async |scene| {
        let fell = scene
            .steady
            .call(|cx| async move { FragilityProxy::new(&cx).fall().await })
            .await;
        assert_eq!(
            fell,
            Err(CallError::Failed),
            "the caller should be told that the service failed"
        );
    }));
}

#[test]
fn a_panic_in_a_task_restarts_the_service() {
    probe::run(restarts_after(async |scene| {
        scene.fragile.push(|cx| cx.run(async { raise() }))
    }));
}

#[test]
fn the_fourth_panic_within_a_minute_breaks_the_node() {
    probe::run(async {
        let mut scene = scene().await;
        for _ in 0..4 {
            assert!(
                scene.node.broken().now_or_never().is_none(),
                "the node should bear three panics"
            );
            let fell = scene
                .steady
                .call(|cx| async move { FragilityProxy::new(&cx).fall().await })
                .await;
            assert_eq!(
                fell,
                Err(CallError::Failed),
                "the service should have restarted before"
            );
        }
        assert_eq!(
            scene.node.broken().await,
            Broken::Service("fragile".to_owned()),
            "the broken service should be named"
        );
        assert_eq!(
            scene
                .node
                .core()
                .metrics()
                .service("fragile")
                .restarts
                .get(),
            3,
            "it should have restarted thrice"
        );
        let members = scene.node.core().directory().members("fragility");
        assert!(
            members.is_empty(),
            "a broken service should not be announced"
        );
        scene.node.stop().await;
    });
}

/// Is born, has a child, and ends.
struct Mayfly;

impl Locale for Mayfly {
    const NAME: &'static str = "mayfly";
    type Seed = ();

    fn new((): (), cx: &mut Cx<Self>) -> Self {
        cx.spawn::<Self>(());
        cx.stop();
        Self
    }

    fn messages(_: &mut Messages<Self>) {}
}

#[test]
fn a_service_in_which_locales_are_always_being_born_ends_all_the_same() {
    probe::run(async {
        let scene = scene().await;
        for _ in 0..10 {
            scene.fragile.spawn::<Mayfly>(()).await;
        }
        let fell = scene
            .steady
            .call(|cx| async move { FragilityProxy::new(&cx).fall().await })
            .await;
        assert_eq!(fell, Err(CallError::Failed), "the service should fail");
        let stands = scene
            .steady
            .call(|cx| async move { FragilityProxy::new(&cx).stand().await })
            .await;
        assert_eq!(stands, Ok(()), "the service should start anew");
        let living = scene
            .node
            .core()
            .metrics()
            .service("fragile")
            .locales("mayfly")
            .get();
        assert_eq!(living, 0, "its locales should have ended");
        assert_eq!(
            scene.node.core().directory().len_here(),
            2,
            "nobody should be left but the services"
        );
        scene.node.stop().await;
    });
}

#[test]
fn a_panic_while_starting_is_an_error_of_the_start() {
    probe::run(async {
        let mut spec = ModuleSpec::new("fragile", toml::Table::new());
        spec.set("start_panics", true);
        let service = ServiceSpec::new("fragile", Rate::Mail, vec![spec]);
        let hub = Hub::new(Clock::machine());
        let config = probe::config(
            1,
            &hub,
            probe::role(vec![service]),
            Modules::new().with::<Fragile>(),
        );
        match Node::start(config).await {
            Err(StartError::Module { service, error }) => {
                assert_eq!(service, "fragile", "the error should name the service");
                assert!(
                    error.to_string().contains("injected"),
                    "the error should say what the panic said: {error}"
                );
            }
            _ => panic!("the node should not start"),
        }
    });
}
