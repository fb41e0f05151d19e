//! The life of a service: make the modules, run mail and frames, and after a panic start anew: three times in a minute at
//! most, then the node leaves.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::{Arbiter, ArbiterHandle};
use futures_util::future::{Either, select};
use tokio::sync::{mpsc, oneshot};

use super::ServiceCx;
use super::frame::Frames;
use super::postman::Postman;
use crate::call::CallTable;
use crate::caught::{Kept, drop_caught, panic_text};
use crate::clock::Moment;
use crate::error::CallError;
use crate::link::ServiceEntry;
use crate::mail::DeathReason;
use crate::module::{AnyModule, ModuleError, Modules};
use crate::node_core::{Broken, NodeCore};
use crate::role::{Rate, ServiceSpec, Singular};

/// Restarts within [`RESTARTS_WITHIN`] that a service is allowed.
const RESTARTS_MAX: usize = 3;
const RESTARTS_WITHIN: Duration = Duration::from_secs(60);
/// Mail to other threads leaves at the latest this long after it was sent.
const FLUSH_AFTER: Duration = Duration::from_millis(2);

/// What a node asks of a running service.
pub(crate) enum Control {
    /// Save, tell, and go on answering.
    Drain(oneshot::Sender<()>),
    /// End all locales and modules.
    Stop(oneshot::Sender<()>),
}

/// A node's handle on a running service.
pub(crate) struct ServiceThread {
    pub(crate) name: String,
    pub(crate) control: mpsc::UnboundedSender<Control>,
    pub(crate) arbiter: Option<Arbiter>,
}

/// Starts a service on a thread of its own, or on `here` in a stepped realm; returns when its modules have started.
pub(crate) async fn start(
    node: &Arc<NodeCore>,
    spec: ServiceSpec,
    modules: Modules,
    here: Option<ArbiterHandle>,
) -> Result<ServiceThread, ModuleError> {
    let (control, asked) = mpsc::unbounded_channel();
    let (ready, started) = oneshot::channel();
    let arbiter = if here.is_none() {
        Some(Arbiter::new())
    } else {
        None
    };
    let handle = here.or_else(|| arbiter.as_ref().map(Arbiter::handle));
    let name = spec.name.clone();
    let life = Life {
        node: node.clone(),
        spec,
        modules,
    };
    if let Some(handle) = handle {
        handle.spawn_fn(move || drop(actix_rt::spawn(life.run(asked, ready))));
    }
    let error = match started.await {
        Ok(Ok(())) => {
            return Ok(ServiceThread {
                name,
                control,
                arbiter,
            });
        }
        Ok(Err(error)) => error,
        Err(_) => ModuleError::Needs {
            module: "?",
            what: format!("service '{name}' died as it started"),
        },
    };
    if let Some(arbiter) = arbiter {
        arbiter.stop();
    }
    Err(error)
}

struct Life {
    node: Arc<NodeCore>,
    spec: ServiceSpec,
    modules: Modules,
}

enum Ended {
    Stopped(oneshot::Sender<()>),
    Panicked,
    Abandoned,
}

impl Life {
    async fn run(
        self,
        mut asked: mpsc::UnboundedReceiver<Control>,
        ready: oneshot::Sender<Result<(), ModuleError>>,
    ) {
        let mut ready = Some(ready);
        let Some(epoch) = self.hold(&mut asked, &mut ready).await else {
            return;
        };
        let mut restarts: VecDeque<Moment> = VecDeque::new();
        loop {
            let cx = ServiceCx::new(&self.node, &self.spec, epoch);
            let calls = Rc::new(RefCell::new(CallTable::default()));
            let incarnation = match self.make_caught(&cx, &calls).await {
                Ok(incarnation) => incarnation,
                Err(error) => {
                    tracing::error!(service = self.spec.name, %error, "a service could not start");
                    close(&cx, &calls, DeathReason::ServiceRestarted).await;
                    match ready.take() {
                        Some(ready) => drop(ready.send(Err(error))),
                        None => self.breaks(),
                    }
                    return;
                }
            };
            if let Some(ready) = ready.take() {
                let _ = ready.send(Ok(()));
            }
            let ended = incarnation.live(&mut asked).await;
            let reason = match &ended {
                Ended::Panicked => DeathReason::ServiceRestarted,
                Ended::Stopped(_) | Ended::Abandoned => DeathReason::Ended,
            };
            close(&cx, &calls, reason).await;
            for module in incarnation.modules {
                drop_caught(module);
            }
            match ended {
                Ended::Stopped(done) => {
                    let _ = done.send(());
                    return;
                }
                Ended::Abandoned => return,
                Ended::Panicked => {}
            }
            let now = self.node.clock().now();
            restarts.retain(|then| now.since(*then) < RESTARTS_WITHIN);
            if restarts.len() >= RESTARTS_MAX {
                tracing::error!(
                    service = self.spec.name,
                    "a service panics again and again; the node leaves the realm"
                );
                self.breaks();
                return;
            }
            restarts.push_back(now);
            self.node.metrics().service(&self.spec.name).restarts.inc();
        }
    }

    fn breaks(&self) {
        self.node.breaks(Broken::Service(self.spec.name.clone()));
    }

    /// Waits until this node may run the service, and returns its epoch; `None` when the service is not to run at all.
    async fn hold(
        &self,
        asked: &mut mpsc::UnboundedReceiver<Control>,
        ready: &mut Option<oneshot::Sender<Result<(), ModuleError>>>,
    ) -> Option<u64> {
        let Some(singular) = self.spec.singular else {
            return Some(0);
        };
        let name = self.spec.name.as_str();
        let by = match self.node.link().hold(name, false).await {
            Ok(epoch) => return Some(epoch),
            Err(taken) => taken.by,
        };
        if singular == Singular::Refuse {
            if let Some(ready) = ready.take() {
                let _ = ready.send(Err(ModuleError::Taken { by }));
            }
            return None;
        }
        tracing::info!(service = name, %by, "standing by: another node runs this service");
        self.node.stands_by(name, true);
        if let Some(ready) = ready.take() {
            let _ = ready.send(Ok(()));
        }
        let mut holding = self.node.link().hold(name, true);
        loop {
            match select(holding, Box::pin(asked.recv())).await {
                Either::Left((Ok(epoch), _)) => {
                    tracing::info!(service = name, epoch, "taking over");
                    self.node.metrics().nodes().takeovers.inc();
                    self.node.stands_by(name, false);
                    return Some(epoch);
                }
                Either::Left((Err(_), _)) => holding = self.node.link().hold(name, true),
                Either::Right((Some(Control::Drain(done)), waiting)) => {
                    let _ = done.send(());
                    holding = waiting;
                }
                Either::Right((Some(Control::Stop(done)), _)) => {
                    let _ = done.send(());
                    return None;
                }
                Either::Right((None, _)) => return None,
            }
        }
    }

    /// Makes and starts the modules; a panic in their code is an error too.
    async fn make_caught(
        &self,
        cx: &ServiceCx,
        calls: &Rc<RefCell<CallTable>>,
    ) -> Result<Incarnation, ModuleError> {
        Kept::new(Box::pin(self.make(cx, calls)))
            .await
            .unwrap_or_else(|panic| {
                let what = format!(
                    "a module of service '{}' panicked: {}",
                    self.spec.name,
                    panic_text(&*panic)
                );
                drop_caught(panic);
                Err(ModuleError::Needs { module: "?", what })
            })
    }

    /// Makes and starts the modules, and begins to run mail and frames.
    async fn make(
        &self,
        cx: &ServiceCx,
        calls: &Rc<RefCell<CallTable>>,
    ) -> Result<Incarnation, ModuleError> {
        self.modules.hand_out(cx);
        let mut modules = Vec::new();
        for spec in &self.spec.modules {
            let module = self.modules.make(spec, cx)?;
            module.serve(&mut calls.borrow_mut());
            modules.push(module);
        }
        let groups = calls.borrow().groups().to_vec();
        let incarnation = Incarnation {
            cx: cx.clone(),
            modules,
        };
        incarnation.run_mail(calls);
        for module in &incarnation.modules {
            module.start(cx).await?;
        }
        incarnation.run_frames(&self.spec);
        self.node.service_up(ServiceEntry {
            name: self.spec.name.clone(),
            address: cx.address(),
            groups,
            epoch: cx.epoch(),
        });
        Ok(incarnation)
    }
}

struct Incarnation {
    cx: ServiceCx,
    modules: Vec<Rc<dyn AnyModule>>,
}

impl Incarnation {
    async fn live(&self, asked: &mut mpsc::UnboundedReceiver<Control>) -> Ended {
        loop {
            let panicked = std::pin::pin!(self.cx.0.panicked.notified());
            let done = match select(panicked, Box::pin(asked.recv())).await {
                Either::Left(_) => return Ended::Panicked,
                Either::Right((None, _)) => return Ended::Abandoned,
                Either::Right((Some(Control::Stop(done)), _)) => return Ended::Stopped(done),
                Either::Right((Some(Control::Drain(done)), _)) => done,
            };
            let drain = std::pin::pin!(self.drain());
            match select(drain, Box::pin(asked.recv())).await {
                Either::Left(_) => drop(done.send(())),
                Either::Right((Some(Control::Stop(done)), _)) => return Ended::Stopped(done),
                Either::Right(_) => return Ended::Abandoned,
            }
        }
    }

    async fn drain(&self) {
        for module in self.modules.iter().rev() {
            let drained = Kept::new(Box::pin(async { module.drain(&self.cx).await })).await;
            if let Err(panic) = drained {
                tracing::error!(why = panic_text(&*panic), "a module panicked as it drained");
                drop_caught(panic);
            }
        }
        self.cx.flush();
    }

    fn run_mail(&self, calls: &Rc<RefCell<CallTable>>) {
        let postman = Postman {
            cx: self.cx.clone(),
            modules: self.modules.clone(),
            calls: calls.clone(),
        };
        self.cx.run_always(postman.run());
        let cx = self.cx.clone();
        self.cx.run_always(async move {
            loop {
                cx.0.flush_wanted.notified().await;
                match cx.0.rate {
                    Rate::Hz(_) => cx.clock().sleep(FLUSH_AFTER).await,
                    Rate::Mail => tokio::task::yield_now().await,
                }
                cx.flush();
            }
        });
    }

    fn run_frames(&self, spec: &ServiceSpec) {
        if let Some(period) = self.cx.period() {
            let budget = Duration::from_millis(u64::from(spec.frame_budget_ms));
            let frames = Frames::new(period, budget, self.cx.now());
            self.cx
                .run_always(frames.run(self.cx.clone(), self.modules.clone()));
        }
    }
}

/// Ends all that a service has: its tasks, locales, topics, its own mailbox. Who still waits for it is told.
async fn close(cx: &ServiceCx, calls: &RefCell<CallTable>, reason: DeathReason) {
    cx.0.ending.set(Some(reason));
    cx.node().lease().wake();
    for task in cx.0.tasks.take().into_values() {
        task.abort();
    }
    for (caller, call) in calls.borrow_mut().abandon() {
        cx.reply(caller, call, Err(CallError::Failed));
    }
    cx.gate().open();
    let mut locales: Vec<_> = cx.0.locales.borrow().keys().copied().collect();
    locales.sort_unstable();
    for locale in locales {
        cx.end(locale);
    }
    loop {
        let emptied = cx.0.emptied.notified();
        if cx.0.locales.borrow().is_empty() {
            break;
        }
        emptied.await;
    }
    for topic in cx.0.topics.take() {
        cx.node().unsubscribe(&topic, cx.address());
    }
    cx.node().service_down(cx.address());
    let left = cx.0.tray.close();
    cx.node().service_gone(cx.address());
    cx.node().directory().remove(cx.address());
    cx.bury(cx.address(), reason, left);
    for held in cx.0.held.take().into_values() {
        drop_caught(held);
    }
    cx.flush();
}
