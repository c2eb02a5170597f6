//! [`Resolver`]: the end of a chain that fires it.

use std::panic::Location;
use std::rc::Rc;

use crate::Failure;

use super::control::{self, Chain, Control, Phase};
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
pub struct Resolver<T: 'static>(Rc<Root<T>>);

impl<T> Resolver<T> {
    /// A resolver, and what it fires.
    pub(super) fn new(
        canceller: Option<Box<dyn FnOnce()>>,
        made_at: &'static Location<'static>,
    ) -> (Self, Rc<dyn Source<T>>) {
        let root = Rc::new(Root { port: Port::new(), chain: Chain::new(canceller, made_at) });
        (Self(Rc::clone(&root)), root)
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
        if self.0.phase() <= Phase::Cancelling {
            walk(self.0.fire(result, Phase::Fired));
        }
    }

    /// Whether the Deferred was cancelled, so that nobody waits for the result any more.
    ///
    /// It may turn true a little before the canceller runs: dropping an `.await` inside a task announces the
    /// cancel and queues it.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.phase(), Phase::Announced | Phase::Cancelling | Phase::Cancelled)
    }
}

impl<T> Drop for Resolver<T> {
    fn drop(&mut self) {
        match self.0.phase() {
            Phase::Pending => walk(self.0.fire(Err(Failure::abandoned()), Phase::Fired)),
            Phase::Announced => walk(self.0.fire(Err(Failure::cancelled()), Phase::Cancelled)),
            Phase::Cancelling | Phase::Cancelled | Phase::Fired => {}
        }
    }
}

/// The first node of a pending chain.
struct Root<T> {
    port: Port<T>,
    chain: Chain,
}

impl<T: 'static> Root<T> {
    fn phase(&self) -> Phase {
        self.chain.phase.get()
    }

    /// Gives the chain its result; to be called once. Returns the stage that is to run next.
    fn fire(self: &Rc<Self>, result: Result<T, Failure>, phase: Phase) -> Option<Rc<dyn Step>> {
        self.chain.phase.set(phase);
        let control: Rc<dyn Control> = Rc::<Self>::clone(self);
        control::now_running(&control);
        drop(self.chain.canceller.take());
        deliver(Rc::<Self>::clone(self), result)
    }
}

impl<T: 'static> Control for Root<T> {
    fn chain(&self) -> &Chain {
        &self.chain
    }

    fn fire_cancelled(self: Rc<Self>, failure: Failure) -> Option<Rc<dyn Step>> {
        self.fire(Err(failure), Phase::Cancelled)
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
