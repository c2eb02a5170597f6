//! [`ThreadPool`]: work that waits or computes for long, done beside the loop.
//!
//! A callback that waits holds up everything on its reactor. What cannot be had without waiting (a name from
//! the system's resolver, a file's bytes, a hash of a gigabyte) is a job for a pool: a thread does it, and the
//! result comes back to the reactor as a [`Deferred`].
//!
//! The result's way back is a task. It waits for the job's *slot*, where the thread leaves the result before it
//! wakes the task, and a wake is never refused. So a result cannot be lost, however full the reactor's inbox
//! of calls from other threads is.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use ropewalk_core::{Deferred, Failure, FailureKind, Outcome, Reactor};

/// A number of threads for work that waits, and the reactor that gets their results. Cheap to clone.
///
/// Threads are started when there is work for them, and are called `ropewalk-pool-1` and so on. They end when
/// the last handle to the pool is dropped, after the jobs that wait, or when the reactor's loop is dropped,
/// after the jobs that have begun. Nobody waits for them: the process may end before.
#[derive(Clone)]
pub struct ThreadPool(Rc<Owner>);

/// What a pool may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadPoolLimits {
    /// Threads, and so jobs done at the same time. Default 10, as in Twisted: they mostly wait.
    pub threads_max: usize,
    /// Jobs that wait for a thread; one more fails with a `Limit` failure. Default 65,536: as many as calls
    /// from other threads.
    pub jobs_max: usize,
}

impl Default for ThreadPoolLimits {
    fn default() -> Self {
        Self { threads_max: 10, jobs_max: 65_536 }
    }
}

impl ThreadPool {
    /// A pool for `reactor`, with no threads yet. No threads at all are as good as one.
    pub fn new(reactor: &Reactor, limits: ThreadPoolLimits) -> Self {
        let line = Arc::new(Line {
            jobs: Mutex::default(),
            changed: Condvar::new(),
            threads_max: limits.threads_max.max(1),
            jobs_max: limits.jobs_max,
        });
        // A task that never ends is dropped when the loop is: then nobody takes results any more.
        let closes = CloseOnDrop(line.clone());
        let alive = reactor.spawn(async move {
            let _closes = closes;
            std::future::pending::<Result<(), Failure>>().await
        });
        let alive = alive.add_errback(|_| ()); // That it ends is no news.
        Self(Rc::new(Owner { reactor: reactor.clone(), line, alive }))
    }

    /// Has a thread of the pool call `f`, and fires with what it returns.
    ///
    /// # Fires
    /// In the ready phase of a turn, never inside this call. A panic in `f` is a `Panic` failure, and the
    /// thread lives on; an `f` that was not called because the pool is full fails with `Limit`; with `System`
    /// if not even one thread can be started.
    ///
    /// # Ordering
    /// Jobs begin in the order of the calls; with more than one thread they may end in any.
    ///
    /// # Cancellation
    /// A job that has not begun is dropped. One that has cannot be stopped: it runs to its end, and its result
    /// is dropped.
    ///
    /// # Example: a sum that takes its time
    /// ```
    /// use ropewalk_net::{ThreadPool, ThreadPoolLimits, new_loop};
    /// let main_loop = new_loop(None)?;
    /// let pool = ThreadPool::new(main_loop.reactor(), ThreadPoolLimits::default());
    /// let sum = pool.defer_to_thread(|| Ok((1..=1_000_000u64).sum::<u64>()));
    /// assert_eq!(main_loop.run_until(sum)?, 500_000_500_000);
    /// # Ok::<(), ropewalk_core::Failure>(())
    /// ```
    pub fn defer_to_thread<R>(&self, f: impl FnOnce() -> R + Send + 'static) -> Deferred<R::Value>
    where
        R: Outcome + Send + 'static,
    {
        let slot = Arc::new(Slot::default());
        let filled = FillOnDrop(Some(slot.clone()));
        let job = Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(f));
            filled.fill(result.map_err(|panic| Failure::from_panic(&*panic)));
        });
        let line = &self.0.line;
        match line.push(job) {
            Err(failure) => Deferred::fail(failure),
            Ok(number) => {
                let wait = WaitForJob { line: line.clone(), number, slot };
                self.0.reactor.spawn(wait).add_callback(R::into_deferred)
            }
        }
    }
}

impl ThreadPool {
    /// Whose results are brought to.
    pub(crate) fn reactor(&self) -> &Reactor {
        &self.0.reactor
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Closes the line when the last handle to a pool is gone.
struct Owner {
    reactor: Reactor,
    line: Arc<Line>,
    alive: Deferred<()>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.alive.cancel();
    }
}

struct CloseOnDrop(Arc<Line>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

/// The jobs that wait, and the threads that take them.
struct Line {
    jobs: Mutex<Jobs>,
    changed: Condvar,
    threads_max: usize,
    jobs_max: usize,
}

#[derive(Default)]
struct Jobs {
    /// By number, so in the order in which they came; one that is cancelled is taken out.
    waiting: BTreeMap<u64, Job>,
    begun: u64,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Line {
    /// Adds a job; gives its number.
    fn push(self: &Arc<Self>, job: Job) -> Result<u64, Failure> {
        let mut jobs = self.lock();
        if jobs.closed {
            return Err(Failure::stopped());
        }
        if jobs.waiting.len() >= self.jobs_max {
            let why = format!("{} jobs wait for a thread already (jobs_max)", self.jobs_max);
            return Err(Failure::new(FailureKind::Limit, why));
        }
        if jobs.idle <= jobs.waiting.len() && jobs.threads < self.threads_max {
            self.start_thread(&mut jobs)?;
        }
        jobs.begun += 1;
        let number = jobs.begun;
        jobs.waiting.insert(number, job);
        self.changed.notify_one();
        Ok(number)
    }

    /// One thread more; that it cannot be had matters only if there is no other.
    fn start_thread(self: &Arc<Self>, jobs: &mut Jobs) -> Result<(), Failure> {
        let line = self.clone();
        let name = format!("ropewalk-pool-{}", jobs.threads + 1);
        match thread::Builder::new().name(name).spawn(move || line.work()) {
            Ok(_) => jobs.threads += 1,
            Err(error) if jobs.threads == 0 => {
                return Err(Failure::from(error).context("start a thread"));
            }
            Err(error) => {
                tracing::warn!(target: "ropewalk::net", "a pool gets no more threads: {error}");
            }
        }
        Ok(())
    }

    /// What a thread does, all its life.
    fn work(&self) {
        while let Some(job) = self.next() {
            job(); // It catches the panics of what the user gave it.
        }
    }

    fn next(&self) -> Option<Job> {
        let mut jobs = self.lock();
        loop {
            if let Some((_, job)) = jobs.waiting.pop_first() {
                return Some(job);
            }
            if jobs.closed {
                jobs.threads -= 1;
                return None;
            }
            jobs.idle += 1;
            jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            jobs.idle -= 1;
        }
    }

    /// Drops a job that has not begun.
    fn forget(&self, number: u64) {
        let job = self.lock().waiting.remove(&number);
        drop(job);
    }

    /// A panic cannot happen while the lock is held; if it did, the jobs would still be whole.
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a thread leaves a result for the task that waits for it.
struct Slot<R>(Mutex<SlotState<R>>);

enum SlotState<R> {
    Empty(Option<Waker>),
    Filled(Result<R, Failure>),
}

impl<R> Default for Slot<R> {
    fn default() -> Self {
        Self(Mutex::new(SlotState::Empty(None)))
    }
}

impl<R> Slot<R> {
    fn lock(&self) -> MutexGuard<'_, SlotState<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fills a slot at the latest when it is dropped, so that nobody waits for a job that is gone.
struct FillOnDrop<R>(Option<Arc<Slot<R>>>);

impl<R> FillOnDrop<R> {
    fn fill(mut self, result: Result<R, Failure>) {
        self.put(result);
    }

    fn put(&mut self, result: Result<R, Failure>) {
        let Some(slot) = self.0.take() else { return };
        let before = std::mem::replace(&mut *slot.lock(), SlotState::Filled(result));
        if let SlotState::Empty(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<R> Drop for FillOnDrop<R> {
    fn drop(&mut self) {
        self.put(Err(Failure::abandoned()));
    }
}

/// The reactor's side of a job.
struct WaitForJob<R> {
    line: Arc<Line>,
    number: u64,
    slot: Arc<Slot<R>>,
}

impl<R> Future for WaitForJob<R> {
    type Output = Result<R, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.lock();
        match std::mem::replace(&mut *state, SlotState::Empty(Some(cx.waker().clone()))) {
            SlotState::Filled(result) => Poll::Ready(result),
            SlotState::Empty(_) => Poll::Pending,
        }
    }
}

impl<R> Drop for WaitForJob<R> {
    fn drop(&mut self) {
        self.line.forget(self.number);
    }
}
