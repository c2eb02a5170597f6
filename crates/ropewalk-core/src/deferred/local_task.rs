//! The task that a reactor is polling now, so that a wait on a Deferred can skip the `Waker`.
//!
//! A [`Waker`] may be woken from any thread, which costs atomics. A Deferred fires on its own thread only, so an
//! [`Awaiting`](super::Awaiting) polled by a reactor's task keeps the task itself and wakes it by a plain call.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;

use crate::Failure;

/// A reactor's task, seen from what it awaits.
pub(crate) trait LocalTask {
    /// The waker that the reactor polls this task with. A combinator inside of the task may poll with its own.
    fn waker(&self) -> &Waker;
    /// Queues the task to be polled. Calls nothing.
    fn wake_local(self: Rc<Self>);
    /// Queues a call on the task's reactor. Calls nothing.
    fn call_soon(&self, call: Box<dyn FnOnce()>);
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<dyn LocalTask>>> = const { RefCell::new(None) };
}

/// Runs `poll` with `task` as the current one, and puts back the one before it. A panic is a failure.
pub(crate) fn poll_as<R>(task: Rc<dyn LocalTask>, poll: impl FnOnce() -> R) -> Result<R, Failure> {
    let before = CURRENT.replace(Some(task));
    let polled = Failure::catch(poll);
    CURRENT.set(before);
    polled
}

/// The task being polled now.
pub(super) fn current() -> Option<Rc<dyn LocalTask>> {
    // While the thread ends there is none.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The task being polled now, if it is the one that `waker` wakes.
pub(super) fn current_for(waker: &Waker) -> Option<Rc<dyn LocalTask>> {
    let is_its_own = |task: &&Rc<dyn LocalTask>| task.waker().will_wake(waker);
    CURRENT.with_borrow(|current| current.as_ref().filter(is_its_own).cloned())
}
