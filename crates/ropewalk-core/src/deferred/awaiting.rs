//! [`Awaiting`]: a Deferred as a future.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::Failure;

use super::Deferred;
use super::local_task::{self, LocalTask};

/// The future that [`Deferred`]'s `IntoFuture` makes: `deferred.await` gives its `Result<T, Failure>`.
///
/// # Cancellation
/// Dropping it before it is ready cancels the Deferred, as nobody else can be waiting for it. Inside of a
/// reactor's task the canceller is queued, and the resolver's
/// [`is_cancelled`](super::Resolver::is_cancelled) is true from the drop on; elsewhere the canceller runs in the
/// drop. To leave a Deferred to itself instead, drop it before it becomes a future.
pub struct Awaiting<T>(pub(super) Option<Deferred<T>>);

/// Nothing in it is ever pinned.
impl<T> Unpin for Awaiting<T> {}

/// Once ready it stays pending for ever.
impl<T> Future for Awaiting<T> {
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(deferred) = this.0.take() else { return Poll::Pending };
        match deferred.open() {
            Ok((result, _)) => Poll::Ready(result),
            Err(pending) => {
                pending.port().wake_later(Waiter::from_waker(cx.waker()));
                this.0 = Some(Deferred::pending(pending));
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Awaiting<T> {
    fn drop(&mut self) {
        let Some(deferred) = self.0.take() else { return };
        let Some(cancel) = deferred.cancel_handle() else { return };
        // From here on the result is nobody's, so the cancel wakes nobody.
        drop(deferred);
        if let Some(task) = local_task::current() {
            cancel.announce();
            task.call_soon(Box::new(move || cancel.cancel()));
        } else {
            // The chain catches what its callbacks do; a waker of someone else's making is all that is left.
            let _ = Failure::catch(|| cancel.cancel());
        }
    }
}

/// Who is to be told that a result is there.
pub(super) enum Waiter {
    /// A task of a reactor on this thread.
    Task(Rc<dyn LocalTask>),
    /// Anything else that polls futures.
    Waker(Waker),
}

impl Waiter {
    fn from_waker(waker: &Waker) -> Self {
        local_task::current_for(waker).map_or_else(|| Self::Waker(waker.clone()), Self::Task)
    }

    pub(super) fn wake(self) {
        match self {
            Self::Task(task) => task.wake_local(),
            Self::Waker(waker) => waker.wake(),
        }
    }
}
