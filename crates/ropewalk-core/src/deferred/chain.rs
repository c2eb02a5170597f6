//! [`Deferred`]: a result that is not there yet, and the chain of callbacks that wait for it.

use std::fmt;
use std::future::IntoFuture;
use std::mem;
use std::panic::Location;
use std::rc::Rc;

use crate::Failure;

use super::awaiting::Awaiting;
use super::control::{self, CancelHandle};
use super::outcome::Outcome;
use super::port::{self, Source};
use super::resolver::Resolver;
use super::stage::{Stage, caught, walk};
use super::unhandled;

/// A `Result<T, Failure>` that may not be there yet, at the end of its chain of callbacks.
///
/// Adding a callback consumes the Deferred and returns the one at the new end, which has what the callback
/// returned: nothing, a `Result`, or a Deferred (see [`Outcome`]). A pending Deferred that a callback returned is
/// waited for: the callbacks after it run when it has fired, with its result.
///
/// # Ordering
/// The callbacks of one chain run in the order in which they were added, each at most once, on the thread of the
/// chain. On a Deferred that has fired a callback runs at once, within `add_callback`; on a pending one it runs
/// within the call that fires the [`Resolver`]. Firing and freeing use the same small stack however long the
/// chain is and however deeply Deferreds are returned from callbacks.
///
/// # Fires
/// Once. A callback that panics gives a Failure of kind [`Panic`](crate::FailureKind::Panic), and the chain goes
/// on with that. A callback that returns a Deferred from further down its own chain gives a Failure.
///
/// # Cancellation
/// [`cancel`](Self::cancel) makes it fire. Dropping a pending Deferred does not: it only *detaches*, and the
/// chain runs to its end unseen. Dropping a pending `.await` does cancel (see [`Awaiting`]).
///
/// A failure that nobody took, at the end of a detached chain or in a Deferred dropped after it fired, is logged
/// once as an error with the place where the Deferred was made (at debug level if it was cancelled or the
/// reactor stopped).
///
/// # Limits
/// One already fired owns no memory beyond its value; a pending one allocates once for itself and once for
/// each callback.
///
/// # Example: recovering from one kind of failure
/// ```
/// use ropewalk_core::{Deferred, Failure, FailureKind};
/// let (resolver, page) = Deferred::<String>::new();
/// let shown = page
///     .add_errback(|failure| {
///         failure.trap_kind(FailureKind::Timeout)?; // anything else goes on down the chain
///         Ok("try again later".to_owned())
///     })
///     .add_callback(|text| assert_eq!(text, "try again later"));
/// resolver.errback(Failure::new(FailureKind::Timeout, "no answer"));
/// assert!(shown.is_fired());
/// ```
///
/// # Example: waiting for another Deferred
/// ```
/// use ropewalk_core::Deferred;
/// let (found, address) = Deferred::<u32>::new();
/// let (connected, connection) = Deferred::<&str>::new();
/// let greeting = address.add_callback(move |_address| connection);
/// found.callback(1);
/// assert!(!greeting.is_fired());
/// connected.callback("220 hello");
/// assert!(matches!(greeting.into_result(), Ok(Ok("220 hello"))));
/// ```
pub struct Deferred<T>(State<T>);

enum State<T> {
    Fired(Result<T, Failure>, &'static Location<'static>),
    /// The last node of the chain. Its result may already be there.
    Pending(Rc<dyn Source<T>>),
    /// What was in it has been moved out; the Deferred is about to be dropped.
    Spent,
}

/// A result with where its Deferred was made, or the last node of a chain that has none yet.
type Opened<T> = Result<(Result<T, Failure>, &'static Location<'static>), Rc<dyn Source<T>>>;

impl<T: 'static> Deferred<T> {
    /// A pending Deferred, and what fires it.
    #[track_caller]
    pub fn new() -> (Resolver<T>, Self) {
        let (resolver, root) = Resolver::new(None, Location::caller());
        (resolver, Self::pending(root))
    }

    /// A pending Deferred that knows how to stop what it waits for.
    ///
    /// # Cancellation
    /// `canceller` runs at most once, when the Deferred is cancelled, and may fire the resolver itself, with a
    /// result or a failure that says more. If it does not, the Deferred fires [`Failure::cancelled`] when the
    /// canceller returns, or the failure of its panic. It is dropped when the Deferred fires. It should not own
    /// what owns the resolver: hold that weakly, or neither is freed before firing.
    ///
    /// # Example: a request that is called back
    /// ```
    /// use ropewalk_core::{Deferred, FailureKind};
    /// let (resolver, answer) = Deferred::<u32>::with_canceller(|| println!("telling the server"));
    /// answer.cancel();
    /// resolver.callback(1); // too late: ignored
    /// let Ok(Err(failure)) = answer.into_result() else { panic!("not fired") };
    /// assert!(failure.is(FailureKind::Cancelled));
    /// ```
    #[track_caller]
    pub fn with_canceller(canceller: impl FnOnce() + 'static) -> (Resolver<T>, Self) {
        let (resolver, root) = Resolver::new(Some(Box::new(canceller)), Location::caller());
        (resolver, Self::pending(root))
    }

    /// A Deferred that has succeeded.
    #[track_caller]
    pub fn succeed(value: T) -> Self {
        Self::from_result(Ok(value))
    }

    /// A Deferred that has failed.
    #[track_caller]
    pub fn fail(failure: Failure) -> Self {
        Self::from_result(Err(failure))
    }

    /// A Deferred that has fired.
    #[track_caller]
    pub fn from_result(result: Result<T, Failure>) -> Self {
        Self(State::Fired(result, Location::caller()))
    }

    /// Hangs `callback` on success. A failure passes it by, and `callback` is dropped unrun.
    pub fn add_callback<R: Outcome>(
        self,
        callback: impl FnOnce(T) -> R + 'static,
    ) -> Deferred<R::Value> {
        self.then(move |result| match result {
            Ok(value) => callback(value).into_deferred(),
            Err(failure) => Deferred::fail(failure),
        })
    }

    /// Hangs `errback` on failure; it may recover by returning `Ok`. A success passes it by.
    pub fn add_errback<R: Outcome<Value = T>>(
        self,
        errback: impl FnOnce(Failure) -> R + 'static,
    ) -> Self {
        self.then(move |result| match result {
            Ok(value) => Self::succeed(value),
            Err(failure) => errback(failure).into_deferred(),
        })
    }

    /// Hangs `callback` on success and on failure: what Python would write in `finally`.
    pub fn add_both<R: Outcome>(
        self,
        callback: impl FnOnce(Result<T, Failure>) -> R + 'static,
    ) -> Deferred<R::Value> {
        self.then(move |result| callback(result).into_deferred())
    }

    /// Hangs `callback` on success and `errback` on failure, as one stage: a failure of `callback` does not
    /// reach `errback`.
    pub fn add_callbacks<R: Outcome, E: Outcome<Value = R::Value>>(
        self,
        callback: impl FnOnce(T) -> R + 'static,
        errback: impl FnOnce(Failure) -> E + 'static,
    ) -> Deferred<R::Value> {
        self.then(move |result| match result {
            Ok(value) => callback(value).into_deferred(),
            Err(failure) => errback(failure).into_deferred(),
        })
    }

    /// Appends one stage, or runs it at once.
    fn then<U: 'static>(
        self,
        work: impl FnOnce(Result<T, Failure>) -> Deferred<U> + 'static,
    ) -> Deferred<U> {
        match self.open() {
            Ok((result, made_at)) => caught(move || work(result)).with_made_at(made_at),
            Err(source) => {
                let stage = Rc::new(Stage::new(work, Rc::clone(&source).control()));
                source.port().attach(Rc::<Stage<T, U, _>>::clone(&stage));
                Deferred::pending(stage)
            }
        }
    }
}

impl<T> Deferred<T> {
    /// Makes it fire now with a failure, unless it has fired.
    ///
    /// # Cancellation
    /// If it waits for a Deferred that one of its callbacks returned, and so on, the innermost of those is
    /// cancelled, and the failure comes up from there through the callbacks, which may recover. The canceller of
    /// that one (see [`with_canceller`](Self::with_canceller)) runs within this call. One chain may be cancelled
    /// several times, as each recovery may lead to a new wait; any one canceller runs only once.
    ///
    /// While callbacks of this chain are running, the cancel waits: the first pending Deferred that one of them
    /// returns is cancelled at once, and results are left as they are.
    pub fn cancel(&self) {
        if let State::Pending(source) = &self.0
            && !source.port().has_result()
        {
            walk(control::cancel(&Rc::clone(source).control()));
        }
    }

    /// Whether its result is there, so that a callback added now would run at once.
    pub fn is_fired(&self) -> bool {
        match &self.0 {
            State::Fired(..) => true,
            State::Pending(source) => source.port().has_result(),
            State::Spent => false,
        }
    }

    /// Its result if it has fired.
    ///
    /// # Errors
    /// Itself, unchanged, if it is pending.
    pub fn into_result(self) -> Result<Result<T, Failure>, Self> {
        self.open().map(|(result, _)| result).map_err(Self::pending)
    }

    pub(super) fn pending(source: Rc<dyn Source<T>>) -> Self {
        Self(State::Pending(source))
    }

    /// What is in it.
    pub(super) fn open(mut self) -> Opened<T> {
        match mem::replace(&mut self.0, State::Spent) {
            State::Fired(result, made_at) => Ok((result, made_at)),
            State::Pending(source) => match source.port().take_result() {
                Some(result) => Ok((result, control::made_at(&source.control()))),
                None => Err(source),
            },
            State::Spent => unreachable!("only what consumes a Deferred leaves it spent"),
        }
    }

    /// A way to cancel it that does not keep it; none if it has fired.
    pub(crate) fn cancel_handle(&self) -> Option<CancelHandle> {
        match &self.0 {
            State::Pending(source) if !source.port().has_result() => {
                Some(CancelHandle(Rc::downgrade(&Rc::clone(source).control())))
            }
            _ => None,
        }
    }

    /// A result that a callback gave is logged as its chain's, not as of where the callback made it.
    fn with_made_at(mut self, chain_made_at: &'static Location<'static>) -> Self {
        if let State::Fired(_, made_at) = &mut self.0 {
            *made_at = chain_made_at;
        }
        self
    }
}

/// Detaches, or logs the failure that nobody took. See the [type](Deferred).
impl<T> Drop for Deferred<T> {
    fn drop(&mut self) {
        match mem::replace(&mut self.0, State::Spent) {
            State::Fired(Err(failure), made_at) => unhandled::log(&failure, made_at),
            State::Pending(source) => port::detach(source),
            State::Fired(Ok(_), _) | State::Spent => {}
        }
    }
}

/// A Deferred can be awaited. Dropping the future before it is ready cancels: see [`Awaiting`].
impl<T> IntoFuture for Deferred<T> {
    type Output = Result<T, Failure>;
    type IntoFuture = Awaiting<T>;

    fn into_future(self) -> Awaiting<T> {
        Awaiting(Some(self))
    }
}

impl<T> fmt::Debug for Deferred<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_fired() { "Deferred(fired)" } else { "Deferred(pending)" })
    }
}
