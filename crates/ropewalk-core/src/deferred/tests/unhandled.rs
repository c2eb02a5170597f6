//! A failure that nobody took is logged once, with where its Deferred was made.

use tracing::Level;

use super::{failure, logged};
use crate::{Deferred, Failure};

#[track_caller]
fn assert_one(lines: &[(Level, String)], level: Level, said: &str, line: u32) {
    let [(logged_level, text)] = lines else { panic!("not one line: {lines:?}") };
    assert_eq!(*logged_level, level);
    assert!(text.contains(said), "{text}");
    assert!(text.contains(&format!("unhandled.rs:{line}:")), "{text}");
}

#[test]
fn a_failure_at_the_end_of_a_detached_chain_is_logged_once() {
    let line = line!() + 2;
    let lines = logged(|| {
        let (resolver, answer) = Deferred::<()>::new();
        drop(answer.add_callback(|()| Ok(1)).add_callback(|_| Ok(2)));
        resolver.errback(failure("oh"));
    });
    assert_one(&lines, Level::ERROR, "oh", line);
}

#[test]
fn a_failure_that_fired_before_the_drop_is_logged_once() {
    let line = line!() + 2;
    let lines = logged(|| {
        let (resolver, answer) = Deferred::<()>::new();
        let end = answer.add_callback(|()| Ok(1));
        resolver.errback(failure("oh"));
        drop(end.add_callback(|_| Ok(2)));
    });
    assert_one(&lines, Level::ERROR, "oh", line);
}

#[test]
fn a_deferred_made_with_a_failure_says_where() {
    let line = line!() + 2;
    let lines = logged(|| {
        let made = Deferred::<()>::fail(failure("oh"));
        drop(made.add_callback(|()| Ok(1)));
    });
    assert_one(&lines, Level::ERROR, "oh", line);
}

#[test]
fn a_failure_that_a_callback_returned_is_logged_as_its_chains() {
    let line = line!() + 2;
    let lines = logged(|| {
        let made = Deferred::succeed(());
        drop(made.add_callback(|()| Err::<(), _>(failure("oh"))));
    });
    assert_one(&lines, Level::ERROR, "oh", line);
}

#[test]
fn a_failure_of_an_inner_deferred_is_logged_as_the_outer_chains() {
    let line = line!() + 2;
    let lines = logged(|| {
        let (outer, start) = Deferred::<()>::new();
        let (inner, answer) = Deferred::<()>::new();
        drop(start.add_callback(move |()| answer));
        outer.callback(());
        inner.errback(failure("oh"));
    });
    assert_one(&lines, Level::ERROR, "oh", line);
}

#[test]
fn being_cancelled_and_stopping_are_logged_quietly() {
    let line = line!() + 2;
    let lines = logged(|| {
        let (_resolver, answer) = Deferred::<()>::new();
        answer.cancel();
    });
    assert_one(&lines, Level::DEBUG, "cancelled", line);
    let line = line!() + 1;
    let lines = logged(|| drop(Deferred::<()>::fail(Failure::stopped())));
    assert_one(&lines, Level::DEBUG, "stopped", line);
}

#[test]
fn an_abandoned_one_is_an_error() {
    let line = line!() + 2;
    let lines = logged(|| {
        let (resolver, answer) = Deferred::<()>::new();
        drop(resolver);
        drop(answer);
    });
    assert_one(&lines, Level::ERROR, "without giving it", line);
}

#[test]
fn a_failure_that_somebody_took_is_not_logged() {
    let lines = logged(|| {
        drop(Deferred::<u32>::fail(failure("errback")).add_errback(|_| Ok(1)));
        let _seen = Deferred::<u32>::fail(failure("into_result")).into_result();
        let (resolver, answer) = Deferred::<u32>::new();
        drop(answer.add_errback(|_| Ok(1)));
        resolver.errback(failure("pending errback"));
    });
    assert_eq!(lines, []);
}
