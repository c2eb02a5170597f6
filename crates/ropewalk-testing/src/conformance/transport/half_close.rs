//! Half closes: one side has said all, the other has not.

use ropewalk_core::FailureKind;

use crate::conformance::setup::Bench;
use crate::conformance::suite::Case;
use crate::{Log, Recorded, Recorder};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(after_lose_write_connection_the_peer_can_answer),
        Case::of(a_peer_that_overrides_nothing_loses_the_connection),
        Case::of(write_after_lose_write_connection_is_discarded),
        Case::of(with_both_halves_closed_the_connection_is_done),
        Case::of(lose_write_connection_sends_everything_first),
    ]
}

fn keeping_half(log: &Log) -> Recorder {
    Recorder::new(log).keeping_half()
}

fn after_lose_write_connection_the_peer_can_answer(bench: Bench) {
    let answering = |log: &Log| {
        Recorder::new(log).keeping_half().reacting(|cx, event| {
            if let Recorded::ReadLost = event {
                cx.transport().write(b"the answer");
                cx.transport().lose_connection();
            }
        })
    };
    let ends = bench.ends_of(answering, keeping_half);
    ends.client.transport().write(b"the question");
    ends.client.transport().lose_write_connection();
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::ConnectionDone);
    assert_eq!(bench.lost(&ends.server).kind(), FailureKind::ConnectionDone);
    assert_eq!(ends.server.data(), b"the question");
    assert_eq!(ends.client.data(), b"the answer");
    assert!(ends.client.summary().ends_with("data read-lost lost"), "{}", ends.client.summary());
}

fn a_peer_that_overrides_nothing_loses_the_connection(bench: Bench) {
    let ends = bench.ends();
    ends.client.transport().lose_write_connection();
    assert_eq!(bench.lost(&ends.server).kind(), FailureKind::ConnectionDone);
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::ConnectionDone);
    assert_eq!(ends.server.summary(), "made read-lost lost");
    assert_eq!(ends.client.summary(), "made read-lost lost");
}

fn write_after_lose_write_connection_is_discarded(bench: Bench) {
    let ends = bench.ends_of(keeping_half, keeping_half);
    ends.client.transport().write(b"before");
    ends.client.transport().lose_write_connection();
    ends.client.transport().write(b"after");
    bench.until("the end to come", || ends.server.read_lost());
    ends.client.transport().write(b"much later");
    bench.idle();
    assert_eq!(ends.server.data(), b"before");
    assert!(ends.client.lost().is_none() && ends.server.lost().is_none());
}

fn with_both_halves_closed_the_connection_is_done(bench: Bench) {
    let ends = bench.ends_of(keeping_half, keeping_half);
    ends.client.transport().lose_write_connection();
    bench.until("the end to come", || ends.server.read_lost());
    ends.server.transport().write(b"more");
    bench.until("more", || ends.client.data_len() == 4);
    ends.server.transport().lose_write_connection();
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::ConnectionDone);
    assert_eq!(bench.lost(&ends.server).kind(), FailureKind::ConnectionDone);
    assert_eq!(ends.client.summary().matches("read-lost").count(), 1);
}

fn lose_write_connection_sends_everything_first(bench: Bench) {
    let ends = bench.ends_of(keeping_half, keeping_half);
    let count = bench.setup.many_bytes;
    ends.client.transport().write_bytes(vec![b'x'; count]);
    ends.client.transport().lose_write_connection();
    bench.until("the end to come", || ends.server.read_lost());
    assert_eq!(ends.server.data_len(), count);
}
