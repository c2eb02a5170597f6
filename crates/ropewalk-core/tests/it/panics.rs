//! A panic costs the one thing that panicked.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{
    Address, Chunk, ConnectionLimits, Consumer, Cx, DatagramProtocol, DatagramTransport, Deferred,
    Event, Failure, FailureKind, Producer, Protocol, Streaming,
};
use ropewalk_testing::{Log, Recorded, Recorder};

use crate::puppet::Stage;

fn kind<T: 'static>(result: Deferred<T>) -> Option<FailureKind> {
    result.into_result().ok()?.err().map(|failure| failure.kind())
}

/// Something else on the same loop, and whether it still works.
fn beside(stage: &Stage) -> impl Fn(&Stage) {
    let (log, transport) = stage.connect(Recorder::new);
    let ran = Rc::new(Cell::new(0));
    move |stage: &Stage| {
        let before = (log.data_len(), ran.get());
        let count = ran.clone();
        stage.reactor().call_soon(move || count.set(count.get() + 1));
        stage.hand.data(transport.slot_id(), b"x");
        stage.turns();
        assert_eq!((log.data_len(), ran.get()), (before.0 + 1, before.1 + 1));
        assert!(log.lost().is_none());
    }
}

#[test]
fn a_protocol_that_panicked_hears_only_that_it_is_lost() {
    let stage = Stage::new();
    let works = beside(&stage);
    let (log, transport) = stage.connect(|log: &Log| {
        Recorder::new(log).reacting(|_, event| {
            if let Recorded::Data(_) = event {
                panic!("on purpose");
            }
        })
    });
    let id = transport.slot_id();
    stage.hand.data(id, b"1");
    stage.hand.data(id, b"2");
    stage.hand.say(id, || Event::ReadClosed);
    let target = transport.protocol_ref::<Recorder>();
    stage.hand.tell(move |_| assert_eq!(kind(target.call(|_, _| ())), Some(FailureKind::Panic)));
    stage.turns();
    assert_eq!(
        (log.summary().as_str(), log.lost_kind()),
        ("made data lost", Some(FailureKind::Panic))
    );
    works(&stage);
}

#[test]
fn a_panic_in_every_callback_is_contained() {
    let at = |word: &'static str| {
        move |log: &Log| {
            Recorder::new(log).reacting(move |_, event| {
                let now = match event {
                    Recorded::Made => "made",
                    Recorded::Data(_) => "data",
                    Recorded::Attached => "attached",
                    Recorded::ReadLost => "read-lost",
                    Recorded::Lost(_) => "lost",
                };
                assert_ne!(now, word, "on purpose");
            })
        }
    };
    for word in ["made", "attached", "read-lost", "lost"] {
        let stage = Stage::new();
        let works = beside(&stage);
        let (log, transport) = stage.connect(at(word));
        let id = transport.slot_id();
        stage.hand.say(id, || Event::Attached(Box::new(())));
        stage.hand.say(id, || Event::ReadClosed);
        stage.turns();
        let expected =
            if word == "lost" { FailureKind::ConnectionDone } else { FailureKind::Panic };
        assert_eq!((log.lost_kind(), log.after_lost()), (Some(expected), 0), "{word}");
        works(&stage);
    }
}

#[test]
fn a_panic_in_build_protocol_refuses_the_connection() {
    let stage = Stage::new();
    let works = beside(&stage);
    let factory = || -> Recorder { panic!("on purpose") };
    let (id, opened) = stage.dial(factory, ConnectionLimits::default());
    stage.hand.say(id, || Event::Opened);
    stage.turns();
    assert_eq!(kind(opened), Some(FailureKind::Panic));
    works(&stage);
}

#[test]
fn a_panic_in_a_call_in_a_timer_in_a_result_and_in_a_call_from_a_thread_is_contained() {
    let stage = Stage::new();
    let works = beside(&stage);
    stage.reactor().call_soon(|| panic!("on purpose"));
    stage.reactor().call_later(Duration::ZERO, || panic!("on purpose"));
    let called = stage.reactor().remote().call_from_thread(|_| panic!("on purpose"));
    called.expect("there is room");
    stage.turns();
    works(&stage);
    let (resolver, pending) = Deferred::<()>::new();
    let chain = pending.add_callback(|()| -> Result<(), Failure> { panic!("on purpose") });
    stage.reactor().call_soon(move || resolver.callback(()));
    stage.turns();
    assert_eq!(kind(chain), Some(FailureKind::Panic));
    works(&stage);
}

/// Panics at one of its words.
struct Bad(&'static str);

impl Producer for Bad {
    fn resume_producing(&self) {
        assert_ne!(self.0, "resume", "on purpose");
    }

    fn pause_producing(&self) {
        assert_ne!(self.0, "pause", "on purpose");
    }

    fn stop_producing(&self) {
        assert_ne!(self.0, "stop", "on purpose");
    }
}

#[test]
fn a_panic_in_a_producer_costs_its_connection() {
    for word in ["resume", "pause", "stop"] {
        let stage = Stage::new();
        let works = beside(&stage);
        stage.hand.keep(true);
        let (log, transport) = stage.connect(Recorder::new);
        let streaming = if word == "resume" { Streaming::Pull } else { Streaming::Push };
        transport.register_producer(Rc::new(Bad(word)), streaming).expect("there is none");
        transport.write(&[b'x'; 100_000][..if word == "resume" { 0 } else { 100_000 }]);
        stage.turns();
        if word == "stop" {
            transport.abort_connection();
            stage.turns();
        }
        let expected = if word == "stop" { FailureKind::Local } else { FailureKind::Panic };
        assert_eq!(
            (log.lost_kind(), log.summary().as_str()),
            (Some(expected), "made lost"),
            "{word}"
        );
        works(&stage);
    }
}

struct BadDatagrams(Rc<Cell<Option<FailureKind>>>, &'static str);

impl DatagramProtocol for BadDatagrams {
    fn started(&mut self, _: &DatagramTransport) {
        assert_ne!(self.1, "started", "on purpose");
    }

    fn datagram_received(&mut self, _: &DatagramTransport, _: &[u8], _: &Address) {
        panic!("on purpose");
    }

    fn stopped(&mut self, reason: Failure) {
        self.0.set(Some(reason.kind()));
    }
}

#[test]
fn a_panic_in_a_datagram_protocol_closes_its_socket() {
    for word in ["started", "received"] {
        let stage = Stage::new();
        let works = beside(&stage);
        let stopped = Rc::new(Cell::new(None));
        let protocol = Box::new(BadDatagrams(stopped.clone(), word));
        let transport = stage.reactor().open_datagram(protocol).expect("there is room");
        let (id, opened) = (transport.slot_id(), transport.when_started());
        stage.hand.say(id, || Event::Opened);
        stage.hand.tell(move |sink| {
            let (mut bytes, from) = (*b"x", Address::Unnamed);
            sink.event(id, Event::DatagramReceived(Chunk::lent(&mut bytes), &from));
        });
        stage.turns();
        assert_eq!(stopped.get(), Some(FailureKind::Panic), "{word}");
        assert_eq!(kind(opened).is_some(), word == "started");
        works(&stage);
    }
}

/// Hands over and panics in one callback.
struct Both(Log);

impl Protocol for Both {
    fn data_received(&mut self, cx: &mut Cx<'_>, _: &[u8]) {
        cx.switch_protocol(Recorder::new(&self.0), Bytes::new());
        panic!("on purpose");
    }
}

#[test]
fn who_panics_hands_nothing_over() {
    let stage = Stage::new();
    let next = Log::default();
    let for_next = next.clone();
    let transport = stage.connect_to(ConnectionLimits::default(), move || Both(for_next.clone()));
    stage.hand.data(transport.slot_id(), b"x");
    stage.turns();
    assert_eq!((next.is_made(), transport.is_connected()), (false, false));
}
