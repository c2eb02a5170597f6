//! The first success wins.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Trace, failed, failure, logged, value};
use crate::{Deferred, FailureGroup, FailureKind, Resolver, race, until_first_success};

fn pending(count: usize) -> (Vec<Resolver<u32>>, Vec<Deferred<u32>>) {
    (0..count).map(|_| Deferred::new()).unzip()
}

#[test]
fn the_first_success_wins_and_the_losers_are_cancelled() {
    let (mut resolvers, deferreds) = pending(3);
    let winner = race(deferreds);
    resolvers.remove(0).errback(failure("not this"));
    resolvers.remove(0).callback(2);
    assert!(resolvers[0].is_cancelled());
    assert_eq!(value(winner), (1, 2));
}

#[test]
fn a_race_may_be_won_before_it_begins() {
    let (resolver, pending) = Deferred::new();
    let lines = logged(|| {
        let winner = race(vec![pending, Deferred::succeed(7), Deferred::fail(failure("late"))]);
        assert_eq!(value(winner), (1, 7));
    });
    assert!(resolver.is_cancelled());
    assert_eq!(lines, []);
}

#[test]
fn a_race_that_all_lose_fails_with_all_failures() {
    let (resolvers, deferreds) = pending(2);
    let winner = race(deferreds);
    for (resolver, name) in resolvers.into_iter().zip(["a", "b"]).rev() {
        resolver.errback(failure(name).with_kind(FailureKind::Peer));
    }
    let failed = failed(winner);
    assert!(failed.is(FailureKind::Peer));
    assert_eq!(failed.to_string(), "all 2 failed: a; b");
    assert_eq!(failed.check::<FailureGroup>().expect("a group").failures.len(), 2);
}

#[test]
fn a_race_of_none_fails() {
    assert_eq!(failed(race::<u32>(vec![])).to_string(), "there was nothing to try");
}

#[test]
fn cancelling_a_race_cancels_all_in_it() {
    let (resolvers, deferreds) = pending(2);
    let winner = race(deferreds);
    winner.cancel();
    assert!(resolvers.iter().all(Resolver::is_cancelled));
    assert!(failed(winner).is(FailureKind::Cancelled));
}

/// Attempts that wait for the test, with their resolvers as they are made.
type Attempts = Rc<RefCell<Vec<Resolver<u32>>>>;

fn attempts(count: usize) -> (Attempts, impl Iterator<Item = impl FnOnce() -> Deferred<u32>>) {
    let made = Attempts::default();
    let makes = Rc::clone(&made);
    let attempts = (0..count).map(move |_| {
        let makes = Rc::clone(&makes);
        move || {
            let (resolver, answer) = Deferred::new();
            makes.borrow_mut().push(resolver);
            answer
        }
    });
    (made, attempts)
}

fn next(made: &Attempts) -> Resolver<u32> {
    made.borrow_mut().pop().expect("an attempt waits")
}

#[test]
fn an_attempt_is_made_when_the_one_before_has_failed() {
    let (made, attempts) = attempts(3);
    let end = until_first_success(attempts);
    next(&made).errback(failure("a"));
    let second = next(&made);
    assert!(made.borrow().is_empty());
    second.callback(2);
    assert!(made.borrow().is_empty());
    assert_eq!(value(end), 2);
}

#[test]
fn attempts_that_all_fail_give_all_failures() {
    let (made, attempts) = attempts(2);
    let end = until_first_success(attempts);
    next(&made).errback(failure("a"));
    next(&made).errback(failure("b"));
    assert_eq!(failed(end).to_string(), "all 2 failed: a; b");
}

#[test]
fn cancelling_the_attempts_makes_no_further_one() {
    let (made, attempts) = attempts(2);
    let end = until_first_success(attempts);
    end.cancel();
    assert!(next(&made).is_cancelled());
    assert!(made.borrow().is_empty());
    assert!(failed(end).is(FailureKind::Cancelled));
}

#[test]
fn a_panic_while_an_attempt_is_made_ends_it() {
    let trace = Trace::default();
    let traced = trace.clone();
    let tries: [Box<dyn FnOnce() -> Deferred<u32>>; 2] = [
        Box::new(|| panic!("oh")),
        Box::new(move || {
            Deferred::succeed({
                traced.note("made");
                1
            })
        }),
    ];
    assert!(failed(until_first_success(tries)).is(FailureKind::Panic));
    trace.assert(&[]);
}
