//! One owner runs the loop; what happens when it is dropped, and what calls come to afterwards.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{
    ConnectionLimits, Cx, Event, Failure, FailureKind, Loop, Protocol, Reactor, ReactorLimits,
    Transport, defer_later,
};
use ropewalk_testing::{
    MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network, Recorder,
};

use crate::puppet::{Asked, Stage};

fn kind<T: 'static>(result: ropewalk_core::Deferred<T>) -> Option<FailureKind> {
    result.into_result().ok()?.err().map(|failure| failure.kind())
}

#[test]
fn dropping_the_owner_tells_every_connection_once_and_closes_it() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let (id, hand) = (transport.slot_id(), stage.hand.clone());
    drop(stage);
    assert_eq!(
        (log.summary().as_str(), log.lost_kind()),
        ("made lost", Some(FailureKind::Stopped))
    );
    assert!(matches!(hand.asked(id)[..], [Asked::Close(..)]));
}

#[test]
fn dropping_the_owner_drops_tasks_and_calls_unrun() {
    let stage = Stage::new();
    let (token, ran) = (Rc::new(()), Rc::new(Cell::new(false)));
    let (held, flag) = (token.clone(), ran.clone());
    stage.reactor().call_soon(move || flag.set(!held_is(&held)));
    let (held, flag) = (token.clone(), ran.clone());
    stage.reactor().call_later(Duration::ZERO, move || flag.set(!held_is(&held)));
    let held = token.clone();
    let task = stage.reactor().spawn(async move {
        std::future::pending::<()>().await;
        drop(held);
        Ok(())
    });
    let reactor = stage.reactor().clone();
    drop(stage);
    assert_eq!((Rc::strong_count(&token), ran.get()), (1, false));
    assert_eq!(kind(task), Some(FailureKind::Abandoned));
    assert_eq!(reactor.sources(), 0);
}

fn held_is(held: &Rc<()>) -> bool {
    Rc::strong_count(held) == 0
}

#[test]
fn later_calls_fail_as_stopped() {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let reactor = event_loop.reactor().clone();
    let listening = reactor.listen(&MemoryServerEndpoint::new("before"), || Silent);
    let port = listening.into_result().ok().and_then(Result::ok).expect("the name is free");
    drop(event_loop);
    assert_eq!(kind(reactor.spawn(async { Ok(()) })), Some(FailureKind::Stopped));
    let listening = reactor.listen(&MemoryServerEndpoint::new("x"), || Silent);
    assert_eq!(kind(listening), Some(FailureKind::Stopped));
    let dialled = reactor.connect(&MemoryClientEndpoint::new("x"), || Silent);
    assert_eq!(kind(dialled), Some(FailureKind::Stopped));
    assert!(reactor.stop().is_err_and(|failure| failure.is(FailureKind::Stopped)));
    assert!(reactor.remote().call_from_thread(|_| ()).is_err());
    assert!(port.stop_listening().is_fired(), "it is closed, and nobody waits for ever");
    let call = reactor.call_later(Duration::ZERO, || ());
    assert!(!call.active());
    let slept = defer_later(&reactor, Duration::ZERO, || ());
    assert!(slept.is_fired(), "what waits for a call that is dropped is abandoned");
    drop(slept.add_errback(|_| ()));
    let token = Rc::new(());
    let held = token.clone();
    reactor.call_soon(move || drop(held));
    assert_eq!(Rc::strong_count(&token), 1);
}

struct Silent;

impl Protocol for Silent {}

/// Holds everything that leads back to itself.
#[derive(Default)]
struct Cycle {
    transport: Option<Transport>,
    reactor: Option<Reactor>,
    myself: Option<Rc<RefCell<Cycle>>>,
}

struct Holder(Rc<RefCell<Cycle>>, Rc<()>);

impl Protocol for Holder {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let mut cycle = self.0.borrow_mut();
        cycle.transport = Some(cx.transport().clone());
        cycle.reactor = Some(cx.reactor().clone());
        cycle.myself = Some(self.0.clone());
        let (transport, token) = (cx.transport().clone(), self.1.clone());
        cx.transport().keep_until_lost((transport, token));
    }
}

#[test]
fn no_cycle_keeps_a_descriptor_open_or_a_protocol_alive() {
    let stage = Stage::new();
    let token = Rc::new(());
    let held = token.clone();
    let factory = move || Holder(Rc::default(), held.clone());
    let id = stage.connect_to(ConnectionLimits::default(), factory).slot_id();
    let hand = stage.hand.clone();
    drop(stage);
    assert!(matches!(hand.asked(id)[..], [Asked::Close(..)]), "its descriptor is closed");
    // One is the test's; the factory's own lives as long as the cycle's transport.
    assert!(Rc::strong_count(&token) <= 2, "the protocol and what it kept are freed");
}

#[test]
fn handles_used_after_the_end_hold_nothing() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let weak = transport.downgrade();
    transport.pause_producing();
    stage.turn();
    drop(stage);
    assert_eq!(log.lost_kind(), Some(FailureKind::Stopped));
    transport.resume_producing();
    transport.write(b"x");
    drop(transport);
    assert!(weak.upgrade().is_none(), "the record is held by a list that nobody reads");
}

#[test]
fn a_connection_that_is_closed_and_not_yet_told_is_told_by_the_drop() {
    let stage =
        Stage::with_limits(ReactorLimits { ready_per_turn_max: 1, ..ReactorLimits::default() });
    let (log, transport) = stage.connect(Recorder::new);
    transport.lose_connection();
    stage.reactor().call_soon(|| ());
    stage.reactor().call_soon(|| ());
    stage.turn(); // The flush closes it.
    stage.turn(); // It is closed; another call is before the last words.
    assert_eq!((stage.reactor().sources(), log.lost().is_some()), (0, false));
    drop(stage);
    assert_eq!(log.lost_kind(), Some(FailureKind::ConnectionDone));
    assert_eq!((log.summary().as_str(), log.after_lost()), ("made lost", 0));
}

#[test]
fn a_loop_dropped_inside_a_call_tells_the_protocol_afterwards() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let target = transport.protocol_ref::<Recorder>();
    let seen = log.clone();
    drop(target.call(move |_, _| {
        drop(stage);
        assert!(seen.lost().is_none(), "callbacks do not nest");
    }));
    assert_eq!(
        (log.summary().as_str(), log.lost_kind()),
        ("made lost", Some(FailureKind::Stopped))
    );
}

#[test]
fn a_turn_inside_a_call_is_refused_and_loses_no_event() {
    let stage = Rc::new(Stage::new());
    let (log, transport) = stage.connect(Recorder::new);
    stage.hand.data(transport.slot_id(), b"x");
    let (inner, target) = (stage.clone(), transport.protocol_ref::<Recorder>());
    let refused = target.call(move |_, _| inner.event_loop.turn(ropewalk_core::Wait::No).is_err());
    assert!(matches!(refused.into_result(), Ok(Ok(true))));
    stage.turns();
    assert_eq!(log.data(), b"x");
}

#[test]
fn an_abort_while_the_protocol_is_built_is_the_end() {
    struct Wary;
    impl ropewalk_core::Factory for Wary {
        type Protocol = Recorder;
        fn build_protocol(&self, transport: &Transport) -> Option<Recorder> {
            transport.abort_with(Failure::new(FailureKind::Peer, "not from there"));
            Some(Recorder::new(&LOG.with(Clone::clone)))
        }
    }
    thread_local!(static LOG: ropewalk_testing::Log = ropewalk_testing::Log::default());
    let stage = Stage::new();
    let (id, opened) = stage.dial(Wary, ConnectionLimits::default());
    stage.hand.say(id, || Event::Opened);
    stage.turns();
    assert_eq!(kind(opened), Some(FailureKind::Peer));
    assert_eq!(LOG.with(ropewalk_testing::Log::summary), "");
}
