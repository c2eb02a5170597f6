//! [`RateLimit`] in virtual time: never more than the bucket held and has got since, and little less.

use std::time::Duration;

use proptest::prelude::*;
use ropewalk_core::{ConnectionLimits, Factory, FailureKind};
use ropewalk_framing::{Bucket, RateLimit, with_layer};
use ropewalk_testing::{Conversation, Log, Recorder};

const SECOND: Duration = Duration::from_secs(1);
const RATE: u64 = 10_000;
const BURST: u64 = 4_000;

fn bucket() -> Option<Bucket> {
    Some(Bucket::new(RATE, BURST))
}

/// A connection with a limit, what its protocol hears, and its peer.
fn conversation(make: impl Fn() -> RateLimit + 'static) -> (Conversation<impl Factory>, Log) {
    let log = Log::default();
    let heard = log.clone();
    let limits = ConnectionLimits { write_bytes_max: 64 << 20, ..ConnectionLimits::default() };
    (Conversation::with_limits(with_layer(move || Recorder::new(&log), make), limits), heard)
}

/// Bytes of which none is like those near it.
fn stream(len: usize) -> Vec<u8> {
    (0..251u8).cycle().take(len).collect()
}

fn as_usize(bytes: u64) -> usize {
    usize::try_from(bytes).expect("it is small")
}

#[test]
fn what_comes_is_slowed_to_the_rate() {
    let (talk, heard) = conversation(|| RateLimit::new(bucket(), None));
    let sent = stream(50_000);
    talk.feed(&sent);
    assert_eq!(heard.data_len(), as_usize(BURST), "the bucket begins full");
    for second in 1..=4 {
        talk.advance(SECOND);
        let allowed = as_usize(BURST + RATE * second);
        let passed = heard.data_len();
        assert!(passed <= allowed && passed > allowed - 1_500, "{passed} of {allowed}");
    }
    talk.advance(SECOND);
    assert_eq!(heard.data(), sent);
}

#[test]
fn what_goes_is_slowed_to_the_rate() {
    let (talk, _) = conversation(|| RateLimit::new(None, bucket()));
    let sent = stream(50_000);
    talk.transport().write(&sent);
    talk.feed(b"");
    assert_eq!(talk.written().len(), as_usize(BURST));
    for second in 1..=4 {
        talk.advance(SECOND);
        let allowed = as_usize(BURST + RATE * second);
        let passed = talk.written().len();
        assert!(passed <= allowed && passed > allowed - 1_500, "{passed} of {allowed}");
    }
    assert!(talk.transport().buffered() > 0, "what waits is seen by limits and watermarks");
    talk.advance(SECOND);
    assert_eq!(talk.written(), sent);
    assert_eq!(talk.transport().buffered(), 0);
}

#[test]
fn the_last_byte_comes_when_the_rate_allows_it() {
    let (talk, heard) = conversation(|| RateLimit::new(bucket(), None));
    talk.feed(&stream(as_usize(BURST) + 100));
    talk.advance(Duration::from_millis(9));
    assert_eq!(heard.data_len(), as_usize(BURST));
    talk.advance(Duration::from_millis(1));
    assert_eq!(heard.data_len(), as_usize(BURST) + 100, "100 bytes take 10 ms");
}

#[test]
fn a_slow_rate_passes_some_bytes_often_rather_than_many_seldom() {
    let (talk, heard) = conversation(|| RateLimit::new(Some(Bucket::new(20, 2_000)), None));
    talk.feed(&stream(2_100));
    talk.advance(SECOND);
    assert!(heard.data_len() >= 2_010, "{} passed", heard.data_len());
    talk.advance(SECOND * 4);
    assert_eq!(heard.data_len(), 2_100);
}

#[test]
fn a_fast_rate_with_a_small_burst_is_reached() {
    let (talk, heard) = conversation(|| RateLimit::new(Some(Bucket::new(50_000_000, BURST)), None));
    talk.feed(&stream(60_000));
    talk.advance(Duration::from_micros(1_200));
    assert_eq!(heard.data_len(), 60_000);
}

#[test]
fn the_end_comes_after_what_is_held() {
    let (talk, heard) = conversation(|| RateLimit::new(bucket(), None));
    talk.feed(&stream(9_000));
    talk.close_peer();
    assert!(!heard.summary().contains("lost"));
    talk.advance(SECOND);
    assert_eq!(heard.data(), stream(9_000));
    assert!(heard.summary().ends_with("data read-lost lost"), "{}", heard.summary());
    assert!(heard.lost().expect("it is lost").is(FailureKind::ConnectionDone));
}

#[test]
fn losing_the_connection_waits_for_what_was_written() {
    let (talk, _) = conversation(|| RateLimit::new(None, bucket()));
    talk.transport().write(&stream(9_000));
    talk.transport().lose_connection();
    talk.advance(SECOND / 4);
    assert!(talk.lost().is_none());
    talk.advance(SECOND);
    assert_eq!(talk.written(), stream(9_000));
    assert!(talk.lost().expect("it is lost").is(FailureKind::ConnectionDone));
}

#[test]
fn each_way_has_its_own_allowance() {
    let (talk, heard) =
        conversation(|| RateLimit::new(bucket(), Some(Bucket::new(RATE, 2 * BURST))));
    talk.transport().write(&stream(20_000));
    talk.feed(&stream(20_000));
    assert_eq!((heard.data_len(), talk.written().len()), (as_usize(BURST), as_usize(2 * BURST)));
    talk.advance(SECOND * 2);
    assert_eq!((heard.data(), talk.written()), (stream(20_000), stream(20_000)));
}

#[test]
fn a_shared_bucket_limits_both_ways_together() {
    let shared = Bucket::new(RATE, BURST);
    let (talk, heard) =
        conversation(move || RateLimit::new(Some(shared.clone()), Some(shared.clone())));
    talk.transport().write(&stream(20_000));
    talk.feed(&stream(20_000));
    talk.advance(SECOND);
    let passed = heard.data_len() + talk.written().len();
    let allowed = as_usize(BURST + RATE);
    assert!(passed <= allowed && passed > allowed - 1_500, "{passed} of {allowed}");
    talk.advance(SECOND * 3);
    assert_eq!((heard.data(), talk.written()), (stream(20_000), stream(20_000)));
}

#[test]
fn while_it_waits_the_loop_sleeps() {
    let (talk, _) = conversation(|| RateLimit::new(None, bucket()));
    talk.transport().write(&stream(9_000));
    talk.feed(b"");
    let mut turns = 0;
    while talk.transport().buffered() > 0 {
        turns += 1;
        talk.event_loop()
            .turn(ropewalk_core::Wait::Forever)
            .expect("not busy")
            .expect("it can wait");
    }
    assert!(turns <= 16, "{turns} turns for 5,000 bytes"); // About a packet each, and its arrival.
}

#[test]
#[should_panic(expected = "lets something pass")]
fn a_bucket_that_lets_nothing_pass_is_a_mistake() {
    let _ = Bucket::new(0, 1);
}

proptest! {
    #[test]
    fn never_too_much_and_all_of_it_in_the_end(
        rate in 1u64..2_000_000,
        burst in 1u64..100_000,
        pieces in prop::collection::vec((0usize..30_000, 0u64..400), 1..12),
    ) {
        let (talk, heard) = conversation(move || RateLimit::new(Some(Bucket::new(rate, burst)), None));
        let (mut sent, mut millis) = (0, 0);
        for (len, pause) in pieces {
            talk.feed(&stream(sent + len)[sent..]);
            talk.advance(Duration::from_millis(pause));
            (sent, millis) = (sent + len, millis + pause);
            let allowed = burst as u128 + u128::from(rate) * u128::from(millis) / 1000;
            prop_assert!(heard.data_len() as u128 <= allowed);
        }
        talk.advance(Duration::from_secs(sent as u64 / rate + 2));
        prop_assert_eq!(heard.data(), stream(sent));
    }
}
