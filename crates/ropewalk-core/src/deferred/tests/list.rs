//! Lists wait for all, for the first success or for the first failure.

use super::{failed, failure, logged, value};
use crate::{
    Deferred, DeferredList, DeferredListOptions, FailureKind, FirstError, ListResult, Resolver,
    gather_results,
};

const CONSUME: DeferredListOptions = DeferredListOptions {
    fire_on_one_callback: false,
    fire_on_one_errback: false,
    consume_errors: true,
};

fn pending(count: usize) -> (Vec<Resolver<u32>>, Vec<Deferred<u32>>) {
    (0..count).map(|_| Deferred::new()).unzip()
}

#[test]
fn a_list_gives_all_results_in_the_order_of_the_list() {
    let (mut resolvers, deferreds) = pending(3);
    let all = DeferredList::new(deferreds, CONSUME);
    resolvers.remove(2).callback(30);
    resolvers.remove(0).callback(10);
    assert!(!all.is_fired());
    resolvers.remove(0).errback(failure("oh"));
    let ListResult::All(results) = value(all) else { panic!("not all") };
    let said: Vec<_> =
        results.into_iter().map(|result| result.map_err(|f| f.to_string())).collect();
    assert_eq!(said, [Ok(10), Err("oh".to_owned()), Ok(30)]);
}

#[test]
fn a_list_of_fired_ones_fires_at_once() {
    let all = DeferredList::new(vec![Deferred::succeed(1), Deferred::succeed(2)], CONSUME);
    assert!(matches!(value(all), ListResult::All(results) if results.len() == 2));
}

#[test]
fn a_list_may_fire_on_one_callback() {
    let (mut resolvers, deferreds) = pending(3);
    let first =
        DeferredList::new(deferreds, DeferredListOptions { fire_on_one_callback: true, ..CONSUME });
    resolvers.remove(0).errback(failure("not this"));
    resolvers.remove(1).callback(3);
    assert!(!resolvers[0].is_cancelled());
    resolvers.remove(0).callback(2);
    assert!(matches!(value(first), ListResult::First { index: 2, value: 3 }));
}

#[test]
fn a_list_that_waits_for_one_callback_gives_all_failures_if_none_comes() {
    let (resolvers, deferreds) = pending(2);
    let first =
        DeferredList::new(deferreds, DeferredListOptions { fire_on_one_callback: true, ..CONSUME });
    resolvers.into_iter().for_each(|resolver| resolver.errback(failure("oh")));
    assert!(matches!(value(first), ListResult::All(results) if results.iter().all(Result::is_err)));
}

#[test]
fn a_list_may_fail_on_one_errback() {
    let (mut resolvers, deferreds) = pending(2);
    let all =
        DeferredList::new(deferreds, DeferredListOptions { fire_on_one_errback: true, ..CONSUME });
    resolvers.remove(1).errback(failure("oh").with_kind(FailureKind::Peer));
    let failed = failed(all);
    let first = failed.check::<FirstError>().expect("a FirstError");
    assert_eq!((first.index, first.failure.to_string().as_str()), (1, "oh"));
    assert!(failed.is(FailureKind::Peer));
}

#[test]
fn failures_are_logged_unless_consumed() {
    let fail = |options| {
        logged(|| drop(DeferredList::new(vec![Deferred::<u32>::fail(failure("oh"))], options)))
            .len()
    };
    assert_eq!(fail(DeferredListOptions::default()), 1);
    assert_eq!(fail(CONSUME), 0);
}

#[test]
fn an_empty_list_fires_at_once() {
    assert!(
        matches!(value(DeferredList::new::<u32>(vec![], CONSUME)), ListResult::All(all) if all.is_empty())
    );
    let one = DeferredListOptions { fire_on_one_callback: true, ..CONSUME };
    assert!(failed(DeferredList::new::<u32>(vec![], one)).is(FailureKind::Abandoned));
    assert!(value(gather_results::<u32>(vec![])).is_empty());
}

#[test]
fn cancelling_a_list_cancels_all_in_it() {
    let (resolvers, deferreds) = pending(2);
    let all = DeferredList::new(deferreds, CONSUME);
    all.cancel();
    assert!(resolvers.iter().all(Resolver::is_cancelled));
    let ListResult::All(results) = value(all) else { panic!("not all") };
    assert!(results.into_iter().all(|result| result.is_err_and(|f| f.is(FailureKind::Cancelled))));
}

#[test]
fn gathered_results_come_in_the_order_of_the_list() {
    let (resolvers, deferreds) = pending(3);
    let all = gather_results(deferreds);
    for (number, resolver) in (0..3).zip(resolvers).rev() {
        resolver.callback(number);
    }
    assert_eq!(value(all), [0, 1, 2]);
}

#[test]
fn gathering_fails_with_the_first_failure_and_logs_the_later_ones() {
    let (mut resolvers, deferreds) = pending(3);
    let all = gather_results(deferreds);
    let mut last = resolvers.split_off(1);
    let lines = logged(|| {
        last.remove(0).errback(failure("first"));
        last.remove(0).errback(failure("second"));
    });
    assert!(!resolvers[0].is_cancelled());
    let failed = failed(all);
    assert_eq!(failed.check::<FirstError>().expect("a FirstError").index, 1);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].1.contains("second"));
}

#[test]
fn cancelling_a_gathering_cancels_all_in_it() {
    let (resolvers, deferreds) = pending(2);
    let all = gather_results(deferreds);
    all.cancel();
    assert!(resolvers.iter().all(Resolver::is_cancelled));
    assert!(failed(all).is(FailureKind::Cancelled));
}
