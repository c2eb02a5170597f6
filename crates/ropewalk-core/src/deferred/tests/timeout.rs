//! A timeout cancels what takes too long, and leaves nothing behind.

use std::time::Duration;

use super::{failed, failure, value};
use crate::{Clock, Deferred, FailureKind};

const FIVE: Duration = Duration::from_secs(5);

#[test]
fn an_answer_in_time_cancels_the_delayed_call() {
    let clock = Clock::new();
    let (resolver, answer) = Deferred::<u32>::new();
    let answer = answer.add_timeout(&clock, FIVE);
    assert_eq!(clock.delayed_calls(), 1);
    resolver.callback(1);
    assert_eq!(clock.delayed_calls(), 0);
    assert_eq!(value(answer), 1);
}

#[test]
fn an_answer_too_late_is_a_timeout() {
    let clock = Clock::new();
    let (resolver, answer) = Deferred::<u32>::new();
    let answer = answer.add_timeout(&clock, FIVE);
    clock.advance(FIVE);
    assert!(resolver.is_cancelled());
    resolver.callback(1);
    let failure = failed(answer);
    assert!(failure.is(FailureKind::Timeout));
    assert_eq!(failure.to_string(), "timed out after 5s");
}

#[test]
fn a_fired_one_makes_no_delayed_call() {
    let clock = Clock::new();
    assert_eq!(value(Deferred::succeed(1).add_timeout(&clock, FIVE)), 1);
    assert_eq!(clock.delayed_calls(), 0);
}

#[test]
fn a_cancel_before_the_time_stays_a_cancel() {
    let clock = Clock::new();
    let (_resolver, answer) = Deferred::<u32>::new();
    let answer = answer.add_timeout(&clock, FIVE);
    answer.cancel();
    assert!(failed(answer).is(FailureKind::Cancelled));
}

#[test]
fn what_an_errback_makes_of_the_timeout_stands() {
    let clock = Clock::new();
    let (_resolver, answer) = Deferred::<u32>::new();
    let answer = answer.add_errback(|_| Err(failure("no route"))).add_timeout(&clock, FIVE);
    clock.advance(FIVE);
    assert_eq!(failed(answer).to_string(), "no route");
}

#[test]
fn what_is_hung_on_after_it_is_not_under_the_limit() {
    let clock = Clock::new();
    let (resolver, answer) = Deferred::<u32>::new();
    let (slow, later) = Deferred::<u32>::new();
    let end = answer.add_timeout(&clock, FIVE).add_callback(move |_| later);
    resolver.callback(1);
    clock.advance(FIVE * 2);
    assert!(!slow.is_cancelled());
    slow.callback(2);
    assert_eq!(value(end), 2);
}

#[test]
fn the_limit_holds_inside_an_outer_chain() {
    let clock = Clock::new();
    let (outer, start) = Deferred::<()>::new();
    let (_resolver, answer) = Deferred::<u32>::new();
    let answer = answer.add_timeout(&clock, FIVE);
    let end = start.add_callback(move |()| answer);
    outer.callback(());
    clock.advance(FIVE);
    assert!(failed(end).is(FailureKind::Timeout));
}

#[test]
fn the_limit_holds_for_a_detached_chain() {
    let clock = Clock::new();
    let (resolver, answer) = Deferred::<u32>::new();
    drop(answer.add_timeout(&clock, FIVE).add_errback(|_| Ok(0)));
    clock.advance(FIVE);
    assert!(resolver.is_cancelled());
}
