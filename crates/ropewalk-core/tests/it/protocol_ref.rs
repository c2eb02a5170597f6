//! Protocols that call each other, and results that come back to one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use ropewalk_core::{ConnectionLimits, Deferred, FailureKind, ProtocolRef, Resolver};
use ropewalk_testing::{Log, Recorded, Recorder};

use crate::puppet::Stage;

fn kind<T: 'static>(result: Deferred<T>) -> Option<FailureKind> {
    result.into_result().ok()?.err().map(|failure| failure.kind())
}

/// Calls the next one from inside the call; notes how deep it got inside one call of the test's.
fn dive(targets: Rc<Vec<ProtocolRef<Recorder>>>, at: usize, deepest: Rc<Cell<usize>>) {
    let Some(target) = targets.get(at).cloned() else { return };
    drop(target.call(move |_, _| {
        deepest.set(at + 1);
        dive(targets, at + 1, deepest);
    }));
}

#[test]
fn calls_run_inside_each_other_eight_deep_and_then_wait() {
    let stage = Stage::new();
    let ends: Vec<_> = (0..20).map(|_| stage.connect(Recorder::new).1).collect();
    let targets = Rc::new(ends.iter().map(|end| end.protocol_ref()).collect::<Vec<_>>());
    let deepest = Rc::new(Cell::new(0));
    dive(targets, 0, deepest.clone());
    assert_eq!(deepest.get(), 8, "inside of one call");
    stage.turns();
    assert_eq!(deepest.get(), 20, "the rest ran later");
}

#[test]
fn calls_that_wait_have_a_limit() {
    let stage = Stage::new();
    let limits = ConnectionLimits { calls_max: 3, ..ConnectionLimits::default() };
    let (_, transport) = stage.connect_within(limits, Recorder::new);
    let target = transport.protocol_ref::<Recorder>();
    let (inner, ran) = (target.clone(), Rc::new(Cell::new(0)));
    let (count, token) = (ran.clone(), Rc::new(()));
    let held = token.clone();
    let made = target.call(move |_, _| {
        (0..5)
            .map(|_| {
                let (ran, held) = (count.clone(), held.clone());
                inner.call(move |_, _| {
                    ran.set(ran.get() + 1);
                    drop(held);
                })
            })
            .collect::<Vec<_>>()
    });
    let results = made.into_result().ok().and_then(Result::ok).expect("it was idle");
    assert_eq!((ran.get(), Rc::strong_count(&token)), (3, 1));
    let kinds: Vec<_> = results.into_iter().map(kind).collect();
    assert_eq!(kinds, [None, None, None, Some(FailureKind::Limit), Some(FailureKind::Limit)]);
}

#[test]
fn a_reference_means_a_seat_and_not_a_slot() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let old = transport.protocol_ref::<Recorder>();
    let slot = transport.slot_id();
    transport.abort_connection();
    stage.turns();
    drop(transport);
    let (other, next) = stage.connect(Recorder::new);
    assert_eq!(next.slot_id().slot, slot.slot, "the place is used again");
    let (token, held) = (Rc::new(()), Rc::new(RefCell::new(None)));
    let (to_hold, to_set) = (token.clone(), held.clone());
    let called = old.call(move |_, _| drop(to_set.replace(Some(to_hold))));
    assert!(kind(called).is_some() && held.borrow().is_none());
    assert_eq!(Rc::strong_count(&token), 1, "it is dropped unrun");
    assert_eq!((log.summary().as_str(), other.summary().as_str()), ("made lost", "made"));
}

#[test]
fn a_reference_is_lost_when_its_protocol_has_handed_over() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    let (old, next) = (transport.protocol_ref::<Recorder>(), Log::default());
    let for_next = next.clone();
    drop(old.call(move |_, cx| cx.switch_protocol(Recorder::new(&for_next), Bytes::new())));
    assert!(!old.is_alive() && transport.protocol_ref::<Recorder>().is_alive());
    assert!(kind(old.call(|_, _| ())).is_some(), "though the new one is of the same type");
}

#[test]
fn a_result_comes_as_a_callback_of_the_protocol_that_waits() {
    let stage = Stage::new();
    let (resolver, pending) = Deferred::<u8>::new();
    let pending = RefCell::new(Some(pending));
    let (log, transport) = stage.connect(move |log: &Log| {
        let pending = RefCell::new(pending.take());
        Recorder::new(log).reacting(move |cx, event| {
            if let Recorded::Data(_) = event
                && let Some(pending) = pending.take()
            {
                cx.when(pending, |_: &mut Recorder, cx, result| {
                    cx.transport().write(&[result.expect("it is fired")]);
                });
            }
        })
    });
    stage.hand.data(transport.slot_id(), b"x");
    stage.turns();
    assert_eq!(log.data(), b"x");
    // It fires while the protocol is busy: the callback comes after the present one.
    let target = transport.protocol_ref::<Recorder>();
    let hand = stage.hand.clone();
    drop(target.call(move |_, cx| {
        resolver.callback(b'!');
        assert_eq!(cx.transport().buffered(), 0);
        drop(hand);
    }));
    assert_eq!(transport.buffered(), 1);
    stage.turns();
    assert_eq!(stage.hand.wire(), b"!");
}

/// Something to wait for; whether it was cancelled.
fn cancellable() -> (Resolver<()>, Deferred<()>, Rc<Cell<bool>>) {
    let cancelled = Rc::new(Cell::new(false));
    let flag = cancelled.clone();
    let (resolver, pending) = Deferred::with_canceller(move || flag.set(true));
    (resolver, pending, cancelled)
}

#[test]
fn what_a_protocol_waits_for_is_cancelled_by_its_end_and_by_its_successor() {
    for switches in [false, true] {
        let stage = Stage::new();
        let (_, transport) = stage.connect(Recorder::new);
        let (resolver, pending, cancelled) = cancellable();
        let ran = Rc::new(Cell::new(false));
        let (flag, target) = (ran.clone(), transport.protocol_ref::<Recorder>());
        drop(target.call(move |_, cx| {
            cx.when(pending, move |_: &mut Recorder, _, _| flag.set(true));
        }));
        assert!(!cancelled.get());
        if switches {
            let next = Recorder::new(&Log::default());
            drop(target.call(move |_, cx| cx.switch_protocol(next, Bytes::new())));
        } else {
            transport.lose_connection();
        }
        stage.turns();
        assert_eq!((cancelled.get(), ran.get()), (true, false));
        drop(resolver);
    }
}

#[test]
fn a_wait_begun_in_the_last_callback_is_cancelled() {
    let stage = Stage::new();
    let (_resolver, pending, cancelled) = cancellable();
    let pending = Rc::new(RefCell::new(Some(pending)));
    let (_, transport) = stage.connect(move |log: &Log| {
        let pending = pending.clone();
        Recorder::new(log).reacting(move |cx, event| {
            if let Recorded::Lost(_) = event
                && let Some(pending) = pending.take()
            {
                cx.when(pending, |_: &mut Recorder, _, _| panic!("it is lost"));
            }
        })
    });
    transport.lose_connection();
    stage.turns();
    assert!(cancelled.get());
}
