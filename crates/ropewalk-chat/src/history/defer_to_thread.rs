//! [`DeferToThread`]: how work that waits gets to a thread, whoever has the threads.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use ropewalk_core::{Deferred, Failure};

/// Work for another thread.
type Job = Box<dyn FnOnce() + Send>;

/// Has jobs done by another thread. A clone is the same.
///
/// # Example: the threads of `ropewalk-net`
/// ```
/// use ropewalk_chat::DeferToThread;
/// use ropewalk_net::{ThreadPool, ThreadPoolLimits, new_loop};
///
/// let main_loop = new_loop(None)?;
/// let pool = ThreadPool::new(main_loop.reactor(), ThreadPoolLimits::default());
/// let threads = DeferToThread::new(move |job| pool.defer_to_thread(move || job()));
/// # let _ = threads;
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone)]
pub struct DeferToThread(Rc<dyn Fn(Job) -> Deferred<()>>);

impl DeferToThread {
    /// By `defer`, which has a thread call what it is given, and fires when that has returned; or fails.
    pub fn new(defer: impl Fn(Job) -> Deferred<()> + 'static) -> Self {
        Self(Rc::new(defer))
    }

    /// Has no thread: everything is done at once, and waits. For tests.
    pub fn at_once() -> Self {
        Self::new(|job| {
            job();
            Deferred::succeed(())
        })
    }

    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Deferred<T> {
        let result = Arc::new(Mutex::new(None));
        let place = result.clone();
        let done = (self.0)(Box::new(move || {
            let value = work();
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        }));
        done.add_callback(move |()| {
            let value = result.lock().unwrap_or_else(PoisonError::into_inner).take();
            value.unwrap_or_else(|| Err(Failure::abandoned()))
        })
    }
}
