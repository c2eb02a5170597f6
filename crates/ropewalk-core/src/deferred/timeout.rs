//! [`Deferred::add_timeout`]: a limit to waiting.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::{Failure, FailureKind, ReactorTime};

use super::Deferred;

impl<T: 'static> Deferred<T> {
    /// Cancels it if it has not fired when `after` has passed.
    ///
    /// # Fires
    /// With the result if that comes in time. After the time with a failure of kind
    /// [`Timeout`](FailureKind::Timeout) in place of the cancel's; but if the canceller or a callback gives
    /// anything else than [`Cancelled`](FailureKind::Cancelled), then with that.
    ///
    /// # Ordering
    /// What was hung on before is under the limit; what is hung on the returned Deferred is not.
    ///
    /// # Cancellation
    /// The delayed call is cancelled when the chain fires, and keeps nothing of it alive. It goes on if the
    /// returned Deferred is dropped: the limit holds for a detached chain too.
    ///
    /// # Example: five seconds for an answer
    /// ```
    /// use std::time::Duration;
    /// use ropewalk_core::{Clock, Deferred, FailureKind};
    /// let clock = Clock::new();
    /// let (request, answer) = Deferred::<String>::new();
    /// let answer = answer.add_timeout(&clock, Duration::from_secs(5));
    /// clock.advance(Duration::from_secs(5));
    /// assert!(request.is_cancelled());
    /// let failure = answer.into_result().unwrap().unwrap_err();
    /// assert!(failure.is(FailureKind::Timeout));
    /// assert_eq!(failure.to_string(), "timed out after 5s");
    /// ```
    pub fn add_timeout(self, time: &impl ReactorTime, after: Duration) -> Self {
        let Some(cancel) = self.cancel_handle() else { return self };
        let is_over = Rc::new(Cell::new(false));
        let seen_by_call = Rc::clone(&is_over);
        let call = time.call_later(after, move || {
            seen_by_call.set(true);
            cancel.cancel();
        });
        self.add_both(move |result| {
            // It is no longer active if this is what it brought about.
            let _ = call.cancel();
            result.map_err(|failure| {
                if is_over.get() && failure.is(FailureKind::Cancelled) {
                    Failure::new(FailureKind::Timeout, format!("timed out after {after:?}"))
                } else {
                    failure
                }
            })
        })
    }
}
