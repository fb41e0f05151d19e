//! Modules: the pieces of functionality that a role puts together into services.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::address::Birth;
use crate::call::CallTable;
use crate::classes::Classes;
use crate::mail::{Death, Undelivered};
use crate::role::{ModuleSpec, RoleFault};
use crate::service::ServiceCx;

/// Why a module could not be made or started.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// Its settings in the role file are wrong.
    #[error("{0}")]
    Settings(#[from] RoleFault),
    /// What it needs is not there: a file, a port, a database.
    #[error("module {module}: {what}")]
    Needs {
        /// The module's name.
        module: &'static str,
        /// What is missing, and what to do.
        what: String,
    },
    /// The service is singular, and another node runs it.
    #[error(
        "node {by} runs it, and only one may: end that node first, or write singular = \"standby\" in the role"
    )]
    Taken {
        /// Who.
        by: Birth,
    },
}

/// A piece of functionality of a service. It is made from its table in the role file, ticks with its service, answers
/// calls, and hears topics. Several of its async methods may be under way at once on one thread, so it takes `&self`
/// and keeps its state in cells that no `await` holds open. A panic in any of its code restarts the service.
pub trait Module: Sized + 'static {
    /// Its name in role files.
    const NAME: &'static str;

    /// Its settings; write them with `#[serde(deny_unknown_fields)]`.
    type Config: DeserializeOwned;

    /// Names the messages and calls that a program with this module knows: what its locales take, what it serves.
    fn classes(list: &mut Classes) {
        let _ = list;
    }

    /// Makes the module. No I/O here: that is for [`Module::start`].
    ///
    /// # Errors
    /// When the settings cannot work.
    fn new(config: Self::Config, cx: &ServiceCx) -> Result<Self, ModuleError>;

    /// Adds the methods it answers.
    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        let _ = calls;
    }

    /// Opens what it needs. The node is ready when all its modules have started.
    ///
    /// # Errors
    /// When something it needs is not there; the node then does not start.
    fn start(self: &Rc<Self>, cx: &ServiceCx) -> impl Future<Output = Result<(), ModuleError>> {
        let _ = cx;
        async { Ok(()) }
    }

    /// Called at the start of each frame, in services with a fixed rate.
    fn tick(&self, cx: &ServiceCx) {
        let _ = cx;
    }

    /// Called at the end of each frame, when the mail that the ticks caused has run.
    fn frame_end(&self, cx: &ServiceCx) {
        let _ = cx;
    }

    /// Something was published on a topic that the service takes part in.
    fn heard(&self, topic: &Arc<str>, bytes: &Bytes, cx: &ServiceCx) {
        let _ = (topic, bytes, cx);
    }

    /// An address that the service watches is dead.
    fn died(&self, death: Death, cx: &ServiceCx) {
        let _ = (death, cx);
    }

    /// The nodes or services of the realm have changed; the directory knows how.
    fn members_changed(&self, cx: &ServiceCx) {
        let _ = cx;
    }

    /// A node is gone.
    fn node_lost(&self, node: Birth, cx: &ServiceCx) {
        let _ = (node, cx);
    }

    /// Mail that the service sent came back.
    fn undelivered(&self, mail: &mut Undelivered, cx: &ServiceCx) {
        let _ = (mail, cx);
    }

    /// The node is about to stop: save, tell, and return. Later modules of the role drain first.
    fn drain(self: &Rc<Self>, cx: &ServiceCx) -> impl Future<Output = ()> {
        let _ = cx;
        async {}
    }
}

type Work<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A module without its type.
pub(crate) trait AnyModule {
    fn serve(&self, calls: &mut CallTable);
    fn start<'a>(&'a self, cx: &'a ServiceCx) -> Work<'a, Result<(), ModuleError>>;
    fn tick(&self, cx: &ServiceCx);
    fn frame_end(&self, cx: &ServiceCx);
    fn heard(&self, topic: &Arc<str>, bytes: &Bytes, cx: &ServiceCx);
    fn died(&self, death: Death, cx: &ServiceCx);
    fn members_changed(&self, cx: &ServiceCx);
    fn node_lost(&self, node: Birth, cx: &ServiceCx);
    fn undelivered(&self, mail: &mut Undelivered, cx: &ServiceCx);
    fn drain<'a>(&'a self, cx: &'a ServiceCx) -> Work<'a, ()>;
}

struct Held<M>(Rc<M>);

impl<M: Module> Held<M> {
    fn caught(cx: &ServiceCx, what: &'static str, call: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
            cx.module_panicked(&format!("{}.{what}", M::NAME), panic);
        }
    }
}

impl<M: Module> AnyModule for Held<M> {
    fn serve(&self, calls: &mut CallTable) {
        self.0.serve(calls);
    }

    fn start<'a>(&'a self, cx: &'a ServiceCx) -> Work<'a, Result<(), ModuleError>> {
        Box::pin(self.0.start(cx))
    }

    fn tick(&self, cx: &ServiceCx) {
        Self::caught(cx, "tick", || self.0.tick(cx));
    }

    fn frame_end(&self, cx: &ServiceCx) {
        Self::caught(cx, "frame_end", || self.0.frame_end(cx));
    }

    fn heard(&self, topic: &Arc<str>, bytes: &Bytes, cx: &ServiceCx) {
        Self::caught(cx, "heard", || self.0.heard(topic, bytes, cx));
    }

    fn died(&self, death: Death, cx: &ServiceCx) {
        Self::caught(cx, "died", || self.0.died(death, cx));
    }

    fn members_changed(&self, cx: &ServiceCx) {
        Self::caught(cx, "members_changed", || self.0.members_changed(cx));
    }

    fn node_lost(&self, node: Birth, cx: &ServiceCx) {
        Self::caught(cx, "node_lost", || self.0.node_lost(node, cx));
    }

    fn undelivered(&self, mail: &mut Undelivered, cx: &ServiceCx) {
        Self::caught(cx, "undelivered", || self.0.undelivered(mail, cx));
    }

    fn drain<'a>(&'a self, cx: &'a ServiceCx) -> Work<'a, ()> {
        Box::pin(self.0.drain(cx))
    }
}

type Make = fn(&ModuleSpec, &ServiceCx) -> Result<Rc<dyn AnyModule>, ModuleError>;

#[derive(Clone, Copy)]
struct Kind {
    make: Make,
    check: fn(&ModuleSpec) -> Result<(), RoleFault>,
}

type HandOut = Arc<dyn Fn(&ServiceCx) + Send + Sync>;

/// The modules that a program knows, by name: what its role files may ask for.
#[derive(Clone, Default)]
pub struct Modules {
    kinds: BTreeMap<&'static str, Kind>,
    classes: Classes,
    held: Vec<HandOut>,
}

impl Modules {
    /// No modules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a module type.
    pub fn with<M: Module>(mut self) -> Self {
        let make: Make = |spec, cx| Ok(Rc::new(Held(Rc::new(M::new(spec.config()?, cx)?))));
        M::classes(&mut self.classes);
        self.kinds.insert(
            M::NAME,
            Kind {
                make,
                check: |spec| spec.config::<M::Config>().map(drop),
            },
        );
        self
    }

    /// Has every service hold out a clone of `value`, from before its modules are made: see [`ServiceCx::held`].
    pub fn holding<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.held
            .push(Arc::new(move |cx| cx.hold(Rc::new(value.clone()))));
        self
    }

    pub(crate) fn hand_out(&self, cx: &ServiceCx) {
        self.held.iter().for_each(|hand_out| hand_out(cx));
    }

    /// The messages and calls that a program with these modules knows.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The names, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.kinds.keys().copied().collect()
    }

    /// Checks a module's settings without making it.
    ///
    /// # Errors
    /// Where in the role file, and what.
    pub fn check(&self, spec: &ModuleSpec) -> Result<(), RoleFault> {
        self.kinds
            .get(spec.name.as_str())
            .map_or(Ok(()), |kind| (kind.check)(spec))
    }

    pub(crate) fn make(
        &self,
        spec: &ModuleSpec,
        cx: &ServiceCx,
    ) -> Result<Rc<dyn AnyModule>, ModuleError> {
        let kind = self
            .kinds
            .get(spec.name.as_str())
            .ok_or(ModuleError::Needs {
                module: "?",
                what: format!("no module is called '{}'", spec.name),
            })?;
        (kind.make)(spec, cx)
    }
}
