//! [`Line`]: those who wait for their turn, first come, first served.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use crate::{Failure, FailureKind};

use super::{Deferred, Resolver};

/// A bounded line of pending Deferreds. One that is cancelled leaves it.
pub(super) struct Line<T: 'static> {
    /// By ascending ticket.
    waiting: RefCell<VecDeque<(u64, Resolver<T>)>>,
    next_ticket: Cell<u64>,
    length_max: usize,
}

impl<T> Line<T> {
    pub(super) fn new(length_max: usize) -> Rc<Self> {
        Rc::new(Self { waiting: RefCell::default(), next_ticket: Cell::new(0), length_max })
    }

    /// Joins the end of the line; a failure of kind `Limit`, with `what_is_full`, if it is full.
    #[track_caller]
    pub(super) fn join(self: &Rc<Self>, what_is_full: &'static str) -> Deferred<T> {
        if self.waiting.borrow().len() >= self.length_max {
            return Deferred::fail(Failure::new(FailureKind::Limit, what_is_full));
        }
        let ticket = self.next_ticket.replace(self.next_ticket.get() + 1);
        let line = Rc::downgrade(self);
        let (resolver, turn) = Deferred::with_canceller(move || {
            if let Some(line) = line.upgrade() {
                line.leave(ticket);
            }
        });
        self.waiting.borrow_mut().push_back((ticket, resolver));
        turn
    }

    /// Takes the first who still waits out of the line.
    pub(super) fn next(&self) -> Option<Resolver<T>> {
        loop {
            let first = self.waiting.borrow_mut().pop_front();
            let (_, resolver) = first?;
            if !resolver.is_cancelled() {
                return Some(resolver);
            }
            // Its cancel is on its way; dropping the resolver fires it now.
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.borrow().len()
    }

    fn leave(&self, ticket: u64) {
        let place = self.waiting.borrow().binary_search_by_key(&ticket, |(ticket, _)| *ticket);
        let left = place.ok().and_then(|place| self.waiting.borrow_mut().remove(place));
        drop(left);
    }
}
