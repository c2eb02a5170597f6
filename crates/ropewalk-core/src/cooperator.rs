//! [`Cooperator`]: long work in small steps, between the events of the loop.
//!
//! Work is an iterator; each item is one step. In each turn of the loop the tasks take steps in a circle, until
//! the turn's share is used up ([`TurnShare`]); the rest goes on in the next turn. A task whose step gave a
//! pending Deferred, or that is paused, is out of the circle until it may go on, and costs nothing meanwhile.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::deferred::Ending;
use crate::{Deferred, Failure, FailureKind, Outcome, ReactorTime, Timers};

/// Runs iterators a few steps a turn, side by side. All clones are the same one.
///
/// # Ordering
/// Tasks step in a circle, in the order in which they were made or could go on again. No step is taken
/// within [`cooperate`](Self::cooperate): the first comes in the next turn.
///
/// # Limits
/// There is none on the number of tasks; each costs two small allocations.
///
/// # Example: a long sum that lets others in
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use std::time::Duration;
/// use ropewalk_core::{Clock, Cooperator, TurnShare};
///
/// let clock = Clock::new();
/// let cooperator = Cooperator::with_share(&clock, TurnShare { steps_max: 100, ..TurnShare::default() });
/// let sum = Rc::new(Cell::new(0));
/// let task = cooperator.cooperate((1..=250).map({
///     let sum = sum.clone();
///     move |number| sum.set(sum.get() + number)
/// }));
/// let done = task.when_done();
/// clock.advance(Duration::ZERO);
/// assert_eq!(sum.get(), 100 * 101 / 2);
/// clock.pump(&[Duration::ZERO; 2]);
/// assert_eq!(sum.get(), 250 * 251 / 2);
/// assert!(done.is_fired());
/// ```
#[derive(Clone)]
pub struct Cooperator(Rc<Circle>);

/// How much of a turn the tasks of one [`Cooperator`] may take: whichever limit is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnShare {
    /// Steps; at least one is always taken. 1,000 by default, so that a virtual clock, in which a turn takes
    /// no time, gets its turns too.
    pub steps_max: usize,
    /// Time by the driver's clock, looked at after each step. 10 ms by default, as in Twisted: long enough to
    /// be worth the turn, and short beside what people notice.
    pub time_max: Duration,
}

impl Default for TurnShare {
    fn default() -> Self {
        Self { steps_max: 1000, time_max: Duration::from_millis(10) }
    }
}

struct Circle {
    timers: Timers,
    share: TurnShare,
    tasks: RefCell<VecDeque<Rc<Task>>>,
    /// A turn's steps are asked for, or being taken.
    scheduled: Cell<bool>,
}

impl Cooperator {
    /// A cooperator that takes the default [`TurnShare`].
    pub fn new(time: &impl ReactorTime) -> Self {
        Self::with_share(time, TurnShare::default())
    }

    /// A cooperator that takes that much of each turn.
    pub fn with_share(time: &impl ReactorTime, share: TurnShare) -> Self {
        Self(Rc::new(Circle {
            timers: time.timers().clone(),
            share,
            tasks: RefCell::default(),
            scheduled: Cell::new(false),
        }))
    }

    /// Starts on `work`: each item is a step, and what an item is decides how it goes on. `()` and `Ok` go on,
    /// a pending [`Deferred`] is waited for, a failure ends the task.
    pub fn cooperate<W>(&self, work: W) -> CooperativeTask
    where
        W: IntoIterator<Item: Outcome>,
        W::IntoIter: 'static,
    {
        let steps = work.into_iter().map(|item| item.into_deferred().add_callback(|_| ()));
        let task = CooperativeTask {
            circle: Rc::clone(&self.0),
            task: Rc::new(Task {
                steps: Cell::new(Some(Box::new(steps))),
                awaited: Cell::new(None),
                is_busy: Cell::new(false),
                pauses: Cell::new(0),
                in_circle: Cell::new(false),
                ending: Ending::default(),
            }),
        };
        task.enter_circle();
        task
    }

    /// Does `work` and fires when it is done. See [`cooperate`](Self::cooperate).
    ///
    /// # Cancellation
    /// Stops the task.
    #[track_caller]
    pub fn coiterate<W>(&self, work: W) -> Deferred<()>
    where
        W: IntoIterator<Item: Outcome>,
        W::IntoIter: 'static,
    {
        let task = self.cooperate(work);
        let done = task.when_done();
        let (circle, weak) = (Rc::downgrade(&task.circle), Rc::downgrade(&task.task));
        let (resolver, deferred) = Deferred::with_canceller(move || {
            if let (Some(circle), Some(task)) = (circle.upgrade(), weak.upgrade()) {
                CooperativeTask { circle, task }.stop();
            }
        });
        done.add_both(move |outcome| resolver.fire(outcome));
        deferred
    }
}

impl Circle {
    fn schedule(self: &Rc<Self>) {
        if !self.scheduled.replace(true) {
            let circle = Rc::clone(self);
            self.timers.call_later(Duration::ZERO, move || circle.turn());
        }
    }

    /// Takes this turn's steps.
    fn turn(self: Rc<Self>) {
        let began = self.timers.precise_now();
        let mut steps = 0;
        loop {
            let Some(task) = self.tasks.borrow_mut().pop_front() else { break };
            CooperativeTask { circle: Rc::clone(&self), task }.step();
            steps += 1;
            let taken = self.timers.precise_now().since(began);
            if steps >= self.share.steps_max || taken >= self.share.time_max {
                break;
            }
        }
        self.scheduled.set(false);
        if !self.tasks.borrow().is_empty() {
            self.schedule();
        }
    }
}

/// One iterator that a [`Cooperator`] works on. All clones are the same one; dropping it does not stop it.
#[derive(Clone)]
pub struct CooperativeTask {
    circle: Rc<Circle>,
    task: Rc<Task>,
}

struct Task {
    /// Not there while a step is taken, nor once it is done.
    steps: Cell<Option<Box<dyn Iterator<Item = Deferred<()>>>>>,
    /// What the last step gave, if that is pending.
    awaited: Cell<Option<Deferred<()>>>,
    /// A step is being taken, or what it gave is awaited.
    is_busy: Cell<bool>,
    pauses: Cell<u32>,
    in_circle: Cell<bool>,
    ending: Ending,
}

impl CooperativeTask {
    /// Fires when the task has ended: with success when the iterator has, with the failure of a step (a panic
    /// is one), or as [`Cancelled`](FailureKind::Cancelled) when it was stopped. It may be asked for many times.
    ///
    /// # Cancellation
    /// Only this Deferred's: the task goes on.
    #[track_caller]
    pub fn when_done(&self) -> Deferred<()> {
        self.task.ending.wait()
    }

    /// Takes no further steps until [`resume`](Self::resume) was called as often as this.
    pub fn pause(&self) {
        self.task.pauses.set(self.task.pauses.get() + 1);
    }

    /// Takes one [`pause`](Self::pause) back; does nothing if there is none.
    pub fn resume(&self) {
        self.task.pauses.set(self.task.pauses.get().saturating_sub(1));
        self.enter_circle();
    }

    /// Ends the task; does nothing if it has ended. The iterator is dropped now, or right after the step that
    /// it is in.
    ///
    /// # Cancellation
    /// A Deferred that it waits for is cancelled.
    pub fn stop(&self) {
        self.end(Err(Failure::new(FailureKind::Cancelled, "the cooperative task was stopped")));
        if let Some(awaited) = self.task.awaited.take() {
            awaited.cancel();
        }
    }

    /// Whether it has ended.
    pub fn is_done(&self) -> bool {
        self.task.ending.has_come()
    }

    fn may_step(&self) -> bool {
        !self.is_done() && !self.task.is_busy.get() && self.task.pauses.get() == 0
    }

    fn enter_circle(&self) {
        if self.may_step() && !self.task.in_circle.replace(true) {
            self.circle.tasks.borrow_mut().push_back(Rc::clone(&self.task));
            self.circle.schedule();
        }
    }

    fn step(self) {
        self.task.in_circle.set(false);
        if !self.may_step() {
            return;
        }
        let Some(mut steps) = self.task.steps.take() else { return };
        self.task.is_busy.set(true);
        let step = Failure::catch(|| steps.next());
        if self.is_done() {
            return; // It was stopped from inside.
        }
        self.task.steps.set(Some(steps));
        match step {
            Ok(Some(outcome)) => self.go_on_after(outcome),
            Ok(None) => self.end(Ok(())),
            Err(panic) => self.end(Err(panic)),
        }
    }

    fn go_on_after(self, outcome: Deferred<()>) {
        let this = self.clone();
        let pending = outcome.add_both(move |result| match result {
            Ok(()) => {
                this.task.is_busy.set(false);
                this.enter_circle();
            }
            Err(failure) => this.end(Err(failure)),
        });
        if !pending.is_fired() {
            self.task.awaited.set(Some(pending));
        }
    }

    fn end(&self, outcome: Result<(), Failure>) {
        if !self.is_done() {
            let steps = self.task.steps.take();
            self.task.ending.come(outcome);
            drop(steps);
        }
    }
}

#[cfg(test)]
mod tests;
