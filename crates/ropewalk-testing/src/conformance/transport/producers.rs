//! Producers: asked for more only when there is room, and never from inside a write.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{ConnectionLimits, Consumer, FailureKind, Producer, Streaming, Transport};

use crate::Recorder;
use crate::conformance::setup::{Bench, Ends};
use crate::conformance::suite::{Case, quiet_panic};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(a_push_producer_is_paused_when_full_and_resumed_when_drained),
        Case::of(a_pull_producer_is_asked_for_one_piece_after_the_other),
        Case::of(a_producer_is_never_asked_from_inside_a_write),
        Case::of(lose_connection_lets_the_producer_finish),
        Case::of(a_producer_does_not_keep_a_peer_that_never_reads),
        Case::of(a_producer_is_stopped_when_the_connection_is_lost),
        Case::of(a_second_producer_is_refused),
        Case::of(a_producer_that_panics_costs_the_connection),
        Case::of(a_transport_as_producer_passes_the_pressure_on),
    ]
}

/// Writes down what it is asked.
#[derive(Default)]
struct Asked {
    words: RefCell<Vec<&'static str>>,
    writing: Cell<bool>,
    asked_while_writing: Cell<bool>,
    on_resume: RefCell<Option<Box<dyn Fn()>>>,
}

impl Asked {
    fn note(&self, word: &'static str) {
        self.words.borrow_mut().push(word);
        self.asked_while_writing.set(self.asked_while_writing.get() || self.writing.get());
    }

    fn count(&self, word: &str) -> usize {
        self.words.borrow().iter().filter(|other| **other == word).count()
    }
}

impl Producer for Asked {
    fn resume_producing(&self) {
        self.note("resume");
        if let Some(act) = &*self.on_resume.borrow() {
            act();
        }
    }

    fn pause_producing(&self) {
        self.note("pause");
    }

    fn stop_producing(&self) {
        self.note("stop");
    }
}

/// A connection with a large window for writing, whose server reads or not.
fn wide_ends(bench: &Bench) -> Ends {
    let limits = ConnectionLimits { write_bytes_max: 64 << 20, ..ConnectionLimits::default() };
    bench.ends_within(limits, Recorder::new, Recorder::new)
}

fn register(transport: &Transport, producer: &Rc<Asked>, streaming: Streaming) {
    let registered = transport.register_producer(producer.clone(), streaming);
    registered.expect("there is no producer yet");
}

fn a_push_producer_is_paused_when_full_and_resumed_when_drained(bench: Bench) {
    let ends = wide_ends(&bench);
    let producer = Rc::new(Asked::default());
    ends.server.transport().pause_producing();
    bench.idle();
    register(&ends.client.transport(), &producer, Streaming::Push);
    ends.client.transport().write_bytes(vec![0; bench.setup.flood_bytes]);
    bench.until("the pause", || producer.count("pause") == 1);
    bench.idle();
    assert_eq!(producer.words.borrow().as_slice(), ["pause"]);
    ends.server.transport().resume_producing();
    bench.until_count(bench.setup.flood_bytes, || ends.server.data_len());
    bench.until("it to be resumed", || producer.count("resume") == 1);
    assert_eq!(producer.words.borrow().as_slice(), ["pause", "resume"]);
    assert!(ends.client.transport().buffered() <= 16 << 10);
    ends.client.transport().unregister_producer();
}

fn a_pull_producer_is_asked_for_one_piece_after_the_other(bench: Bench) {
    let ends = wide_ends(&bench);
    let (producer, transport) = (Rc::new(Asked::default()), ends.client.transport());
    let pieces = Rc::new(Cell::new(0));
    let (left, to) = (pieces.clone(), transport.clone());
    producer.on_resume.replace(Some(Box::new(move || {
        assert_eq!(to.buffered(), 0, "everything before has been sent");
        left.set(left.get() + 1);
        to.write(&[b'x'; 10_000]);
        if left.get() == 20 {
            to.unregister_producer();
        }
    })));
    register(&transport, &producer, Streaming::Pull);
    assert_eq!(producer.count("resume"), 0, "it is asked in the ready phase");
    bench.until("all pieces", || ends.server.data_len() == 200_000);
    bench.idle();
    assert_eq!((pieces.get(), producer.words.borrow().len()), (20, 20));
}

fn a_producer_is_never_asked_from_inside_a_write(bench: Bench) {
    let ends = wide_ends(&bench);
    let (producer, transport) = (Rc::new(Asked::default()), ends.client.transport());
    register(&transport, &producer, Streaming::Push);
    let count = bench.setup.flood_bytes / 10;
    for _ in 0..10 {
        producer.writing.set(true);
        transport.write_bytes(vec![0; count]);
        producer.writing.set(false);
        bench.turn(ropewalk_core::Wait::No);
    }
    bench.until_count(10 * count, || ends.server.data_len());
    assert!(!producer.asked_while_writing.get());
    transport.unregister_producer();
}

fn lose_connection_lets_the_producer_finish(bench: Bench) {
    let ends = wide_ends(&bench);
    let (producer, transport) = (Rc::new(Asked::default()), ends.client.transport());
    register(&transport, &producer, Streaming::Push);
    transport.write(b"one ");
    transport.lose_connection();
    bench.until("one", || ends.server.data() == b"one ");
    transport.write(b"two");
    bench.until("two", || ends.server.data() == b"one two");
    assert!(ends.client.lost().is_none());
    transport.unregister_producer();
    transport.write(b"three");
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::ConnectionDone);
    bench.lost(&ends.server);
    assert_eq!(ends.server.data(), b"one two");
    assert_eq!(producer.count("stop"), 0);
}

fn a_producer_does_not_keep_a_peer_that_never_reads(bench: Bench) {
    let limits = ConnectionLimits {
        close_timeout: Duration::from_millis(60),
        write_bytes_max: 64 << 20,
        ..ConnectionLimits::default()
    };
    let ends = bench.ends_within(limits, Recorder::new, Recorder::new);
    let (producer, transport) = (Rc::new(Asked::default()), ends.client.transport());
    ends.server.transport().pause_producing();
    bench.idle();
    register(&transport, &producer, Streaming::Push);
    transport.write_bytes(vec![0; bench.setup.flood_bytes]);
    transport.lose_connection();
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::Timeout);
    assert_eq!(producer.count("stop"), 1);
}

fn a_producer_is_stopped_when_the_connection_is_lost(bench: Bench) {
    let ends = wide_ends(&bench);
    let (producer, transport) = (Rc::new(Asked::default()), ends.client.transport());
    register(&transport, &producer, Streaming::Push);
    ends.server.transport().abort_connection();
    transport.write(b"x");
    // Where an abort is but an end, losing waits for the producer to finish.
    if bench.setup.resets {
        bench.lost(&ends.client);
        assert_eq!(producer.words.borrow().as_slice(), ["stop"]);
    }
    transport.abort_connection();
    bench.lost(&ends.client);
    assert_eq!(producer.count("stop"), 1);
    let late = Rc::new(Asked::default());
    assert!(transport.register_producer(late.clone(), Streaming::Push).is_err());
    assert_eq!(late.words.borrow().as_slice(), ["stop"]);
}

fn a_second_producer_is_refused(bench: Bench) {
    let ends = wide_ends(&bench);
    let (producer, second) = (Rc::new(Asked::default()), Rc::new(Asked::default()));
    register(&ends.client.transport(), &producer, Streaming::Push);
    let refused = ends.client.transport().register_producer(second.clone(), Streaming::Push);
    assert_eq!(refused.expect_err("there is one").kind(), FailureKind::Local);
    ends.client.transport().unregister_producer();
    register(&ends.client.transport(), &second, Streaming::Push);
}

fn a_producer_that_panics_costs_the_connection(bench: Bench) {
    let ends = wide_ends(&bench);
    let producer = Rc::new(Asked::default());
    producer.on_resume.replace(Some(Box::new(|| quiet_panic())));
    register(&ends.client.transport(), &producer, Streaming::Pull);
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::Panic);
    bench.lost(&ends.server);
}

/// What the server receives goes on to nobody who reads: so the server stops reading, and the client waits.
fn a_transport_as_producer_passes_the_pressure_on(bench: Bench) {
    let near = wide_ends(&bench);
    let transport = near.server.transport();
    let back = near.client.transport();
    // The server's own echo: what it has not sent makes it read no more.
    let registered = transport.register_producer(Rc::new(transport.clone()), Streaming::Push);
    registered.expect("a fresh connection has no producer");
    back.pause_producing();
    bench.idle();
    transport.write_bytes(vec![0; bench.setup.flood_bytes]);
    back.write(b"not read while the server is full");
    bench.idle();
    assert_eq!(near.server.data_len(), 0);
    back.resume_producing();
    bench.until_count(bench.setup.flood_bytes, || near.client.data_len());
    bench.until("the server to read again", || near.server.data_len() > 0);
    transport.unregister_producer();
}
