//! What the room does not put up with.

use std::time::Duration;

use ropewalk_core::FailureKind;
use ropewalk_irc::network::NetworkLimits;
use ropewalk_testing::Network as Wires;

use crate::evening::Evening;

const SECOND: Duration = Duration::from_secs(1);

/// A message of the greatest length, with no two the same.
fn long(number: usize) -> String {
    format!("{number:0>1000}")
}

#[test]
fn a_slow_reader_is_dropped_and_nobody_waits() {
    let limits = NetworkLimits { message_interval: Duration::ZERO, ..NetworkLimits::default() };
    let evening = Evening::with(limits, Wires::default());
    let (alice, bob) = (evening.join("alice"), evening.join("bob"));
    let slow = evening.join("slow");
    slow.log().transport().pause_producing();
    drop((alice.shown(), bob.shown()));
    // The network takes 64 KiB each way, and the mailbox 1 MiB.
    for number in 0..1400 {
        evening.say(&alice, &long(number));
    }
    let shown = bob.shown();
    assert_eq!(shown.iter().filter(|line| line.starts_with("<alice>")).count(), 1400);
    let dropped = shown.iter().position(|line| line == "*** slow has left (too slow)");
    assert!(dropped.is_some_and(|after| (1000..1300).contains(&after)), "{dropped:?}");
    assert_eq!(alice.shown(), ["*** slow has left (too slow)"]);
    assert_eq!(evening.users(), 2);
}

#[test]
fn who_reads_is_not_dropped_when_many_paste_at_once() {
    let evening = Evening::new();
    let alice = evening.join("alice");
    let others: Vec<_> = (0..40).map(|number| evening.join(&format!("m{number}"))).collect();
    alice.shown();
    let pasted = format!("{}\n", long(0)).repeat(20);
    others.iter().for_each(|other| other.log().transport().write(pasted.as_bytes()));
    evening.settle();
    let heard = alice.shown().iter().filter(|line| line.ends_with(&long(0))).count();
    assert_eq!((heard, evening.users()), (40 * 20, 41));
}

#[test]
fn who_floods_is_told_once_and_dropped_then() {
    let evening = Evening::new();
    let (alice, bob) = (evening.join("alice"), evening.join("bob"));
    alice.shown();
    evening.send(&bob, "x\n".repeat(60).as_bytes());
    assert_eq!(
        bob.shown(),
        ["*** Not done: too fast; wait a little.", "*** Goodbye: too fast, again."]
    );
    assert_eq!(bob.lost(), Some(FailureKind::ConnectionDone));
    let heard = alice.shown();
    assert_eq!(heard.len(), 40, "coming in was one of forty");
    assert_eq!(heard.last().map(String::as_str), Some("*** bob has left (Excess flood)"));
}

#[test]
fn who_is_told_and_waits_may_go_on() {
    let evening = Evening::new();
    let bob = evening.join("bob");
    for _ in 0..3 {
        evening.advance(SECOND * 10);
        evening.send(&bob, "x\n".repeat(41).as_bytes());
        assert_eq!(bob.shown(), ["*** Not done: too fast; wait a little."]);
    }
    assert_eq!(bob.lost(), None);
}

#[test]
fn a_line_too_long_is_not_said_and_the_next_one_is() {
    let evening = Evening::new();
    let (alice, bob) = (evening.join("alice"), evening.join("bob"));
    alice.shown();
    evening.say(&bob, &"x".repeat(100_000));
    evening.say(&bob, &long(1));
    evening.say(&bob, &format!("{}!", long(2)));
    assert_eq!(bob.shown(), ["*** Not done: that has at most 1000 bytes."; 2]);
    assert_eq!(alice.shown(), [format!("<bob> {}", long(1))]);
}

#[test]
fn who_gives_no_name_is_not_waited_for() {
    let evening = Evening::new();
    let silent = evening.connect();
    let named = evening.join("alice");
    evening.advance(SECOND * 58);
    assert_eq!(silent.lost(), None);
    evening.advance(SECOND * 2);
    assert_eq!(silent.lost(), Some(FailureKind::ConnectionDone));
    assert_eq!(silent.shown().last().map(String::as_str), Some("*** Goodbye: no name was given."));
    evening.advance(SECOND * 86_400);
    assert_eq!(named.lost(), None, "members may be idle");
    assert!(named.shown().is_empty());
}

#[test]
fn a_full_room_says_so_and_shows_the_door() {
    let limits = NetworkLimits { users_max: 1, ..NetworkLimits::default() };
    let evening = Evening::with(limits, Wires::default());
    let _alice = evening.join("alice");
    let late = evening.connect();
    evening.say(&late, "bob");
    assert_eq!(
        late.shown().last().map(String::as_str),
        Some("*** Goodbye: there are too many users here.")
    );
    assert_eq!(late.lost(), Some(FailureKind::ConnectionDone));
}

#[test]
fn an_evening_over_a_bad_network_is_the_same() {
    let wires = Wires {
        latency: Duration::from_micros(100),
        jitter: Duration::from_micros(100),
        chunk_size: 1,
        capacity: 7,
        ..Wires::default()
    };
    let evening = Evening::with(NetworkLimits::default(), wires);
    let (alice, bob) = (evening.connect(), evening.connect());
    for (guest, name) in [(&alice, "alice"), (&bob, "bob")] {
        evening.advance(SECOND);
        evening.say(guest, name);
        evening.advance(SECOND);
    }
    drop((alice.shown(), bob.shown()));
    evening.say(&alice, "can you hear me?");
    evening.advance(SECOND);
    assert_eq!(bob.shown(), ["<alice> can you hear me?"]);
}
