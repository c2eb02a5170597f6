//! Chains run in order, pass results on, and wait for what callbacks return.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{OnDrop, Trace, failed, failure, value};
use crate::{Deferred, Failure, FailureKind};

#[test]
fn callbacks_run_in_the_order_in_which_they_were_added() {
    let trace = Trace::default();
    let (resolver, mut end) = Deferred::<()>::new();
    for number in 0..3 {
        let trace = trace.clone();
        end = end.add_callback(move |()| trace.note(number));
    }
    trace.assert(&[]);
    resolver.callback(());
    trace.assert(&["0", "1", "2"]);
    assert!(end.is_fired());
}

#[test]
fn a_callback_on_a_fired_one_runs_at_once() {
    let seen = Rc::new(Cell::new(0));
    let sees = Rc::clone(&seen);
    let end = Deferred::succeed(7).add_callback(move |number| sees.set(number));
    assert_eq!(seen.get(), 7);
    assert!(end.is_fired());
}

#[test]
fn a_callback_added_after_the_chain_ran_runs_at_once() {
    let (resolver, end) = Deferred::<u32>::new();
    let end = end.add_callback(|number| Ok(number + 1));
    resolver.callback(1);
    assert_eq!(value(end.add_callback(|number| Ok(number * 10))), 20);
}

#[test]
fn a_failure_passes_callbacks_by_until_an_errback_recovers() {
    let trace = Trace::default();
    let (skipped, recovers) = (trace.clone(), trace.clone());
    let (resolver, start) = Deferred::<u32>::new();
    let end = start
        .add_callback(move |number| {
            skipped.note("callback");
            Ok(number)
        })
        .add_errback(move |failure| {
            recovers.note(failure);
            Ok(5)
        })
        .add_errback(|_| Ok(6));
    resolver.errback(failure("no"));
    trace.assert(&["no"]);
    assert_eq!(value(end), 5);
}

#[test]
fn a_success_passes_errbacks_by() {
    let end = Deferred::succeed(1).add_errback(|_| Ok(2));
    assert_eq!(value(end), 1);
}

#[test]
fn add_callbacks_runs_one_of_the_two() {
    let pair =
        |start: Deferred<u32>| start.add_callbacks(|_| Err(failure("first")), |_| Ok("second"));
    assert_eq!(failed(pair(Deferred::succeed(1))).to_string(), "first");
    assert_eq!(value(pair(Deferred::fail(failure("x")))), "second");
}

#[test]
fn add_both_sees_either() {
    let both = |start: Deferred<u32>| start.add_both(|result| Ok(result.is_ok()));
    assert!(value(both(Deferred::succeed(1))));
    assert!(!value(both(Deferred::fail(failure("x")))));
}

#[test]
fn the_chain_waits_for_a_pending_deferred_that_a_callback_returned() {
    let trace = Trace::default();
    let (traced, later) = (trace.clone(), trace.clone());
    let (outer, start) = Deferred::<()>::new();
    let (inner, answer) = Deferred::<u32>::new();
    let end = start
        .add_callback(move |()| {
            traced.note("asked");
            answer
        })
        .add_callback(move |number| later.note(number));
    outer.callback(());
    trace.assert(&["asked"]);
    assert!(!end.is_fired());
    inner.callback(3);
    trace.assert(&["asked", "3"]);
    assert!(end.is_fired());
}

#[test]
fn a_fired_deferred_that_a_callback_returned_goes_straight_on() {
    let (resolver, start) = Deferred::<u32>::new();
    let (inner, answer) = Deferred::<u32>::new();
    let answer = answer.add_callback(|number| Ok(number + 1));
    inner.callback(1);
    let end =
        start.add_callback(move |number| answer.add_callback(move |other| Ok(number + other)));
    resolver.callback(10);
    assert_eq!(value(end), 12);
}

#[test]
fn a_callback_may_be_hung_on_while_the_chain_waits_inside() {
    let (outer, start) = Deferred::<()>::new();
    let (inner, answer) = Deferred::<u32>::new();
    let end = start.add_callback(move |()| answer);
    outer.callback(());
    let end = end.add_callback(|number| Ok(number * 2));
    inner.callback(4);
    assert_eq!(value(end), 8);
}

#[test]
fn an_errback_may_wait_too() {
    let (retried, second_try) = Deferred::<u32>::new();
    let end = Deferred::fail(failure("first try")).add_errback(move |_| second_try);
    assert!(!end.is_fired());
    retried.callback(9);
    assert_eq!(value(end), 9);
}

#[test]
fn the_failure_of_an_inner_deferred_goes_on_in_the_outer_chain() {
    let (outer, start) = Deferred::<()>::new();
    let (inner, answer) = Deferred::<u32>::new();
    let end = start.add_callback(move |()| answer);
    outer.callback(());
    inner.errback(failure("inner"));
    assert_eq!(failed(end).to_string(), "inner");
}

#[test]
fn a_panic_in_a_callback_is_the_failure_of_its_chain() {
    let (resolver, start) = Deferred::<()>::new();
    let pending = start.add_callback(|()| -> () { panic!("oh") });
    resolver.callback(());
    let fired = Deferred::succeed(()).add_callback(|()| -> () { panic!("oh") });
    for failure in [failed(pending), failed(fired)] {
        assert!(failure.is(FailureKind::Panic));
        assert_eq!(failure.to_string(), "a callback panicked: oh");
    }
}

#[test]
fn a_panic_in_the_drop_of_a_callback_that_is_passed_by_is_caught() {
    let bomb = OnDrop(|| panic!("in drop"));
    let (resolver, start) = Deferred::<()>::new();
    let end = start.add_callback(move |()| drop(bomb));
    resolver.errback(failure("first"));
    assert!(failed(end).is(FailureKind::Panic));
}

#[test]
fn a_resolver_dropped_unfired_abandons() {
    let (resolver, answer) = Deferred::<u32>::new();
    drop(resolver);
    assert!(failed(answer).is(FailureKind::Abandoned));
}

#[test]
fn a_resolver_dropped_by_a_panic_abandons_and_its_callbacks_may_panic_too() {
    let (resolver, answer) = Deferred::<u32>::new();
    let end = answer.add_errback(|failure| -> Result<u32, Failure> {
        assert!(failure.is(FailureKind::Abandoned));
        panic!("second")
    });
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _held = resolver;
        panic!("first");
    }));
    assert!(unwound.is_err());
    assert_eq!(failed(end).to_string(), "a callback panicked: second");
}

#[test]
fn dropping_a_pending_deferred_lets_the_chain_go_on() {
    let trace = Trace::default();
    let traced = trace.clone();
    let (resolver, start) = Deferred::<u32>::new();
    drop(start.add_callback(move |number| traced.note(number)));
    assert!(!resolver.is_cancelled());
    resolver.callback(2);
    trace.assert(&["2"]);
}

#[test]
fn what_a_callback_holds_is_freed_as_soon_as_it_has_run() {
    let trace = Trace::default();
    let (first, second) = (trace.clone(), trace.clone());
    let held = OnDrop(move || first.note("freed"));
    let (resolver, start) = Deferred::<()>::new();
    let _end = start.add_callback(move |()| drop(held)).add_callback(move |()| second.note("next"));
    resolver.callback(());
    trace.assert(&["freed", "next"]);
}

#[test]
fn a_chain_may_fire_another_from_within() {
    let trace = Trace::default();
    let (inner_traced, outer_traced) = (trace.clone(), trace.clone());
    let (other, other_end) = Deferred::<()>::new();
    drop(other_end.add_callback(move |()| inner_traced.note("other")));
    let (resolver, start) = Deferred::<()>::new();
    let _end = start
        .add_callback(|()| other.callback(()))
        .add_callback(move |()| outer_traced.note("own"));
    resolver.callback(());
    trace.assert(&["other", "own"]);
}

#[test]
fn a_chain_that_would_wait_for_itself_fails() {
    let end: Rc<RefCell<Option<Deferred<()>>>> = Rc::default();
    let own = Rc::clone(&end);
    let trace = Trace::default();
    let traced = trace.clone();
    let (resolver, start) = Deferred::<()>::new();
    let middle = start.add_callback(move |()| own.take().expect("it was put there"));
    *end.borrow_mut() =
        Some(middle.add_errback(move |failure| traced.note(failure.is(FailureKind::Local))));
    resolver.callback(());
    trace.assert(&["true"]);
}

#[test]
fn into_result_gives_a_pending_one_back() {
    let (resolver, answer) = Deferred::<u32>::new();
    let answer = answer.into_result().expect_err("it is pending");
    resolver.callback(1);
    assert_eq!(value(answer), 1);
}

#[test]
fn one_that_has_fired_is_small() {
    assert!(size_of::<Deferred<()>>() <= 24);
    assert!(size_of::<Deferred<u64>>() <= 32);
}
