//! A hundred thousand links of any kind, on a stack that a recursion of a thousandth of that would overflow.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;

use super::super::control::CancelHandle;
use super::{failed, value};
use crate::{Deferred, DeferredLock, Failure, FailureKind, Resolver, until_first_success};

const LINKS: usize = 100_000;

fn on_a_small_stack(f: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(256 * 1024);
    thread.spawn(f).expect("a thread").join().expect("no overflow");
}

fn long_chain() -> (Resolver<usize>, Deferred<usize>) {
    let (resolver, mut end) = Deferred::new();
    for _ in 0..LINKS {
        end = end.add_callback(|count| Ok(count + 1));
    }
    (resolver, end)
}

/// Deferreds, each of which is returned by a callback of the next; the resolvers from the innermost outwards.
fn deep_nest() -> (Vec<Resolver<usize>>, Deferred<usize>) {
    let (resolver, mut end) = Deferred::new();
    let mut resolvers = vec![resolver];
    for _ in 0..LINKS {
        let (resolver, next) = Deferred::<usize>::new();
        resolvers.push(resolver);
        let inner = end;
        end = next.add_callback(move |_| inner).add_callback(|count| Ok(count + 1));
    }
    (resolvers, end)
}

#[test]
fn a_long_chain_fires() {
    on_a_small_stack(|| {
        let (resolver, end) = long_chain();
        resolver.callback(0);
        assert_eq!(value(end), LINKS);
    });
}

#[test]
fn a_long_chain_is_dropped() {
    on_a_small_stack(|| {
        let (resolver, end) = long_chain();
        drop(end);
        drop(resolver);
        let (resolver, end) = long_chain();
        drop(resolver);
        assert!(failed(end).is(FailureKind::Abandoned));
    });
}

#[test]
fn a_long_chain_is_cancelled() {
    on_a_small_stack(|| {
        let (_resolver, end) = long_chain();
        end.cancel();
        assert!(failed(end).is(FailureKind::Cancelled));
    });
}

#[test]
fn a_long_chain_of_fired_ones_needs_no_stack() {
    on_a_small_stack(|| {
        let mut end = Deferred::succeed(0);
        for _ in 0..LINKS {
            end = end.add_callback(|count| Deferred::succeed(count + 1));
        }
        assert_eq!(value(end), LINKS);
    });
}

#[test]
fn a_deep_nest_fires_innermost_last() {
    on_a_small_stack(|| {
        let (resolvers, end) = deep_nest();
        resolvers.into_iter().rev().for_each(|resolver| resolver.callback(0));
        assert_eq!(value(end), LINKS);
    });
}

#[test]
fn a_deep_nest_fires_innermost_first() {
    on_a_small_stack(|| {
        let (resolvers, end) = deep_nest();
        resolvers.into_iter().for_each(|resolver| resolver.callback(0));
        assert_eq!(value(end), LINKS);
    });
}

#[test]
fn a_deep_nest_that_is_linked_from_the_inside_fires() {
    on_a_small_stack(|| {
        let (mut resolvers, end) = deep_nest();
        let innermost = resolvers.remove(0);
        resolvers.into_iter().for_each(|resolver| resolver.callback(0));
        innermost.callback(0);
        assert_eq!(value(end), LINKS);
    });
}

#[test]
fn a_deep_nest_that_is_linked_in_no_order_fires() {
    on_a_small_stack(|| {
        let (mut resolvers, end) = deep_nest();
        let innermost = resolvers.remove(0);
        let (even, odd): (Vec<_>, Vec<_>) =
            resolvers.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
        even.into_iter().rev().for_each(|(_, resolver)| resolver.callback(0));
        odd.into_iter().for_each(|(_, resolver)| resolver.callback(0));
        innermost.callback(0);
        assert_eq!(value(end), LINKS);
    });
}

#[test]
fn a_deep_nest_is_cancelled_and_dropped() {
    on_a_small_stack(|| {
        let (mut resolvers, end) = deep_nest();
        let innermost = resolvers.remove(0);
        resolvers.into_iter().for_each(|resolver| resolver.callback(0));
        end.cancel();
        assert!(innermost.is_cancelled());
        assert!(failed(end).is(FailureKind::Cancelled));
        let (resolvers, end) = deep_nest();
        drop(end);
        drop(resolvers);
        let (resolvers, end) = deep_nest();
        resolvers.into_iter().rev().for_each(drop);
        assert!(failed(end).is(FailureKind::Abandoned));
    });
}

/// What a turn of a loop leaves for the test: its resolver, and whether its chain is still in memory.
#[derive(Default)]
struct Turns {
    resolver: Option<Resolver<usize>>,
    chains: Vec<CancelHandle>,
}

fn turn(turns: &Rc<RefCell<Turns>>) -> Deferred<&'static str> {
    let (resolver, event) = Deferred::new();
    turns.borrow_mut().resolver = Some(resolver);
    turns.borrow_mut().chains.extend(event.cancel_handle());
    let turns = Rc::clone(turns);
    event.add_callback(move |left| if left == 0 { Deferred::succeed("done") } else { turn(&turns) })
}

#[test]
fn a_loop_of_callbacks_that_return_the_next_turn_keeps_no_chain_in_between() {
    on_a_small_stack(|| {
        let turns = Rc::new(RefCell::new(Turns::default()));
        let end = turn(&turns);
        for left in (0..LINKS).rev() {
            let resolver = turns.borrow_mut().resolver.take().expect("a turn waits");
            if left == 0 {
                let turns = turns.borrow();
                let alive = turns.chains.iter().filter(|chain| chain.0.strong_count() > 0);
                assert!(alive.count() <= 2, "more than the first and the last");
            }
            resolver.callback(left);
        }
        assert_eq!(value(end), "done");
    });
}

#[test]
fn a_long_line_of_waiters_that_release_at_once_fires() {
    on_a_small_stack(|| {
        let lock = DeferredLock::with_waiters_max(LINKS);
        let first = value(lock.acquire());
        let ends: Vec<_> = (0..LINKS).map(|_| lock.acquire().add_callback(drop)).collect();
        drop(first);
        assert!(ends.iter().all(Deferred::is_fired));
    });
}

#[test]
fn many_attempts_that_fail_at_once_need_no_stack() {
    on_a_small_stack(|| {
        let attempt = || || Deferred::<()>::fail(Failure::cancelled().with_kind(FailureKind::Peer));
        let end = until_first_success((0..LINKS).map(move |_| attempt()));
        assert!(failed(end).is(FailureKind::Peer));
    });
}
