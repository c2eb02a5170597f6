//! After a pause nothing comes, whatever the driver or a layer still has.

use bytes::Bytes;
use ropewalk_core::{ConnectionLimits, Event, Failure, FailureKind, Flow};
use ropewalk_testing::{Log, Recorded, Recorder};

use crate::puppet::{Asked, Glass, Stage, flow_of};

fn pausing(log: &Log) -> Recorder {
    Recorder::new(log).reacting(|cx, event| {
        if let Recorded::Data(_) = event {
            cx.transport().pause_producing();
        }
    })
}

#[test]
fn what_a_multishot_receive_still_brings_is_held_in_order() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(pausing);
    let id = transport.slot_id();
    let flow = flow_of(&stage.hand, id, b"1");
    stage.hand.data(id, b"2");
    stage.hand.data(id, b"3");
    stage.turns();
    assert_eq!((log.data(), flow.get()), (b"1".to_vec(), Some(Flow::Enough)));
    assert!(stage.hand.asked(id).contains(&Asked::Receiving(id, false)), "it is disarmed");
    stage.hand.data(id, b"4");
    stage.turns();
    for expected in [&b"12"[..], b"123", b"1234"] {
        transport.resume_producing();
        assert_eq!(log.data().len(), expected.len() - 1, "not from inside the call");
        stage.turns();
        assert_eq!(log.data(), expected);
    }
    transport.resume_producing();
    stage.turns();
    assert_eq!(stage.hand.asked(id).last(), Some(&Asked::Receiving(id, true)));
}

#[test]
fn what_a_layer_still_has_is_held() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(pausing);
    transport.start_layer(Glass, Bytes::new());
    stage.turns();
    let id = transport.slot_id();
    stage.hand.data(id, b"1");
    stage.hand.data(id, b"2");
    stage.hand.say(id, || Event::ReadClosed);
    stage.turns();
    assert_eq!((log.data(), log.summary().as_str()), (b"1".to_vec(), "made data"));
    transport.resume_producing();
    stage.turns();
    assert_eq!((log.data(), log.summary().as_str()), (b"12".to_vec(), "made data data"));
    transport.resume_producing();
    stage.turns();
    assert_eq!(log.summary(), "made data data read-lost lost");
}

#[test]
fn bytes_given_back_in_a_pause_come_before_those_behind_them() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(|log: &Log| {
        let mut once = false;
        Recorder::new(log).reacting(move |cx, event| {
            if let Recorded::Data(_) = event
                && !std::mem::replace(&mut once, true)
            {
                cx.transport().pause_producing();
                cx.unread(&b"rest "[..]);
            }
        })
    });
    // Two are held when the first is replayed, and the rest of that goes before the other.
    transport.pause_producing();
    stage.hand.data(transport.slot_id(), b"first ");
    stage.hand.data(transport.slot_id(), b"behind");
    stage.turns();
    transport.resume_producing();
    stage.turns();
    assert_eq!(log.data(), b"first ");
    transport.resume_producing();
    stage.turns();
    assert_eq!(log.data(), b"first rest behind");
}

#[test]
fn the_end_waits_behind_what_is_held_and_a_reset_discards_it() {
    for resets in [false, true] {
        let stage = Stage::new();
        let (log, transport) = stage.connect(Recorder::new);
        let id = transport.slot_id();
        transport.pause_producing();
        stage.hand.data(id, b"held");
        stage.hand.say(id, move || match resets {
            false => Event::ReadClosed,
            true => Event::Lost(Failure::new(FailureKind::Peer, "reset")),
        });
        stage.turns();
        assert_eq!(log.summary(), if resets { "made lost" } else { "made" });
        transport.resume_producing();
        stage.turns();
        assert_eq!(log.summary(), if resets { "made lost" } else { "made data read-lost lost" });
    }
}

#[test]
fn what_is_held_has_a_limit() {
    let stage = Stage::new();
    let limits = ConnectionLimits { held_bytes_max: 10, ..ConnectionLimits::default() };
    let (log, transport) = stage.connect_within(limits, Recorder::new);
    transport.pause_producing();
    stage.hand.data(transport.slot_id(), b"0123456789");
    stage.turns();
    assert!(log.lost().is_none());
    stage.hand.data(transport.slot_id(), b"x");
    stage.turns();
    assert_eq!(log.lost_kind(), Some(FailureKind::Limit));
    assert!(log.lost().is_some_and(|failure| failure.to_string().contains("held_bytes_max")));
}

#[test]
fn what_is_held_comes_in_the_ready_phase() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    transport.pause_producing();
    stage.hand.data(transport.slot_id(), b"held");
    stage.turns();
    // Queued before the resume, so it runs before what was held.
    let (seen, later) = (log.clone(), log.clone());
    stage.reactor().call_soon(move || assert_eq!(seen.data_len(), 0));
    transport.resume_producing();
    stage.reactor().call_soon(move || assert_eq!(later.data_len(), 4));
    stage.hand.tell({
        let log = log.clone();
        move |_| assert_eq!(log.data_len(), 0, "not with the events")
    });
    stage.turn();
    assert_eq!(log.data(), b"held");
}

#[test]
fn what_comes_after_the_resume_goes_behind_what_is_held() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let id = transport.slot_id();
    transport.pause_producing();
    stage.hand.data(id, b"first ");
    stage.turns();
    transport.resume_producing();
    stage.hand.data(id, b"second "); // With the events, and so before the ready phase.
    stage.hand.say(id, || Event::Attached(Box::new(())));
    stage.hand.say(id, || Event::ReadClosed);
    stage.turns();
    assert_eq!(log.data(), b"first second ");
    assert_eq!(log.summary(), "made data data attached read-lost lost");
}

#[test]
fn a_protocol_that_halts_at_every_chunk_is_not_flooded() {
    let stage = Stage::new();
    let limits = ConnectionLimits { held_bytes_max: 1000, ..ConnectionLimits::default() };
    let (log, transport) = stage.connect_within(limits, |log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Data(_) = event {
                let transport = cx.transport().clone();
                transport.pause_producing();
                cx.reactor().call_soon(move || transport.resume_producing());
            }
        })
    });
    // A driver that brings four chunks whenever it is armed, as one that reads until it is told not to.
    let id = transport.slot_id();
    let mut armed = true;
    for _ in 0..200 {
        if armed {
            (0..4).for_each(|_| stage.hand.data(id, &[b'x'; 100]));
        }
        stage.hand.forget();
        stage.turn();
        for asked in stage.hand.asked(id) {
            if let Asked::Receiving(_, on) = asked {
                armed = on;
            }
        }
        assert!(log.lost().is_none(), "{:?}", log.lost());
    }
    assert!(log.data_len() >= 5_000, "{} bytes", log.data_len());
}
