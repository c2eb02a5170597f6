//! [`LoopingCall`]: a call that is made again and again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::{
    Deferred, DelayedCall, Failure, FailureKind, Outcome, ReactorTime, Resolver, Time, Timers,
};

/// Calls a function at every interval, until it is stopped or the function fails. All clones are the same one.
///
/// # Ordering
/// The calls keep to a grid: they come at the time of [`start`](Self::start) plus a multiple of the interval,
/// however late each one was. A call that returns a [`Deferred`] is waited for, so there is never more than one;
/// the intervals that pass meanwhile are skipped, not made up for. [`with_count`](Self::with_count) says how many.
///
/// With an interval of zero it is called in every turn of the loop.
///
/// # Fires
/// The Deferred that `start` gave fires when the loop has been stopped, or with the failure of a call (a panic
/// is one), which ends the loop. It may then be started again.
///
/// # Cancellation
/// Cancelling that Deferred stops the loop. Dropping it, or the `LoopingCall`, does not.
///
/// # Example: a call that is late skips, and stays on the grid
/// ```
/// use std::time::Duration;
/// use ropewalk_core::{Clock, LoopingCall, ReactorTime};
///
/// let clock = Clock::new();
/// let tick = LoopingCall::with_count(&clock, {
///     let clock = clock.clone();
///     move |count| println!("{:?}: {count} since the last", clock.now())
/// });
/// let stopped = tick.start(Duration::from_secs(10), true); // 0ns: 1 since the last
/// clock.advance(Duration::from_secs(10));                  // 10s: 1 since the last
/// clock.advance(Duration::from_secs(34));                  // 44s: 3 since the last
/// clock.advance(Duration::from_secs(6));                   // 50s: 1 since the last
/// tick.stop();
/// assert!(stopped.is_fired());
/// ```
#[derive(Clone)]
pub struct LoopingCall(Rc<Loop>);

struct Loop {
    timers: Timers,
    /// Not there while it runs.
    call: Cell<Option<Box<dyn FnMut(u64) -> Deferred<()>>>>,
    state: RefCell<State>,
    stopped: Cell<Option<Resolver<()>>>,
    grid: Cell<Grid>,
}

/// When the calls come.
#[derive(Clone, Copy, Default)]
struct Grid {
    start: Time,
    /// In nanoseconds.
    interval: u64,
    /// The first interval that no call has counted yet.
    uncounted: u64,
}

enum State {
    Idle,
    Waiting(DelayedCall),
    /// The call runs, or the Deferred that it gave is pending.
    Calling {
        stop_asked: bool,
    },
}

impl LoopingCall {
    /// A loop that calls `f`, not yet started.
    pub fn new<R: Outcome>(time: &impl ReactorTime, mut f: impl FnMut() -> R + 'static) -> Self {
        Self::with_count(time, move |_| f())
    }

    /// A loop that calls `f` with the number of intervals that passed since it was last called: 1 if it is on
    /// time, more if it was late. The sum is the number of calls that there should have been.
    pub fn with_count<R: Outcome>(
        time: &impl ReactorTime,
        mut f: impl FnMut(u64) -> R + 'static,
    ) -> Self {
        let call = move |count| f(count).into_deferred().add_callback(|_| ());
        Self(Rc::new(Loop {
            timers: time.timers().clone(),
            call: Cell::new(Some(Box::new(call))),
            state: RefCell::new(State::Idle),
            stopped: Cell::new(None),
            grid: Cell::default(),
        }))
    }

    /// Starts the loop. The first call is made at once, within this one, if `now`; else after one interval.
    ///
    /// # Errors
    /// The Deferred has failed, as [`Local`](FailureKind::Local), if the loop runs already or was stopped while
    /// a call was going on that has not ended yet.
    #[track_caller]
    pub fn start(&self, interval: Duration, now: bool) -> Deferred<()> {
        if !matches!(*self.0.state.borrow(), State::Idle) {
            return Deferred::fail(Failure::new(FailureKind::Local, "the looping call is running"));
        }
        let weak = Rc::downgrade(&self.0);
        let (resolver, deferred) = Deferred::with_canceller(move || {
            if let Some(looping) = weak.upgrade().map(Self) {
                drop(looping.0.stopped.take()); // The cancel fires it.
                looping.stop();
            }
        });
        self.0.stopped.set(Some(resolver));
        let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        let start = self.0.timers.now();
        self.0.grid.set(Grid { start, interval, uncounted: u64::from(!now) });
        if now {
            self.call()
        } else {
            self.wait()
        }
        deferred
    }

    /// Stops the loop; does nothing if it is not running.
    ///
    /// # Fires
    /// The Deferred that [`start`](Self::start) gave, now; if a call is going on, when that has ended.
    pub fn stop(&self) {
        let waiting = match &mut *self.0.state.borrow_mut() {
            State::Idle => return,
            State::Calling { stop_asked } => {
                *stop_asked = true;
                return;
            }
            State::Waiting(call) => call.clone(),
        };
        let _ = waiting.cancel();
        self.end(Ok(()));
    }

    /// Begins the grid anew: the next call comes one interval from now. Does nothing if it is not running.
    pub fn reset(&self) {
        if !self.running() {
            return;
        }
        let Grid { interval, .. } = self.0.grid.get();
        self.0.grid.set(Grid { start: self.0.timers.now(), interval, uncounted: 1 });
        // While a call is going on, its end begins the wait.
        if let State::Waiting(call) = &*self.0.state.borrow() {
            let _ = call.reset(self.until_next());
        }
    }

    /// Whether it was started and neither stopped nor ended by a failure.
    pub fn running(&self) -> bool {
        let state = self.0.state.borrow();
        matches!(*state, State::Waiting(_) | State::Calling { stop_asked: false })
    }

    /// The interval of the last start.
    pub fn interval(&self) -> Duration {
        Duration::from_nanos(self.0.grid.get().interval)
    }

    fn call(&self) {
        self.0.state.replace(State::Calling { stop_asked: false });
        let Some(mut call) = self.0.call.take() else { return };
        let count = self.count();
        let called = Failure::catch(|| call(count));
        self.0.call.set(Some(call));
        let outcome = called.unwrap_or_else(Deferred::fail);
        let looping = self.clone();
        outcome.add_both(move |result| {
            if result.is_ok() && looping.running() { looping.wait() } else { looping.end(result) }
        });
    }

    fn wait(&self) {
        let looping = self.clone();
        let call = self.0.timers.call_later(self.until_next(), move || looping.call());
        self.0.state.replace(State::Waiting(call));
    }

    fn end(&self, result: Result<(), Failure>) {
        self.0.state.replace(State::Idle);
        if let Some(stopped) = self.0.stopped.take() {
            stopped.fire(result);
        }
    }

    fn until_next(&self) -> Duration {
        let interval = self.0.grid.get().interval;
        let into_interval = self.running_for().checked_rem(interval).unwrap_or(0);
        Duration::from_nanos(interval - into_interval)
    }

    /// How many intervals have passed that no call has counted.
    fn count(&self) -> u64 {
        let mut grid = self.0.grid.get();
        let Some(passed) = self.running_for().checked_div(grid.interval) else { return 1 };
        let uncounted = std::mem::replace(&mut grid.uncounted, passed.saturating_add(1));
        self.0.grid.set(grid);
        grid.uncounted.saturating_sub(uncounted)
    }

    /// Nanoseconds since the start of the grid.
    fn running_for(&self) -> u64 {
        self.0.timers.now().as_nanos().saturating_sub(self.0.grid.get().start.as_nanos())
    }
}

#[cfg(test)]
mod tests;
