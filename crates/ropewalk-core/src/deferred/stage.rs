//! [`Stage`]: one callback of a chain that has not fired yet, and the loop that fires them.
//!
//! A stage is one allocation: the callback, a cell for what goes in and a [`Port`] for what comes out. It is
//! owned by the node before it, and also by the Deferred at its end while somebody holds that.

use std::cell::Cell;
use std::rc::Rc;

use crate::Failure;

use super::Deferred;
use super::control::Control;
use super::port::{Port, Source, deliver, wait_for};

/// A node seen from the firing loop.
pub(super) trait Step {
    /// Runs the callback on what was received. Returns the next node that is ready to run.
    fn step(self: Rc<Self>) -> Option<Rc<dyn Step>>;
}

/// A node seen from upstream.
pub(super) trait Receive<T> {
    /// Keeps `input` for the callback, which is to be run next.
    fn receive(self: Rc<Self>, input: Result<T, Failure>) -> Rc<dyn Step>;
}

/// Runs the callbacks that are ready, in the order of their chain, until it ends or waits. It is a loop so that
/// the length of a chain costs no stack.
pub(super) fn walk(first: Option<Rc<dyn Step>>) {
    let mut next = first;
    while let Some(step) = next {
        next = step.step();
    }
}

/// Runs a callback; its panic is a failure.
pub(super) fn caught<U: 'static>(work: impl FnOnce() -> Deferred<U>) -> Deferred<U> {
    Failure::catch(work).unwrap_or_else(Deferred::fail)
}

/// One callback of a pending chain.
pub(super) struct Stage<T, U, F> {
    input: Cell<Option<Result<T, Failure>>>,
    work: Cell<Option<F>>,
    port: Port<U>,
    control: Rc<dyn Control>,
}

impl<T, U, F> Stage<T, U, F> {
    pub(super) fn new(work: F, control: Rc<dyn Control>) -> Self {
        Self { input: Cell::new(None), work: Cell::new(Some(work)), port: Port::new(), control }
    }
}

impl<T, U, F> Receive<T> for Stage<T, U, F>
where
    Self: Step + 'static,
{
    fn receive(self: Rc<Self>, input: Result<T, Failure>) -> Rc<dyn Step> {
        self.input.set(Some(input));
        self
    }
}

impl<T, U, F> Step for Stage<T, U, F>
where
    T: 'static,
    U: 'static,
    F: FnOnce(Result<T, Failure>) -> Deferred<U> + 'static,
{
    fn step(self: Rc<Self>) -> Option<Rc<dyn Step>> {
        let (work, input) = (self.work.take()?, self.input.take()?);
        match caught(|| work(input)).open() {
            Ok((result, _)) => deliver(self, result),
            Err(pending) => wait_for(self, pending),
        }
    }
}

impl<T, U, F> Source<U> for Stage<T, U, F> {
    fn port(&self) -> &Port<U> {
        &self.port
    }

    fn control(self: Rc<Self>) -> Rc<dyn Control> {
        Rc::clone(&self.control)
    }
}
