//! One turn: the order of its phases, its one moment, and what waits for the next.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Loop, Time, Wait};
use ropewalk_testing::{Log, MemoryDriver, Network, Recorded, Recorder};

use crate::puppet::{Asked, Stage};

type Notes = Rc<RefCell<Vec<&'static str>>>;

fn noting(notes: &Notes, word: &'static str) -> impl FnOnce() + 'static {
    let notes = notes.clone();
    move || notes.borrow_mut().push(word)
}

thread_local! {
    /// Where a call from a thread, which can carry nothing, writes.
    static FROM_THREADS: RefCell<Option<Notes>> = const { RefCell::new(None) };
}

#[test]
fn the_phases_come_in_their_order() {
    let stage = Stage::new();
    let notes = Notes::default();
    let for_data = notes.clone();
    let (_, transport) = stage.connect(move |log: &Log| {
        let notes = for_data.clone();
        Recorder::new(log).reacting(move |cx, event| {
            if let Recorded::Data(_) = event {
                notes.borrow_mut().push("event");
                cx.transport().write(b"x");
            }
        })
    });
    let id = transport.slot_id();
    FROM_THREADS.set(Some(notes.clone()));
    stage.reactor().call_soon(noting(&notes, "ready"));
    let for_flush = notes.clone();
    stage.hand.on_send(move || for_flush.borrow_mut().push("flush"));
    stage.hand.data(id, b"x");
    stage.reactor().call_later(Duration::ZERO, noting(&notes, "timer"));
    let called = stage.reactor().remote().call_from_thread(|_| {
        FROM_THREADS.with_borrow(|notes| notes.as_ref().map(|n| n.borrow_mut().push("thread")));
    });
    called.expect("it is not full");
    stage.turn();
    FROM_THREADS.set(None);
    assert_eq!(*notes.borrow(), ["thread", "timer", "event", "ready", "flush"]);
}

#[test]
fn work_made_in_a_phase_runs_in_the_next_turn() {
    let stage = Stage::new();
    let (count, reactor) = (Rc::new(Cell::new(0)), stage.reactor().clone());
    /// Queues itself again, as a call or as a timer of no delay.
    fn again(reactor: &ropewalk_core::Reactor, count: &Rc<Cell<u32>>, timer: bool) {
        let (inner, counted) = (reactor.clone(), count.clone());
        let next = move || {
            counted.set(counted.get() + 1);
            again(&inner, &counted, timer);
        };
        match timer {
            true => drop(reactor.call_later(Duration::ZERO, next)),
            false => reactor.call_soon(next),
        }
    }
    for timer in [false, true] {
        count.set(0);
        again(&reactor, &count, timer);
        for turns in 1..=5 {
            stage.turn();
            assert!(count.get() >= turns && count.get() <= turns * (1 + u32::from(timer)));
        }
        assert!(count.get() <= 10, "{}", count.get());
    }
}

#[test]
fn calls_queued_for_the_protocol_that_just_finished_run_in_the_same_phase() {
    let stage = Stage::new();
    let notes = Notes::default();
    let for_data = notes.clone();
    let (_, transport) = stage.connect(move |log: &Log| {
        let notes = for_data.clone();
        Recorder::new(log).reacting(move |cx, event| {
            if let Recorded::Data(_) = event {
                let queued = noting(&notes, "queued");
                drop(cx.protocol_ref::<Recorder>().call(move |_, _| queued()));
                notes.borrow_mut().push("event");
            }
        })
    });
    stage.hand.data(transport.slot_id(), b"x");
    let after = noting(&notes, "next event");
    stage.hand.tell(move |_| after());
    stage.turn();
    assert_eq!(*notes.borrow(), ["event", "queued", "next event"]);
}

#[test]
fn the_time_is_sampled_once_a_turn() {
    let stage = Stage::new();
    let (reactor, seen) = (stage.reactor().clone(), Rc::new(RefCell::new(Vec::new())));
    let looks = stage.hand.looks();
    for _ in 0..3 {
        let (reactor, seen, hand) = (reactor.clone(), seen.clone(), stage.hand.clone());
        stage.reactor().call_soon(move || {
            hand.advance(Duration::from_secs(1)); // It takes its time.
            seen.borrow_mut().push(reactor.now());
        });
    }
    stage.turn();
    assert_eq!(*seen.borrow(), [Time::START; 3]);
    assert_eq!(stage.hand.looks() - looks, 1);
    assert_eq!(stage.reactor().now(), Time::START + Duration::from_secs(3));
}

#[test]
fn a_turn_waits_for_the_next_timer_and_not_at_all_if_anything_is_ready() {
    let stage = Stage::new();
    let turn = |most| stage.event_loop.turn(most).expect("outside").expect("it can wait");
    turn(Wait::Forever);
    turn(Wait::No);
    let far = Time::START + Duration::from_secs(9);
    stage.reactor().call_at(far, || ());
    turn(Wait::Forever);
    turn(Wait::Until(Time::START + Duration::from_secs(1)));
    stage.reactor().call_soon(|| ());
    turn(Wait::Forever);
    assert_eq!(stage.hand.waits()[..2], [Wait::Forever, Wait::No]);
    let until = stage.hand.waits()[2];
    assert!(matches!(until, Wait::Until(time) if time <= far), "{until:?}");
    let one_second = Wait::Until(Time::START + Duration::from_secs(1));
    assert_eq!(stage.hand.waits()[3..], [one_second, Wait::No]);
    let (_, transport) = stage.connect(Recorder::new);
    stage.hand.forget();
    transport.write(b"x");
    turn(Wait::Forever);
    assert_eq!(stage.hand.waits(), [Wait::No], "there is something to flush");
}

#[test]
fn timers_fire_by_deadline_and_then_by_creation_and_never_early() {
    let stage = Stage::new();
    let notes = Notes::default();
    let at = |millis| Time::START + Duration::from_millis(millis);
    stage.reactor().call_at(at(2), noting(&notes, "second of 2"));
    stage.reactor().call_at(at(1), noting(&notes, "first of 1"));
    stage.reactor().call_at(at(2), noting(&notes, "third of 2"));
    stage.reactor().call_at(at(1), noting(&notes, "second of 1"));
    stage.hand.advance(Duration::from_millis(1) - Duration::from_nanos(1));
    stage.turn();
    assert!(notes.borrow().is_empty(), "early");
    stage.hand.advance(Duration::from_secs(1));
    stage.turn();
    assert_eq!(*notes.borrow(), ["first of 1", "second of 1", "second of 2", "third of 2"]);
}

#[test]
fn virtual_time_moves_only_when_nothing_is_ready_or_in_flight() {
    let latency = Duration::from_millis(10);
    let event_loop = Loop::new(MemoryDriver::new(Network { latency, ..Network::default() }));
    let reactor = event_loop.reactor();
    let turn = || event_loop.turn(Wait::Forever).expect("outside").expect("it can wait");
    let hour = Duration::from_secs(3600);
    reactor.call_later(hour, || ());
    for _ in 0..10 {
        reactor.call_soon(|| ());
        turn();
        assert_eq!(reactor.now(), Time::START, "there was work");
    }
    let server = ropewalk_testing::MemoryServerEndpoint::new("x");
    let listening = reactor.listen(&server, || Recorder::new(&Log::default()));
    let client = ropewalk_testing::MemoryClientEndpoint::new("x");
    let connected = reactor.connect(&client, || Recorder::new(&Log::default()));
    while !connected.is_fired() {
        turn();
    }
    assert!(listening.is_fired());
    assert!(reactor.now() <= Time::START + latency * 4, "it jumped over what was in flight");
    while reactor.now() < Time::START + hour {
        turn();
    }
    assert_eq!(reactor.now(), Time::START + hour, "and then to the timer");
}

#[test]
fn what_is_written_leaves_at_the_end_of_the_same_turn() {
    let stage = Stage::new();
    let (_, transport) = stage.connect(|log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Data(data) = event {
                cx.transport().write(data);
            }
        })
    });
    let id = transport.slot_id();
    stage.hand.data(id, b"ab");
    stage.hand.data(id, b"cd");
    stage.turn();
    assert_eq!(stage.hand.asked(id), [Asked::Send(id, 4)]);
}
