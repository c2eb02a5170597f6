//! [`Loop`]: the owner of a reactor, which runs it.

use std::rc::Rc;

use crate::reactor::{Inner, Phase, Reactor, Ready};
use crate::source::Source;
use crate::{Deferred, Driver, Event, Failure, Flow, ReactorLimits, Sink, SlotId, Time, Wait};

/// The one owner of a reactor.
///
/// Dropping it ends everything: each connection gets `connection_lost` with a `Stopped` failure, tasks and
/// calls are dropped, and all descriptors are closed, whatever handles are still held elsewhere.
///
/// # One turn
/// The phases, in this order:
///
/// 1. **wait** for events; not at all if anything is ready
/// 2. the time is **sampled**, once
/// 3. **calls from other threads**
/// 4. **timers** that are due, by deadline and then by age
/// 5. **events**: bytes are delivered to protocols
/// 6. **ready** calls and tasks: `call_soon`, woken tasks, what was held for a protocol, `connection_lost`
/// 7. **flush**: what was written goes to the driver
///
/// A phase runs what was queued when it began; what it queues for itself runs in the next turn.
///
/// # As a guest
/// Another loop (GTK's, Qt's, tokio's) can host a reactor: it watches [`Loop::as_fd`] for reading, and calls
/// [`Loop::turn`] with [`Wait::No`] whenever it is readable. The reactor makes it readable for events, for its
/// next deadline, for work that was queued outside of a turn and for work that a turn left over.
pub struct Loop(Reactor);

/// A turn was asked for inside a turn, or inside a call to a protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Busy;

impl Loop {
    /// A loop over `driver`, with the default limits.
    pub fn new(driver: impl Driver) -> Self {
        Self::with_limits(driver, ReactorLimits::default())
    }

    /// A loop over `driver`.
    pub fn with_limits(driver: impl Driver, limits: ReactorLimits) -> Self {
        Self(Reactor::new(Rc::new(driver), limits))
    }

    /// The handle to clone and pass around.
    pub fn reactor(&self) -> &Reactor {
        &self.0
    }

    /// Runs until [`Reactor::stop`] has done its work, or [`Reactor::crash`]; returns at once if it has already.
    ///
    /// # Errors
    /// `Local` inside a turn; what the driver said if it can wait no more.
    pub fn run(&self) -> Result<(), Failure> {
        while self.inner().phase.get() < Phase::Finished {
            self.turn(Wait::Forever)??;
        }
        Ok(())
    }

    /// Runs turns until `deferred` has fired, and gives its result: for tests and for small programs.
    ///
    /// # Errors
    /// Its failure; those of [`run`](Self::run); `Stopped` if the reactor stops before.
    pub fn run_until<T: 'static>(&self, mut deferred: Deferred<T>) -> Result<T, Failure> {
        loop {
            deferred = match deferred.into_result() {
                Ok(result) => return result,
                Err(pending) => pending,
            };
            if self.inner().phase.get() >= Phase::Finished {
                return Err(Failure::stopped());
            }
            self.turn(Wait::Forever)??;
        }
    }

    /// Runs one turn, waiting for events no longer than `most`.
    ///
    /// The outer result is for who called inside a turn; the inner is the driver's.
    ///
    /// # Errors
    /// [`Busy`] inside a turn of the same loop, or inside a [`ProtocolRef::call`](crate::ProtocolRef::call).
    /// The inner one, if the driver can wait no more.
    pub fn turn(&self, most: Wait) -> Result<Result<(), Failure>, Busy> {
        if self.inner().call_depth.get() > 0 || self.inner().in_turn.replace(true) {
            return Err(Busy);
        }
        // Nobody waits for what comes after the end.
        let most = if self.inner().phase.get() < Phase::Finished { most } else { Wait::No };
        let done = self.phases(most);
        self.inner().timers.end_turn();
        self.inner().in_turn.set(false);
        if self.inner().guest.get() {
            self.park();
        }
        Ok(done)
    }

    /// When it wants the next turn, if nothing else happens: for host loops that keep their own timers.
    /// `Time::START` means at once.
    pub fn next_deadline(&self) -> Option<Time> {
        match self.wait_for(Wait::Forever) {
            Wait::No => Some(Time::START),
            Wait::Until(time) => Some(time),
            Wait::Forever => None,
        }
    }

    /// The descriptor for a host loop to watch, if the driver can be a guest; from then on it is one.
    #[cfg(unix)]
    pub fn as_fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        let fd = self.inner().driver.as_fd()?;
        if !self.inner().guest.replace(true) {
            let driver = self.inner().driver.clone();
            let tell = move |deadline| driver.park(Wait::Until(deadline));
            self.inner().timers.set_on_earlier(tell);
            self.0.tell_host(); // A first turn begins what was asked of the driver before.
        }
        Some(fd)
    }

    fn inner(&self) -> &Inner {
        &self.0.0
    }

    fn source(&self, id: SlotId) -> Option<Rc<dyn Source>> {
        self.inner().table.borrow().get(id).cloned()
    }

    /// The list of phases.
    fn phases(&self, most: Wait) -> Result<(), Failure> {
        let inner = self.inner();
        self.wait(self.wait_for(most))?;
        inner.timers.begin_turn(inner.driver.now());
        self.run_calls_from_threads();
        inner.timers.run_due();
        inner.driver.deliver(self);
        self.run_ready();
        self.flush();
        Ok(())
    }

    /// How long a turn may wait, at most `most`.
    fn wait_for(&self, most: Wait) -> Wait {
        let inner = self.inner();
        let idle = inner.ready.borrow().is_empty()
            && inner.dirty.borrow().is_empty()
            && !inner.inbox.is_filled();
        match (most, inner.timers.next_wakeup()) {
            _ if !idle => Wait::No,
            (Wait::No, _) => Wait::No,
            (most, None) => most,
            (Wait::Forever, Some(due)) => Wait::Until(due),
            (Wait::Until(most), Some(due)) => Wait::Until(most.min(due)),
        }
    }

    fn wait(&self, until: Wait) -> Result<(), Failure> {
        let inbox = &self.inner().inbox;
        let until = if until == Wait::No || inbox.fall_asleep() { until } else { Wait::No };
        let waited = self.inner().driver.wait(until);
        inbox.wake_up();
        waited
    }

    fn run_calls_from_threads(&self) {
        if !self.inner().inbox.is_filled() {
            return;
        }
        let (calls, woken) = self.inner().inbox.take();
        woken.into_iter().for_each(|id| self.inner().tasks.wake(id));
        for call in calls {
            contain("a call from another thread", || call(&self.0));
        }
    }

    fn run_ready(&self) {
        let ready = &self.inner().ready;
        let count = ready.borrow().len().min(self.0.limits().ready_per_turn_max);
        for _ in 0..count {
            let Some(next) = ready.borrow_mut().pop_front() else { return };
            match next {
                Ready::Call(call) => contain("a call", call),
                Ready::Task(task) => task.run(),
                Ready::Source(source) => source.ready(),
            }
        }
    }

    fn flush(&self) {
        let mut dirty = self.inner().dirty.take();
        for source in dirty.drain(..) {
            source.flush();
        }
        // The list's memory is used again, unless a flush has begun a new one.
        let mut fresh = self.inner().dirty.borrow_mut();
        if fresh.is_empty() {
            *fresh = dirty;
        }
    }

    /// Makes the host call when there is something to do, and only then.
    fn park(&self) {
        let wait = self.wait_for(Wait::Forever);
        self.inner().host_knows.set(wait == Wait::No);
        let wait =
            if wait != Wait::No && !self.inner().inbox.fall_asleep() { Wait::No } else { wait };
        self.inner().driver.park(wait);
    }
}

/// Calls user code that belongs to no connection, a `Drop` too; a panic is logged, and the loop goes on.
pub(crate) fn contain(what: &str, f: impl FnOnce()) {
    if let Err(failure) = Failure::catch(f) {
        tracing::error!(target: "ropewalk::reactor", "{what}: {failure}");
    }
}

impl Sink for Loop {
    fn event(&self, id: SlotId, event: Event<'_>) -> Flow {
        let Some(source) = self.source(id) else { return Flow::Enough };
        let closed = matches!(event, Event::Closed);
        let flow = source.event(event);
        if closed {
            self.0.remove(id);
        }
        flow
    }

    fn accept(&self, port: SlotId) -> Option<SlotId> {
        self.source(port)?.accept()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.inner().phase.set(Phase::Over);
        contain("a call from another thread", || self.inner().inbox.stop());
        self.inner().tasks.clear();
        let sources = self.inner().table.borrow_mut().drain();
        for source in sources {
            contain("the end of a connection", || source.abandon(Failure::stopped()));
        }
        for ready in self.inner().ready.take() {
            // One that is closed already, and out of the table, may still have to be told.
            contain("a call", || match ready {
                Ready::Source(source) => source.abandon(Failure::stopped()),
                Ready::Call(_) | Ready::Task(_) => {}
            });
        }
        contain("a delayed call", || self.inner().timers.close());
        contain("a system event", || self.inner().events.clear());
        drop(self.inner().dirty.take());
        self.inner().driver.finish();
    }
}

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the loop is in a turn already: a callback asked it for another")
    }
}

impl std::error::Error for Busy {}
