//! System events: what happens when a reactor starts and when it stops.
//!
//! A shutdown has three parts, as in Twisted. **Before**: the application finishes; a trigger may give a
//! Deferred, and all of them are waited for. **During**: ports are closed, connections send what was written
//! and are lost; triggers that give a Deferred are waited for too. **After**: the last words; then
//! [`Loop::run`](crate::Loop::run) returns.

use std::cell::{Cell, RefCell};
use std::mem;

use crate::{Deferred, DeferredList, DeferredListOptions, Outcome, Reactor, Resolver};

/// A part of the shutdown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShutdownPart {
    /// The application finishes.
    Before,
    /// Ports and connections are closed.
    During,
    /// Nothing is left but to say so.
    After,
}

type Trigger = Box<dyn FnOnce() -> Deferred<()>>;

#[derive(Default)]
pub(crate) struct SystemEvents {
    shutdown: [RefCell<Vec<Trigger>>; 3],
    /// Fires when the reactor's table is empty, once it is stopping.
    pub(crate) on_empty: Cell<Option<Resolver<()>>>,
}

impl SystemEvents {
    pub(crate) fn clear(&self) {
        self.shutdown.iter().for_each(|triggers| drop(triggers.take()));
        drop(self.on_empty.take());
    }
}

impl Reactor {
    /// Runs `f` once the loop runs: soon, if it does already.
    pub fn call_when_running(&self, f: impl FnOnce() + 'static) {
        self.call_soon(f);
    }

    /// Runs `f` when the reactor stops. Within a part, in the order they were added, all at once: the part is
    /// over when every Deferred that they gave has fired. A failure is logged and delays nothing.
    pub fn add_system_event_trigger<R>(&self, part: ShutdownPart, f: impl FnOnce() -> R + 'static)
    where
        R: Outcome<Value = ()>,
    {
        let trigger: Trigger = Box::new(move || f().into_deferred());
        self.0.events.shutdown[part as usize].borrow_mut().push(trigger);
    }

    pub(crate) fn begin_shutdown(&self) {
        let (during, after, last) = (self.clone(), self.clone(), self.clone());
        let shutdown = self
            .run_triggers(ShutdownPart::Before)
            .add_callback(move |()| {
                let triggers = during.run_triggers(ShutdownPart::During);
                let closed = during.close_everything();
                triggers.add_callback(move |()| closed)
            })
            .add_callback(move |()| after.run_triggers(ShutdownPart::After))
            .add_both(move |_| last.crash());
        drop(shutdown);
    }

    /// Runs the triggers of one part; fires when all are done, and never fails.
    fn run_triggers(&self, part: ShutdownPart) -> Deferred<()> {
        let triggers = mem::take(&mut *self.0.events.shutdown[part as usize].borrow_mut());
        let begun = triggers
            .into_iter()
            .map(|trigger| Deferred::succeed(()).add_callback(|()| trigger()))
            .collect();
        DeferredList::new(begun, DeferredListOptions::default()).add_both(|_| ())
    }

    /// Closes all ports and connections; fires when the table is empty or `stop_timeout` is over.
    fn close_everything(&self) -> Deferred<()> {
        self.0.table.borrow().sources().into_iter().for_each(|source| source.wind_up());
        if self.sources() == 0 {
            return Deferred::succeed(());
        }
        let (resolver, emptied) = Deferred::new();
        self.0.events.on_empty.set(Some(resolver));
        emptied.add_timeout(self, self.limits().stop_timeout).add_errback(|_| ())
    }
}
