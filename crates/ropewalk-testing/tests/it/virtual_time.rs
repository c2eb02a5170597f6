//! Time that jumps, and what happens when there is nothing to jump to.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ropewalk_core::{Deferred, FailureKind, Loop, LoopingCall, Time, Wait, defer_later};
use ropewalk_testing::{MemoryDriver, MemoryNetwork, Network};

fn event_loop() -> Loop {
    Loop::new(MemoryDriver::new(Network::default()))
}

#[test]
fn a_day_of_looping_calls_takes_no_time() {
    let began = Instant::now();
    let (event_loop, count) = (event_loop(), Rc::new(Cell::new(0)));
    let counted = count.clone();
    let looping = LoopingCall::new(event_loop.reactor(), move || counted.set(counted.get() + 1));
    drop(looping.start(Duration::from_secs(1), false).add_errback(|_| ()));
    let day = Duration::from_secs(24 * 3600);
    event_loop.run_until(defer_later(event_loop.reactor(), day, || ())).unwrap();
    assert_eq!(count.get(), 24 * 3600);
    assert_eq!(event_loop.reactor().now(), Time::START + day);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn time_stands_still_while_there_is_work() {
    let event_loop = event_loop();
    let (reactor, turns) = (event_loop.reactor().clone(), Rc::new(Cell::new(0)));
    fn again(reactor: &ropewalk_core::Reactor, turns: &Rc<Cell<u32>>) {
        let (next, counted) = (reactor.clone(), turns.clone());
        if turns.replace(turns.get() + 1) < 1000 {
            reactor.call_soon(move || again(&next, &counted));
        }
    }
    again(&reactor, &turns);
    let late = defer_later(&reactor, Duration::from_nanos(1), || ());
    event_loop.run_until(late).unwrap();
    assert_eq!(turns.get(), 1001);
    assert_eq!(reactor.now(), Time::from_nanos(1));
}

#[test]
fn a_deadlock_is_an_error_that_says_so() {
    let event_loop = event_loop();
    let (resolver, never) = Deferred::<()>::new();
    let failure = event_loop.run_until(never).unwrap_err();
    assert!(failure.is(FailureKind::Local));
    assert!(failure.to_string().starts_with("nothing will ever happen"), "{failure}");
    drop(resolver);
}

#[test]
fn a_deadlock_in_a_partition_says_that_too() {
    let event_loop = event_loop();
    let network = MemoryNetwork::of(event_loop.reactor()).unwrap();
    network.partition();
    let mut endpoint = ropewalk_testing::MemoryClientEndpoint::new("nobody");
    endpoint.timeout = Duration::MAX;
    struct Nobody;
    impl ropewalk_core::Protocol for Nobody {}
    let connecting = event_loop.reactor().connect(&endpoint, || Nobody);
    let failure = event_loop.run_until(connecting).err().unwrap();
    assert!(failure.to_string().contains("end of the partition"), "{failure}");
}

#[test]
fn a_bounded_wait_ends_at_its_time() {
    let event_loop = event_loop();
    let then = Time::START + Duration::from_secs(5);
    event_loop.turn(Wait::Until(then)).unwrap().unwrap();
    assert_eq!(event_loop.reactor().now(), then);
}

#[test]
fn the_driver_has_no_descriptor_to_be_a_guest_with() {
    assert!(event_loop().as_fd().is_none());
}
