//! [`Shared`]: one result for many who wait.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk_core::{Deferred, Failure, FailureKind, Resolver};

use crate::slab::{Key, Slab};

/// What many wait for. When the last of them has cancelled, it is given up.
pub(crate) struct Shared<T: 'static> {
    waiting: RefCell<Slab<Resolver<T>>>,
    under_way: Cell<Option<Deferred<()>>>,
    forget: Cell<Option<Box<dyn FnOnce()>>>,
}

/// Those who wait for one result: more than that ask for the same name by mistake.
const WAITING_MAX: usize = 65_536;

impl<T: Clone> Shared<T> {
    /// Calls `forget` when nobody waits any more, and nobody is to join.
    pub(crate) fn new(forget: impl FnOnce() + 'static) -> Rc<Self> {
        Rc::new(Self {
            waiting: RefCell::default(),
            under_way: Cell::default(),
            forget: Cell::new(Some(Box::new(forget))),
        })
    }

    /// What brings the result, to be cancelled with the last who waits.
    pub(crate) fn waits_for(&self, under_way: Deferred<()>) {
        if !under_way.is_fired() {
            self.under_way.set(Some(under_way));
        }
    }

    /// One more waits.
    pub(crate) fn join(self: &Rc<Self>) -> Deferred<T> {
        if self.waiting.borrow().len() >= WAITING_MAX {
            let why = format!("{WAITING_MAX} wait for the same answer already");
            return Deferred::fail(Failure::new(FailureKind::Limit, why));
        }
        let place: Rc<Cell<Option<Key>>> = Rc::default();
        let (weak, own) = (Rc::downgrade(self), place.clone());
        let (resolver, result) = Deferred::with_canceller(move || {
            if let (Some(shared), Some(key)) = (weak.upgrade(), own.get()) {
                shared.leave(key);
            }
        });
        place.set(Some(self.waiting.borrow_mut().insert(resolver)));
        result
    }

    fn leave(&self, key: Key) {
        let mut waiting = self.waiting.borrow_mut();
        let left = waiting.remove(key);
        let is_empty = waiting.len() == 0;
        drop(waiting);
        drop(left);
        if is_empty {
            if let Some(forget) = self.forget.take() {
                forget();
            }
            if let Some(under_way) = self.under_way.take() {
                under_way.cancel();
            }
        }
    }

    /// Gives all the result.
    pub(crate) fn fire(&self, result: &Result<T, Failure>) {
        let waiting = self.waiting.take();
        waiting.into_values().for_each(|resolver| resolver.fire(result.clone()));
    }
}
