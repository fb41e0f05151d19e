//! The module `statistics`: publishes its node's figures at its own pace, and answers for all nodes.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use realm::{Birth, CallTable, Classes, Module, ModuleError, ServiceCx};
use serde::Deserialize;

use super::gatherer::Gatherer;
use super::visible::Visible;
use super::{NodeFigures, PAGE, Report, Statistics, StatisticsError, StatisticsProxy};

const NAME: &str = "statistics";

/// A node that is not heard for so many periods is not told any more.
const SILENT_PERIODS: u32 = 5;

/// The longest figures of a node that are read, in bytes: several times what a node may publish.
const FIGURES_LEN_MAX: usize = 256 * 1024;

/// Settings of the module `statistics`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatisticsConfig {
    /// How often figures are published. All nodes should have the same.
    pub every_ms: u64,
}

impl Default for StatisticsConfig {
    fn default() -> Self {
        Self { every_ms: 1_000 }
    }
}

/// Tells what goes on. It looks at one node from beside, and so lives in a service of its own.
pub struct StatisticsModule {
    cx: ServiceCx,
    every: Duration,
    topic: Arc<str>,
    gatherer: RefCell<Gatherer>,
    visible: Arc<Visible>,
}

impl Module for StatisticsModule {
    const NAME: &'static str = NAME;
    type Config = StatisticsConfig;

    fn classes(list: &mut Classes) {
        list.calls(StatisticsProxy::METHODS);
    }

    fn new(config: StatisticsConfig, cx: &ServiceCx) -> Result<Self, ModuleError> {
        if config.every_ms < 10 {
            return Err(ModuleError::Needs {
                module: NAME,
                what: "every_ms must be at least 10: figures should cost little".to_owned(),
            });
        }
        let every = Duration::from_millis(config.every_ms);
        Ok(Self {
            cx: cx.clone(),
            every,
            topic: NAME.into(),
            gatherer: RefCell::default(),
            visible: Arc::new(Visible::new(every.saturating_mul(SILENT_PERIODS))),
        })
    }

    fn serve(self: &Rc<Self>, calls: &mut CallTable) {
        StatisticsProxy::serve(calls, self);
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        cx.subscribe(&self.topic);
        let (visible, clock) = (self.visible.clone(), cx.clock().clone());
        cx.node().pages().show(PAGE, "application/json", move || {
            // Numbers and names are always writable.
            serde_json::to_string(&visible.report(clock.now())).unwrap_or_default()
        });
        let me = self.clone();
        cx.run(async move {
            loop {
                me.publish();
                me.cx.clock().sleep(me.every).await;
            }
        });
        Ok(())
    }

    fn heard(&self, topic: &Arc<str>, bytes: &Bytes, cx: &ServiceCx) {
        if *topic != self.topic {
            return;
        }
        let figures = match bytes.len() {
            ..=FIGURES_LEN_MAX => wire::decode::<NodeFigures>(bytes).ok(),
            _ => None,
        };
        match figures {
            Some(figures) => self.visible.heard(figures, cx.now()),
            None => cx.node().metrics().undecodable(NAME),
        }
    }

    fn node_lost(&self, node: Birth, cx: &ServiceCx) {
        self.visible.lost(node, cx.now());
    }
}

impl StatisticsModule {
    fn publish(&self) {
        let node = self.cx.node();
        let figures = self.gatherer.borrow_mut().gather(node);
        match wire::encode(&figures) {
            Ok(bytes) => self.cx.publish(&self.topic, bytes.into()),
            Err(error) => tracing::error!(%error, "a node's figures could not be written"),
        }
        // For the next time: services that run when mail arrives note it only when they are asked.
        node.measure_threads();
    }
}

impl Statistics for StatisticsModule {
    async fn report(&self) -> Result<Report, StatisticsError> {
        Ok(self.visible.report(self.cx.now()))
    }
}
