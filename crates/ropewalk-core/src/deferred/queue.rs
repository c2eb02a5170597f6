//! [`DeferredQueue`]: values on one side, those who want them on the other.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use super::Deferred;
use super::line::Line;

/// A bounded queue of values, and of Deferreds that wait for them. A cheap handle: clones are the same queue.
///
/// # Ordering
/// Values come out as they went in; who asked first is served first. [`put`](Self::put) fires a waiting getter
/// within the call.
///
/// # Cancellation
/// A getter that is cancelled leaves the line, and no value is lost to it: from the drop of an `.await` on, it
/// is passed over.
///
/// # Limits
/// `size_max` values and `backlog_max` getters, given by its maker, who knows what a value weighs.
///
/// # Example: put and get
/// ```
/// use ropewalk_core::DeferredQueue;
/// let jobs = DeferredQueue::new(1, 1);
/// let first = jobs.get();
/// jobs.put("wash")?; // goes to the waiting getter
/// jobs.put("dry")?; // is kept
/// assert_eq!(jobs.put("fold").unwrap_err().0, "fold"); // comes back: the queue is full
/// assert!(matches!(first.into_result(), Ok(Ok("wash"))));
/// assert!(matches!(jobs.get().into_result(), Ok(Ok("dry"))));
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
pub struct DeferredQueue<T: 'static>(Rc<Shared<T>>);

struct Shared<T: 'static> {
    values: RefCell<VecDeque<T>>,
    size_max: usize,
    getters: Rc<Line<T>>,
}

impl<T> DeferredQueue<T> {
    /// An empty queue that keeps up to `size_max` values and up to `backlog_max` getters. With a `size_max` of
    /// zero a value is only ever handed to someone who waits.
    pub fn new(size_max: usize, backlog_max: usize) -> Self {
        Self(Rc::new(Shared {
            values: RefCell::default(),
            size_max,
            getters: Line::new(backlog_max),
        }))
    }

    /// Gives `value` to the first waiting getter, or keeps it for the next.
    ///
    /// # Errors
    /// [`QueueFull`], with the value in it: `size_max` are kept already.
    pub fn put(&self, value: T) -> Result<(), QueueFull<T>> {
        if let Some(getter) = self.0.getters.next() {
            getter.callback(value);
            return Ok(());
        }
        let mut values = self.0.values.borrow_mut();
        if values.len() >= self.0.size_max {
            return Err(QueueFull(value));
        }
        values.push_back(value);
        Ok(())
    }

    /// Fires with the next value: at once if one is kept.
    ///
    /// # Errors
    /// A failure of kind [`Limit`](crate::FailureKind::Limit) if `backlog_max` getters wait already.
    #[track_caller]
    pub fn get(&self) -> Deferred<T> {
        let kept = self.0.values.borrow_mut().pop_front();
        match kept {
            Some(value) => Deferred::succeed(value),
            None => self.0.getters.join("too many wait for a value (backlog_max)"),
        }
    }

    /// How many values are kept.
    pub fn len(&self) -> usize {
        self.0.values.borrow().len()
    }

    /// Whether no value is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many getters wait.
    pub fn backlog(&self) -> usize {
        self.0.getters.len()
    }
}

impl<T> Clone for DeferredQueue<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

/// The queue is full; this is the value that found no place.
pub struct QueueFull<T>(pub T);

impl<T> fmt::Display for QueueFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is full (size_max)")
    }
}

impl<T> fmt::Debug for QueueFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueueFull(..)")
    }
}

impl<T> Error for QueueFull<T> {}
