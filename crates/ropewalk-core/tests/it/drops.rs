//! Values of the user's that are dropped: nothing is borrowed then, and a panic in a `Drop` ends nothing else.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use ropewalk_core::{
    Address, ConnectionLimits, DatagramProtocol, DatagramTransport, Failure, FailureKind, Protocol,
    Reactor, ReactorLimits, Transport,
};
use ropewalk_testing::Recorder;

use crate::puppet::{Glass, Stage};

/// Does something when it is dropped.
struct OnDrop(Option<Box<dyn FnOnce()>>);

impl OnDrop {
    fn new(f: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(f)))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static WRITES_TO: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Bytes whose owner writes to the transport when they have been sent, or copied.
struct Refills(&'static [u8]);

impl AsRef<[u8]> for Refills {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

impl Drop for Refills {
    fn drop(&mut self) {
        WRITES_TO.with_borrow(|write| write.as_ref().map(|write| write()));
    }
}

fn writing_when_dropped(transport: &Transport) {
    let to = transport.downgrade();
    WRITES_TO.set(Some(Box::new(move || {
        if let Some(transport) = to.upgrade() {
            assert!(transport.buffered() <= 4000);
            transport.write(b"more");
        }
    })));
}

#[test]
fn bytes_that_write_when_they_have_been_sent_find_nothing_borrowed() {
    for layered in [false, true] {
        let stage = Stage::new();
        let (_, transport) = stage.connect(Recorder::new);
        if layered {
            transport.start_layer(Glass, Bytes::new());
        }
        writing_when_dropped(&transport);
        transport.write_bytes(Bytes::from_owner(Refills(&[b'x'; 2000])));
        transport.write(b"and ");
        stage.turns();
        let wire = stage.hand.wire();
        assert_eq!((wire.len(), &wire[2000..]), (2008, &b"and more"[..]), "layered: {layered}");
        WRITES_TO.set(None);
    }
}

#[test]
fn bytes_that_write_when_they_have_been_copied_find_nothing_borrowed() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(Recorder::new);
    writing_when_dropped(&transport);
    transport.write_bytes(Bytes::from_owner(Refills(b"few and ")));
    stage.turns();
    assert_eq!(stage.hand.wire(), b"few and more");
    WRITES_TO.set(None);
}

#[test]
fn what_an_abort_drops_finds_nothing_borrowed() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let (to, dropped) = (transport.downgrade(), Rc::new(Cell::new(0)));
    for _ in 0..2 {
        let (to, dropped) = (to.clone(), dropped.clone());
        transport.attach(OnDrop::new(move || {
            dropped.set(dropped.get() + 1);
            to.upgrade().expect("it is there").write(b"too late");
        }));
    }
    transport.abort_connection();
    stage.turns();
    assert_eq!((log.lost_kind(), dropped.get()), (Some(FailureKind::Local), 2));
}

#[test]
fn datagrams_that_send_when_they_have_been_sent_find_nothing_borrowed() {
    struct Deaf;
    impl DatagramProtocol for Deaf {
        fn datagram_received(&mut self, _: &DatagramTransport, _: &[u8], _: &Address) {}
    }
    let stage = Stage::new();
    let transport = stage.reactor().open_datagram(Box::new(Deaf)).expect("there is room");
    let again = transport.clone();
    WRITES_TO.set(Some(Box::new(move || again.send(b"again".to_vec()))));
    transport.send(Bytes::from_owner(Refills(b"x")));
    stage.turns();
    WRITES_TO.set(None);
    assert_eq!(transport.dropped(), 0);
}

#[test]
fn what_a_full_table_refuses_is_dropped_with_nothing_borrowed() {
    struct Counts(Reactor, Rc<Cell<usize>>);
    impl DatagramProtocol for Counts {
        fn datagram_received(&mut self, _: &DatagramTransport, _: &[u8], _: &Address) {}
    }
    impl Drop for Counts {
        fn drop(&mut self) {
            self.1.set(self.0.sources() + 1);
        }
    }
    let stage = Stage::with_limits(ReactorLimits { slots_max: 0, ..ReactorLimits::default() });
    let seen = Rc::new(Cell::new(0));
    let counts = Counts(stage.reactor().clone(), seen.clone());
    let refused = stage.reactor().open_datagram(Box::new(counts)).err();
    assert_eq!(refused.map(|failure| failure.kind()), Some(FailureKind::Limit));
    assert_eq!(seen.get(), 1);
}

struct Bad(Rc<Cell<bool>>);

impl Protocol for Bad {
    fn connection_lost(&mut self, _: &mut ropewalk_core::Cx<'_>, _: Failure) {
        self.0.set(true);
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[test]
fn a_panic_in_the_drop_of_a_protocol_ends_nothing_else() {
    let stage = Stage::new();
    let lost = Rc::new(Cell::new(false));
    let flag = lost.clone();
    let bad = stage.connect_to(ConnectionLimits::default(), move || Bad(flag.clone()));
    let (other, beside) = stage.connect(Recorder::new);
    bad.abort_connection();
    stage.turns();
    assert!(lost.get());
    stage.hand.data(beside.slot_id(), b"still here");
    stage.turns();
    assert_eq!(other.data(), b"still here");
}

#[test]
fn a_panic_in_the_drop_of_a_protocol_that_handed_over_ends_nothing_else() {
    let stage = Stage::new();
    let lost = Rc::new(Cell::new(false));
    let flag = lost.clone();
    let bad = stage.connect_to(ConnectionLimits::default(), move || Bad(flag.clone()));
    let log = ropewalk_testing::Log::default();
    let next = log.clone();
    let target = bad.protocol_ref::<Bad>();
    drop(target.call(move |_, cx| cx.switch_protocol(Recorder::new(&next), b"rest".to_vec())));
    stage.turns();
    assert_eq!(log.data(), b"rest");
}

#[test]
fn a_panic_in_a_drop_does_not_keep_the_loop_from_ending() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    let bad = |()| OnDrop::new(|| panic!("on purpose"));
    let (call, timer, task, start) = (bad(()), bad(()), bad(()), bad(()));
    stage.reactor().call_soon(move || drop(call));
    stage.reactor().call_later(std::time::Duration::from_secs(9), move || drop(timer));
    stage.reactor().call_when_running(move || drop(start));
    let spawned = stage.reactor().spawn(async move {
        std::future::pending::<()>().await;
        drop(task);
        Ok(())
    });
    drop(stage);
    assert_eq!(log.lost_kind(), Some(FailureKind::Stopped));
    assert!(spawned.is_fired());
    assert_eq!(transport.reactor().sources(), 0);
}

#[test]
fn a_panic_in_the_drop_of_a_cancelled_task_ends_nothing_else() {
    let stage = Stage::new();
    let (bad, reactor) = (OnDrop::new(|| panic!("on purpose")), stage.reactor().clone());
    let myself: Rc<RefCell<Option<ropewalk_core::Deferred<()>>>> = Rc::default();
    let slot = myself.clone();
    let spawned = reactor.spawn(async move {
        let _bad = bad;
        if let Some(task) = slot.take() {
            task.cancel(); // While it is polled: it is dropped right after.
            drop(task.add_errback(|_| ()));
        }
        std::future::pending::<()>().await;
        Ok(())
    });
    myself.replace(Some(spawned));
    stage.turns();
    let ran = Rc::new(Cell::new(false));
    let flag = ran.clone();
    reactor.call_soon(move || flag.set(true));
    stage.turns();
    assert!(ran.get());
}

#[test]
fn a_panic_in_the_drop_of_what_a_connection_kept_ends_nothing_else() {
    let stage = Stage::new();
    let (log, transport) = stage.connect(Recorder::new);
    transport.keep_until_lost(OnDrop::new(|| panic!("on purpose")));
    let bad = OnDrop::new(|| panic!("on purpose"));
    let target = transport.protocol_ref::<Recorder>();
    let inner = target.clone();
    let waiting = Rc::new(RefCell::new(None));
    let (slot, to_abort) = (waiting.clone(), transport.clone());
    drop(target.call(move |_, _| {
        slot.replace(Some(inner.call(move |_, _| drop(bad)))); // It is busy: this one waits.
        to_abort.abort_connection();
    }));
    stage.turns();
    assert_eq!((log.lost_kind(), log.summary().as_str()), (Some(FailureKind::Local), "made lost"));
    let waited = waiting.take().and_then(|waiting| waiting.into_result().ok());
    assert!(waited.is_some_and(|result| result.is_err()));
}
