//! [`defer_later`]: a call's result, when its time has come.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use crate::{Deferred, DelayedCall, Outcome, ReactorTime};

/// Calls `f` when `after` has passed, and fires with what it returns. `|| ()` makes it a sleep.
///
/// # Cancellation
/// Cancelled before its time, `f` is dropped unrun and it fires [`Failure::cancelled`](crate::Failure::cancelled).
/// Cancelled after, what is cancelled is the Deferred that `f` returned.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use ropewalk_core::{Clock, defer_later};
///
/// let clock = Clock::new();
/// let answer = defer_later(&clock, Duration::from_secs(5), || Ok(42));
/// clock.advance(Duration::from_secs(5));
/// assert!(matches!(answer.into_result(), Ok(Ok(42))));
/// ```
#[track_caller]
pub fn defer_later<R: Outcome>(
    time: &impl ReactorTime,
    after: Duration,
    f: impl FnOnce() -> R + 'static,
) -> Deferred<R::Value> {
    let waiting: Rc<OnceCell<DelayedCall>> = Rc::default();
    let (resolver, deferred) = Deferred::with_canceller({
        let waiting = Rc::clone(&waiting);
        move || {
            // A call that already runs is past cancelling: its own result is.
            let _ = waiting.get().map(DelayedCall::cancel);
        }
    });
    let call = time.call_later(after, move || resolver.callback(()));
    let _ = waiting.set(call);
    deferred.add_callback(move |()| f())
}
