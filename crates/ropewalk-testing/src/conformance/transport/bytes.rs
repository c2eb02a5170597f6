//! Bytes: all of them, in order, both ways.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use ropewalk_core::{Consumer, Cx, Producer, Protocol, Streaming, Transport};

use crate::conformance::setup::Bench;
use crate::conformance::suite::Case;
use crate::{Log, Recorded, Recorder};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(many_bytes_arrive_in_order_and_whole_both_ways),
        Case::of(many_small_writes_arrive_in_order),
        Case::of(what_is_written_in_connection_made_comes_first),
        Case::of(large_and_small_writes_keep_their_order),
        Case::of(an_empty_write_sends_nothing),
    ]
}

fn many_bytes_arrive_in_order_and_whole_both_ways(bench: Bench) {
    let count = bench.setup.many_bytes;
    let (at_server, at_client) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (server, client) = (at_server.clone(), at_client.clone());
    let port = bench.listen(move || Stream { count, arrived: server.clone() });
    let dialled = bench.dial(&port, move || Stream { count, arrived: client.clone() });
    bench.wait_for(dialled).expect("it connects");
    bench.until_count(2 * count, || at_server.get() + at_client.get());
    assert_eq!((at_server.get(), at_client.get()), (count, count));
}

fn many_small_writes_arrive_in_order(bench: Bench) {
    let ends = bench.ends();
    let mut expected = Vec::new();
    for round in 0..100_u32 {
        for number in 0..20_u32 {
            let piece = format!("{round}.{number};");
            expected.extend_from_slice(piece.as_bytes());
            ends.client.transport().write(piece.as_bytes());
            ends.server.transport().write(piece.as_bytes());
        }
        bench.turn(ropewalk_core::Wait::No);
    }
    let len = expected.len();
    bench.until("all to arrive", || ends.server.data_len() + ends.client.data_len() == 2 * len);
    assert!(ends.server.data() == expected && ends.client.data() == expected);
}

fn what_is_written_in_connection_made_comes_first(bench: Bench) {
    let greeting = |log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Made = event {
                cx.transport().write(b"hello ");
            }
        })
    };
    let ends = bench.ends_of(greeting, greeting);
    ends.server.transport().write(b"client");
    ends.client.transport().write(b"server");
    bench.until("the greetings", || ends.server.data_len() + ends.client.data_len() == 24);
    assert_eq!(ends.server.data(), b"hello server");
    assert_eq!(ends.client.data(), b"hello client");
}

fn large_and_small_writes_keep_their_order(bench: Bench) {
    let ends = bench.ends();
    let mut expected = Vec::new();
    for round in 0..10_u8 {
        let large = vec![round; 20_000];
        expected.extend_from_slice(&large);
        expected.extend_from_slice(b"small");
        ends.client.transport().write_bytes(large);
        ends.client.transport().write(b"sm");
        ends.client.transport().write_bytes(&b"all"[..]);
    }
    bench.until("all to arrive", || ends.server.data_len() == expected.len());
    assert!(ends.server.data() == expected);
    bench.until("nothing to be left", || ends.client.transport().buffered() == 0);
}

fn an_empty_write_sends_nothing(bench: Bench) {
    let ends = bench.ends();
    ends.client.transport().write(b"");
    ends.client.transport().write_bytes(Bytes::new());
    bench.idle();
    assert_eq!(ends.server.summary(), "made");
}

/// Sends `count` bytes of a known pattern, half of them at once and half as a pull producer, and checks that
/// what comes is the same pattern.
struct Stream {
    count: usize,
    arrived: Rc<Cell<usize>>,
}

impl Protocol for Stream {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let half = self.count / 2;
        cx.transport().write_bytes(pattern(0, half));
        let transport = cx.transport().clone();
        let rest = Rest { transport, sent: Cell::new(half), count: self.count };
        let registered = cx.transport().register_producer(Rc::new(rest), Streaming::Pull);
        registered.expect("a fresh connection has no producer");
    }

    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        let before = self.arrived.get();
        assert!(data == pattern(before, data.len()), "wrong bytes after {before}");
        self.arrived.set(before + data.len());
    }
}

struct Rest {
    transport: Transport,
    sent: Cell<usize>,
    count: usize,
}

impl Producer for Rest {
    fn resume_producing(&self) {
        let sent = self.sent.get();
        let step = (self.count - sent).min(100_000);
        if step == 0 {
            return self.transport.unregister_producer();
        }
        self.sent.set(sent + step);
        self.transport.write_bytes(pattern(sent, step));
    }

    fn pause_producing(&self) {}

    fn stop_producing(&self) {}
}

/// Bytes of a long period, so that a piece that is missing, doubled or misplaced shows.
fn pattern(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(|at| (at ^ (at >> 8) ^ (at >> 16)).to_le_bytes()[0]).collect()
}
