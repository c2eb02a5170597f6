//! Tasks: futures that run on the reactor's thread.
//!
//! A task is polled in the ready phase, first right after [`Reactor::spawn`], then each time it is woken. A
//! wait for a [`Deferred`] wakes it over a local path without atomics; any other `Future` uses the ordinary
//! [`Waker`], which works from every thread: it writes the task's number into the reactor's inbox.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::deferred::{LocalTask, poll_as};
use crate::main_loop::contain;
use crate::reactor::{Inner, Ready};
use crate::remote::Inbox;
use crate::{Deferred, Failure, Reactor};

/// The tasks of one reactor, by number; no number is used twice.
#[derive(Default)]
pub(crate) struct Tasks {
    live: RefCell<HashMap<u64, Rc<Task>>>,
    begun: Cell<u64>,
}

pub(crate) struct Task {
    id: u64,
    reactor: Weak<Inner>,
    /// `None` while it is polled and when it is over.
    future: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    remote: Arc<RemoteWake>,
    waker: Waker,
    queued: Cell<bool>,
    over: Cell<bool>,
}

struct RemoteWake {
    inbox: Arc<Inbox>,
    id: u64,
    /// It is in the inbox already.
    sent: AtomicBool,
}

impl Wake for RemoteWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.sent.swap(true, Ordering::AcqRel) {
            self.inbox.wake_task(self.id);
        }
    }
}

impl Reactor {
    /// Runs a future on this reactor, and gives its result.
    ///
    /// # Ordering
    /// It is first polled in the next ready phase, never inside this call.
    ///
    /// # Cancellation
    /// Cancelling the Deferred drops the future, and thereby cancels what it awaits; dropping the Deferred
    /// leaves the task running. A task that panics fails with a `Panic` failure; one that is still there when
    /// the loop is dropped is dropped with it.
    pub fn spawn<T: 'static>(
        &self,
        future: impl Future<Output = Result<T, Failure>> + 'static,
    ) -> Deferred<T> {
        if self.is_over() {
            return Deferred::fail(Failure::stopped());
        }
        let id = self.0.tasks.next_id();
        let inner = Rc::downgrade(&self.0);
        let (resolver, result) = Deferred::with_canceller(move || {
            let reactor = inner.upgrade();
            let task = reactor.as_ref().and_then(|inner| inner.tasks.live.borrow_mut().remove(&id));
            if let Some(task) = task {
                task.end();
            }
        });
        let mut future = Box::pin(future);
        let polled = poll_fn(move |cx| {
            Failure::catch(|| future.as_mut().poll(cx)).unwrap_or_else(|f| Poll::Ready(Err(f)))
        });
        Task::start(self, id, Box::pin(async move { resolver.fire(polled.await) }));
        result
    }
}

impl Tasks {
    fn next_id(&self) -> u64 {
        self.begun.set(self.begun.get() + 1);
        self.begun.get()
    }

    /// A task was woken from elsewhere.
    pub(crate) fn wake(&self, id: u64) {
        let task = self.live.borrow().get(&id).cloned();
        if let Some(task) = task {
            // Taken back, not overwritten: a wake that found it sent has happened before this poll.
            task.remote.sent.swap(false, Ordering::AcqRel);
            task.schedule();
        }
    }

    /// Drops all tasks.
    pub(crate) fn clear(&self) {
        let tasks = self.live.take();
        tasks.into_values().for_each(Task::end);
    }
}

impl Task {
    fn start(reactor: &Reactor, id: u64, future: Pin<Box<dyn Future<Output = ()>>>) {
        let remote = Arc::new(RemoteWake {
            inbox: reactor.0.inbox.clone(),
            id,
            sent: AtomicBool::new(false),
        });
        let task = Rc::new(Self {
            id,
            reactor: Rc::downgrade(&reactor.0),
            future: RefCell::new(Some(future)),
            waker: Waker::from(remote.clone()),
            remote,
            queued: Cell::new(false),
            over: Cell::new(false),
        });
        reactor.0.tasks.live.borrow_mut().insert(id, task.clone());
        task.schedule();
    }

    fn schedule(self: Rc<Self>) {
        if self.over.get() || self.queued.replace(true) {
            return;
        }
        if let Some(inner) = self.reactor.upgrade() {
            Reactor(inner).push_ready(Ready::Task(self));
        }
    }

    /// Polls it once; its turn in the ready phase.
    pub(crate) fn run(self: Rc<Self>) {
        self.queued.set(false);
        let Some(mut future) = self.future.take() else { return };
        let poll = poll_as(self.clone(), || {
            let mut cx = Context::from_waker(&self.waker);
            future.as_mut().poll(&mut cx)
        });
        if matches!(poll, Ok(Poll::Pending)) && !self.over.get() {
            self.future.replace(Some(future));
            return;
        }
        contain("a task", || drop(future));
        self.over.set(true);
        if let Some(inner) = self.reactor.upgrade() {
            inner.tasks.live.borrow_mut().remove(&self.id);
        }
    }

    /// Drops the future, as one of its polls would; if it is being polled, right after that.
    fn end(self: Rc<Self>) {
        self.over.set(true);
        let future = self.future.take();
        drop(poll_as(self, || contain("a task", || drop(future))));
    }
}

impl LocalTask for Task {
    fn waker(&self) -> &Waker {
        &self.waker
    }

    fn wake_local(self: Rc<Self>) {
        self.schedule();
    }

    fn call_soon(&self, f: Box<dyn FnOnce()>) {
        if let Some(inner) = self.reactor.upgrade() {
            Reactor(inner).push_ready(Ready::Call(f));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Notify;

    struct Silent;

    impl Notify for Silent {
        fn notify(&self) {}
    }

    #[test]
    fn many_wakes_of_a_task_are_one_in_the_inbox() {
        let inbox = Inbox::new(Arc::new(Silent), 0);
        let wakes = |id| RemoteWake { inbox: inbox.clone(), id, sent: AtomicBool::new(false) };
        let (first, second) = (Waker::from(Arc::new(wakes(1))), Waker::from(Arc::new(wakes(2))));
        for _ in 0..1000 {
            first.wake_by_ref();
            second.wake_by_ref();
        }
        assert_eq!(inbox.take().1, [1, 2]);
    }
}
