//! Tests of LoopingCall, on a clock that stands still until it is told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::*;
use crate::{Clock, defer_later};

const SECOND: Duration = Duration::from_secs(1);

/// A loop that notes its counts.
fn counting(clock: &Clock) -> (LoopingCall, Rc<RefCell<Vec<u64>>>) {
    let counts: Rc<RefCell<Vec<u64>>> = Rc::default();
    let noted = counts.clone();
    (LoopingCall::with_count(clock, move |count| noted.borrow_mut().push(count)), counts)
}

fn kind_of(ended: Deferred<()>) -> FailureKind {
    ended.into_result().expect("it has ended").expect_err("it failed").kind()
}

#[test]
fn it_stays_on_the_grid_and_skips_what_it_missed() {
    let clock = Clock::new();
    let (tick, counts) = counting(&clock);
    drop(tick.start(10 * SECOND, false));
    clock.pump(&[9 * SECOND, SECOND]);
    assert_eq!(*counts.borrow(), [1]);
    clock.pump(&[34 * SECOND, 5 * SECOND, SECOND]); // to 44, 49, 50
    assert_eq!(*counts.borrow(), [1, 3, 1]);
}

#[test]
fn with_no_interval_it_is_called_in_every_turn() {
    let clock = Clock::new();
    let (tick, counts) = counting(&clock);
    drop(tick.start(Duration::ZERO, true));
    clock.pump(&[Duration::ZERO; 3]);
    assert_eq!(*counts.borrow(), [1, 1, 1, 1]);
}

#[test]
fn the_next_call_waits_for_the_deferred_of_the_last() {
    let clock = Clock::new();
    let calls = Rc::new(Cell::new(0));
    let slow = LoopingCall::new(&clock, {
        let (clock, calls) = (clock.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            defer_later(&clock, 25 * SECOND, || ())
        }
    });
    let ended = slow.start(10 * SECOND, true);
    clock.pump(&[24 * SECOND, SECOND, 4 * SECOND]);
    assert_eq!(calls.get(), 1);
    clock.advance(SECOND); // 30: the next point of the grid
    assert_eq!(calls.get(), 2);

    slow.stop();
    assert!(!slow.running() && !ended.is_fired());
    assert_eq!(kind_of(slow.start(SECOND, true)), FailureKind::Local);
    clock.advance(25 * SECOND);
    assert!(matches!(ended.into_result(), Ok(Ok(()))));
    assert_eq!(clock.delayed_calls(), 0);
}

#[test]
fn a_failure_or_a_panic_ends_it_and_it_may_start_again() {
    let clock = Clock::new();
    let calls = Cell::new(0);
    let failing = LoopingCall::new(&clock, move || {
        calls.set(calls.get() + 1);
        assert!(calls.get() != 2, "on purpose");
        if calls.get() == 4 { Err(Failure::new(FailureKind::Peer, "gone")) } else { Ok(()) }
    });
    for kind in [FailureKind::Panic, FailureKind::Peer] {
        let ended = failing.start(SECOND, true);
        assert!(failing.running());
        clock.advance(SECOND);
        assert!(!failing.running());
        assert_eq!(kind_of(ended), kind);
        assert_eq!(clock.delayed_calls(), 0);
    }
}

#[test]
fn it_may_be_stopped_from_inside_and_by_cancelling() {
    let clock = Clock::new();
    let own: Rc<RefCell<Option<LoopingCall>>> = Rc::default();
    let tick = LoopingCall::new(&clock, {
        let own = own.clone();
        move || {
            if let Some(tick) = own.take() {
                LoopingCall::stop(&tick);
            }
        }
    });
    own.replace(Some(tick.clone()));
    assert!(tick.start(SECOND, true).is_fired());

    let ended = tick.start(SECOND, true);
    assert!(tick.running());
    ended.cancel();
    assert!(!tick.running());
    assert_eq!(kind_of(ended), FailureKind::Cancelled);
    assert_eq!(clock.delayed_calls(), 0);
}

#[test]
fn reset_begins_the_grid_anew() {
    let clock = Clock::new();
    let (tick, counts) = counting(&clock);
    drop(tick.start(10 * SECOND, false));
    clock.advance(7 * SECOND);
    tick.reset();
    clock.pump(&[9 * SECOND]);
    assert!(counts.borrow().is_empty());
    clock.pump(&[SECOND, 10 * SECOND]);
    assert_eq!(*counts.borrow(), [1, 1]);
}
