//! [`check_driver`]: the contract of a [`Driver`](ropewalk_core::Driver), with a probe in the place of the heart.

use std::time::Duration;

use ropewalk_core::{Close, Flow, SlotId, Wait};

use super::probe::{Probe, Seen};
use super::setup::{Bench, Setup};
use super::suite::{Case, run_all};

/// Checks what [`Driver`](ropewalk_core::Driver) promises the heart, event by event. What the heart then promises
/// protocols is [`check_transport`](crate::check_transport)'s.
///
/// # Panics
/// If a case fails, with the names of all that did.
pub fn check_driver(make: impl Fn() -> Setup) {
    let cases = [
        Case::of(opened_is_said_first_and_once),
        Case::of(bytes_come_in_order_and_never_none),
        Case::of(what_is_kept_is_reported_in_full),
        Case::of(after_enough_nothing_comes_until_it_is_asked_for),
        Case::of(receiving_stops_and_starts_and_loses_nothing),
        Case::of(the_end_comes_once_after_all_bytes),
        Case::of(close_write_sends_what_was_taken_first),
        Case::of(closed_is_said_once_and_last),
        Case::of(a_clean_close_reaches_the_other_end_as_an_end),
        Case::of(an_abort_reaches_the_other_end),
        Case::of(a_connection_that_is_not_accepted_is_closed),
        Case::of(all_methods_may_be_called_in_the_middle_of_an_event),
        Case::of(a_slot_may_be_closed_in_the_middle_of_its_event),
        Case::of(what_is_asked_of_an_old_generation_does_nothing),
        Case::of(a_wait_until_a_time_is_never_short),
        Case::of(a_notice_ends_the_wait_and_is_used_up),
        Case::of(one_connection_gets_a_bounded_share_of_a_turn),
    ];
    run_all("check_driver", &cases, || Bench::new(make()));
}

fn opened_is_said_first_and_once(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    probe.send(slots.client, b"x");
    probe.send(slots.server, b"y");
    probe.until("a byte each", || {
        probe.received(slots.server) == b"x" && probe.received(slots.client) == b"y"
    });
    for id in [slots.server, slots.client] {
        assert_eq!(probe.seen(id)[0], Seen::Opened);
        assert_eq!(probe.count(id, Seen::Opened), 1);
    }
}

fn bytes_come_in_order_and_never_none(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    let mut expected = Vec::new();
    for number in 0..500_u32 {
        let piece = format!("{number},");
        expected.extend_from_slice(piece.as_bytes());
        probe.send(slots.client, piece.as_bytes());
    }
    probe.until("all of them", || probe.received_len(slots.server) >= expected.len());
    assert_eq!(probe.received(slots.server), expected);
}

/// Sends to an end that does not receive until the driver keeps something; gives how much was sent and kept.
fn fill(probe: &Probe, to: SlotId, from: SlotId) -> (usize, usize) {
    probe.driver.set_receiving(to, false);
    let (mut sent, mut kept, mut step) = (0, 0, 1024);
    while kept == 0 {
        assert!(sent < 100 << 20, "the system takes everything");
        kept += probe.send(from, &vec![b'x'; step]);
        sent += step;
        step = (step * 2).min(256 << 10);
    }
    kept += probe.send(from, b"behind that");
    (sent + 11, kept)
}

fn what_is_kept_is_reported_in_full(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    let (sent, kept) = fill(&probe, slots.server, slots.client);
    probe.idle();
    assert!(probe.sent(slots.client) <= kept);
    probe.driver.set_receiving(slots.server, true);
    probe.until("all of it to be sent", || probe.sent(slots.client) >= kept);
    probe.until("all of it to come", || probe.received_len(slots.server) >= sent);
    assert_eq!((probe.sent(slots.client), probe.received_len(slots.server)), (kept, sent));
    assert!(probe.received(slots.server).ends_with(b"xbehind that"));
}

fn after_enough_nothing_comes_until_it_is_asked_for(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    probe.flow.set(Flow::Enough);
    probe.send(slots.client, &[b'x'; 100_000]);
    probe.until("the first piece", || probe.received_len(slots.server) > 0);
    // The heart confirms it in the flush of the same turn.
    probe.driver.set_receiving(slots.server, false);
    let first = probe.received_len(slots.server);
    probe.idle();
    assert_eq!(probe.received_len(slots.server), first);
    probe.flow.set(Flow::More);
    probe.driver.set_receiving(slots.server, true);
    probe.until("the rest", || probe.received_len(slots.server) == 100_000);
}

fn receiving_stops_and_starts_and_loses_nothing(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    let mut expected = Vec::new();
    for round in 0..20_u8 {
        probe.driver.set_receiving(slots.server, false);
        probe.send(slots.client, &[round; 1000]);
        expected.extend_from_slice(&[round; 1000]);
        probe.turn(Wait::No);
        probe.driver.set_receiving(slots.server, true);
        probe.turn(Wait::No);
    }
    probe.until("everything", || probe.received_len(slots.server) >= expected.len());
    assert_eq!(probe.received(slots.server), expected);
}

fn the_end_comes_once_after_all_bytes(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    probe.send(slots.client, &[b'x'; 10_000]);
    probe.driver.close_write(slots.client);
    probe.until("the end", || probe.has(slots.server, Seen::ReadClosed));
    probe.idle();
    assert_eq!(probe.received_len(slots.server), 10_000);
    assert_eq!(probe.count(slots.server, Seen::ReadClosed), 1);
    assert_eq!(probe.last(slots.server), Some(Seen::ReadClosed));
    probe.send(slots.server, b"answer");
    probe.until("the other half", || probe.received(slots.client) == b"answer");
}

fn close_write_sends_what_was_taken_first(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    let (sent, _) = fill(&probe, slots.server, slots.client);
    probe.driver.close_write(slots.client);
    probe.driver.set_receiving(slots.server, true);
    probe.until("the end", || probe.has(slots.server, Seen::ReadClosed));
    assert_eq!(probe.received_len(slots.server), sent);
}

fn closed_is_said_once_and_last(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    probe.send(slots.server, &[b'x'; 10_000]);
    probe.driver.close(slots.client, Close::Clean);
    let before = probe.seen(slots.client).len();
    probe.until("it to be freed", || probe.has(slots.client, Seen::Closed));
    probe.driver.close(slots.server, Close::Abort);
    probe.until("the other", || probe.has(slots.server, Seen::Closed));
    probe.idle();
    assert_eq!(probe.seen(slots.client)[before..], [Seen::Closed]);
    assert_eq!(probe.count(slots.server, Seen::Closed), 1);
    assert_eq!(probe.last(slots.server), Some(Seen::Closed));

    let port = probe.port.slot_id();
    probe.driver.close(port, Close::Clean);
    probe.until("the port to be freed", || probe.has(port, Seen::Closed));
}

fn a_clean_close_reaches_the_other_end_as_an_end(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    probe.send(slots.client, b"last words");
    probe.driver.close(slots.client, Close::Clean);
    probe.until("the end", || probe.has(slots.server, Seen::ReadClosed));
    assert_eq!(probe.received(slots.server), b"last words");
    assert!(!probe.has(slots.server, Seen::Lost));
}

fn an_abort_reaches_the_other_end(bench: Bench) {
    let resets = bench.setup.resets;
    let probe = Probe::new(bench);
    let slots = probe.connect();
    probe.driver.close(slots.client, Close::Abort);
    let expected = if resets { Seen::Lost } else { Seen::ReadClosed };
    probe.until("the other end to notice", || probe.has(slots.server, expected));
    probe.idle();
    assert_eq!(probe.last(slots.server), Some(expected));
    assert_eq!(probe.count(slots.server, expected), 1);
}

fn a_connection_that_is_not_accepted_is_closed(bench: Bench) {
    let probe = Probe::new(bench);
    probe.refuses.set(true);
    probe.dial();
    let told = |id: &SlotId| probe.has(*id, Seen::Lost) || probe.has(*id, Seen::ReadClosed);
    probe.until("the client to be told", || probe.slots().iter().any(told));
    probe.refuses.set(false);
    let slots = probe.connect();
    probe.send(slots.client, b"x");
    probe.until("the next one to work", || probe.received(slots.server) == b"x");
}

fn all_methods_may_be_called_in_the_middle_of_an_event(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    probe.react(|driver, id, event| {
        if event == Seen::Received {
            driver.set_receiving(id, false);
            driver.set_receiving(id, true);
            let mut queue = ropewalk_core::OutQueue::new();
            queue.push(b"!", &ropewalk_core::BufferPool::default());
            driver.send(id, &mut queue);
            let _ = (driver.peer(id), driver.host(id), driver.now());
            driver.notifier().notify();
            driver.close_write(id);
        }
    });
    probe.send(slots.client, b"x");
    probe.until("the end of the answer", || probe.has(slots.client, Seen::ReadClosed));
    assert!(probe.received(slots.client).starts_with(b"!"));
}

fn a_slot_may_be_closed_in_the_middle_of_its_event(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    probe.react(|driver, id, event| {
        if event == Seen::Received {
            driver.close(id, Close::Abort);
        }
    });
    probe.send(slots.client, &[b'x'; 100_000]);
    probe.until("it to be freed", || probe.has(slots.server, Seen::Closed));
    probe.idle();
    assert_eq!(probe.seen(slots.server), [Seen::Opened, Seen::Received, Seen::Closed]);
}

fn what_is_asked_of_an_old_generation_does_nothing(bench: Bench) {
    let probe = Probe::new(bench);
    let old = probe.connect();
    probe.driver.close(old.client, Close::Clean);
    probe.driver.close(old.server, Close::Clean);
    probe.until("both to be freed", || {
        probe.has(old.client, Seen::Closed) && probe.has(old.server, Seen::Closed)
    });
    let new = probe.connect();
    assert!([old.client.slot, old.server.slot].contains(&new.client.slot), "slots are used again");
    let (clients, servers) = (probe.seen(old.client), probe.seen(old.server));
    for id in [old.client, old.server] {
        probe.send(id, b"to nobody");
        probe.driver.set_receiving(id, false);
        probe.driver.close_write(id);
        probe.driver.close(id, Close::Abort);
        assert_eq!((probe.driver.peer(id), probe.driver.host(id)), (None, None));
    }
    probe.send(new.client, b"x");
    probe.send(new.server, b"y");
    probe.until("the new ones to work", || {
        probe.received(new.server) == b"x" && probe.received(new.client) == b"y"
    });
    probe.idle();
    assert_eq!((probe.seen(old.client), probe.seen(old.server)), (clients, servers));
}

fn a_wait_until_a_time_is_never_short(bench: Bench) {
    let probe = Probe::new(bench);
    probe.idle();
    for millis in [0, 1, 3] {
        let then = probe.now() + Duration::from_millis(millis);
        // Something may come in between, but not for ever.
        for _ in 0..100 {
            if probe.now() < then {
                probe.turn(Wait::Until(then));
            }
        }
        assert!(probe.now() >= then);
    }
}

fn a_notice_ends_the_wait_and_is_used_up(bench: Bench) {
    let probe = Probe::new(bench);
    probe.idle();
    let notifier = probe.driver.notifier();
    let far = probe.now() + Duration::from_secs(3600);
    notifier.notify();
    notifier.notify();
    probe.turn(Wait::Until(far));
    assert!(probe.now() < far, "the notice was slept over");
    let soon = probe.now() + Duration::from_millis(20);
    probe.turn(Wait::Until(soon));
    assert!(probe.now() >= soon, "two notices are one");
}

fn one_connection_gets_a_bounded_share_of_a_turn(bench: Bench) {
    let probe = Probe::new(bench);
    let slots = probe.connect();
    let (sent, _) = fill(&probe, slots.server, slots.client);
    probe.driver.set_receiving(slots.server, true);
    let mut most = 0;
    while probe.received_len(slots.server) < sent {
        let before = probe.received_len(slots.server);
        probe.turn(Wait::Until(probe.now() + Duration::from_secs(1)));
        most = most.max(probe.received_len(slots.server) - before);
    }
    assert!(most <= 1 << 20, "{most} bytes in one turn");
}
