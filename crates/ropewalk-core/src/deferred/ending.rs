//! [`Ending`]: something that ends once, and that many may wait for.

use std::cell::RefCell;

use crate::Failure;

use super::{Deferred, Resolver};

/// How something ended, once it has, and who waits for that until then.
#[derive(Default)]
pub(crate) struct Ending {
    outcome: RefCell<Option<Result<(), Failure>>>,
    waiting: RefCell<Vec<Resolver<()>>>,
}

impl Ending {
    /// Fires with the outcome. It may be asked for many times.
    #[track_caller]
    pub(crate) fn wait(&self) -> Deferred<()> {
        if let Some(outcome) = &*self.outcome.borrow() {
            return Deferred::from_result(outcome.clone());
        }
        let (resolver, ended) = Deferred::new();
        self.waiting.borrow_mut().push(resolver);
        ended
    }

    /// Tells all who wait; the first outcome holds.
    pub(crate) fn come(&self, outcome: Result<(), Failure>) {
        if !self.has_come() {
            self.outcome.replace(Some(outcome.clone()));
            self.waiting.take().into_iter().for_each(|waiter| waiter.fire(outcome.clone()));
        }
    }

    pub(crate) fn has_come(&self) -> bool {
        self.outcome.borrow().is_some()
    }
}
