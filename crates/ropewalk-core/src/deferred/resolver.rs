//! [`Resolver`]: the end of a chain that fires it.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;

use crate::Failure;

use super::control::{self, Chain, Control};
use super::port::{Port, Source, deliver};
use super::stage::{Step, walk};

/// Fires a [`Deferred`](super::Deferred), once. Made by [`Deferred::new`](super::Deferred::new) together with it.
///
/// # Fires
/// Firing is synchronous: when [`callback`](Self::callback) or [`errback`](Self::errback) returns, every callback
/// that could run has run. Firing consumes the resolver, so that firing twice does not compile:
///
/// ```compile_fail
/// let (resolver, answer) = ropewalk_core::Deferred::<u32>::new();
/// resolver.callback(1);
/// resolver.callback(2); // use of moved value
/// ```
///
/// A resolver dropped unfired fires [`Failure::abandoned`], so nobody waits for ever.
///
/// # Cancellation
/// Once the Deferred is cancelled it has fired; what the resolver gives afterwards is silently dropped, as there
/// is no way to call an answer back that is on its way. One dropped by its own canceller lets the cancel fire.
pub struct Resolver<T: 'static> {
    root: Rc<Root<T>>,
}

impl<T> Resolver<T> {
    /// A resolver, and what it fires.
    pub(super) fn new(
        canceller: Option<Box<dyn FnOnce()>>,
        made_at: &'static Location<'static>,
    ) -> (Self, Rc<dyn Source<T>>) {
        let root = Rc::new(Root {
            port: Port::new(),
            phase: Cell::new(Phase::Pending),
            canceller: Cell::new(canceller),
            chain: Chain::new(made_at),
        });
        (Self { root: Rc::clone(&root) }, root)
    }

    /// Fires the chain with a success.
    pub fn callback(self, value: T) {
        self.fire(Ok(value));
    }

    /// Fires the chain with a failure.
    pub fn errback(self, failure: Failure) {
        self.fire(Err(failure));
    }

    /// Fires the chain with either.
    pub fn fire(self, result: Result<T, Failure>) {
        if self.root.phase.get().may_fire() {
            walk(self.root.fire(result, Phase::Fired));
        }
    }

    /// Whether the Deferred was cancelled, so that nobody waits for the result any more.
    ///
    /// It may turn true a little before the canceller runs: dropping an `.await` inside a task announces the
    /// cancel and queues it.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.root.phase.get(), Phase::Announced | Phase::Cancelling | Phase::Cancelled)
    }
}

impl<T> Drop for Resolver<T> {
    fn drop(&mut self) {
        match self.root.phase.get() {
            Phase::Pending => walk(self.root.fire(Err(Failure::abandoned()), Phase::Fired)),
            Phase::Announced => walk(self.root.fire(Err(Failure::cancelled()), Phase::Cancelled)),
            Phase::Cancelling | Phase::Cancelled | Phase::Fired => {}
        }
    }
}

impl<T> fmt::Debug for Resolver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("is_cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

/// The first node of a pending chain.
struct Root<T> {
    port: Port<T>,
    phase: Cell<Phase>,
    canceller: Cell<Option<Box<dyn FnOnce()>>>,
    chain: Chain,
}

/// How far a root is. It only moves forward.
#[derive(Clone, Copy)]
enum Phase {
    Pending,
    /// A cancel is on its way.
    Announced,
    /// The canceller runs; it may fire the chain.
    Cancelling,
    Cancelled,
    Fired,
}

impl Phase {
    fn may_fire(self) -> bool {
        matches!(self, Self::Pending | Self::Announced | Self::Cancelling)
    }
}

impl<T: 'static> Root<T> {
    /// Gives the chain its result; to be called once. Returns the stage that is to run next.
    fn fire(self: &Rc<Self>, result: Result<T, Failure>, phase: Phase) -> Option<Rc<dyn Step>> {
        self.phase.set(phase);
        let control: Rc<dyn Control> = Rc::<Self>::clone(self);
        control::now_running(&control);
        drop(self.canceller.take());
        deliver(Rc::<Self>::clone(self), result)
    }
}

impl<T: 'static> Control for Root<T> {
    fn chain(&self) -> &Chain {
        &self.chain
    }

    fn cancel_root(self: Rc<Self>) -> Option<Rc<dyn Step>> {
        if !matches!(self.phase.get(), Phase::Pending | Phase::Announced) {
            return None;
        }
        self.phase.set(Phase::Cancelling);
        let failure = match self
            .canceller
            .take()
            .map(|canceller| catch_unwind(AssertUnwindSafe(canceller)))
        {
            Some(Err(payload)) => Failure::from_panic(&*payload),
            Some(Ok(())) | None => Failure::cancelled(),
        };
        let fired_by_canceller = !self.phase.get().may_fire();
        if fired_by_canceller { None } else { self.fire(Err(failure), Phase::Cancelled) }
    }

    fn announce_cancel(&self) {
        if let Phase::Pending = self.phase.get() {
            self.phase.set(Phase::Announced);
        }
    }
}

impl<T: 'static> Source<T> for Root<T> {
    fn port(&self) -> &Port<T> {
        &self.port
    }

    fn control(self: Rc<Self>) -> Rc<dyn Control> {
        self
    }
}
