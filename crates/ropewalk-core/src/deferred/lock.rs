//! [`DeferredLock`] and [`DeferredSemaphore`]: taking turns across callbacks.
//!
//! One thread needs no lock around plain code. These are for work that spans several callbacks or awaits: one
//! request at a time on a connection, at most ten downloads.

use std::cell::Cell;
use std::rc::Rc;

use super::line::Line;
use super::{Deferred, Outcome};

/// Lets one at a time through. A cheap handle: clones are the same lock.
///
/// # Ordering
/// First come, first served.
///
/// # Cancellation
/// A waiter that is cancelled leaves the line.
///
/// # Limits
/// [`WAITERS_MAX`](Self::WAITERS_MAX) in the line unless said otherwise; the next `acquire` fails with kind
/// [`Limit`](crate::FailureKind::Limit).
///
/// # Example: holding it over two callbacks
/// ```
/// use ropewalk_core::{Deferred, DeferredLock};
/// let lock = DeferredLock::new();
/// let (answered, answer) = Deferred::<u32>::new();
/// let first = lock.run(move || answer);
/// let second = lock.acquire();
/// assert!(!second.is_fired());
/// answered.callback(1);
/// assert!(first.is_fired() && second.is_fired());
/// ```
#[derive(Clone)]
pub struct DeferredLock(DeferredSemaphore);

/// Lets a number of holders through at a time. A cheap handle: clones are the same semaphore.
///
/// Order, cancellation and limits are those of [`DeferredLock`].
#[derive(Clone)]
pub struct DeferredSemaphore(Rc<Pool>);

/// Holds a [`DeferredLock`]; dropping it releases the lock.
pub type LockGuard = SemaphoreGuard;

/// Holds one token of a [`DeferredSemaphore`]; dropping it gives the token back.
///
/// # Fires
/// The drop fires the next waiter, so that its callbacks run within it. If the drop is itself within such a
/// callback, the next one runs when that callback has returned.
pub struct SemaphoreGuard(Rc<Pool>);

impl DeferredLock {
    /// How many may wait by default. If each holds the lock for a millisecond, the last waits a second; a longer
    /// line is overload or a guard that is never dropped, and better known early.
    pub const WAITERS_MAX: usize = 1024;

    /// A free lock.
    pub fn new() -> Self {
        Self::with_waiters_max(Self::WAITERS_MAX)
    }

    /// A free lock with another limit of its line.
    pub fn with_waiters_max(waiters_max: usize) -> Self {
        Self(DeferredSemaphore::with_waiters_max(1, waiters_max))
    }

    /// Fires with the lock: at once if it is free.
    #[track_caller]
    pub fn acquire(&self) -> Deferred<LockGuard> {
        self.0.acquire()
    }

    /// Takes the lock, calls `work`, and releases the lock when what that returned has fired.
    ///
    /// # Fires
    /// With the result of `work`, right after the release. If there is no place in the line, or the wait is
    /// cancelled, `work` is dropped unrun.
    #[track_caller]
    pub fn run<R: Outcome>(&self, work: impl FnOnce() -> R + 'static) -> Deferred<R::Value> {
        self.0.run(work)
    }

    /// Whether somebody holds it.
    pub fn is_locked(&self) -> bool {
        self.0.tokens_free() == 0
    }

    /// How many are in the line.
    pub fn waiters(&self) -> usize {
        self.0.waiters()
    }
}

impl Default for DeferredLock {
    fn default() -> Self {
        Self::new()
    }
}

impl DeferredSemaphore {
    /// How many may wait by default, as for [`DeferredLock::WAITERS_MAX`].
    pub const WAITERS_MAX: usize = DeferredLock::WAITERS_MAX;

    /// A semaphore with that many tokens, all free. With none, nobody ever gets through.
    pub fn new(tokens: usize) -> Self {
        Self::with_waiters_max(tokens, Self::WAITERS_MAX)
    }

    /// The same with another limit of its line.
    pub fn with_waiters_max(tokens: usize, waiters_max: usize) -> Self {
        Self(Rc::new(Pool {
            free: Cell::new(tokens),
            line: Line::new(waiters_max),
            handing_out: Cell::new(false),
        }))
    }

    /// Fires with a token: at once if one is free.
    #[track_caller]
    pub fn acquire(&self) -> Deferred<SemaphoreGuard> {
        if self.0.free.get() > 0 && self.0.line.len() == 0 {
            return Deferred::succeed(self.0.take_token());
        }
        self.0.line.join("too many wait for a lock or semaphore (waiters_max)")
    }

    /// Takes a token, calls `work`, and gives the token back when what that returned has fired. See
    /// [`DeferredLock::run`].
    #[track_caller]
    pub fn run<R: Outcome>(&self, work: impl FnOnce() -> R + 'static) -> Deferred<R::Value> {
        self.acquire().add_callback(|token| {
            work().into_deferred().add_both(move |result| {
                drop(token);
                result
            })
        })
    }

    /// How many tokens are free.
    pub fn tokens_free(&self) -> usize {
        self.0.free.get()
    }

    /// How many are in the line.
    pub fn waiters(&self) -> usize {
        self.0.line.len()
    }
}

impl Drop for SemaphoreGuard {
    fn drop(&mut self) {
        self.0.free.set(self.0.free.get() + 1);
        self.0.hand_out();
    }
}

/// The tokens that are free, and those who wait for one.
struct Pool {
    free: Cell<usize>,
    line: Rc<Line<SemaphoreGuard>>,
    handing_out: Cell<bool>,
}

impl Pool {
    fn take_token(self: &Rc<Self>) -> SemaphoreGuard {
        self.free.set(self.free.get() - 1);
        SemaphoreGuard(Rc::clone(self))
    }

    /// Gives free tokens to those in the line. A token that comes back meanwhile is left to the call that is
    /// at it, so that a thousand waiters who each release at once do not stack up.
    fn hand_out(self: &Rc<Self>) {
        if self.handing_out.replace(true) {
            return;
        }
        while self.free.get() > 0 {
            let Some(waiter) = self.line.next() else { break };
            waiter.callback(self.take_token());
        }
        self.handing_out.set(false);
    }
}
