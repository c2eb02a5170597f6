//! Tests of the Cooperator, on a clock that stands still until it is told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::*;
use crate::{Clock, Time, defer_later};

fn stepwise(clock: &Clock) -> Cooperator {
    Cooperator::with_share(clock, TurnShare { steps_max: 1, ..TurnShare::default() })
}

/// Work that counts its steps.
fn counted(steps: u32) -> (impl Iterator<Item = ()> + 'static, Rc<Cell<u32>>) {
    let count = Rc::new(Cell::new(0));
    let counter = count.clone();
    ((0..steps).map(move |_| counter.set(counter.get() + 1)), count)
}

fn kind_of(ended: Deferred<()>) -> FailureKind {
    ended.into_result().expect("it has ended").expect_err("it failed").kind()
}

#[test]
fn tasks_step_in_a_circle() {
    let clock = Clock::new();
    let cooperator = Cooperator::new(&clock);
    let said = Rc::new(RefCell::new(String::new()));
    for letters in ["ad", "be", "cfg"] {
        let said = said.clone();
        cooperator.cooperate(letters.chars().map(move |letter| said.borrow_mut().push(letter)));
    }
    assert!(said.borrow().is_empty(), "no step within cooperate");
    clock.advance(Duration::ZERO);
    assert_eq!(*said.borrow(), "abcdefg");
    assert_eq!(clock.delayed_calls(), 0);
}

#[test]
fn a_turn_ends_when_its_time_is_used_up() {
    let real = Rc::new(Cell::new(Time::START));
    let timers = Timers::new(Some(Box::new({
        let real = real.clone();
        move || real.get()
    })));
    let steps = Rc::new(Cell::new(0));
    Cooperator::new(&timers).cooperate((0..100).map({
        let steps = steps.clone();
        move |_| {
            steps.set(steps.get() + 1);
            real.set(real.get() + Duration::from_millis(3));
        }
    }));
    timers.begin_turn(Time::START);
    timers.run_due();
    timers.end_turn();
    assert_eq!(steps.get(), 4);
}

#[test]
fn a_deferred_is_waited_for_while_others_step() {
    let clock = Clock::new();
    let cooperator = Cooperator::new(&clock);
    let waits = cooperator.cooperate([1, 2].map(|seconds| {
        let clock = clock.clone();
        defer_later(&clock, Duration::from_secs(seconds), || ())
    }));
    let (work, count) = counted(5);
    let done = cooperator.coiterate(work);
    clock.advance(Duration::ZERO);
    assert_eq!(count.get(), 5);
    assert!(done.is_fired() && !waits.is_done());
    clock.pump(&[Duration::from_secs(1); 3]);
    assert!(waits.is_done());
}

#[test]
fn pauses_are_counted() {
    let clock = Clock::new();
    let (work, count) = counted(10);
    let task = stepwise(&clock).cooperate(work);
    clock.advance(Duration::ZERO);
    task.pause();
    task.pause();
    clock.pump(&[Duration::ZERO; 3]);
    task.resume();
    clock.pump(&[Duration::ZERO; 3]);
    assert_eq!((count.get(), clock.delayed_calls()), (1, 0));
    task.resume();
    task.resume();
    clock.advance(Duration::ZERO);
    assert_eq!(count.get(), 2);
}

#[test]
fn stopping_ends_it_for_all_who_wait_and_cancels_what_it_waits_for() {
    let clock = Clock::new();
    let (resolver, pending) = Deferred::<()>::new();
    let task = Cooperator::new(&clock).cooperate([pending]);
    let waiting = [task.when_done(), task.when_done()];
    clock.advance(Duration::ZERO);
    task.stop();
    assert!(resolver.is_cancelled());
    for done in waiting {
        assert_eq!(kind_of(done), FailureKind::Cancelled);
    }
    assert_eq!(kind_of(task.when_done()), FailureKind::Cancelled);
}

#[test]
fn a_step_may_stop_its_own_task() {
    let clock = Clock::new();
    let own: Rc<RefCell<Option<CooperativeTask>>> = Rc::default();
    let task = Cooperator::new(&clock).cooperate((0..).map({
        let own = own.clone();
        move |step: u32| {
            if step == 3 {
                let own: CooperativeTask = own.take().expect("it was put there");
                own.stop();
            }
            assert!(step < 4);
        }
    }));
    own.replace(Some(task.clone()));
    clock.advance(Duration::ZERO);
    assert_eq!(kind_of(task.when_done()), FailureKind::Cancelled);
}

#[test]
fn a_failed_or_panicking_step_ends_its_task_alone() {
    let clock = Clock::new();
    let cooperator = Cooperator::new(&clock);
    let fails = cooperator.cooperate([Ok(()), Err(Failure::new(FailureKind::Peer, "gone"))]);
    let panics = cooperator.cooperate((0..2).map(|step| assert_eq!(step, 0, "on purpose")));
    let (work, count) = counted(5);
    cooperator.cooperate(work);
    clock.advance(Duration::ZERO);
    assert_eq!(kind_of(fails.when_done()), FailureKind::Peer);
    assert_eq!(kind_of(panics.when_done()), FailureKind::Panic);
    assert_eq!(count.get(), 5);
}

#[test]
fn cancelling_coiterate_stops_the_task() {
    let clock = Clock::new();
    let (work, count) = counted(10);
    let done = stepwise(&clock).coiterate(work);
    clock.advance(Duration::ZERO);
    done.cancel();
    assert_eq!(kind_of(done), FailureKind::Cancelled);
    clock.pump(&[Duration::ZERO; 3]);
    assert_eq!((count.get(), clock.delayed_calls()), (1, 0));
}
