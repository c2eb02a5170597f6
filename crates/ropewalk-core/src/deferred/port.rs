//! [`Port`]: where a node's result goes.
//!
//! Every node of a pending chain has one. It starts [`Open`](Exit::Open), with the last [`Deferred`] in
//! someone's hands, and then becomes what was done with that Deferred: a stage was attached, an outer chain waits
//! for it, a task awaits it, or it was dropped. A state is always moved out of its cell before anything is called,
//! so no user code ever finds it borrowed.

use std::cell::Cell;
use std::rc::Rc;

use crate::{Failure, FailureKind};

use super::awaiting::Waiter;
use super::control::{self, Control};
use super::stage::{Receive, Step};
use super::unhandled;

/// A node seen from downstream: something that will give a `T`.
pub(super) trait Source<T> {
    /// Where its result goes.
    fn port(&self) -> &Port<T>;
    /// The control of the chain that it is in.
    fn control(self: Rc<Self>) -> Rc<dyn Control>;
}

/// Where a node's result goes.
pub(super) struct Port<T>(Cell<Exit<T>>);

/// What is to be done with a result.
enum Exit<T> {
    /// Keep it: the Deferred at the end is in someone's hands.
    Open,
    /// Give it to the next stage.
    Stage(Rc<dyn Receive<T>>),
    /// It is the result of that node of an outer chain, one of whose callbacks returned this chain's Deferred.
    Outer(Rc<dyn Source<T>>),
    /// Keep it and wake the task.
    Task(Waiter),
    /// Nobody wants it.
    Detached,
    /// It is there, for whoever holds the Deferred.
    Result(Result<T, Failure>),
}

impl<T> Port<T> {
    pub(super) fn new() -> Self {
        Self(Cell::new(Exit::Open))
    }

    /// The result, if it is there already.
    pub(super) fn take_result(&self) -> Option<Result<T, Failure>> {
        match self.0.replace(Exit::Open) {
            Exit::Result(result) => Some(result),
            other => {
                self.0.set(other);
                None
            }
        }
    }

    /// Whether the result is there.
    pub(super) fn has_result(&self) -> bool {
        self.take_result().map(|result| self.0.set(Exit::Result(result))).is_some()
    }

    /// The result is to go to `stage`.
    pub(super) fn attach(&self, stage: Rc<dyn Receive<T>>) {
        self.0.set(Exit::Stage(stage));
    }

    /// The result is to be kept, and the task woken that `waiter` stands for.
    pub(super) fn wake_later(&self, waiter: Waiter) {
        self.0.set(Exit::Task(waiter));
    }
}

/// The Deferred at the end of `source` was dropped: a failure that is there, or comes, is logged.
pub(super) fn detach<T>(source: Rc<dyn Source<T>>) {
    if let Exit::Result(Err(failure)) = source.port().0.replace(Exit::Detached) {
        unhandled::log(&failure, control::made_at(&source.control()));
    }
}

/// Sends the result of `source` on its way. Returns the stage that it reached, which is to run next.
pub(super) fn deliver<T>(
    mut source: Rc<dyn Source<T>>,
    result: Result<T, Failure>,
) -> Option<Rc<dyn Step>> {
    loop {
        match source.port().0.replace(Exit::Open) {
            Exit::Stage(stage) => return Some(stage.receive(result)),
            Exit::Outer(outer) => source = outer,
            exit => {
                end(source, exit, result);
                return None;
            }
        }
    }
}

/// What happens to a result at the end of a chain.
fn end<T>(source: Rc<dyn Source<T>>, exit: Exit<T>, result: Result<T, Failure>) {
    if let Exit::Detached = exit {
        if let Err(failure) = result {
            unhandled::log(&failure, control::made_at(&source.control()));
        }
        return;
    }
    source.port().0.set(Exit::Result(result));
    if let Exit::Task(waiter) = exit {
        waiter.wake();
    }
}

/// Makes `outer`, one of whose callbacks returned the pending `inner`, get the result of that.
///
/// Unless someone holds the Deferred of `outer`, its exit simply moves to `inner`, and `outer` is freed: a loop
/// made of callbacks that each return the next turn's Deferred runs in constant memory.
pub(super) fn wait_for<T>(
    outer: Rc<dyn Source<T>>,
    inner: Rc<dyn Source<T>>,
) -> Option<Rc<dyn Step>> {
    let control = Rc::clone(&inner).control();
    let Some(cancel_asked) = control::nest(&Rc::clone(&outer).control(), &control) else {
        detach(inner);
        let why = "a callback returned the Deferred of its own chain, which would wait for itself";
        return deliver(outer, Err(Failure::new(FailureKind::Local, why)));
    };
    let exit = match outer.port().0.replace(Exit::Open) {
        // What someone else looks into must stay where it is.
        stays @ (Exit::Open | Exit::Task(_) | Exit::Result(_)) => {
            outer.port().0.set(stays);
            Exit::Outer(outer)
        }
        moves => moves,
    };
    inner.port().0.set(exit);
    if cancel_asked { control::cancel(&control) } else { None }
}
