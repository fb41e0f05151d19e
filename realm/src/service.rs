//! A service: one thread with its modules and locales. This file holds what they see of it; its life is in `run`, its
//! frame in `frame`, how mail leaves it in `post` and `outbox`, how its own mail is handled in `postman`.

mod frame;
mod leased;
mod outbox;
mod post;
mod postman;
mod run;
mod watches;

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxBuildHasher;
use tokio::sync::{Notify, oneshot};

use crate::address::Address;
use crate::call::Pending;
use crate::caught::{Kept, Panic, drop_caught, panic_text};
use crate::chance::{Chance, Secrets};
use crate::clock::{Clock, Moment};
use crate::error::CallError;
use crate::locale::{self, Breed, Locale, Messages};
use crate::mail::DeathReason;
use crate::mailbox::{Gate, Mailbox, ServiceShared, Tray};
use crate::message::{Message, Payload, carried};
use crate::names::Sent;
use crate::node_core::NodeCore;
use crate::role::{Rate, ServiceSpec};
use outbox::Outbox;
use watches::Watches;

pub(crate) use leased::Leased;
pub(crate) use run::{Control, ServiceThread, start};

/// Bound of a service's own mailbox (requests, topics, notices), in mails.
const SERVICE_MAILBOX_LEN_MAX: usize = 65_536;

/// What modules and locales see of the service they live in. Cheap to clone; never leaves its thread.
#[derive(Clone)]
pub struct ServiceCx(Rc<Core>);

struct Core {
    node: Arc<NodeCore>,
    shared: Arc<ServiceShared>,
    tray: Rc<Tray>,
    /// Mail that lies on the trays of the service and its locales.
    waiting: Rc<Cell<usize>>,
    /// Mail that has run and is not counted in the metrics yet.
    ran: Cell<u64>,
    sent: Sent,
    rate: Rate,
    outbox: RefCell<Outbox>,
    flush_wanted: Notify,
    budget: frame::Budget,
    calls: RefCell<Pending>,
    locales: RefCell<HashMap<Address, Rc<Tray>, FxBuildHasher>>,
    breeds: RefCell<HashMap<TypeId, Rc<dyn Any>>>,
    held: RefCell<HashMap<TypeId, Rc<dyn Any>>>,
    topics: RefCell<BTreeSet<Arc<str>>>,
    watches: RefCell<Watches>,
    tasks: RefCell<BTreeMap<u64, tokio::task::AbortHandle>>,
    tasks_begun: Cell<u64>,
    chance: RefCell<Chance>,
    secrets: RefCell<Secrets>,
    epoch: u64,
    /// Stands still while the node has no lease.
    leased: bool,
    ending: Cell<Option<DeathReason>>,
    emptied: Notify,
    panicked: Notify,
}

impl ServiceCx {
    fn new(node: &Arc<NodeCore>, spec: &ServiceSpec, epoch: u64) -> Self {
        let address = node.next_address();
        let shared = Arc::new(ServiceShared {
            address,
            name: Arc::from(spec.name.as_str()),
            metrics: node.metrics().service(&spec.name),
            mailbox_len_max: spec.mailbox_len_max,
            gate: Gate::default(),
            waiting: AtomicI64::new(0),
        });
        let mailbox = Arc::new(Mailbox::new(shared.clone(), SERVICE_MAILBOX_LEN_MAX));
        let waiting = Rc::default();
        let tray = Rc::new(Tray::new(mailbox.clone(), Rc::clone(&waiting)));
        node.directory().put(address, mailbox);
        node.service_lives(address);
        Self(Rc::new(Core {
            node: node.clone(),
            shared,
            tray,
            waiting,
            ran: Cell::new(0),
            sent: Sent::new(),
            rate: spec.rate,
            outbox: RefCell::default(),
            flush_wanted: Notify::new(),
            budget: frame::Budget::default(),
            calls: RefCell::new(Pending::new(spec.calls_pending_max)),
            locales: RefCell::default(),
            breeds: RefCell::default(),
            held: RefCell::default(),
            topics: RefCell::default(),
            watches: RefCell::default(),
            tasks: RefCell::default(),
            tasks_begun: Cell::new(0),
            chance: RefCell::new(Chance::new(node.seed(), address)),
            secrets: RefCell::new(node.secrets(address)),
            epoch,
            leased: spec.singular.is_some() || spec.rate != Rate::Mail,
            ending: Cell::new(None),
            emptied: Notify::new(),
            panicked: Notify::new(),
        }))
    }

    /// The service's name in its role.
    pub fn name(&self) -> &str {
        &self.0.shared.name
    }

    /// The address of this incarnation of the service.
    pub fn address(&self) -> Address {
        self.0.shared.address
    }

    /// The node this service runs on.
    pub fn node(&self) -> &Arc<NodeCore> {
        &self.0.node
    }

    /// The node's clock.
    pub fn clock(&self) -> &Clock {
        self.0.node.clock()
    }

    /// Now.
    pub fn now(&self) -> Moment {
        self.clock().now()
    }

    /// The time between two frames; `None` for a service that runs when mail arrives.
    pub fn period(&self) -> Option<Duration> {
        match self.0.rate {
            Rate::Hz(rate) => Some(Duration::from_secs(1) / rate),
            Rate::Mail => None,
        }
    }

    /// Of a singular service: a number that grows with each node that runs it. 0 when any number of it may run.
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// Draws from the service's random source.
    pub fn chance<R>(&self, draw: impl FnOnce(&mut Chance) -> R) -> R {
        draw(&mut self.0.chance.borrow_mut())
    }

    /// Fills `bytes` with what cannot be guessed.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn secret(&self, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        self.0.secrets.borrow_mut().fill(bytes)
    }

    /// Sends `message` from the service itself. What comes back reaches [`crate::Module::undelivered`].
    pub fn send<M: Message>(&self, to: Address, message: M) {
        self.names::<M>();
        self.dispatch_message(self.address(), to, M::ID, carried(message));
    }

    /// Spawns a locale on this service and returns its address at once; its constructor runs a little later. On a service
    /// that is ending it dies unmade.
    pub fn spawn<L: Locale>(&self, seed: L::Seed) -> Address {
        let breed = self.breed_of::<L>();
        let address = self.0.node.next_address();
        let mailbox = Arc::new(Mailbox::new(
            self.0.shared.clone(),
            self.0.shared.mailbox_len_max,
        ));
        let tray = Rc::new(Tray::new(mailbox.clone(), self.0.waiting.clone()));
        self.0.node.directory().put(address, mailbox);
        self.0.locales.borrow_mut().insert(address, tray.clone());
        breed.kind.living.inc();
        locale::spawn::<L>(self, address, tray, breed, seed);
        address
    }

    /// Ends a locale of this service in order, whatever is still in its mailbox.
    pub fn end(&self, address: Address) {
        if let Some(tray) = self.0.locales.borrow().get(&address) {
            tray.doom();
        }
    }

    /// Has the service told, by [`crate::Module::died`], when `address` dies.
    pub fn watch_from_service(&self, address: Address) {
        self.watch(self.address(), address);
    }

    /// Keeps `value` for the modules and locales of this service, one of each type. It goes when the service restarts.
    pub fn hold<T: 'static>(&self, value: Rc<T>) {
        self.0.held.borrow_mut().insert(TypeId::of::<T>(), value);
    }

    /// The value of type `T` that a module of this service holds out.
    pub fn held<T: 'static>(&self) -> Option<Rc<T>> {
        self.0
            .held
            .borrow()
            .get(&TypeId::of::<T>())?
            .clone()
            .downcast()
            .ok()
    }

    /// Takes part in `topic`: its modules' [`crate::Module::heard`] is called with what is published there.
    pub fn subscribe(&self, topic: &Arc<str>) {
        if self.0.topics.borrow_mut().insert(topic.clone()) {
            self.0.node.subscribe(topic, self.address());
        }
    }

    /// Takes part in `topic` no more.
    pub fn unsubscribe(&self, topic: &Arc<str>) {
        if self.0.topics.borrow_mut().remove(topic) {
            self.0.node.unsubscribe(topic, self.address());
        }
    }

    /// Tells all services of the realm that take part in `topic`.
    pub fn publish(&self, topic: &Arc<str>, bytes: Bytes) {
        self.0.node.publish(self.address(), topic, bytes);
    }

    /// Runs `future` on this thread until it ends or the service does. A panic in it is a panic of the service.
    pub fn run(&self, future: impl Future<Output = ()> + 'static) {
        let future = Leased::new(self.clone(), Box::pin(future));
        self.run_always(future);
    }

    /// As [`ServiceCx::run`], for what asks for the lease itself.
    fn run_always(&self, future: impl Future<Output = ()> + 'static) {
        let id = self.0.tasks_begun.get();
        self.0.tasks_begun.set(id + 1);
        let service = self.clone();
        let future = Kept::new(Box::pin(future));
        let task = actix_rt::spawn(async move {
            if let Err(panic) = future.await {
                service.module_panicked("task", panic);
            }
            service.0.tasks.borrow_mut().remove(&id);
        });
        self.0.tasks.borrow_mut().insert(id, task.abort_handle());
    }

    /// True while the service may act; otherwise `task` is woken when it may again. One that ends may always: it only gives
    /// back what it has.
    #[inline]
    pub(crate) fn may_act(&self, task: &mut Context<'_>) -> bool {
        !self.0.leased || self.ending().is_some() || self.0.node.lease().passes(task)
    }

    /// True while the service may act.
    #[inline]
    fn acts(&self) -> bool {
        !self.0.leased || self.0.node.acts()
    }

    #[inline]
    pub(crate) fn gate(&self) -> &Gate {
        &self.0.shared.gate
    }

    #[inline]
    pub(crate) fn ran(&self) {
        self.0.ran.set(self.0.ran.get() + 1);
    }

    /// Sees to it that the node knows the name of what is sent.
    #[inline]
    pub(crate) fn names<M: Message>(&self) {
        if self.0.sent.is_new(M::ID) {
            self.0.node.names().learn(M::ID, M::NAME);
        }
    }

    /// Tells the metrics what has run.
    #[inline]
    pub(crate) fn count_ran(&self) {
        match self.0.ran.take() {
            0 => {}
            ran => drop(self.0.shared.metrics.mail_run.inc_by(ran)),
        }
    }

    #[inline]
    pub(crate) fn trace(&self, from: Address, to: Address, class: &'static str, payload: &Payload) {
        self.0.node.trace(from, to, class, payload);
    }

    pub(crate) fn chance_of(&self, address: Address) -> Chance {
        Chance::new(self.0.node.seed(), address)
    }

    fn breed_of<L: Locale>(&self) -> Rc<Breed<L>> {
        let known = self.0.breeds.borrow().get(&TypeId::of::<L>()).cloned();
        if let Some(breed) = known.and_then(|breed| breed.downcast().ok()) {
            return breed;
        }
        let list = Messages::<L>::of();
        for (class, name) in list.classes() {
            self.0.node.names().learn(class, name);
        }
        let classes: Vec<_> = list.classes().map(|(_, name)| name).collect();
        let kind = self.0.shared.metrics.kind(L::NAME, &classes);
        let breed = Rc::new(Breed { list, kind });
        self.0
            .breeds
            .borrow_mut()
            .insert(TypeId::of::<L>(), breed.clone());
        breed
    }

    /// Takes a dead locale out of the directory.
    pub(crate) fn forget(&self, address: Address) {
        self.0.node.directory().remove(address);
    }

    /// Why locales of this service end that did not choose to.
    pub(crate) fn ending(&self) -> Option<DeathReason> {
        self.0.ending.get()
    }

    pub(crate) fn open_call(&self) -> Option<(u64, oneshot::Receiver<Result<Payload, CallError>>)> {
        let opened = self.0.calls.borrow_mut().open();
        self.0
            .shared
            .metrics
            .calls_pending
            .set(self.0.calls.borrow().len() as i64);
        opened
    }

    pub(crate) fn forget_call(&self, call: u64) {
        self.0.calls.borrow_mut().forget(call);
        self.0
            .shared
            .metrics
            .calls_pending
            .set(self.0.calls.borrow().len() as i64);
    }

    /// Has the service restarted after a panic in a module's code.
    pub(crate) fn module_panicked(&self, what: &str, panic: Panic) {
        let why = panic_text(&*panic);
        tracing::error!(
            service = self.name(),
            what,
            why,
            "a module panicked; its service starts anew"
        );
        drop_caught(panic);
        // From here on calls wait for the next incarnation.
        self.0.node.service_down(self.address());
        self.0.panicked.notify_one();
    }
}
