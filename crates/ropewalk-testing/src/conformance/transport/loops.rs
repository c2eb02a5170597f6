//! The loop under the connections: its phases, its threads, its end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{FailureKind, Loop, Wait};

use crate::conformance::setup::Bench;
use crate::conformance::suite::Case;
use crate::{Log, Recorded, Recorder};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(dropping_the_loop_loses_every_connection_once),
        Case::of(dropping_the_loop_frees_every_protocol),
        Case::of(a_loss_that_waits_for_its_turn_is_told_when_the_loop_is_dropped),
        Case::of(stopping_closes_everything_in_order),
        Case::of(a_turn_inside_a_turn_is_refused),
        Case::of(timers_come_before_events_and_ready_calls_after_them),
        Case::of(a_call_from_another_thread_wakes_the_loop),
        Case::of(a_stream_of_events_does_not_starve_the_others),
    ]
}

fn dropping_the_loop_loses_every_connection_once(bench: Bench) {
    let ends = bench.ends();
    ends.client.transport().write(b"never sent");
    let transport = ends.client.transport();
    drop(bench);
    for log in [&ends.client, &ends.server] {
        assert_eq!(log.lost_kind(), Some(FailureKind::Stopped));
        assert_eq!((log.summary().as_str(), log.after_lost()), ("made lost", 0));
    }
    transport.write(b"x");
    transport.lose_connection();
    assert_eq!(transport.reactor().stop().expect_err("it is gone").kind(), FailureKind::Stopped);
}

fn dropping_the_loop_frees_every_protocol(bench: Bench) {
    let token = Rc::new(());
    let held = token.clone();
    let holding = move |log: &Log| {
        let held = held.clone();
        Recorder::new(log).reacting(move |cx, _| {
            // Such a cycle keeps nothing alive: protocol, transport, reactor, timer.
            let (transport, held) = (cx.transport().clone(), held.clone());
            cx.reactor().call_later(Duration::from_secs(1000), move || drop((transport, held)));
        })
    };
    let ends = bench.ends_of(holding, Recorder::new);
    ends.client.transport().write(b"x");
    bench.until("a byte", || ends.server.data_len() == 1);
    let (kept, log) = (ends.server.transport(), ends.server.clone());
    drop((bench, ends));
    assert!(log.lost().is_some());
    drop((kept, log));
    assert_eq!(Rc::strong_count(&token), 1, "somebody still holds a protocol");
}

/// The driver has closed the connection, and `connection_lost` is in the ready queue behind too many others.
fn a_loss_that_waits_for_its_turn_is_told_when_the_loop_is_dropped(bench: Bench) {
    let ends = bench.ends();
    let (reactor, transport) = (bench.reactor().clone(), ends.client.transport());
    let crowd = bench.reactor().limits().ready_per_turn_max + 1;
    bench.reactor().call_soon(move || {
        (0..crowd).for_each(|_| reactor.call_soon(|| ()));
        transport.lose_connection();
    });
    bench.turn(Wait::No);
    bench.turn(Wait::No);
    assert!(ends.client.lost().is_none(), "it waits behind the crowd");
    drop(bench);
    assert_eq!(ends.client.summary(), "made lost");
}

fn stopping_closes_everything_in_order(bench: Bench) {
    let ends = bench.ends();
    ends.server.transport().write(b"not waited for");
    bench.reactor().stop().expect("it runs");
    bench.event_loop.run().expect("it stops in order");
    // Both ends close at once, so what one sends may meet an end that is closed already: a reset.
    for kind in [ends.client.lost_kind(), ends.server.lost_kind()] {
        let done = [Some(FailureKind::ConnectionDone), Some(FailureKind::Peer)].contains(&kind);
        assert!(done, "{kind:?}");
    }
    assert_eq!(bench.reactor().sources(), 0);
    bench.event_loop.run().expect("it has stopped already");
}

fn a_turn_inside_a_turn_is_refused(bench: Bench) {
    let event_loop: Rc<Loop> = Rc::new(bench.runner.event_loop);
    let (inner, said) = (Rc::downgrade(&event_loop), Rc::new(RefCell::new(None)));
    let slot = said.clone();
    event_loop.reactor().call_soon(move || {
        let event_loop = inner.upgrade().expect("it is running this");
        slot.replace(Some(event_loop.turn(Wait::No).is_err()));
        assert!(event_loop.run().is_err());
    });
    event_loop.turn(Wait::No).expect("the outer turn").expect("the driver can wait");
    assert_eq!(said.take(), Some(true));
}

/// What happened, by turn and phase.
type Phases = Rc<RefCell<Vec<(u32, u8)>>>;

fn timers_come_before_events_and_ready_calls_after_them(bench: Bench) {
    let (seen, number) = (Phases::default(), Rc::new(RefCell::new(0_u32)));
    let note = {
        let (seen, number) = (seen.clone(), number.clone());
        move |phase: u8| seen.borrow_mut().push((*number.borrow(), phase))
    };
    let on_data = note.clone();
    let ends = bench.ends_of(
        move |log: &Log| {
            let on_data = on_data.clone();
            Recorder::new(log).reacting(move |cx, event| {
                if let Recorded::Data(_) = event {
                    on_data(1);
                    let on_ready = on_data.clone();
                    cx.reactor().call_soon(move || on_ready(2));
                }
            })
        },
        Recorder::new,
    );
    for round in 1..=50 {
        number.replace(round);
        let on_timer = note.clone();
        bench.reactor().call_later(Duration::ZERO, move || on_timer(0));
        ends.client.transport().write(b"x");
        bench.turn(Wait::No);
    }
    let seen = seen.borrow();
    assert!(seen.is_sorted(), "out of order: {seen:?}");
    assert_eq!(seen.iter().filter(|(_, phase)| *phase == 0).count(), 50);
}

fn a_call_from_another_thread_wakes_the_loop(bench: Bench) {
    if !bench.setup.threads {
        return;
    }
    let remote = bench.reactor().remote();
    let (called, result) = ropewalk_core::Deferred::<u32>::new();
    let called = Rc::new(RefCell::new(Some(called)));
    WAITING.with(|waiting| waiting.replace(Some(called)));
    let caller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20)); // So that the loop is asleep.
        remote.call_from_thread(|_| {
            let resolver = WAITING.with(RefCell::take).and_then(|waiting| waiting.take());
            resolver.expect("it is put there before").callback(42);
        })
    });
    let got = bench.event_loop.run_until(result);
    assert_eq!(got.expect("the call comes"), 42);
    caller.join().expect("the thread ends").expect("the call is taken");
    let remote = bench.reactor().remote();
    drop(bench);
    assert!(remote.call_from_thread(|_| ()).is_err(), "nobody is there any more");
}

type Waiting = Rc<RefCell<Option<ropewalk_core::Resolver<u32>>>>;

thread_local! {
    /// What the call from the other thread fires: it cannot carry it.
    static WAITING: RefCell<Option<Waiting>> = const { RefCell::new(None) };
}

fn a_stream_of_events_does_not_starve_the_others(bench: Bench) {
    let echoing = |log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Data(data) = event {
                cx.transport().write(data);
            }
        })
    };
    let loud = bench.ends_of(echoing, echoing);
    loud.client.transport().write(&[b'x'; 50_000]);
    let quiet = Log::default();
    let for_quiet = quiet.clone();
    let dialled = bench.dial(&loud.port, move || Recorder::new(&for_quiet));
    bench.wait_for(dialled).expect("there is room for another");
    quiet.transport().write(b"hello");
    bench.until("an echo beside the noise", || quiet.data() == b"hello");
    loud.client.transport().abort_connection();
    bench.lost(&loud.client);
}
