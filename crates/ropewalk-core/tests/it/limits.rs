//! The table of how a connection ends, line by line, and the sizes that are promised.

use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{
    Chunk, Close, ConnectionLimits, Consumer, Event, Failure, FailureKind, Layer, LayerIo,
    OutQueue, Producer, Streaming,
};
use ropewalk_testing::{Log, Recorded, Recorder};

use crate::puppet::{Asked, Stage};

#[test]
fn a_failure_is_one_pointer_that_can_be_sent_shared_and_cloned() {
    fn is_free<T: Send + Sync + Clone + 'static>() {}
    is_free::<Failure>();
    assert_eq!(size_of::<Failure>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Failure>>(), size_of::<usize>());
    let failure = Failure::connection_done();
    assert!(failure.clone().is(FailureKind::ConnectionDone));
}

#[test]
fn past_write_bytes_max_the_connection_is_aborted_and_write_says_nothing() {
    let stage = Stage::new();
    let limits = ConnectionLimits { write_bytes_max: 10, ..ConnectionLimits::default() };
    let (log, transport) = stage.connect_within(limits, Recorder::new);
    stage.hand.keep(true);
    let () = transport.write(b"0123456789");
    stage.turns();
    assert!(log.lost().is_none(), "as much as the limit is allowed");
    transport.write(b"x");
    stage.turns();
    assert_eq!(log.lost_kind(), Some(FailureKind::Limit));
    let id = transport.slot_id();
    assert_eq!(stage.hand.asked(id).last(), Some(&Asked::Close(id, Close::Abort)));
}

#[test]
fn a_burst_of_one_turn_is_judged_by_what_the_flush_could_not_send() {
    let stage = Stage::new();
    let limits = ConnectionLimits { write_bytes_max: 10, ..ConnectionLimits::default() };
    let (log, transport) = stage.connect_within(limits.clone(), Recorder::new);
    (0..100).for_each(|_| transport.write(b"0123456789"));
    stage.turns();
    assert_eq!((log.lost_kind(), stage.hand.wire().len()), (None, 1000), "the peer reads");

    stage.hand.keep(true);
    transport.write(b"01234");
    transport.write(b"012345");
    stage.turns();
    assert_eq!(log.lost_kind(), Some(FailureKind::Limit), "the peer does not");
    let id = transport.slot_id();
    assert_eq!(stage.hand.asked(id).last(), Some(&Asked::Close(id, Close::Abort)));
}

#[test]
fn a_burst_has_a_bound_before_the_flush_too() {
    let stage = Stage::new();
    let limits = ConnectionLimits { write_bytes_max: 1 << 20, ..ConnectionLimits::default() };
    let (log, transport) = stage.connect_within(limits, Recorder::new);
    (0..5).for_each(|_| transport.write_bytes(vec![0; 1 << 20]));
    assert_eq!(transport.buffered(), 5 << 20, "write_bytes_max and 4 MiB");
    transport.write(b"x");
    assert_eq!(transport.buffered(), 0, "it is dropped at once");
    stage.turns();
    assert_eq!(log.lost_kind(), Some(FailureKind::Limit));
}

#[test]
fn what_a_layer_holds_back_waits() {
    /// Lets nothing through.
    struct Dam;
    impl Layer for Dam {
        fn inbound(&mut self, _: Chunk<'_>, _: &mut LayerIo<'_>) -> Result<(), Failure> {
            Ok(())
        }
        fn outbound(&mut self, _: &mut OutQueue, _: &mut LayerIo<'_>) -> Result<(), Failure> {
            Ok(())
        }
    }
    let stage = Stage::new();
    let limits = ConnectionLimits { write_bytes_max: 10, ..ConnectionLimits::default() };
    let (log, transport) = stage.connect_within(limits, Recorder::new);
    transport.start_layer(Dam, Bytes::new());
    transport.write(b"0123456");
    transport.write(b"0123456");
    stage.turns();
    assert_eq!(log.lost_kind(), Some(FailureKind::Limit));
}

#[test]
fn lose_connection_sends_first_and_gives_up_after_close_timeout() {
    let stage = Stage::new();
    let close_timeout = Duration::from_secs(3);
    let limits = ConnectionLimits { close_timeout, ..ConnectionLimits::default() };
    let (log, transport) = stage.connect_within(limits, Recorder::new);
    stage.hand.keep(true);
    transport.write(b"never taken");
    transport.lose_connection();
    stage.turns();
    stage.hand.advance(close_timeout - Duration::from_millis(1));
    stage.turns();
    assert!(log.lost().is_none());
    stage.hand.advance(Duration::from_millis(1));
    stage.turns();
    assert_eq!(log.lost_kind(), Some(FailureKind::Timeout));
}

/// What ends a connection, and what its protocol is told: the table in `Transport`'s documentation.
#[test]
fn connections_end_as_the_table_says() {
    use FailureKind::{ConnectionDone, Limit, Local, Panic, Peer, Stopped, System};
    type Act = fn(&Stage, &ropewalk_core::Transport);
    let reset: Act = |stage, t| {
        stage.hand.say(t.slot_id(), || Event::Lost(Failure::new(Peer, "reset")));
    };
    let broken: Act = |stage, t| {
        stage.hand.say(t.slot_id(), || Event::Lost(Failure::new(System, "no route")));
    };
    let ended: Act = |stage, t| stage.hand.say(t.slot_id(), || Event::ReadClosed);
    let half: Act = |stage, t| {
        t.lose_write_connection();
        stage.turns();
        assert!(t.is_connected(), "it goes on receiving");
        stage.hand.say(t.slot_id(), || Event::ReadClosed);
    };
    let panics: Act = |stage, t| stage.hand.data(t.slot_id(), b"panic");
    let table: [(&str, Act, &str, FailureKind); 9] = [
        ("lose", |_, t| t.lose_connection(), "made lost", ConnectionDone),
        ("abort", |_, t| t.abort_connection(), "made lost", Local),
        ("half close", ended, "made read-lost lost", ConnectionDone),
        ("both halves", half, "made read-lost lost", ConnectionDone),
        ("reset", reset, "made lost", Peer),
        ("broken", broken, "made lost", System),
        ("too much", |_, t| t.write_bytes(vec![0; 17 << 20]), "made lost", Limit),
        ("panic", panics, "made data lost", Panic),
        ("crash", |stage, _| stage.reactor().crash(), "made lost", Stopped),
    ];
    for (name, act, summary, kind) in table {
        let stage = Stage::new();
        let (log, transport) = stage.connect(|log: &Log| {
            Recorder::new(log).reacting(|_, event| {
                if let Recorded::Data(_) = event {
                    panic!("on purpose");
                }
            })
        });
        act(&stage, &transport);
        stage.turns();
        drop(stage);
        assert_eq!((log.summary().as_str(), log.lost_kind()), (summary, Some(kind)), "{name}");
    }
}

#[test]
fn data_that_comes_while_it_is_being_lost_is_not_delivered() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    stage.hand.keep(true);
    transport.write(b"x");
    transport.lose_connection();
    stage.turns();
    stage.hand.data(transport.slot_id(), b"late");
    stage.hand.say(transport.slot_id(), || Event::ReadClosed);
    stage.turns();
    assert_eq!(log.summary(), "made");
    stage.hand.say(transport.slot_id(), || Event::Sent(1));
    stage.turns();
    assert_eq!(log.summary(), "made lost");
}

/// Says in which phase it was asked.
struct Asks(std::rc::Rc<std::cell::RefCell<Vec<&'static str>>>);

impl Producer for Asks {
    fn resume_producing(&self) {
        self.0.borrow_mut().push("resume");
    }

    fn pause_producing(&self) {
        self.0.borrow_mut().push("pause");
    }

    fn stop_producing(&self) {}
}

#[test]
fn producers_are_asked_in_the_ready_phase_only() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    let notes = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    stage.hand.keep(true);
    transport
        .register_producer(std::rc::Rc::new(Asks(notes.clone())), Streaming::Push)
        .expect("one");
    let id = transport.slot_id();
    transport.write_bytes(Bytes::from(vec![0; 100_000]));
    assert!(notes.borrow().is_empty(), "not inside a write");
    let early = notes.clone();
    stage.hand.tell(move |_| assert!(early.borrow().is_empty(), "not with the events"));
    stage.turn();
    assert_eq!(*notes.borrow(), ["pause"]);
    stage.hand.say(id, || Event::Sent(100_000));
    let early = notes.clone();
    stage.hand.tell(move |_| assert_eq!(early.borrow().len(), 1, "not inside the event"));
    stage.turn();
    assert_eq!(*notes.borrow(), ["pause", "resume"]);
}

#[test]
fn a_pull_producer_is_not_asked_from_inside_the_registration() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    let notes = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let asks = std::rc::Rc::new(Asks(notes.clone()));
    transport.register_producer(asks, Streaming::Pull).expect("there is none");
    assert!(notes.borrow().is_empty());
    stage.turn();
    assert_eq!(*notes.borrow(), ["resume"]);
    transport.unregister_producer();
}

#[test]
fn by_default_a_half_closed_connection_is_lost_after_what_was_written() {
    struct Plain;
    impl ropewalk_core::Protocol for Plain {}
    let stage = Stage::new();
    let transport = stage.connect_to(ConnectionLimits::default(), || Plain);
    let id = transport.slot_id();
    transport.write(b"last words");
    stage.hand.say(id, || Event::ReadClosed);
    stage.turns();
    assert_eq!(stage.hand.asked(id).last(), Some(&Asked::Close(id, Close::Clean)));
    assert_eq!(stage.hand.wire(), b"last words");
}
