//! A queue pairs values with those who want them, first with first.

use super::{failed, value};
use crate::{Deferred, DeferredQueue, FailureKind};

#[test]
fn values_come_out_as_they_went_in() {
    let queue = DeferredQueue::new(3, 0);
    (0..3).for_each(|number| queue.put(number).expect("there is room"));
    assert_eq!(queue.len(), 3);
    let got: Vec<_> = (0..3).map(|_| value(queue.get())).collect();
    assert_eq!(got, [0, 1, 2]);
}

#[test]
fn who_asked_first_is_served_first() {
    let queue = DeferredQueue::new(0, 2);
    let (first, second) = (queue.get(), queue.get());
    queue.put("a").expect("someone waits");
    assert!(!second.is_fired());
    queue.put("b").expect("someone waits");
    assert_eq!((value(first), value(second)), ("a", "b"));
}

#[test]
fn a_full_queue_gives_the_value_back() {
    let queue = DeferredQueue::new(1, 1);
    queue.put(1).expect("there is room");
    assert_eq!(queue.put(2).expect_err("it is full").0, 2);
}

#[test]
fn too_many_getters_are_a_limit() {
    let queue = DeferredQueue::<u32>::new(1, 1);
    let _waits = queue.get();
    assert_eq!(queue.backlog(), 1);
    assert!(failed(queue.get()).is(FailureKind::Limit));
}

#[test]
fn a_cancelled_get_leaves_the_line() {
    let queue = DeferredQueue::new(1, 1);
    let cancelled = queue.get();
    cancelled.cancel();
    let waits = queue.get();
    queue.put(1).expect("someone waits");
    assert_eq!(value(waits), 1);
    assert!(failed(cancelled).is(FailureKind::Cancelled));
}

#[test]
fn a_getter_may_use_the_queue_in_its_callback() {
    let queue = DeferredQueue::<u32>::new(1, 2);
    let again = queue.clone();
    let sum: Deferred<u32> = queue.get().add_callback(move |first| {
        again.get().add_callback(move |second| Ok::<u32, _>(first + second))
    });
    queue.put(1).expect("someone waits");
    queue.put(2).expect("someone waits");
    assert_eq!(value(sum), 3);
}

#[test]
fn getters_of_a_queue_that_is_dropped_are_abandoned() {
    let queue = DeferredQueue::<u32>::new(1, 1);
    let waits = queue.get();
    drop(queue);
    assert!(failed(waits).is(FailureKind::Abandoned));
}
