//! [`DelayedCall`]: a call that waits for its time, in the hands of whoever made it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::timers::Timers;
use crate::wheel::TimerKey;
use crate::{ReactorTime, Time};

/// One call of [`ReactorTime::call_later`], to be cancelled or moved. All clones speak of the same call.
///
/// Dropping it does nothing: the call runs all the same.
///
/// It is *active* until it begins to run or is cancelled, so a call that moves itself from inside is told
/// [`NotActive`].
///
/// # Example: an idle time-out
/// ```
/// use std::time::Duration;
/// use ropewalk_core::{Clock, ReactorTime};
///
/// let clock = Clock::new();
/// let timeout = clock.call_later(Duration::from_secs(60), || panic!("idle for a minute"));
/// for _ in 0..10 {
///     clock.advance(Duration::from_secs(59));
///     timeout.reset(Duration::from_secs(60))?; // there was some traffic
/// }
/// timeout.cancel()?;
/// assert!(timeout.cancel().is_err());
/// # Ok::<(), ropewalk_core::NotActive>(())
/// ```
#[derive(Clone)]
pub struct DelayedCall {
    timers: Timers,
    key: TimerKey,
}

impl DelayedCall {
    pub(crate) fn new(timers: Timers, key: TimerKey) -> Self {
        Self { timers, key }
    }

    /// Sees to it that the call does not run. What it holds is dropped now.
    ///
    /// # Errors
    /// It has run, is running, or was cancelled before: there is nothing to do.
    pub fn cancel(&self) -> Result<(), NotActive> {
        let cancelled = self.timers.wheel().cancel(self.key);
        cancelled.map(drop).ok_or(NotActive)
    }

    /// Moves the call to `after` from now, earlier or later than it was.
    ///
    /// It costs a store when that is later than it was, however many calls wait.
    ///
    /// # Ordering
    /// Among calls of the same deadline it keeps the place that it has from when it was made.
    ///
    /// # Errors
    /// It has run, is running, or was cancelled.
    pub fn reset(&self, after: Duration) -> Result<(), NotActive> {
        self.move_to(self.timers.now() + after)
    }

    /// Moves the call to `by` later than its present time.
    ///
    /// # Errors
    /// It has run, is running, or was cancelled.
    pub fn delay(&self, by: Duration) -> Result<(), NotActive> {
        self.move_to(self.time().ok_or(NotActive)? + by)
    }

    /// Whether it is still to run.
    pub fn active(&self) -> bool {
        self.time().is_some()
    }

    /// When it is to run; `None` if it is not active.
    pub fn time(&self) -> Option<Time> {
        self.timers.wheel().deadline(self.key)
    }

    fn move_to(&self, deadline: Time) -> Result<(), NotActive> {
        if !self.timers.wheel().reset(self.key, deadline) {
            return Err(NotActive);
        }
        self.timers.tell_if_earlier(deadline);
        Ok(())
    }
}

impl fmt::Debug for DelayedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.time() {
            Some(time) => write!(f, "DelayedCall(at {time:?})"),
            None => f.write_str("DelayedCall(not active)"),
        }
    }
}

/// A [`DelayedCall`] has run or was cancelled, so it can be neither cancelled nor moved.
///
/// Twisted tells these two apart (`AlreadyCalled`, `AlreadyCancelled`); the wheel keeps no record of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotActive;

impl fmt::Display for NotActive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the delayed call has run or was cancelled")
    }
}

impl Error for NotActive {}
