//! Tests of Timers, DelayedCall and Clock.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use super::*;
use crate::{Clock, NotActive};

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Time {
    Time::START + Duration::from_secs(seconds)
}

/// Runs one turn as a reactor does.
fn turn(timers: &Timers, now: Time) -> usize {
    timers.begin_turn(now);
    let ran = timers.run_due();
    timers.end_turn();
    ran
}

/// Writes its letter when it is dropped.
struct Mark(Rc<RefCell<String>>, char);

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

#[test]
fn calls_run_by_deadline_and_then_by_creation() {
    let clock = Clock::new();
    let said = Rc::new(RefCell::new(String::new()));
    for (letter, seconds) in [('c', 2), ('a', 1), ('d', 2), ('b', 1), ('e', 3)] {
        let said = said.clone();
        clock.call_later(seconds * SECOND, move || said.borrow_mut().push(letter));
    }
    clock.advance(SECOND);
    assert_eq!(*said.borrow(), "ab");
    clock.advance(5 * SECOND);
    assert_eq!(*said.borrow(), "abcde");
    assert_eq!(clock.delayed_calls(), 0);
}

#[test]
fn a_call_made_in_a_turn_runs_in_the_next() {
    let clock = Clock::new();
    let count = Rc::new(Cell::new(0));
    fn again(clock: Clock, count: Rc<Cell<u32>>) {
        count.set(count.get() + 1);
        clock.clone().call_later(Duration::ZERO, move || again(clock, count));
    }
    again(clock.clone(), count.clone());
    for turns in 1..5 {
        clock.advance(Duration::ZERO);
        assert_eq!(count.get(), turns + 1);
    }
}

#[test]
fn a_call_that_was_there_before_may_be_moved_into_this_turn() {
    let clock = Clock::new();
    let ran = Rc::new(Cell::new(false));
    let moved = clock.call_later(9 * SECOND, {
        let ran = ran.clone();
        move || ran.set(true)
    });
    clock.call_later(SECOND, move || moved.reset(Duration::ZERO).unwrap());
    clock.advance(SECOND);
    assert!(ran.get());
}

#[test]
fn a_call_may_move_and_cancel_others_but_not_itself() {
    let clock = Clock::new();
    let own: Rc<RefCell<Option<DelayedCall>>> = Rc::default();
    let other = clock.call_later(2 * SECOND, || panic!("it was cancelled"));
    let delayed = clock.call_later(2 * SECOND, || {});
    let call = clock.call_later(SECOND, {
        let (own, other, delayed) = (own.clone(), other.clone(), delayed.clone());
        move || {
            let own = own.borrow_mut().take().expect("it was put there");
            assert!(!own.active());
            assert_eq!(own.reset(SECOND), Err(NotActive));
            assert_eq!(own.delay(SECOND), Err(NotActive));
            assert_eq!(own.cancel(), Err(NotActive));
            other.cancel().unwrap();
            delayed.delay(SECOND).unwrap();
        }
    });
    own.replace(Some(call));
    clock.advance(2 * SECOND);
    assert!(!other.active());
    assert_eq!(delayed.time(), Some(at(3)));
}

#[test]
fn cancel_drops_what_the_call_holds_with_nothing_borrowed() {
    struct MakesAnother(Clock);
    impl Drop for MakesAnother {
        fn drop(&mut self) {
            self.0.call_later(SECOND, || {});
        }
    }
    let clock = Clock::new();
    let held = MakesAnother(clock.clone());
    let call = clock.call_later(SECOND, move || drop(held));
    call.cancel().unwrap();
    assert_eq!(clock.delayed_calls(), 1);
}

#[test]
fn a_panic_is_let_through_by_a_clock_and_logged_by_a_loop() {
    let clock = Clock::new();
    clock.call_later(SECOND, || panic!("on purpose"));
    let after = clock.call_later(SECOND, || {});
    assert!(catch_unwind(AssertUnwindSafe(|| clock.advance(SECOND))).is_err());
    assert!(after.active());
    clock.advance(Duration::ZERO);
    assert!(!after.active());

    clock.call_later(SECOND, || panic!("on purpose"));
    let after = clock.call_later(SECOND, || {});
    assert_eq!(turn(clock.timers(), at(9)), 2);
    assert!(!after.active());
}

#[test]
fn now_is_one_moment_in_a_turn_and_the_drivers_outside() {
    let real = Rc::new(Cell::new(at(10)));
    let timers = Timers::new(Some(Box::new({
        let real = real.clone();
        move || real.get()
    })));
    assert_eq!(timers.now(), at(10));
    timers.begin_turn(at(11));
    real.set(at(12));
    assert_eq!(timers.now(), at(11));
    timers.end_turn();
    assert_eq!(timers.now(), at(12));
    real.set(at(3));
    assert_eq!(timers.now(), at(11), "time does not go back");
}

#[test]
fn who_listens_hears_of_an_earlier_deadline_once() {
    let timers = Timers::new(None);
    let told: Rc<RefCell<Vec<Time>>> = Rc::default();
    let first = timers.call_at(at(100), || {});
    assert_eq!(timers.next_wakeup(), Some(at(100)));
    timers.set_on_earlier({
        let told = told.clone();
        move |deadline| told.borrow_mut().push(deadline)
    });
    assert!(told.borrow().is_empty(), "nothing is earlier yet");

    timers.call_at(at(50), || {});
    assert_eq!(timers.next_wakeup(), Some(at(50)));
    timers.call_at(at(60), || {});
    timers.call_at(at(40), || {});
    timers.call_at(at(45), || {});
    first.reset(30 * SECOND).unwrap();
    assert_eq!(*told.borrow(), [at(50), at(40), at(30)]);
}

#[test]
fn closing_drops_every_call_and_later_ones_at_once() {
    let timers = Timers::new(None);
    let said = Rc::new(RefCell::new(String::new()));
    for (letter, seconds) in [('x', 0), ('x', 5), ('x', 5000)] {
        let mark = Mark(said.clone(), letter);
        timers.call_at(at(seconds), move || drop(mark));
    }
    timers.close();
    assert_eq!((said.borrow().as_str(), timers.wheel().len()), ("xxx", 0));

    let mark = Mark(said.clone(), 'y');
    let call = timers.call_at(at(1), move || drop(mark));
    assert!(!call.active());
    assert_eq!(*said.borrow(), "xxxy");
    assert_eq!(timers.next_wakeup(), None);
}
