//! Limits: a peer that does not read costs no more than was allowed.

use ropewalk_core::{ConnectionLimits, FailureKind, Wait};

use crate::Recorder;
use crate::conformance::setup::Bench;
use crate::conformance::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(a_peer_that_never_reads_costs_write_bytes_max_and_no_more),
        Case::of(one_write_past_the_limit_aborts),
        Case::of(a_burst_in_one_turn_reaches_a_peer_that_reads),
        Case::of(buffered_counts_until_it_is_sent),
    ]
}

fn a_peer_that_never_reads_costs_write_bytes_max_and_no_more(bench: Bench) {
    let write_bytes_max = 1 << 20;
    let limits = ConnectionLimits { write_bytes_max, ..ConnectionLimits::default() };
    let ends = bench.ends_within(limits, Recorder::new, Recorder::new);
    let server = ends.server.transport();
    server.pause_producing();
    bench.idle();
    let mut written = 0;
    while ends.client.lost().is_none() {
        assert!(written < 200 << 20, "{written} bytes were taken for a peer that does not read");
        ends.client.transport().write(&[0; 64 << 10]);
        written += 64 << 10;
        assert!(ends.client.transport().buffered() <= write_bytes_max);
        bench.turn(Wait::No);
    }
    assert_eq!(ends.client.lost_kind(), Some(FailureKind::Limit));
    server.resume_producing();
    bench.lost(&ends.server);
}

fn one_write_past_the_limit_aborts(bench: Bench) {
    let limits = ConnectionLimits { write_bytes_max: 1000, ..ConnectionLimits::default() };
    let ends = bench.ends_within(limits, Recorder::new, Recorder::new);
    ends.client.transport().write(&[b'x'; 1000]);
    bench.until("as many as are allowed", || ends.server.data_len() == 1000);
    bench.until("them to be sent", || ends.client.transport().buffered() == 0);
    ends.client.transport().write(&[b'x'; 1001]);
    assert_eq!(ends.client.transport().buffered(), 0, "what is not sent is dropped at once");
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::Limit);
    bench.lost(&ends.server);
    assert_eq!(ends.server.data_len(), 1000);
}

fn a_burst_in_one_turn_reaches_a_peer_that_reads(bench: Bench) {
    let burst = bench.setup.burst_bytes;
    let write_bytes_max = burst.div_ceil(30);
    let limits = ConnectionLimits { write_bytes_max, ..ConnectionLimits::default() };
    let ends = bench.ends_within(limits, Recorder::new, Recorder::new);
    for round in 1..=3 {
        (0..burst).for_each(|_| ends.client.transport().write(b"x"));
        bench.until("the burst", || ends.server.data_len() == round * burst);
        bench.idle(); // A distant sender has to hear that there is room again.
    }
    assert!(ends.client.lost().is_none());
}

fn buffered_counts_until_it_is_sent(bench: Bench) {
    let limits = ConnectionLimits { write_bytes_max: 64 << 20, ..ConnectionLimits::default() };
    let ends = bench.ends_within(limits, Recorder::new, Recorder::new);
    let transport = ends.client.transport();
    let count = bench.setup.flood_bytes / 4;
    transport.write_bytes(vec![0; count]);
    assert_eq!(transport.buffered(), count);
    let mut least = transport.buffered();
    while ends.server.data_len() < count {
        let before = ends.server.data_len();
        bench.until("more", || ends.server.data_len() > before);
        let now = transport.buffered();
        assert!(now <= least, "it grew from {least} to {now}");
        assert!(now + ends.server.data_len() <= count, "bytes that have arrived are counted");
        least = now;
    }
    bench.until("all to be reported", || transport.buffered() == 0);
}
