//! A realm for the tests of services: real nodes, all of their services on the test's own thread, joined by a hub.

use std::cell::RefCell;
use std::future::Future;

use actix_rt::System;
use realm::role::{ModuleSpec, Rate, Role, ServiceSpec, WireMode};
use realm::{
    Birth, Clock, Hub, Module, ModuleError, Modules, Node, NodeConfig, Outside, ServiceCx,
    StartError,
};
use serde::Deserialize;

thread_local! {
    static ASKER: RefCell<Option<ServiceCx>> = const { RefCell::new(None) };
}

/// What a test starts its nodes with.
pub(crate) struct Scene {
    modules: Modules,
    hub: Hub,
    outside: Outside,
    births: u32,
}

/// Plays `story` with the modules that its nodes may have.
pub(crate) fn play<F: Future<Output = ()>>(modules: Modules, story: impl FnOnce(Scene) -> F) {
    let aside = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let aside = aside.expect("a runtime for the work outside");
    let scene = Scene {
        modules: modules.with::<Asker>(),
        hub: Hub::new(Clock::machine()),
        outside: Outside::new(aside.handle().clone()),
        births: 0,
    };
    System::new().block_on(story(scene));
}

impl Scene {
    /// Starts a node with a service for each of the modules, in the order given.
    pub(crate) async fn try_node(&mut self, modules: Vec<ModuleSpec>) -> Result<Node, StartError> {
        self.births += 1;
        let services = modules.into_iter().enumerate();
        let services = services.map(|(at, module)| {
            ServiceSpec::new(format!("{}-{at}", module.name), Rate::Mail, vec![module])
        });
        let role = Role {
            name: "scene".to_owned(),
            path: "scene.toml".into(),
            admin: None,
            wire: WireMode::Local,
            cluster: None,
            services: services.collect(),
        };
        let config = NodeConfig {
            birth: Birth::new(self.births).expect("a birth number"),
            role,
            modules: self.modules.clone(),
            clock: Clock::machine(),
            seed: 1,
            outside: self.outside.clone(),
            network: std::sync::Arc::new(self.hub.clone()),
            stepped: Some(System::current().arbiter().clone()),
            trace: None,
        };
        Node::start(config).await
    }

    /// Starts a node that must start.
    pub(crate) async fn node(&mut self, modules: Vec<ModuleSpec>) -> Node {
        self.try_node(modules).await.expect("the node should start")
    }
}

/// A module with settings in TOML.
pub(crate) fn module<M: Module>(settings: &str) -> ModuleSpec {
    ModuleSpec::new(M::NAME, settings.parse().expect("settings in TOML"))
}

/// A module that lets a test ask the realm's services.
pub(crate) fn asker() -> ModuleSpec {
    module::<Asker>("")
}

/// The service that the latest [`asker`] became.
pub(crate) fn asking() -> ServiceCx {
    ASKER.with_borrow(|asker| {
        asker
            .clone()
            .expect("a node of this scene should have an asker")
    })
}

struct Asker;

#[derive(Deserialize)]
struct Nothing {}

impl Module for Asker {
    const NAME: &'static str = "asker";

    type Config = Nothing;

    fn new(_: Nothing, cx: &ServiceCx) -> Result<Self, ModuleError> {
        ASKER.set(Some(cx.clone()));
        Ok(Self)
    }
}
