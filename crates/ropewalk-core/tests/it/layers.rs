//! Layers below the mailbox: barriers, rests, and what a layer may do.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{
    Chunk, Event, Failure, FailureKind, Layer, LayerIo, OutQueue, ProtocolRef, Time,
};
use ropewalk_testing::{Log, Recorded, Recorder};

use crate::puppet::{Asked, Stage};

/// Puts a letter around whatever passes.
struct Marks(&'static str);

impl Layer for Marks {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.deliver(self.0.as_bytes());
        io.deliver(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        while !from.is_empty() {
            io.send(self.0.as_bytes());
            let count = from.first().len();
            io.send_some(from, count);
        }
        Ok(())
    }
}

/// Delivers whole words only: what it has after the last space it keeps.
#[derive(Default)]
struct Words {
    kept: Vec<u8>,
    closed: Option<Rc<RefCell<Vec<u8>>>>,
}

impl Layer for Words {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.kept.extend_from_slice(chunk.as_slice());
        if let Some(at) = self.kept.iter().rposition(|&byte| byte == b' ') {
            io.deliver(&self.kept[..=at]);
            self.kept.drain(..=at);
        }
        Ok(())
    }

    fn inbound_closed(&mut self, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        if let Some(closed) = &self.closed {
            closed.borrow_mut().extend_from_slice(&self.kept);
        }
        io.close_inbound();
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }
}

#[test]
fn a_layer_is_a_barrier_for_writes() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    transport.write(b"before ");
    transport.start_layer(Marks("<"), Bytes::new());
    transport.write(b"between ");
    transport.start_layer(Marks(">"), Bytes::new());
    transport.write(b"after");
    stage.turns();
    assert_eq!(stage.hand.wire(), b"before <between >after");
}

#[test]
fn clones_and_references_stay_valid_across_a_layer() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let clone = transport.clone();
    let reference: ProtocolRef<Recorder> = transport.protocol_ref();
    transport.start_layer(Marks("<"), Bytes::new());
    clone.write(b"clone");
    assert!(reference.is_alive());
    let called = reference.call(|_, cx| cx.transport().write(b" ref"));
    assert!(matches!(called.into_result(), Ok(Ok(()))));
    stage.turns();
    assert_eq!(stage.hand.wire(), b"<clone ref");
    stage.hand.data(transport.slot_id(), b"in");
    stage.turns();
    assert_eq!(log.data(), b"<in");
}

#[test]
fn a_flush_drains_all_layers_and_then_sends_once() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    transport.start_layer(Marks("1"), Bytes::new());
    transport.start_layer(Marks("2"), Bytes::new());
    stage.turns();
    stage.hand.forget();
    (0..100).for_each(|_| transport.write(b"x"));
    stage.turns();
    let id = transport.slot_id();
    assert_eq!(stage.hand.asked(id), [Asked::Send(id, 102)]);
}

#[test]
fn each_of_two_layers_gets_its_own_rest() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(|log: &Log| {
        let mut started = false;
        Recorder::new(log).reacting(move |cx, event| {
            if let Recorded::Data(_) = event
                && !std::mem::replace(&mut started, true)
            {
                cx.transport().start_layer(Marks("inner:"), b"rest ".to_vec());
                cx.transport().start_layer(Marks("outer:"), b"upper ".to_vec());
            }
        })
    });
    stage.hand.data(transport.slot_id(), b"go ");
    stage.turns();
    assert_eq!(
        log.data(),
        b"go outer:upper outer:inner:rest ",
        "what is for the upper one came first"
    );
}

#[test]
fn a_layer_that_wants_more_does_not_end_the_flow() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let id = transport.slot_id();
    transport.pause_producing();
    stage.hand.data(id, b"half of");
    stage.turns();
    transport.start_layer(Words::default(), Bytes::new());
    transport.resume_producing();
    stage.turns();
    assert_eq!(log.data(), b"half ");
    let (log, transport) = stage.connect(Recorder::new);
    let id = transport.slot_id();
    transport.pause_producing();
    stage.hand.data(id, b"hal");
    stage.turns();
    transport.start_layer(Words::default(), Bytes::new());
    transport.resume_producing();
    stage.turns();
    stage.hand.data(id, b"ves ");
    stage.turns();
    assert_eq!(log.data(), b"halves ", "nothing was held, so nothing is behind it");
}

#[test]
fn an_end_that_was_held_passes_the_layer() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let (id, closed) = (transport.slot_id(), Rc::new(RefCell::new(Vec::new())));
    transport.pause_producing();
    stage.hand.data(id, b"whole cut");
    stage.hand.say(id, || Event::ReadClosed);
    stage.turns();
    transport.start_layer(Words { closed: Some(closed.clone()), ..Words::default() }, Bytes::new());
    transport.resume_producing();
    stage.turns();
    assert_eq!(*closed.borrow(), b"cut", "the layer knows that it was cut short");
    assert_eq!(log.data(), b"whole ");
    assert_eq!(log.summary(), "made data read-lost lost");
}

/// Holds what is written until it has heard something, delivers that in the flush.
#[derive(Default)]
struct Slow {
    heard: Vec<u8>,
    open: bool,
}

impl Layer for Slow {
    fn inbound(&mut self, chunk: Chunk<'_>, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.heard.extend_from_slice(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.deliver(&std::mem::take(&mut self.heard));
        if self.open {
            io.send_queue(from);
        }
        Ok(())
    }

    fn next_deadline(&self) -> Option<Time> {
        (!self.open).then(|| Time::START + Duration::from_secs(1))
    }

    fn deadline_reached(&mut self, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.open = true;
        Ok(())
    }
}

#[test]
fn a_layer_put_in_during_a_flush_is_a_barrier_too() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(|log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Data(_) = event {
                cx.transport().start_layer(Marks("<"), Bytes::new());
                cx.transport().write(b"after");
            }
        })
    });
    transport.start_layer(Slow::default(), Bytes::new());
    transport.write(b"before ");
    stage.hand.data(transport.slot_id(), b"x");
    stage.turns();
    assert_eq!(stage.hand.wire(), b"");
    stage.hand.advance(Duration::from_secs(2));
    stage.turns();
    assert_eq!(stage.hand.wire(), b"before <after");
}

struct Breaks {
    at_close: bool,
}

impl Layer for Breaks {
    fn inbound(&mut self, _: Chunk<'_>, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        assert!(self.at_close, "on purpose");
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }

    fn close(&mut self, _: &mut LayerIo<'_>) {
        panic!("on purpose");
    }
}

#[test]
fn a_panic_in_a_layer_costs_its_connection_and_no_other() {
    for at_close in [false, true] {
        let stage = Stage::new();
        let (log, transport) = stage.connect(Recorder::new);
        let (other, beside) = stage.connect(Recorder::new);
        transport.start_layer(Breaks { at_close }, Bytes::new());
        stage.turns();
        if at_close {
            transport.lose_connection();
        } else {
            stage.hand.data(transport.slot_id(), b"x");
        }
        stage.turns();
        assert_eq!(log.lost_kind(), Some(FailureKind::Panic));
        stage.hand.data(beside.slot_id(), b"still here");
        stage.turns();
        assert_eq!(other.data(), b"still here");
    }
}

/// Delivers something and the end in one go.
struct Last;

impl Layer for Last {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.deliver(chunk.as_slice());
        io.close_inbound();
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }
}

#[test]
fn after_an_abort_no_end_comes_out_of_a_layer() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(|log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Data(_) = event {
                cx.transport().abort_connection();
            }
        })
    });
    transport.start_layer(Last, Bytes::new());
    stage.turns();
    stage.hand.data(transport.slot_id(), b"x");
    stage.turns();
    assert_eq!(log.summary(), "made data lost");
}

/// Says goodbye, and waits a second for an answer.
#[derive(Default)]
struct Polite {
    waits_until: Option<Time>,
}

impl Layer for Polite {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.waits_until = None;
        io.deliver(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }

    fn close(&mut self, io: &mut LayerIo<'_>) {
        io.send(b"bye");
        self.waits_until = Some(io.now() + Duration::from_secs(1));
    }

    fn lingers(&self) -> bool {
        self.waits_until.is_some()
    }

    fn next_deadline(&self) -> Option<Time> {
        self.waits_until
    }

    fn deadline_reached(&mut self, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.waits_until = None;
        Ok(())
    }
}

/// Has something against a peer that ends.
struct Strict;

impl Layer for Strict {
    fn inbound(&mut self, _: Chunk<'_>, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        Ok(())
    }

    fn inbound_closed(&mut self, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        Err(Failure::new(FailureKind::Peer, "too early"))
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }
}

#[test]
fn what_a_layer_has_against_the_peer_does_not_matter_once_all_is_said() {
    for closes in [false, true] {
        let stage = Stage::new();
        let (log, transport) = stage.connect(Recorder::new);
        transport.start_layer(Strict, Bytes::new());
        transport.start_layer(Polite::default(), Bytes::new());
        if closes {
            transport.lose_connection();
        }
        stage.turns();
        stage.hand.say(transport.slot_id(), || Event::ReadClosed);
        stage.turns();
        let kind = if closes { FailureKind::ConnectionDone } else { FailureKind::Peer };
        assert_eq!(log.lost_kind(), Some(kind));
    }
}

#[test]
fn a_layer_that_lingers_hears_the_peer_before_the_connection_is_closed() {
    for answers in ["something", "the end", "nothing"] {
        let stage = Stage::new();
        let (log, transport) = stage.connect(Recorder::new);
        let id = transport.slot_id();
        transport.start_layer(Polite::default(), Bytes::new());
        transport.lose_connection();
        stage.turns();
        assert_eq!((stage.hand.wire(), log.summary().as_str()), (b"bye".to_vec(), "made"));
        match answers {
            "something" => stage.hand.data(id, b"a ticket"),
            "the end" => stage.hand.say(id, || Event::ReadClosed),
            _ => stage.hand.advance(Duration::from_secs(2)),
        }
        stage.turns();
        assert_eq!(log.summary(), "made lost", "{answers}");
        assert_eq!(log.lost_kind(), Some(FailureKind::ConnectionDone));
    }
}
