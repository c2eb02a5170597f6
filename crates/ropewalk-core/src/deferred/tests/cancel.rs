//! A cancel reaches what is waited for, once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Trace, failed, failure, value};
use crate::{Deferred, FailureKind, Resolver};

type Slot<T> = Rc<RefCell<Option<T>>>;

#[test]
fn cancelling_runs_the_canceller_and_fires_cancelled() {
    let trace = Trace::default();
    let traced = trace.clone();
    let (resolver, answer) = Deferred::<()>::with_canceller(move || traced.note("canceller"));
    let answer = answer.add_callback(|()| Ok(1));
    assert!(!resolver.is_cancelled());
    answer.cancel();
    answer.cancel();
    trace.assert(&["canceller"]);
    assert!(resolver.is_cancelled());
    assert!(failed(answer).is(FailureKind::Cancelled));
}

#[test]
fn a_firing_after_the_cancel_is_ignored() {
    let (resolver, answer) = Deferred::<u32>::new();
    answer.cancel();
    resolver.callback(1);
    assert!(failed(answer).is(FailureKind::Cancelled));
}

#[test]
fn the_canceller_may_fire_with_what_it_likes() {
    let slot: Slot<Resolver<u32>> = Rc::default();
    let own = Rc::clone(&slot);
    let (resolver, answer) = Deferred::with_canceller(move || {
        own.take().expect("it was put there").errback(failure("stopped at 10 %"));
    });
    *slot.borrow_mut() = Some(resolver);
    answer.cancel();
    assert_eq!(failed(answer).to_string(), "stopped at 10 %");
}

#[test]
fn a_resolver_that_its_canceller_drops_is_cancelled_not_abandoned() {
    let slot: Slot<Resolver<u32>> = Rc::default();
    let own = Rc::clone(&slot);
    let (resolver, answer) = Deferred::with_canceller(move || drop(own.take()));
    *slot.borrow_mut() = Some(resolver);
    answer.cancel();
    assert!(failed(answer).is(FailureKind::Cancelled));
}

#[test]
fn a_panic_in_the_canceller_is_the_failure() {
    let (_resolver, answer) = Deferred::<u32>::with_canceller(|| panic!("oh"));
    answer.cancel();
    assert!(failed(answer).is(FailureKind::Panic));
}

#[test]
fn cancelling_what_has_fired_does_nothing() {
    let trace = Trace::default();
    let traced = trace.clone();
    let (resolver, answer) = Deferred::<u32>::with_canceller(move || traced.note("canceller"));
    resolver.callback(1);
    answer.cancel();
    trace.assert(&[]);
    assert_eq!(value(answer), 1);
    Deferred::succeed(()).cancel();
}

#[test]
fn the_canceller_is_dropped_when_it_fires() {
    let held = Rc::new(());
    let holds = Rc::clone(&held);
    let (resolver, _answer) = Deferred::<u32>::with_canceller(move || drop(holds));
    resolver.callback(1);
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn a_cancel_reaches_the_innermost_pending_one() {
    let trace = Trace::default();
    let note = |what: &'static str| {
        let trace = trace.clone();
        move || trace.note(what)
    };
    let (outer, start) = Deferred::<()>::with_canceller(note("outer"));
    let (middle, middle_start) = Deferred::<()>::with_canceller(note("middle"));
    let (inner, answer) = Deferred::<()>::with_canceller(note("inner"));
    let middle_end = middle_start.add_callback(move |()| answer);
    let end = start.add_callback(move |()| middle_end);
    // Both orders of nesting: the middle one waits before it is returned to the outer one.
    middle.callback(());
    outer.callback(());
    end.cancel();
    trace.assert(&["inner"]);
    assert!(inner.is_cancelled());
    assert!(failed(end).is(FailureKind::Cancelled));
}

#[test]
fn after_a_recovery_the_next_wait_can_be_cancelled_as_well() {
    let (_first, start) = Deferred::<u32>::new();
    let (second, again) = Deferred::<u32>::new();
    let end = start.add_errback(move |_| again);
    end.cancel();
    assert!(!end.is_fired());
    assert!(!second.is_cancelled());
    end.cancel();
    assert!(second.is_cancelled());
    assert!(failed(end).is(FailureKind::Cancelled));
}

#[test]
fn a_cancel_while_a_callback_runs_cancels_the_deferred_that_it_returns() {
    let end: Slot<Deferred<u32>> = Rc::default();
    let own = Rc::clone(&end);
    let (resolver, start) = Deferred::<()>::new();
    let (inner, answer) = Deferred::<u32>::new();
    let pending = start.add_callback(move |()| {
        own.borrow().as_ref().expect("it was put there").cancel();
        answer
    });
    *end.borrow_mut() = Some(pending);
    resolver.callback(());
    assert!(inner.is_cancelled());
    assert!(failed(end.take().expect("still there")).is(FailureKind::Cancelled));
}

#[test]
fn a_cancel_while_a_callback_runs_leaves_its_result() {
    let end: Slot<Deferred<u32>> = Rc::default();
    let own = Rc::clone(&end);
    let (resolver, start) = Deferred::<()>::new();
    let pending = start.add_callback(move |()| {
        own.borrow().as_ref().expect("it was put there").cancel();
        Ok(1)
    });
    *end.borrow_mut() = Some(pending);
    resolver.callback(());
    assert_eq!(value(end.take().expect("still there")), 1);
}

#[test]
fn a_canceller_that_cancels_again_does_no_harm() {
    let end: Slot<Deferred<u32>> = Rc::default();
    let own = Rc::clone(&end);
    let runs = Rc::new(Cell::new(0));
    let counts = Rc::clone(&runs);
    let (_resolver, answer) = Deferred::with_canceller(move || {
        counts.set(counts.get() + 1);
        own.borrow().as_ref().expect("it was put there").cancel();
    });
    *end.borrow_mut() = Some(answer);
    let seen = end.borrow();
    seen.as_ref().expect("it was put there").cancel();
    assert!(seen.as_ref().expect("it was put there").is_fired());
    assert_eq!(runs.get(), 1);
}
