//! Ways to run a loop over a network in memory: until all is quiet, for some virtual time.

use std::time::Duration;

use ropewalk_core::{Loop, Time, Wait};

use crate::MemoryNetwork;

/// Turns in which no time passes; more than this is two ends that never let each other rest.
const TURNS_MAX: usize = 10_000_000;

/// Runs what can happen without time passing.
///
/// # Panics
/// If it never comes to rest.
pub(crate) fn settle(event_loop: &Loop, network: &MemoryNetwork) {
    for _ in 0..TURNS_MAX {
        if next_time(event_loop, network).is_none_or(|time| time > event_loop.reactor().now()) {
            return;
        }
        turn(event_loop, Wait::No);
    }
    panic!("it never comes to rest: {TURNS_MAX} turns and no time has passed");
}

/// Runs what happens until `deadline`, and leaves the time there.
pub(crate) fn run_until_time(event_loop: &Loop, network: &MemoryNetwork, deadline: Time) {
    loop {
        settle(event_loop, network);
        let now = event_loop.reactor().now();
        if now >= deadline {
            return;
        }
        turn(event_loop, Wait::Until(deadline));
    }
}

/// Runs for so long.
pub(crate) fn run_for(event_loop: &Loop, network: &MemoryNetwork, time: Duration) {
    let deadline = event_loop.reactor().now() + time;
    run_until_time(event_loop, network, deadline);
}

/// When something next happens, if anything ever does; in the past if it can be now.
pub(crate) fn next_time(event_loop: &Loop, network: &MemoryNetwork) -> Option<Time> {
    let arrival = network.world().borrow().schedule.next_arrival();
    [event_loop.next_deadline(), arrival].into_iter().flatten().min()
}

/// One turn.
pub(crate) fn turn(event_loop: &Loop, most: Wait) {
    let turned = event_loop.turn(most).expect("a test double is run from outside the loop");
    turned.expect("a network in memory can always wait for a time");
}
