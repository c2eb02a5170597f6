//! [`Runner`]: a loop, and the ways in which a case runs it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Deferred, Failure, Loop, Reactor, Wait};

/// A loop over the driver to be checked.
pub(crate) struct Runner {
    pub(crate) event_loop: Loop,
}

/// Longer than anything takes that works, on a busy machine; in virtual time it costs nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// More turns than any case takes between two of its steps.
const TURNS_MAX: u32 = 5_000_000;

impl Runner {
    pub(crate) fn reactor(&self) -> &Reactor {
        self.event_loop.reactor()
    }

    pub(crate) fn turn(&self, most: Wait) {
        let turned = self.event_loop.turn(most).expect("the suite runs outside of the loop");
        turned.expect("the driver can wait");
    }

    /// Runs until something is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let (mut turns, end) = (0, self.reactor().now() + PATIENCE);
        while !is_so() {
            assert!(self.reactor().now() < end, "waited {PATIENCE:?} in vain: {what}");
            // Where time is virtual, it stands still as long as there is work.
            assert!(turns < TURNS_MAX, "worked {TURNS_MAX} turns in vain: {what}");
            turns += 1;
            self.turn(Wait::Until(end));
        }
    }

    /// Runs until `count` has reached `goal`, however long that takes, as long as it grows.
    #[track_caller]
    pub(crate) fn until_count(&self, goal: usize, count: impl Fn() -> usize) {
        while count() < goal {
            let before = count();
            self.until("it to go on", || count() > before);
        }
    }

    /// Runs for a while, to see that something does not happen.
    pub(crate) fn pass(&self, time: Duration) {
        let end = self.reactor().now() + time;
        while self.reactor().now() < end {
            self.turn(Wait::Until(end));
        }
    }

    /// As [`pass`](Self::pass), for as long as what is on its way may take.
    pub(crate) fn idle(&self) {
        self.pass(Duration::from_millis(30));
    }

    /// Runs until `deferred` fires.
    #[track_caller]
    pub(crate) fn wait_for<T: 'static>(&self, deferred: Deferred<T>) -> Result<T, Failure> {
        let outcome = Rc::new(RefCell::new(None));
        let slot = outcome.clone();
        drop(deferred.add_both(move |result| drop(slot.replace(Some(result)))));
        self.until("a Deferred to fire", || outcome.borrow().is_some());
        let taken = outcome.take();
        taken.expect("it has fired")
    }
}
