//! What the Deferred room promises, one file per promise, and the probes that the tests share.

mod awaiting;
mod cancel;
mod chain;
mod depth;
mod list;
mod lock;
mod model;
mod queue;
mod race;
mod timeout;
mod unhandled;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::{Failure, FailureKind};

use super::Deferred;

/// What happened, in order.
#[derive(Clone, Default)]
pub(super) struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    pub(super) fn note(&self, what: impl fmt::Display) {
        self.0.borrow_mut().push(what.to_string());
    }

    #[track_caller]
    pub(super) fn assert(&self, expected: &[&str]) {
        assert_eq!(*self.0.borrow(), expected);
    }
}

/// Calls this when it is dropped.
pub(super) struct OnDrop<F: FnMut()>(pub(super) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

pub(super) fn failure(message: &'static str) -> Failure {
    Failure::new(FailureKind::Local, message)
}

/// The value of a Deferred that has succeeded.
#[track_caller]
pub(super) fn value<T>(deferred: Deferred<T>) -> T {
    deferred.into_result().expect("fired").expect("succeeded")
}

/// The failure of a Deferred that has failed.
#[track_caller]
pub(super) fn failed<T>(deferred: Deferred<T>) -> Failure {
    deferred.into_result().expect("fired").err().expect("failed")
}

/// Runs `f` and returns what the room logged meanwhile.
pub(super) fn logged(f: impl FnOnce()) -> Vec<(Level, String)> {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), f);
    log.0.lock().expect("no test panics with it").clone()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "ropewalk::deferred"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().expect("no test panics with it").push((*event.metadata().level(), line.0));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
