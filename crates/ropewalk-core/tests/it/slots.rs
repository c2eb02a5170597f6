//! The table of slots, and a driver that is never borrowed.

use std::cell::RefCell;
use std::rc::Rc;

use ropewalk_core::{
    Close, ConnectionLimits, Event, Failure, FailureKind, Flow, ReactorLimits, SlotId,
};
use ropewalk_testing::{Log, Recorded, Recorder};

use crate::puppet::{Asked, Stage, flow_of};

#[test]
fn events_of_an_old_generation_are_ignored() {
    let stage = Stage::new();
    let (old_log, old) = stage.connect(Recorder::new);
    let id = old.slot_id();
    old.abort_connection();
    stage.turns();
    let (log, new) = stage.connect(Recorder::new);
    assert_eq!((new.slot_id().slot, new.slot_id() == id), (id.slot, false));
    let flow = flow_of(&stage.hand, id, b"late");
    stage.hand.say(id, || Event::Opened);
    stage.hand.say(id, || Event::ReadClosed);
    stage.hand.say(id, || Event::Sent(7));
    stage.hand.say(id, || Event::Lost(Failure::new(FailureKind::Peer, "late")));
    stage.hand.say(id, || Event::Closed);
    stage.turns();
    assert_eq!((log.summary().as_str(), flow.get()), ("made", Some(Flow::Enough)));
    assert_eq!(old_log.summary(), "made lost");
    assert_eq!(stage.reactor().sources(), 1);
}

#[test]
fn a_slot_is_used_again_only_after_closed() {
    let stage = Stage::new();
    let (log, first) = stage.connect(Recorder::new);
    first.abort_connection();
    stage.turn(); // The driver is asked to close it; it has not said that it is.
    let reserved: SlotId = stage.dial(|| Recorder::new(&Log::default()), limits()).0;
    assert_ne!(reserved.slot, first.slot_id().slot);
    stage.turn();
    assert_eq!(log.lost_kind(), Some(FailureKind::Local));
    let after = stage.dial(|| Recorder::new(&Log::default()), limits()).0;
    assert_eq!(after.slot, first.slot_id().slot);
    assert_ne!(after.generation, first.slot_id().generation);
}

fn limits() -> ConnectionLimits {
    ConnectionLimits::default()
}

#[test]
fn the_table_has_a_limit() {
    let stage = Stage::with_limits(ReactorLimits { slots_max: 1, ..ReactorLimits::default() });
    let (_, transport) = stage.connect(Recorder::new);
    let lineage =
        ropewalk_core::Lineage::new(Box::new(|| Recorder::new(&Log::default())), limits());
    let refused = stage.reactor().open_connection(lineage).err();
    assert_eq!(refused.map(|failure| failure.kind()), Some(FailureKind::Limit));
    transport.abort_connection();
    stage.turns();
    stage.connect(Recorder::new);
}

#[test]
fn callbacks_only_append_and_the_driver_is_asked_in_the_flush() {
    let stage = Stage::new();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (hand, in_callback) = (stage.hand.clone(), seen.clone());
    let (_, transport) = stage.connect(move |log: &Log| {
        let (hand, in_callback) = (hand.clone(), in_callback.clone());
        Recorder::new(log).reacting(move |cx, event| {
            if let Recorded::Data(_) = event {
                let transport = cx.transport();
                transport.write(b"x");
                transport.pause_producing();
                transport.resume_producing();
                transport.lose_write_connection();
                transport.lose_connection();
                in_callback.borrow_mut().extend(hand.asked(transport.slot_id()));
            }
        })
    });
    let id = transport.slot_id();
    stage.hand.data(id, b"x");
    stage.turn();
    assert_eq!(*seen.borrow(), []);
    assert!(stage.hand.asked(id).contains(&Asked::Close(id, Close::Clean)));
}
