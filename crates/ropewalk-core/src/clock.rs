//! [`Clock`]: time that passes when a test says so.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::ReactorTime;
use crate::timers::Timers;

/// Virtual time: calls wait on it as they do on a reactor, and run when [`advance`](Self::advance) is called.
///
/// It begins at [`Time::START`](crate::Time::START). All clones are the same clock.
///
/// # Example: an hour in no time
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use std::time::Duration;
/// use ropewalk_core::{Clock, ReactorTime};
///
/// let clock = Clock::new();
/// let rang = Rc::new(Cell::new(false));
/// clock.call_later(Duration::from_secs(3600), { let rang = rang.clone(); move || rang.set(true) });
///
/// clock.advance(Duration::from_secs(3599));
/// assert!(!rang.get());
/// clock.advance(Duration::from_secs(1));
/// assert!(rang.get());
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    timers: Timers,
}

impl Clock {
    /// A clock that stands at the start of time.
    pub fn new() -> Self {
        Self { timers: Timers::new(None) }
    }

    /// Moves the time and runs the calls that are then due, as one turn of a reactor would that woke late.
    ///
    /// # Ordering
    /// By deadline, then in the order in which they were made. As with Twisted's `task.Clock`, the time moves
    /// first: to each of the calls, `now` is the end of the step. Unlike there, a call that is made by one of
    /// these calls waits for the next `advance`, even if it is due, because on a reactor it would wait for
    /// the next turn. To see each call at its own time, take small steps: [`pump`](Self::pump).
    ///
    /// # Panics
    /// If a call on this same clock advances it. A panic in a call is let through, so that a test's
    /// assertions work in calls; the calls that were due after it run at the next `advance`.
    pub fn advance(&self, by: Duration) {
        assert!(!self.timers.in_turn(), "a call may not advance the clock that runs it");
        self.timers.begin_turn(self.now() + by);
        let ran = catch_unwind(AssertUnwindSafe(|| {
            while let Some(call) = self.timers.pop_due() {
                call();
            }
        }));
        self.timers.end_turn();
        if let Err(panic) = ran {
            resume_unwind(panic);
        }
    }

    /// Advances by each of these in turn.
    pub fn pump(&self, steps: &[Duration]) {
        for &by in steps {
            self.advance(by);
        }
    }

    /// How many calls wait.
    pub fn delayed_calls(&self) -> usize {
        self.timers.wheel().len()
    }
}

impl ReactorTime for Clock {
    fn timers(&self) -> &Timers {
        &self.timers
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
