//! [`Control`]: what a chain waits for at the moment, and how a cancel gets there.
//!
//! There is one per chain; it lives in the chain's root, and every stage points to it. When a callback returns a
//! pending Deferred, the chain of that one becomes *part of* the outer chain: from then on the outer control
//! knows the root that both wait for, and the inner one only points outward. So a cancel finds the innermost
//! pending root in one step however deep the nesting, and a loop that nests without end piles nothing up.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::{Rc, Weak};

use crate::{Failure, FailureKind};

use super::stage::{Step, walk};

/// A chain's root, seen from those who may cancel it.
pub(super) trait Control {
    /// What the chain knows about itself.
    fn chain(&self) -> &Chain;
    /// Cancels this very root: runs its canceller, and fires it as cancelled if that did not fire it. Returns
    /// the stage that is to run next. Does nothing if it has fired or is being cancelled.
    fn cancel_root(self: Rc<Self>) -> Option<Rc<dyn Step>>;
    /// Tells this very root's resolver that a cancel is on its way.
    fn announce_cancel(&self);
}

/// What a chain knows about itself.
pub(super) struct Chain {
    waiting: RefCell<Waiting>,
    made_at: &'static Location<'static>,
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
    pub(super) fn new(made_at: &'static Location<'static>) -> Self {
        Self { waiting: RefCell::new(Waiting::OwnRoot), made_at }
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

/// What came of making one chain part of another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nesting {
    /// It is done.
    Done,
    /// It is done, and a cancel was asked for while the callback ran: it is the inner one's now.
    CancelAsked,
    /// They are the same chain: it would wait for itself.
    Impossible,
}

/// Makes the chain of `inner` part of that of `outer`, one of whose callbacks has returned it.
pub(super) fn nest(outer: &Rc<dyn Control>, inner: &Rc<dyn Control>) -> Nesting {
    let (outer, inner) = (outermost(outer), outermost(inner));
    if Rc::ptr_eq(&outer, &inner) {
        return Nesting::Impossible;
    }
    let waiting = match inner.chain().waiting.replace(Waiting::PartOf(Rc::clone(&outer))) {
        Waiting::OwnRoot => Waiting::Inner(inner),
        other => other,
    };
    match outer.chain().waiting.replace(waiting) {
        Waiting::Running { cancel_asked: true } => Nesting::CancelAsked,
        _ => Nesting::Done,
    }
}

/// The failure of a chain one of whose callbacks returned a Deferred further down that same chain.
pub(super) fn waits_for_itself() -> Failure {
    Failure::new(
        FailureKind::Local,
        "a callback returned the Deferred of its own chain, which would wait for itself",
    )
}

/// Cancels what the chain waits for. Returns the stage that is to run next.
///
/// If its callbacks are running, this is kept in mind for the first pending Deferred that one of them returns.
pub(super) fn cancel(control: &Rc<dyn Control>) -> Option<Rc<dyn Step>> {
    pending_root(&outermost(control))?.cancel_root()
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
    pub(super) fn new(control: &Rc<dyn Control>) -> Self {
        Self(Rc::downgrade(control))
    }

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
        if let Some(root) = root {
            root.announce_cancel();
        }
    }
}
