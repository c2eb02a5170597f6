//! [`race`] and [`until_first_success`]: one success out of several ways to get it.

use std::error::Error;
use std::fmt;

use crate::{Failure, FailureKind};

use super::list::cancel_all;
use super::{Deferred, DeferredList, DeferredListOptions, ListResult};

/// Waits for the first of `deferreds` to succeed, and gives its place in the list and what it gave.
///
/// # Fires
/// On the first success, after the others were cancelled; or when all have failed. An empty list fails at once.
///
/// # Cancellation
/// Cancelling it cancels all of them. What a loser still gives, and its failure, are dropped.
///
/// # Errors
/// A [`FailureGroup`] with the failures in the order of the list, of the kind of the last of them.
///
/// # Example: two servers
/// ```
/// use ropewalk_core::{Deferred, race};
/// let (near, near_answer) = Deferred::new();
/// let (far, far_answer) = Deferred::new();
/// let answer = race(vec![far_answer, near_answer]);
/// near.callback("hello");
/// assert!(far.is_cancelled());
/// assert!(matches!(answer.into_result(), Ok(Ok((1, "hello")))));
/// ```
#[track_caller]
pub fn race<T: 'static>(deferreds: Vec<Deferred<T>>) -> Deferred<(usize, T)> {
    if deferreds.is_empty() {
        return Deferred::fail(FailureGroup::failure(Vec::new()));
    }
    let cancel_others = cancel_all(&deferreds);
    let options = DeferredListOptions {
        fire_on_one_callback: true,
        consume_errors: true,
        ..DeferredListOptions::default()
    };
    DeferredList::new(deferreds, options).add_callback(|list| match list {
        ListResult::First { index, value } => {
            cancel_others();
            Ok((index, value))
        }
        ListResult::All(lost) => {
            Err(FailureGroup::failure(lost.into_iter().filter_map(Result::err).collect()))
        }
    })
}

/// Makes one attempt after the other until one succeeds, and gives what it gave.
///
/// An attempt is made when the one before it has failed; the first at once. The iterator may be lazy or endless.
///
/// # Cancellation
/// Cancelling it cancels the attempt that is under way. A failure of kind
/// [`Cancelled`](FailureKind::Cancelled) ends it with that failure: no further attempt is made.
///
/// # Limits
/// All failures are kept until the end. Attempts that fail at once use no stack.
///
/// # Errors
/// A [`FailureGroup`] with the failures in order, of the kind of the last of them. A panic while an attempt is
/// made ends it with the panic's failure.
#[track_caller]
pub fn until_first_success<T, I, A>(attempts: I) -> Deferred<T>
where
    T: 'static,
    I: IntoIterator<Item = A>,
    I::IntoIter: 'static,
    A: FnOnce() -> Deferred<T>,
{
    let attempts = attempts.into_iter();
    Deferred::succeed(()).add_callback(move |()| attempt(attempts, Vec::new()))
}

fn attempt<T, I, A>(mut attempts: I, mut failures: Vec<Failure>) -> Deferred<T>
where
    T: 'static,
    I: Iterator<Item = A> + 'static,
    A: FnOnce() -> Deferred<T>,
{
    while let Some(make) = attempts.next() {
        let pending = match make().into_result() {
            Ok(Err(failure)) if !failure.is(FailureKind::Cancelled) => {
                failures.push(failure);
                continue;
            }
            Ok(result) => return Deferred::from_result(result),
            Err(pending) => pending,
        };
        return pending.add_errback(move |failure| {
            if failure.is(FailureKind::Cancelled) {
                return Deferred::fail(failure);
            }
            failures.push(failure);
            attempt(attempts, failures)
        });
    }
    Deferred::fail(FailureGroup::failure(failures))
}

/// The failures of all that were tried.
#[derive(Clone, Debug)]
pub struct FailureGroup {
    /// In the order in which they were given or tried.
    pub failures: Vec<Failure>,
}

impl FailureGroup {
    fn failure(failures: Vec<Failure>) -> Failure {
        let kind = failures.last().map_or(FailureKind::Local, Failure::kind);
        Failure::from_error(kind, Self { failures })
    }
}

/// How many, and each of them.
impl fmt::Display for FailureGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures.is_empty() {
            return f.write_str("there was nothing to try");
        }
        write!(f, "all {} failed", self.failures.len())?;
        for (index, failure) in self.failures.iter().enumerate() {
            write!(f, "{} {failure}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl Error for FailureGroup {}
