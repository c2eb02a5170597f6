//! What happens between a connection's coming up and its `connection_made`: layers that have to be up first.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use ropewalk_core::{
    Chunk, Close, ConnectionLimits, Deferred, Event, Failure, FailureKind, Layer, LayerIo, Lineage,
    OutQueue, SlotId, Transport,
};
use ropewalk_testing::{Log, Recorder};

use crate::puppet::{Asked, Stage};

/// Is up once it has heard `!`; fails at `?`, after saying so.
#[derive(Default)]
struct Gate {
    up: bool,
    silent: bool,
}

impl Layer for Gate {
    fn inbound(&mut self, mut chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        match chunk.as_slice().first() {
            Some(b'!') => {
                self.up = true;
                chunk.advance(1);
            }
            Some(b'?') => {
                io.send(if self.silent { b"" } else { b"alert" });
                return Err(Failure::new(FailureKind::Peer, "asked"));
            }
            _ => {}
        }
        io.deliver(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }

    fn is_up(&self) -> bool {
        self.up
    }
}

/// A connection whose lineage is prepared by `prepare`.
fn dial(
    stage: &Stage,
    log: &Log,
    prepare: impl Fn(&Transport) + 'static,
) -> (SlotId, Deferred<Transport>, Rc<Lineage>) {
    let log = log.clone();
    let factory = Box::new(move || Recorder::new(&log));
    let lineage = Lineage::new(factory, ConnectionLimits::default());
    let opening = stage.reactor().open_connection(lineage.prepared_by(prepare));
    let (id, opened) = opening.expect("there is room in the table");
    stage.hand.say(id, || Event::Opened);
    stage.turns();
    (id, opened, lineage)
}

fn gate(transport: &Transport) {
    transport.start_layer(Gate::default(), Bytes::new());
}

#[test]
fn a_protocol_is_made_when_its_layers_are_up() {
    let (stage, log) = (Stage::new(), Log::default());
    let (id, opened, lineage) = dial(&stage, &log, gate);
    assert_eq!((log.summary().as_str(), opened.is_fired(), lineage.live()), ("", false, 0));
    stage.hand.data(id, b"!first");
    stage.hand.data(id, b" second");
    stage.turns();
    assert_eq!(log.data(), b"first second");
    assert_eq!((log.summary().as_str(), opened.is_fired()), ("made data data", true));
    assert_eq!(lineage.live(), 1, "the lineage it was made from counts it");
}

#[test]
fn an_end_that_came_before_the_protocol_was_made_is_told_after() {
    let (stage, log) = (Stage::new(), Log::default());
    let (id, _, _) = dial(&stage, &log, gate);
    stage.hand.data(id, b"!all");
    stage.hand.say(id, || Event::ReadClosed);
    stage.turns();
    assert_eq!(log.summary(), "made data read-lost lost");
}

#[test]
fn a_layer_that_fails_before_it_is_up_fails_the_attempt() {
    let (stage, log) = (Stage::new(), Log::default());
    let (id, opened, lineage) = dial(&stage, &log, gate);
    stage.hand.data(id, b"?");
    stage.turns();
    let failure = opened.into_result().ok().and_then(Result::err).unwrap();
    assert_eq!(failure.to_string(), "asked");
    assert_eq!((log.summary().as_str(), lineage.live()), ("", 0));
}

#[test]
fn what_a_failing_layer_said_leaves_before_the_end() {
    for silent in [false, true] {
        let stage = Stage::new();
        let (log, transport) = stage.connect(Recorder::new);
        let id = transport.slot_id();
        transport.start_layer(Gate { up: true, silent }, Bytes::new());
        transport.start_layer(Gate { up: true, silent }, Bytes::new());
        stage.turns();
        stage.hand.forget();
        stage.hand.data(id, b"?");
        transport.write(b"dropped");
        stage.turns();
        let wire = stage.hand.wire();
        assert!(wire.ends_with(if silent { b"" } else { b"alert" }), "{wire:?}");
        let how = if silent { Close::Abort } else { Close::Clean };
        assert_eq!(stage.hand.asked(id).last(), Some(&Asked::Close(id, how)));
        assert_eq!(log.lost().unwrap().to_string(), "asked");
    }
}

#[test]
fn the_one_below_prepares_first() {
    let (stage, log) = (Stage::new(), Log::default());
    let order = Rc::new(RefCell::new(Vec::new()));
    let (upper, lower) = (order.clone(), order.clone());
    let lineage = Lineage::new(
        {
            let log = log.clone();
            Box::new(move || Recorder::new(&log))
        },
        ConnectionLimits::default(),
    );
    let lineage = lineage
        .prepared_by(move |_| upper.borrow_mut().push("upper"))
        .prepared_by(move |_| lower.borrow_mut().push("lower"));
    let (id, _opened) = stage.reactor().open_connection(lineage).unwrap();
    stage.hand.say(id, || Event::Opened);
    stage.turns();
    assert_eq!(*order.borrow(), ["lower", "upper"]);
    assert_eq!(log.summary(), "made", "without a layer nothing is waited for");
}

#[test]
fn a_panic_while_preparing_costs_the_connection() {
    let (stage, log) = (Stage::new(), Log::default());
    let (_, opened, _) = dial(&stage, &log, |_| panic!("on purpose"));
    let failure = opened.into_result().ok().and_then(Result::err).unwrap();
    assert_eq!((failure.kind(), log.summary().as_str()), (FailureKind::Panic, ""));
}

#[test]
fn what_is_kept_is_found_by_its_type() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    transport.keep_until_lost(7_u8);
    transport.keep_until_lost(Rc::new("kept"));
    assert_eq!(transport.kept::<&str>().as_deref(), Some(&"kept"));
    assert_eq!(transport.kept::<u8>(), None, "it is not in an Rc");
    transport.abort_connection();
    stage.turns();
    assert_eq!(transport.kept::<&str>(), None);
}
