//! [`Beside`]: where work is done that would hold up the loop.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use ropewalk_core::{Deferred, Failure};

/// Has work done beside the loop, by threads that somebody else has: a zone of a million names takes seconds to be put
/// together. Cheap to clone.
#[derive(Clone)]
pub struct Beside(Rc<dyn Fn(Job) -> Deferred<()>>);

/// A piece of work.
pub type Job = Box<dyn FnOnce() + Send>;

impl Beside {
    /// By `run`, which fires when the job is done.
    pub fn new(run: impl Fn(Job) -> Deferred<()> + 'static) -> Self {
        Self(Rc::new(run))
    }

    /// On the loop, at once: for small zones, and tests.
    pub fn at_once() -> Self {
        Self::new(|job| {
            job();
            Deferred::succeed(())
        })
    }

    /// What `work` gives.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Failure> {
        let slot = Arc::new(Mutex::new(None));
        let result = slot.clone();
        let job = move || {
            let done = work();
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        };
        (self.0)(Box::new(job)).await?;
        let done = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        done.ok_or_else(Failure::abandoned)
    }
}
