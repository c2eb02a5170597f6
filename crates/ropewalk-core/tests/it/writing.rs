//! What is written: whose it is, and until when it counts.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use bytes::Bytes;
use ropewalk_core::{Chunk, Close, Event, Failure, FailureKind, Layer, LayerIo, OutQueue};
use ropewalk_testing::Recorder;

use crate::puppet::{Asked, Glass, Stage};

#[test]
fn writes_of_a_turn_leave_in_one_send() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    (0..100).for_each(|_| transport.write(b"x"));
    assert_eq!(stage.hand.asked(transport.slot_id()), [], "a write does no I/O");
    stage.turns();
    let id = transport.slot_id();
    assert_eq!(stage.hand.asked(id), [Asked::Send(id, 100)]);
}

#[test]
fn bytes_count_until_the_driver_says_that_they_are_sent() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let id = transport.slot_id();
    stage.hand.keep(true);
    transport.write(b"0123456789");
    stage.turns();
    assert_eq!((transport.buffered(), stage.hand.wire().len()), (10, 10), "taken is not sent");
    stage.hand.say(id, || Event::Sent(4));
    stage.turns();
    assert_eq!(transport.buffered(), 6);
    transport.lose_connection();
    stage.turns();
    assert!(log.lost().is_none(), "it is not closed before all is sent");
    stage.hand.say(id, || Event::Sent(6));
    stage.turns();
    assert_eq!((transport.buffered(), log.lost().is_some()), (0, true));
    assert_eq!(stage.hand.asked(id).last(), Some(&Asked::Close(id, Close::Clean)));
}

/// Takes the bytes out of the mailbox one by one, as an encryption does; notes where they lay.
struct Copies(Rc<RefCell<BTreeSet<usize>>>);

impl Layer for Copies {
    fn inbound(&mut self, _: Chunk<'_>, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        while !from.is_empty() {
            self.0.borrow_mut().insert(from.first().as_ptr().addr());
            let copy = from.first().to_vec();
            from.advance(copy.len());
            io.send(&copy);
        }
        Ok(())
    }
}

#[test]
fn a_mailbox_that_a_layer_has_drained_gives_its_buffer_back() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    let places = Rc::new(RefCell::new(BTreeSet::new()));
    transport.start_layer(Copies(places.clone()), Bytes::new());
    for _ in 0..1000 {
        transport.write(b"0123456789");
        stage.turn();
    }
    assert_eq!(stage.hand.wire().len(), 10_000);
    assert!(places.borrow().len() < 5, "{} places: it grows for ever", places.borrow().len());
}

#[test]
fn an_attachment_waits_for_its_byte() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    let token = Rc::new(());
    transport.write(b"before");
    transport.attach(token.clone());
    stage.turns();
    assert_eq!(Rc::strong_count(&token), 2, "the puppet takes bytes only, so it is still queued");
    transport.write(b"after");
    stage.turns();
    assert_eq!((stage.hand.wire(), Rc::strong_count(&token)), (b"beforeafter".to_vec(), 1));
}

#[test]
fn what_waits_for_one_byte_is_counted_through_all_layers() {
    for layers in 0..=2 {
        let stage = Stage::new();
        let (log, transport) = stage.connect(Recorder::new);
        (0..layers).for_each(|_| transport.start_layer(Glass, Bytes::new()));
        for _ in 0..2 {
            transport.write(b"x");
            for _ in 0..11 {
                (0..23).for_each(|_| transport.attach(()));
                stage.turn();
            }
        }
        assert!(log.lost().is_none(), "{layers} layers: 253 are allowed");
        transport.attach(());
        stage.turns();
        assert_eq!(log.lost_kind(), Some(FailureKind::Limit), "{layers} layers");
    }
}
