//! Runs a job inside a service of a realm of one node: where the game's own code would stand.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use actors::ground::Point;
use actors::resources::MapTemplate;
use realm::role::{ModuleSpec, Rate, Role, ServiceSpec, WireMode};
use realm::{
    Birth, Clock, Hub, Module, ModuleError, Modules, Network, Node, NodeConfig, Outside, ServiceCx,
};
use serde::Deserialize;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(ServiceCx) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// What the next node's job module does: a role file could not carry it.
static JOB: Mutex<Option<Job>> = Mutex::new(None);

/// A service with these modules and no settings.
pub(crate) fn service(name: &str, rate: Rate, modules: &[&str]) -> ServiceSpec {
    let modules = modules
        .iter()
        .map(|module| ModuleSpec::new(*module, toml::Table::new()));
    ServiceSpec::new(name, rate, modules.collect())
}

/// Starts a node with these services and does `job` in the one that has the module `job`, which should be the last.
pub(crate) fn run<R: Send + 'static, F: Future<Output = R> + 'static>(
    services: Vec<ServiceSpec>,
    modules: Modules,
    job: impl FnOnce(ServiceCx) -> F + Send + 'static,
) -> R {
    let hub: Arc<dyn Network> = Arc::new(Hub::new(Clock::machine()));
    run_nodes(vec![(services, hub)], modules, job)
}

/// Starts a node for each of these services, joined by the network in the same place, and does `job` as above.
pub(crate) fn run_joined<R: Send + 'static, F: Future<Output = R> + 'static>(
    services: Vec<ServiceSpec>,
    networks: Vec<Arc<dyn Network>>,
    modules: Modules,
    job: impl FnOnce(ServiceCx) -> F + Send + 'static,
) -> R {
    let services = services.into_iter().map(|service| vec![service]);
    run_nodes(services.zip(networks).collect(), modules, job)
}

fn run_nodes<R: Send + 'static, F: Future<Output = R> + 'static>(
    nodes: Vec<(Vec<ServiceSpec>, Arc<dyn Network>)>,
    modules: Modules,
    job: impl FnOnce(ServiceCx) -> F + Send + 'static,
) -> R {
    let (done, wait) = oneshot::channel();
    let job: Job = Box::new(move |cx| Box::pin(async move { drop(done.send(job(cx).await)) }));
    *JOB.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
    actix_rt::System::new().block_on(async move {
        let mut started = Vec::new();
        for (number, (services, network)) in (1..).zip(nodes) {
            let node = Node::start(NodeConfig {
                birth: Birth::new(number).expect("there are few nodes"),
                role: Role {
                    name: "bench".to_owned(),
                    path: concat!(env!("CARGO_MANIFEST_DIR"), "/bench.toml").into(),
                    admin: None,
                    wire: WireMode::Local,
                    cluster: None,
                    services,
                },
                modules: modules.clone().with::<JobModule>(),
                network,
                clock: Clock::machine(),
                seed: 1,
                outside: Outside::new(tokio::runtime::Handle::current()),
                stepped: None,
                trace: None,
            });
            started.push(node.await.expect("the node should start"));
        }
        let outcome = wait.await.expect("the job should end");
        for node in started.into_iter().rev() {
            node.stop().await;
        }
        outcome
    })
}

struct JobModule;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoConfig {}

impl Module for JobModule {
    const NAME: &'static str = "job";
    type Config = NoConfig;

    fn new(_: NoConfig, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self)
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        let job = JOB.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(job) = job {
            cx.run(job(cx.clone()));
        }
        Ok(())
    }
}

/// Gives a mechanics service the content of the repository.
pub(crate) fn set_resources(service: &mut ServiceSpec) {
    let folder = tests::workspace().join("resources").display().to_string();
    let mechanics = service
        .modules
        .iter_mut()
        .find(|module| module.name == "mechanics");
    mechanics
        .expect("the service should have the module")
        .set("resources", folder);
}

/// The middles of a map's tiles on which an entity can stand.
pub(crate) fn places(map: &MapTemplate) -> Vec<Point> {
    let tiles = (0..map.ground.height()).flat_map(|y| (0..map.ground.width()).map(move |x| (x, y)));
    let middles = tiles.map(|(x, y)| Point::new(f32::from(x) + 0.5, f32::from(y) + 0.5));
    middles
        .filter(|point| map.ground.passable(*point))
        .collect()
}
