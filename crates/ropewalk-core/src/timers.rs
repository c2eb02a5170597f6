//! [`Timers`]: the calls that wait for their time, and what time it is. [`ReactorTime`]: whoever has them.
//!
//! A reactor's loop says when a turn begins and ends. Inside a turn `now` is one sampled moment, so that all
//! that happens in a turn happens at the same time; outside of turns (a guest's other callbacks, the set-up
//! before the first turn) the driver's clock is asked.
//!
//! No borrow is held while a call runs, is dropped, or while the driver is told of an earlier deadline.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::main_loop::contain;
use crate::wheel::{TimerKey, Wheel};
use crate::{DelayedCall, Time};

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
        let Inner { clock, in_turn, now, .. } = &*self.timers().0;
        match clock {
            Some(clock) if !in_turn.get() => clock().max(now.get()),
            _ => now.get(),
        }
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
    /// The wakeup that was last told, by which the driver or its host may be asleep; at first none is.
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
    /// it is what the last turn said.
    pub(crate) fn new(clock: Option<Box<dyn Fn() -> Time>>) -> Self {
        Self(Rc::new(Inner {
            wheel: RefCell::new(Wheel::new()),
            now: Cell::new(Time::START),
            in_turn: Cell::new(false),
            clock,
            closed: Cell::new(false),
            told: Cell::new(Time::START),
            on_earlier: RefCell::new(None),
        }))
    }

    /// Fixes the time for one turn; it does not go back. Calls made from here on wait for the next turn.
    pub(crate) fn begin_turn(&self, now: Time) {
        self.0.now.set(now.max(self.0.now.get()));
        self.0.in_turn.set(true);
        self.wheel().begin_turn(self.0.now.get());
    }

    pub(crate) fn in_turn(&self) -> bool {
        self.0.in_turn.get()
    }

    /// What the driver's clock says at this very moment, even in a turn; `now` if it has none.
    pub(crate) fn precise_now(&self) -> Time {
        self.0.clock.as_ref().map_or(self.0.now.get(), |clock| clock())
    }

    /// Ends the turn: the calls made in it may be due now.
    pub(crate) fn end_turn(&self) {
        self.0.in_turn.set(false);
        self.wheel().end_turn();
    }

    /// Runs the calls that are due and were not made in this turn; says how many ran.
    pub(crate) fn run_due(&self) -> usize {
        let mut ran = 0;
        while let Some(payload) = self.pop_due() {
            contain("a delayed call", payload);
            ran += 1;
        }
        ran
    }

    /// Takes out the first call that is due and was not made in this turn.
    pub(crate) fn pop_due(&self) -> Option<Payload> {
        self.wheel().pop_due(self.0.now.get())
    }

    /// A moment before which no call is due, if any waits; what a sleeping driver goes by from here on.
    pub(crate) fn next_wakeup(&self) -> Option<Time> {
        let wakeup = self.wheel().next_wakeup();
        self.0.told.set(wakeup.unwrap_or(Time::NEVER));
        wakeup
    }

    /// From now on calls `tell` when a call is made or moved to before the wakeup last told. It is given that
    /// call's deadline, which is from then on the wakeup told.
    pub(crate) fn set_on_earlier(&self, tell: impl Fn(Time) + 'static) {
        let before = self.0.on_earlier.replace(Some(Rc::new(tell)));
        drop(before);
    }

    /// Drops all calls unrun, and any that is made later at once.
    pub(crate) fn close(&self) {
        self.0.closed.set(true);
        let all = self.wheel().take();
        drop(all);
    }

    /// What is taken out of it is to be dropped once this borrow is over.
    pub(crate) fn wheel(&self) -> RefMut<'_, Wheel<Payload>> {
        self.0.wheel.borrow_mut()
    }

    fn insert(&self, deadline: Time, payload: Payload) -> DelayedCall {
        if self.0.closed.get() {
            return DelayedCall::new(self.clone(), TimerKey::STALE); // and `payload` is dropped
        }
        let key = self.wheel().insert(deadline, payload);
        self.tell_if_earlier(deadline);
        DelayedCall::new(self.clone(), key)
    }

    /// A call was made for or moved to `deadline`.
    #[inline]
    pub(crate) fn tell_if_earlier(&self, deadline: Time) {
        if deadline < self.0.told.get() {
            self.tell(deadline);
        }
    }

    #[cold]
    fn tell(&self, deadline: Time) {
        self.0.told.set(deadline);
        let on_earlier = self.0.on_earlier.borrow().clone();
        if let Some(tell) = on_earlier {
            tell(deadline);
        }
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timers({} wait at {:?})", self.wheel().len(), self.0.now.get())
    }
}

#[cfg(test)]
mod tests;
