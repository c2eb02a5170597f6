//! [`DeferredList`] and [`gather_results`]: waiting for several Deferreds at once.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use crate::Failure;

use super::Deferred;
use super::control::CancelHandle;
use super::resolver::Resolver;

/// Twisted's list of Deferreds: waits for all, for the first success or for the first failure.
///
/// [`gather_results`] and [`race`](super::race) say what is meant in most programs.
#[derive(Debug)]
pub enum DeferredList {}

/// What a [`DeferredList`] fires on, and who reports failures. The default waits for all and logs each failure.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeferredListOptions {
    /// Fire with the first success, as [`ListResult::First`].
    pub fire_on_one_callback: bool,
    /// Fail with the first failure, as a [`FirstError`].
    pub fire_on_one_errback: bool,
    /// Whether failures end in the list. If not, each is also logged as unhandled, at its own Deferred.
    pub consume_errors: bool,
}

/// What a [`DeferredList`] gives.
#[derive(Debug)]
pub enum ListResult<T> {
    /// All have fired; the results stand in the order of the list.
    All(Vec<Result<T, Failure>>),
    /// The first success, if [`fire_on_one_callback`](DeferredListOptions::fire_on_one_callback) asked for it.
    First {
        /// Which of the list it was.
        index: usize,
        /// What it gave.
        value: T,
    },
}

impl DeferredList {
    /// Waits for `deferreds` as `options` say.
    ///
    /// # Fires
    /// With [`ListResult::All`] when the last one has fired, if nothing fired it before: neither option is
    /// set, or all failed under `fire_on_one_callback`, or all succeeded under `fire_on_one_errback`. Results
    /// that come after it fired are dropped. An empty list fires at once, except that under
    /// `fire_on_one_callback` it fails as abandoned: no success can come (Twisted's would never fire).
    ///
    /// # Cancellation
    /// Cancelling the list cancels all of them, in order, and it then fires as ever, their failures among the
    /// results. Firing early cancels none.
    ///
    /// # Errors
    /// A [`FirstError`], of the kind of the failure in it, under `fire_on_one_errback`.
    #[track_caller]
    #[expect(clippy::new_ret_no_self, reason = "as in Twisted, a DeferredList is a Deferred")]
    pub fn new<T: 'static>(
        deferreds: Vec<Deferred<T>>,
        options: DeferredListOptions,
    ) -> Deferred<ListResult<T>> {
        gather(deferreds, options, false)
    }
}

/// Waits for all of `deferreds` to succeed, and gives what they gave, in order.
///
/// # Fires
/// When the last has succeeded, or on the first failure. An empty list succeeds at once.
///
/// # Cancellation
/// Cancelling it cancels all of them. A failure cancels none: the others go on; what they give is dropped, and
/// their failures are logged as unhandled.
///
/// # Errors
/// A [`FirstError`], of the kind of the failure in it.
///
/// # Example: two answers at once
/// ```
/// use ropewalk_core::{Deferred, gather_results};
/// let (resolver, slow) = Deferred::new();
/// let both = gather_results(vec![slow, Deferred::succeed(2)]);
/// resolver.callback(1);
/// assert_eq!(both.into_result().unwrap().unwrap(), [1, 2]);
/// ```
#[track_caller]
pub fn gather_results<T: 'static>(deferreds: Vec<Deferred<T>>) -> Deferred<Vec<T>> {
    let options = DeferredListOptions { fire_on_one_errback: true, ..Default::default() };
    gather(deferreds, options, true).add_callback(|list| match list {
        ListResult::All(results) => results.into_iter().collect(),
        ListResult::First { value, .. } => Ok(vec![value]),
    })
}

/// A canceller of all that are pending. It keeps none of them.
pub(super) fn cancel_all<T>(deferreds: &[Deferred<T>]) -> impl FnOnce() + use<T> {
    let handles: Vec<CancelHandle> = deferreds.iter().filter_map(Deferred::cancel_handle).collect();
    move || handles.iter().for_each(CancelHandle::cancel)
}

/// Waits as `options` say. With `takes_first` the failure that the list fires with is no longer its own Deferred's.
#[track_caller]
fn gather<T: 'static>(
    deferreds: Vec<Deferred<T>>,
    options: DeferredListOptions,
    takes_first: bool,
) -> Deferred<ListResult<T>> {
    let (resolver, all) = Deferred::with_canceller(cancel_all(&deferreds));
    if deferreds.is_empty() && !options.fire_on_one_callback {
        resolver.callback(ListResult::All(Vec::new()));
        return all;
    }
    let gathering = Rc::new(Gathering {
        results: RefCell::new(deferreds.iter().map(|_| None).collect()),
        missing: Cell::new(deferreds.len()),
        resolver: Cell::new(Some(resolver)),
    });
    for (index, deferred) in deferreds.into_iter().enumerate() {
        let gathering = Rc::clone(&gathering);
        deferred.add_both(move |result| {
            // What this returns goes on in that one's own chain, where nobody takes it.
            let failure = result.as_ref().err().filter(|_| !options.consume_errors).cloned();
            let is_first = gathering.take(index, result, options);
            failure.filter(|_| !(is_first && takes_first)).map_or(Ok(()), Err)
        });
    }
    all
}

/// What those of a list share: the results so far, and the resolver until it has fired.
struct Gathering<T: 'static> {
    results: RefCell<Vec<Option<Result<T, Failure>>>>,
    missing: Cell<usize>,
    resolver: Cell<Option<Resolver<ListResult<T>>>>,
}

impl<T> Gathering<T> {
    /// Takes what one gave; whether nothing had fired the list before.
    fn take(&self, index: usize, result: Result<T, Failure>, options: DeferredListOptions) -> bool {
        let Some(resolver) = self.resolver.take() else { return false };
        match result {
            Ok(value) if options.fire_on_one_callback => {
                resolver.callback(ListResult::First { index, value });
            }
            Err(failure) if options.fire_on_one_errback => {
                resolver.errback(FirstError::failure(index, failure));
            }
            result => {
                let _none = self.results.borrow_mut()[index].replace(result);
                self.missing.set(self.missing.get() - 1);
                if self.missing.get() > 0 {
                    self.resolver.set(Some(resolver));
                } else {
                    let results = self.results.take().into_iter().flatten().collect();
                    resolver.callback(ListResult::All(results));
                }
            }
        }
        true
    }
}

/// Which of a list of Deferreds failed first, and how.
#[derive(Clone, Debug)]
pub struct FirstError {
    /// Its place in the list.
    pub index: usize,
    /// Its failure.
    pub failure: Failure,
}

impl FirstError {
    fn failure(index: usize, failure: Failure) -> Failure {
        Failure::from_error(failure.kind(), Self { index, failure })
    }
}

impl fmt::Display for FirstError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "number {} of the list failed: {}", self.index, self.failure)
    }
}

impl Error for FirstError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.error()
    }
}
