//! [`ReactorRemote`]: the one handle to a reactor that other threads may hold.
//!
//! It and the wakers of tasks write to the same inbox, which the loop empties once a turn. A sleeping loop
//! is woken; one that is awake looks anyway, so a burst of calls costs one system call or none.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Notify, Reactor};

/// Calls into a reactor from any thread. Cheap to clone; it does not keep the reactor running.
#[derive(Clone)]
pub struct ReactorRemote(pub(crate) Arc<Inbox>);

/// A call that the reactor did not take; it is dropped, unrun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RemoteError {
    /// `remote_calls_max` calls wait already: the reactor does not keep up.
    Full,
    /// The reactor has stopped.
    Stopped,
}

type Call = Box<dyn FnOnce(&Reactor) + Send>;

pub(crate) struct Inbox {
    queues: Mutex<Queues>,
    /// There is something in the queues. May be seen early, never late.
    filled: AtomicBool,
    /// The loop is about to wait, or waits.
    sleeping: AtomicBool,
    notify: Arc<dyn Notify>,
    calls_max: usize,
}

#[derive(Default)]
struct Queues {
    calls: VecDeque<Call>,
    /// Woken tasks, each at most once at a time: their number is bounded by that of the tasks.
    woken: Vec<u64>,
    stopped: bool,
}

impl ReactorRemote {
    /// Has the reactor run `f` in its next turn, on its own thread, in the order of the calls.
    ///
    /// # Errors
    /// [`RemoteError::Full`] and [`RemoteError::Stopped`]; `f` is dropped then. A call that was taken is
    /// dropped too if the reactor ends before its next turn.
    pub fn call_from_thread(
        &self,
        f: impl FnOnce(&Reactor) + Send + 'static,
    ) -> Result<(), RemoteError> {
        let mut queues = self.0.lock();
        if queues.stopped {
            return Err(RemoteError::Stopped);
        }
        if queues.calls.len() >= self.0.calls_max {
            return Err(RemoteError::Full);
        }
        queues.calls.push_back(Box::new(f));
        self.0.announce(queues);
        Ok(())
    }
}

impl Inbox {
    pub(crate) fn new(notify: Arc<dyn Notify>, calls_max: usize) -> Arc<Self> {
        Arc::new(Self {
            queues: Mutex::default(),
            filled: AtomicBool::new(false),
            sleeping: AtomicBool::new(false),
            notify,
            calls_max,
        })
    }

    /// A task was woken. Never refused.
    pub(crate) fn wake_task(&self, id: u64) {
        let mut queues = self.lock();
        if !queues.stopped {
            queues.woken.push(id);
            self.announce(queues);
        }
    }

    /// Says that the loop is going to wait; false if it must not, because something has come.
    pub(crate) fn fall_asleep(&self) -> bool {
        self.sleeping.store(true, Ordering::SeqCst);
        !self.filled.load(Ordering::SeqCst)
    }

    pub(crate) fn wake_up(&self) {
        self.sleeping.store(false, Ordering::SeqCst);
    }

    /// Whether something waits.
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::SeqCst)
    }

    /// Takes all that has come.
    pub(crate) fn take(&self) -> (VecDeque<Call>, Vec<u64>) {
        let mut queues = self.lock();
        self.filled.store(false, Ordering::SeqCst);
        (std::mem::take(&mut queues.calls), std::mem::take(&mut queues.woken))
    }

    /// Refuses everything from now on, and drops what has come.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        drop(self.take());
    }

    /// Ends a change of the queues; wakes the loop if it sleeps.
    fn announce(&self, queues: MutexGuard<'_, Queues>) {
        self.filled.store(true, Ordering::SeqCst);
        drop(queues);
        if self.sleeping.swap(false, Ordering::SeqCst) {
            self.notify.notify();
        }
    }

    /// A panic cannot happen while the lock is held; if it did, the queues would still be whole.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => {
                "the reactor does not keep up with calls from other threads (remote_calls_max)"
            }
            Self::Stopped => "the reactor has stopped",
        })
    }
}

impl std::error::Error for RemoteError {}
