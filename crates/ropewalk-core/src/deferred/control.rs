//! [`Control`]: what a chain waits for at the moment, and how a cancel gets there.
//!
//! There is one per chain; it lives in the chain's root, and every stage points to it. When a callback returns a
//! pending Deferred, the chain of that one becomes *part of* the outer chain: from then on the outer control
//! knows the root that both wait for, and the inner one only points outward. So a cancel finds the innermost
//! pending root in one step however deep the nesting, and a loop that nests without end piles nothing up.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::{Rc, Weak};

use crate::Failure;

use super::stage::{Step, walk};

/// A chain's root, seen from those who may cancel it.
pub(super) trait Control {
    /// What the chain knows about itself.
    fn chain(&self) -> &Chain;
    /// Fires this very root as cancelled. Returns the stage that is to run next.
    fn fire_cancelled(self: Rc<Self>, failure: Failure) -> Option<Rc<dyn Step>>;
}

/// What a chain knows about itself.
pub(super) struct Chain {
    waiting: RefCell<Waiting>,
    made_at: &'static Location<'static>,
    pub(super) phase: Cell<Phase>,
    pub(super) canceller: Cell<Option<Box<dyn FnOnce()>>>,
}

/// How far a chain's root is. It only moves forward.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Pending,
    /// A cancel is on its way.
    Announced,
    /// The canceller runs; it may fire the chain.
    Cancelling,
    Cancelled,
    Fired,
}

/// What a chain waits for.
enum Waiting {
    /// Its own root is to fire.
    OwnRoot,
    /// The root of a chain that one of its callbacks returned is to fire.
    Inner(Rc<dyn Control>),
    /// Its callbacks are running now, or have all run.
    Running { cancel_asked: bool },
    /// It is part of that chain, and that one knows.
    PartOf(Rc<dyn Control>),
}

impl Chain {
    pub(super) fn new(
        canceller: Option<Box<dyn FnOnce()>>,
        made_at: &'static Location<'static>,
    ) -> Self {
        Self {
            waiting: RefCell::new(Waiting::OwnRoot),
            made_at,
            phase: Cell::new(Phase::Pending),
            canceller: Cell::new(canceller),
        }
    }

    fn outer(&self) -> Option<Rc<dyn Control>> {
        match &*self.waiting.borrow() {
            Waiting::PartOf(outer) => Some(Rc::clone(outer)),
            _ => None,
        }
    }
}

/// The chain at whose end the results come out: `control` itself unless it is part of another.
fn outermost(control: &Rc<dyn Control>) -> Rc<dyn Control> {
    let mut found = Rc::clone(control);
    let mut depth = 0;
    while let Some(outer) = found.chain().outer() {
        found = outer;
        depth += 1;
    }
    if depth > 1 {
        // The next search from here takes one step.
        let before = control.chain().waiting.replace(Waiting::PartOf(Rc::clone(&found)));
        drop(before);
    }
    found
}

/// Where the chain was made, for the log.
pub(super) fn made_at(control: &Rc<dyn Control>) -> &'static Location<'static> {
    outermost(control).chain().made_at
}

/// The root that the chain waited for has fired: its callbacks run from now on.
pub(super) fn now_running(control: &Rc<dyn Control>) {
    let running = Waiting::Running { cancel_asked: false };
    let before = outermost(control).chain().waiting.replace(running);
    drop(before);
}

/// Makes the chain of `inner` part of that of `outer`, one of whose callbacks has returned it. Says whether a cancel
/// was asked for while that callback ran, which is the inner one's now; `None` if they are the same chain, which
/// would wait for itself.
pub(super) fn nest(outer: &Rc<dyn Control>, inner: &Rc<dyn Control>) -> Option<bool> {
    let (outer, inner) = (outermost(outer), outermost(inner));
    if Rc::ptr_eq(&outer, &inner) {
        return None;
    }
    let waiting = match inner.chain().waiting.replace(Waiting::PartOf(Rc::clone(&outer))) {
        Waiting::OwnRoot => Waiting::Inner(inner),
        other => other,
    };
    let before = outer.chain().waiting.replace(waiting);
    Some(matches!(before, Waiting::Running { cancel_asked: true }))
}

/// Cancels the root that the chain waits for: runs its canceller, and fires it as cancelled if that did not fire it.
/// Returns the stage that is to run next. Does nothing to one that is being cancelled.
///
/// If the chain's callbacks are running, this is kept in mind for the first pending Deferred that one of them
/// returns.
pub(super) fn cancel(control: &Rc<dyn Control>) -> Option<Rc<dyn Step>> {
    let root = pending_root(&outermost(control))?;
    let Chain { phase, canceller, .. } = root.chain();
    if phase.get() > Phase::Announced {
        return None;
    }
    phase.set(Phase::Cancelling);
    let panic = canceller.take().and_then(|canceller| Failure::catch(canceller).err());
    let failure = panic.unwrap_or_else(Failure::cancelled);
    let fired_by_canceller = phase.get() > Phase::Cancelling;
    if fired_by_canceller { None } else { root.fire_cancelled(failure) }
}

fn pending_root(outermost: &Rc<dyn Control>) -> Option<Rc<dyn Control>> {
    match &mut *outermost.chain().waiting.borrow_mut() {
        Waiting::OwnRoot => Some(Rc::clone(outermost)),
        Waiting::Inner(root) | Waiting::PartOf(root) => Some(Rc::clone(root)),
        Waiting::Running { cancel_asked } => {
            *cancel_asked = true;
            None
        }
    }
}

/// Cancels a chain later, without keeping it alive.
#[derive(Clone)]
pub(crate) struct CancelHandle(pub(super) Weak<dyn Control>);

impl CancelHandle {
    /// Whether the chain may still wait for anything.
    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Cancels the chain, if it still waits for anything.
    pub(crate) fn cancel(&self) {
        if let Some(control) = self.0.upgrade() {
            walk(cancel(&control));
        }
    }

    /// Lets the resolver know that a cancel is on its way, so that it does not waste a value.
    pub(super) fn announce(&self) {
        let root = self.0.upgrade().and_then(|control| pending_root(&outermost(&control)));
        if let Some(phase) = root.as_ref().map(|root| &root.chain().phase) {
            phase.set(phase.get().max(Phase::Announced));
        }
    }
}
