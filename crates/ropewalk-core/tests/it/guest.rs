//! A reactor in another loop; the descriptor itself is tested in `ropewalk-net`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{ReactorLimits, ShutdownPart, Time};

use crate::puppet::Stage;

#[test]
fn what_waits_for_the_start_runs_in_the_first_turn_of_a_guest() {
    let stage = Stage::new();
    let ran = Rc::new(Cell::new(false));
    let flag = ran.clone();
    stage.reactor().call_when_running(move || flag.set(true));
    assert!(!ran.get());
    stage.turn();
    assert!(ran.get(), "a guest never calls run");
}

#[test]
fn a_guest_that_has_stopped_wants_nothing_more() {
    let stage = Stage::new();
    let ended = Rc::new(Cell::new(false));
    let flag = ended.clone();
    stage.reactor().add_system_event_trigger(ShutdownPart::After, move || flag.set(true));
    stage.reactor().stop().expect("it has not stopped");
    stage.turns();
    assert!(ended.get());
    assert_eq!(stage.event_loop.next_deadline(), None, "its host would spin");
}

#[test]
fn the_next_deadline_is_now_while_a_bounded_turn_left_work() {
    let stage =
        Stage::with_limits(ReactorLimits { ready_per_turn_max: 2, ..ReactorLimits::default() });
    let ran = Rc::new(Cell::new(0));
    for _ in 0..5 {
        let ran = ran.clone();
        stage.reactor().call_soon(move || ran.set(ran.get() + 1));
    }
    for expected in [2, 4] {
        stage.turn();
        assert_eq!(ran.get(), expected);
        assert_eq!(stage.event_loop.next_deadline(), Some(Time::START), "there is work");
    }
    stage.turn();
    assert_eq!((ran.get(), stage.event_loop.next_deadline()), (5, None));
    stage.reactor().call_later(Duration::from_secs(5), || ());
    assert!(stage.event_loop.next_deadline() > Some(Time::START));
}
