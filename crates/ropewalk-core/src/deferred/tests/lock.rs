//! Locks and semaphores serve in order, and never more than they have.

use super::{Trace, failed, failure, value};
use crate::{Deferred, DeferredLock, DeferredSemaphore, FailureKind};

#[test]
fn a_free_lock_is_acquired_at_once_and_a_held_one_in_order() {
    let trace = Trace::default();
    let lock = DeferredLock::new();
    let first = value(lock.acquire());
    assert!(lock.is_locked());
    let ends: Vec<_> = (0..3)
        .map(|number| {
            let trace = trace.clone();
            lock.acquire().add_callback(move |_guard| trace.note(number))
        })
        .collect();
    assert_eq!(lock.waiters(), 3);
    drop(first);
    trace.assert(&["0", "1", "2"]);
    assert!(!lock.is_locked());
    assert!(ends.iter().all(Deferred::is_fired));
}

#[test]
fn a_cancelled_waiter_leaves_the_line() {
    let lock = DeferredLock::new();
    let held = value(lock.acquire());
    let (second, third) = (lock.acquire(), lock.acquire());
    second.cancel();
    assert_eq!(lock.waiters(), 1);
    assert!(failed(second).is(FailureKind::Cancelled));
    drop(held);
    assert!(third.is_fired());
}

#[test]
fn a_full_line_is_a_limit() {
    let lock = DeferredLock::with_waiters_max(1);
    let _held = value(lock.acquire());
    let _waits = lock.acquire();
    assert!(failed(lock.acquire()).is(FailureKind::Limit));
}

#[test]
fn a_lock_that_a_detached_waiter_gets_is_released() {
    let lock = DeferredLock::new();
    let held = value(lock.acquire());
    drop(lock.acquire());
    drop(held);
    assert!(!lock.is_locked());
}

#[test]
fn run_holds_the_lock_until_the_result_is_there() {
    let lock = DeferredLock::new();
    let (resolver, answer) = Deferred::<u32>::new();
    let end = lock.run(move || answer);
    assert!(lock.is_locked());
    let seen = lock.clone();
    let end = end.add_callback(move |number| Ok((number, seen.is_locked())));
    resolver.callback(1);
    assert_eq!(value(end), (1, false));
}

#[test]
fn run_releases_after_a_failure_and_after_a_panic() {
    let lock = DeferredLock::new();
    assert_eq!(failed(lock.run(|| Err::<(), _>(failure("oh")))).to_string(), "oh");
    assert!(!lock.is_locked());
    assert!(failed(lock.run(|| -> () { panic!("oh") })).is(FailureKind::Panic));
    assert!(!lock.is_locked());
}

#[test]
fn a_guard_outlives_the_lock_it_holds() {
    let lock = DeferredLock::new();
    let held = value(lock.acquire());
    let waits = lock.acquire();
    drop(lock);
    drop(held);
    assert!(waits.is_fired());
}

#[test]
fn a_semaphore_lets_as_many_through_as_it_has_tokens() {
    let semaphore = DeferredSemaphore::new(2);
    let (first, _second) = (value(semaphore.acquire()), value(semaphore.acquire()));
    let third = semaphore.acquire();
    assert_eq!((semaphore.tokens_free(), semaphore.waiters()), (0, 1));
    drop(first);
    assert!(third.is_fired());
}

#[test]
fn one_that_comes_while_tokens_are_handed_out_waits_behind_the_others() {
    let trace = Trace::default();
    let lock = DeferredLock::new();
    let held = value(lock.acquire());
    let (again, traced, traced_again) = (lock.clone(), trace.clone(), trace.clone());
    let first = lock.acquire().add_callback(move |guard| {
        traced.note("first");
        drop(guard);
        drop(again.acquire().add_callback(move |_guard| traced_again.note("again")));
    });
    let traced = trace.clone();
    let second = lock.acquire().add_callback(move |_guard| traced.note("second"));
    drop(held);
    trace.assert(&["first", "second", "again"]);
    assert!(first.is_fired() && second.is_fired());
}
