//! [`Reactor`]: the handle to a thread's loop.
//!
//! It is passed explicitly; there is no global one, and a process may run several, each on a thread of its
//! own. It and everything that lives on it is `!Send`: the state of an application is plain Rust. What other
//! threads may hold is a [`ReactorRemote`]. The loop itself belongs to its one owner, the
//! [`Loop`](crate::Loop).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::remote::Inbox;
use crate::source::{Source, Table};
use crate::system_event::SystemEvents;
use crate::task::{Task, Tasks};
use crate::{
    BufferPool, DelayedCall, Driver, Failure, FailureKind, ReactorLimits, ReactorRemote,
    ReactorTime, SlotId, Time, Timers, Wait,
};

/// A cheap handle to this thread's loop.
#[derive(Clone)]
pub struct Reactor(pub(crate) Rc<Inner>);

pub(crate) struct Inner {
    pub(crate) driver: Rc<dyn Driver>,
    pub(crate) limits: ReactorLimits,
    pub(crate) timers: Timers,
    pub(crate) table: RefCell<Table>,
    pub(crate) ready: RefCell<VecDeque<Ready>>,
    pub(crate) dirty: RefCell<Vec<Rc<dyn Source>>>,
    pub(crate) tasks: Tasks,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) pool: BufferPool,
    pub(crate) events: SystemEvents,
    pub(crate) phase: Cell<Phase>,
    pub(crate) in_turn: Cell<bool>,
    /// In guest mode: the host has been told that there is work.
    pub(crate) host_knows: Cell<bool>,
    pub(crate) guest: Cell<bool>,
    pub(crate) call_depth: Cell<u8>,
}

/// What gets a turn in the ready phase.
pub(crate) enum Ready {
    Call(Box<dyn FnOnce()>),
    Task(Rc<Task>),
    Source(Rc<dyn Source>),
}

/// The life of a loop.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
pub(crate) enum Phase {
    /// Before the first turn, too.
    Running,
    /// `stop` was called: the shutdown events are under way.
    Stopping,
    /// `run` returns after this turn.
    Finished,
    /// The owner is gone.
    Over,
}

/// Counts a nested call for as long as it lives.
pub(crate) struct CallDepth(Rc<Inner>);

impl Reactor {
    pub(crate) fn new(driver: Rc<dyn Driver>, limits: ReactorLimits) -> Self {
        let clock = driver.clone();
        let inbox = Inbox::new(driver.notifier(), limits.remote_calls_max);
        Self(Rc::new(Inner {
            timers: Timers::new(Some(Box::new(move || clock.now()))),
            driver,
            limits,
            table: RefCell::default(),
            ready: RefCell::default(),
            dirty: RefCell::default(),
            tasks: Tasks::default(),
            inbox,
            pool: BufferPool::default(),
            events: SystemEvents::default(),
            phase: Cell::new(Phase::Running),
            in_turn: Cell::new(false),
            host_knows: Cell::new(false),
            guest: Cell::new(false),
            call_depth: Cell::new(0),
        }))
    }

    /// This turn's time; outside of a turn, the driver's.
    pub fn now(&self) -> Time {
        self.0.timers.now()
    }

    /// Runs `f` when `after` has passed, never earlier; with zero, in the next turn.
    pub fn call_later(&self, after: Duration, f: impl FnOnce() + 'static) -> DelayedCall {
        self.0.timers.call_later(after, f)
    }

    /// Runs `f` at `deadline`, never earlier; if that is past, in the next turn.
    pub fn call_at(&self, deadline: Time, f: impl FnOnce() + 'static) -> DelayedCall {
        self.0.timers.call_at(deadline, f)
    }

    /// Runs `f` in the next ready phase, after what is queued already.
    pub fn call_soon(&self, f: impl FnOnce() + 'static) {
        self.push_ready(Ready::Call(Box::new(f)));
    }

    /// A handle for other threads.
    pub fn remote(&self) -> ReactorRemote {
        ReactorRemote(self.0.inbox.clone())
    }

    /// Begins to stop: the shutdown events happen (see [`add_system_event_trigger`]), connections send what
    /// was written, and then [`Loop::run`](crate::Loop::run) returns.
    ///
    /// # Errors
    /// `Local` if it is stopping already; `Stopped` if it has stopped.
    ///
    /// [`add_system_event_trigger`]: Self::add_system_event_trigger
    pub fn stop(&self) -> Result<(), Failure> {
        match self.0.phase.get() {
            Phase::Running => {
                self.0.phase.set(Phase::Stopping);
                self.begin_shutdown();
                Ok(())
            }
            Phase::Stopping => {
                Err(Failure::new(FailureKind::Local, "the reactor is stopping already"))
            }
            Phase::Finished | Phase::Over => Err(Failure::stopped()),
        }
    }

    /// Ends [`Loop::run`](crate::Loop::run) after this turn, with no shutdown events and nothing flushed.
    pub fn crash(&self) {
        if self.0.phase.get() < Phase::Finished {
            self.0.phase.set(Phase::Finished);
        }
    }

    /// Whether [`stop`](Self::stop) or [`crash`](Self::crash) has been called, or the loop is gone.
    pub fn is_stopping(&self) -> bool {
        self.0.phase.get() >= Phase::Stopping
    }

    /// The driver, for its own crate.
    pub fn driver(&self) -> &Rc<dyn Driver> {
        &self.0.driver
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &ReactorLimits {
        &self.0.limits
    }

    /// How many slots are in use: connections, ports, sockets, watched descriptors.
    pub fn sources(&self) -> usize {
        self.0.table.borrow().len()
    }

    /// Gives a slot to what `make` makes of its id. For the crates of drivers; their own row for it follows.
    ///
    /// # Errors
    /// `Limit` if `slots_max` are in use; `Stopped` once the loop is gone.
    pub fn insert<S: Source>(&self, make: impl FnOnce(SlotId) -> Rc<S>) -> Result<Rc<S>, Failure> {
        if self.is_over() {
            return Err(Failure::stopped());
        }
        let max = self.0.limits.slots_max;
        let reserved = self.0.table.borrow_mut().reserve(max);
        let id = reserved.ok_or_else(|| {
            Failure::new(FailureKind::Limit, format!("{max} slots are in use already (slots_max)"))
        })?;
        let source = make(id);
        self.0.table.borrow_mut().put(id, source.clone());
        Ok(source)
    }

    /// Takes a slot back that the driver never had a row for. For the crates of drivers.
    pub fn remove(&self, id: SlotId) {
        let removed = self.0.table.borrow_mut().remove(id);
        drop(removed);
        if self.sources() == 0
            && let Some(resolver) = self.0.events.on_empty.take()
        {
            resolver.callback(());
        }
    }

    /// Gives `source` a turn in the next flush phase. For the crates of drivers.
    #[inline]
    pub fn push_dirty(&self, source: Rc<dyn Source>) {
        if self.is_over() {
            return; // Nobody would take it out again.
        }
        self.0.dirty.borrow_mut().push(source);
        self.tell_host();
    }

    pub(crate) fn push_ready(&self, ready: Ready) {
        if self.is_over() {
            return; // Dropped unrun, as everything queued was when the loop went.
        }
        self.0.ready.borrow_mut().push_back(ready);
        self.tell_host();
    }

    /// In guest mode, and outside of a turn, the first piece of work makes the host call.
    pub(crate) fn tell_host(&self) {
        if self.0.guest.get() && !self.0.in_turn.get() && !self.0.host_knows.replace(true) {
            self.0.driver.park(Wait::No);
        }
    }

    pub(crate) fn nest_call(&self, max: u8) -> Option<CallDepth> {
        let depth = self.0.call_depth.get();
        (depth < max).then(|| {
            self.0.call_depth.set(depth + 1);
            CallDepth(self.0.clone())
        })
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.phase.get() == Phase::Over
    }
}

impl ReactorTime for Reactor {
    fn timers(&self) -> &Timers {
        &self.0.timers
    }
}

impl Drop for CallDepth {
    fn drop(&mut self) {
        self.0.call_depth.set(self.0.call_depth.get() - 1);
    }
}
