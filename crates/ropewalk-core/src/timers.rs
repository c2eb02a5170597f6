//! [`Timers`]: the calls that wait for their time, and what time it is. [`ReactorTime`]: whoever has them.
//!
//! A reactor's loop says when a turn begins and ends. Inside a turn `now` is one sampled moment, so that all
//! that happens in a turn happens at the same time; outside of turns (a guest's other callbacks, the set-up
//! before the first turn) the driver's clock is asked.
//!
//! No borrow is held while a call runs, is dropped, or while the driver is told of an earlier deadline.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::wheel::{TimerKey, Wheel};
use crate::{DelayedCall, Failure, Time};

/// Whatever can call later: a reactor, or a [`Clock`](crate::Clock) in a test.
///
/// Write what needs time for `&impl ReactorTime`, and its tests need neither a reactor nor a second.
///
/// # Ordering
/// Calls run by their deadline, then in the order in which they were made, never early. A call that is made
/// in a turn does not run in it, whatever its deadline: with no delay at all it runs in the next. So calls
/// that make calls cannot keep the loop from its connections.
pub trait ReactorTime {
    /// The calls that wait. A cheap handle: what outlives this borrow keeps a clone.
    fn timers(&self) -> &Timers;

    /// What time it is: in a turn of the loop, the moment at which it began.
    fn now(&self) -> Time {
        self.timers().0.now()
    }

    /// Calls `f` once, when `after` has passed. Dropping the [`DelayedCall`] does not cancel it.
    ///
    /// # Fires
    /// At most once. On a reactor a panic in `f` is logged, and the loop goes on; a clock lets it through.
    fn call_later(&self, after: Duration, f: impl FnOnce() + 'static) -> DelayedCall
    where
        Self: Sized,
    {
        self.call_at(self.now() + after, f)
    }

    /// Calls `f` once, at `deadline`; in the next turn if that has passed.
    fn call_at(&self, deadline: Time, f: impl FnOnce() + 'static) -> DelayedCall
    where
        Self: Sized,
    {
        self.timers().insert(deadline, Box::new(f))
    }
}

/// A handle to the calls that wait for their time, as cheap to clone as an `Rc`. See [`ReactorTime`].
#[derive(Clone)]
pub struct Timers(Rc<Inner>);

struct Inner {
    wheel: RefCell<Wheel<Payload>>,
    now: Cell<Time>,
    in_turn: Cell<bool>,
    clock: Option<Box<dyn Fn() -> Time>>,
    closed: Cell<bool>,
    /// The driver sleeps, or its host does, and relies on the wakeup that it was told.
    parked: Cell<bool>,
    told: Cell<Time>,
    on_earlier: RefCell<Option<Rc<dyn Fn(Time)>>>,
}

/// What happens when a timer is due.
pub(crate) type Payload = Box<dyn FnOnce()>;

impl ReactorTime for Timers {
    fn timers(&self) -> &Timers {
        self
    }
}

/// For the loop.
impl Timers {
    /// No calls, at the start of time. Outside of turns, `clock` says what time it is; if there is none,
    /// it is what the last turn or [`set_now`](Self::set_now) said.
    pub(crate) fn new(clock: Option<Box<dyn Fn() -> Time>>) -> Self {
        Self(Rc::new(Inner {
            wheel: RefCell::new(Wheel::new()),
            now: Cell::new(Time::START),
            in_turn: Cell::new(false),
            clock,
            closed: Cell::new(false),
            parked: Cell::new(false),
            told: Cell::new(Time::NEVER),
            on_earlier: RefCell::new(None),
        }))
    }

    /// Sets the time without a turn; one that is before the present is ignored.
    pub(crate) fn set_now(&self, now: Time) {
        self.0.now.set(now.max(self.0.now.get()));
    }

    /// Fixes the time for one turn. Calls made from here on wait for the next turn.
    pub(crate) fn begin_turn(&self, now: Time) {
        self.set_now(now);
        self.0.in_turn.set(true);
        self.0.wheel.borrow_mut().begin_turn(self.0.now.get());
    }

    pub(crate) fn in_turn(&self) -> bool {
        self.0.in_turn.get()
    }

    /// What the driver's clock says at this very moment, even in a turn; `now` if it has none.
    pub(crate) fn precise_now(&self) -> Time {
        self.0.clock.as_ref().map_or_else(|| self.0.now.get(), |clock| clock())
    }

    /// Ends the turn: the calls made in it may be due now.
    pub(crate) fn end_turn(&self) {
        self.0.in_turn.set(false);
        self.0.wheel.borrow_mut().end_turn();
    }

    /// Runs the calls that are due and were not made in this turn; says how many ran.
    pub(crate) fn run_due(&self) -> usize {
        let now = self.now();
        let mut ran = 0;
        while let Some(payload) = self.pop_due(now) {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(payload)) {
                let failure = Failure::from_panic(&*panic);
                tracing::error!(target: "ropewalk::timers", %failure, "a delayed call failed");
            }
            ran += 1;
        }
        ran
    }

    /// Takes out the first call that is due and was not made in this turn.
    pub(crate) fn pop_due(&self, now: Time) -> Option<Payload> {
        self.0.wheel.borrow_mut().pop_due(now)
    }

    /// A moment before which no call is due, if any waits; what a parked driver goes by from here on.
    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        let wakeup = self.0.wheel.borrow().next_wakeup();
        self.0.told.set(wakeup.unwrap_or(Time::NEVER));
        wakeup
    }

    /// Whether the driver goes by the last [`next_wakeup`](Self::next_wakeup) and must hear of an earlier one.
    pub(crate) fn set_parked(&self, parked: bool) {
        self.0.parked.set(parked);
    }

    /// What to call, while parked, when a call is made or moved to before the wakeup last told. It is
    /// given that call's deadline, which is from then on the wakeup told.
    pub(crate) fn set_on_earlier(&self, on_earlier: Option<Box<dyn Fn(Time)>>) {
        let old = self.0.on_earlier.replace(on_earlier.map(Rc::from));
        drop(old);
    }

    /// How many calls wait.
    pub(crate) fn len(&self) -> usize {
        self.0.wheel.borrow().len()
    }

    /// Drops all calls unrun. A call that is made while they are dropped stays.
    pub(crate) fn clear(&self) {
        let all = self.0.wheel.borrow_mut().take();
        drop(all);
    }

    /// Drops all calls unrun, and any that is made later at once.
    pub(crate) fn close(&self) {
        self.0.closed.set(true);
        self.clear();
    }
}

/// For [`DelayedCall`].
impl Timers {
    fn insert(&self, deadline: Time, payload: Payload) -> DelayedCall {
        if self.0.closed.get() {
            return DelayedCall::new(self.clone(), TimerKey::STALE); // and `payload` is dropped
        }
        let key = self.0.wheel.borrow_mut().insert(deadline, payload);
        self.0.tell_if_earlier(deadline);
        DelayedCall::new(self.clone(), key)
    }

    /// What was to happen, for the caller to drop; `None` if the timer is not active.
    pub(crate) fn cancel(&self, key: TimerKey) -> Option<Payload> {
        self.0.wheel.borrow_mut().cancel(key)
    }

    /// False if the timer is not active.
    pub(crate) fn reset(&self, key: TimerKey, deadline: Time) -> bool {
        let reset = self.0.wheel.borrow_mut().reset(key, deadline);
        if reset {
            self.0.tell_if_earlier(deadline);
        }
        reset
    }

    /// When the timer is due; `None` if it is not active.
    pub(crate) fn deadline(&self, key: TimerKey) -> Option<Time> {
        self.0.wheel.borrow().deadline(key)
    }
}

impl Inner {
    fn now(&self) -> Time {
        match &self.clock {
            Some(clock) if !self.in_turn.get() => clock().max(self.now.get()),
            _ => self.now.get(),
        }
    }

    fn tell_if_earlier(&self, deadline: Time) {
        if !self.parked.get() || deadline >= self.told.get() {
            return;
        }
        self.told.set(deadline);
        let on_earlier = self.on_earlier.borrow().clone();
        if let Some(on_earlier) = on_earlier {
            on_earlier(deadline);
        }
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("now", &self.0.now.get())
            .field("waiting", &self.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
