//! Pauses: after `pause_producing` nothing comes, and nothing is lost.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk_core::{ConnectionLimits, Wait};

use crate::conformance::setup::Bench;
use crate::conformance::suite::Case;
use crate::{Log, Recorded, Recorder};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(no_data_comes_after_pause_producing_returns),
        Case::of(what_was_held_comes_in_the_ready_phase_not_inside_resume),
        Case::of(the_end_waits_behind_held_bytes),
        Case::of(a_reset_discards_what_is_held),
        Case::of(a_pause_and_a_resume_in_one_turn_lose_nothing),
        Case::of(a_pause_in_every_callback_loses_nothing),
        Case::of(a_paused_reader_keeps_the_writer_waiting),
        Case::of(a_connection_may_begin_paused),
    ]
}

/// Pauses in every data callback.
fn pausing(log: &Log) -> Recorder {
    Recorder::new(log).reacting(|cx, event| {
        if let Recorded::Data(_) = event {
            cx.transport().pause_producing();
        }
    })
}

fn no_data_comes_after_pause_producing_returns(bench: Bench) {
    let ends = bench.ends_of(pausing, Recorder::new);
    ends.client.transport().write(&[b'x'; 200_000]);
    bench.until("the first piece", || ends.server.data_len() > 0);
    bench.idle();
    assert_eq!(ends.server.summary(), "made data");
    ends.server.transport().resume_producing();
    bench.until("the second piece", || ends.server.pieces().len() == 2);
    bench.idle();
    assert_eq!(ends.server.summary(), "made data data");
}

fn what_was_held_comes_in_the_ready_phase_not_inside_resume(bench: Bench) {
    let ends = bench.ends();
    ends.server.transport().pause_producing();
    ends.client.transport().write(b"held");
    bench.idle();
    assert_eq!(ends.server.data_len(), 0);
    ends.server.transport().resume_producing();
    assert_eq!(ends.server.data_len(), 0, "it came from inside resume_producing");
    bench.until("it to come", || ends.server.data() == b"held");
}

fn the_end_waits_behind_held_bytes(bench: Bench) {
    let ends = bench.ends_of(pausing, Recorder::new);
    ends.client.transport().write(&[b'x'; 20_000]);
    ends.client.transport().lose_connection();
    bench.until("the first piece", || ends.server.data_len() > 0);
    bench.idle();
    assert_eq!(ends.server.summary(), "made data");
    while ends.server.data_len() < 20_000 {
        let before = ends.server.data_len();
        ends.server.transport().resume_producing();
        bench.until("the next piece", || ends.server.data_len() > before);
    }
    ends.server.transport().resume_producing();
    bench.lost(&ends.server);
    assert!(ends.server.summary().ends_with("data read-lost lost"));
}

fn a_reset_discards_what_is_held(bench: Bench) {
    if !bench.setup.resets {
        return; // An abort is an end here, and the end waits.
    }
    let ends = bench.ends_of(pausing, Recorder::new);
    ends.client.transport().write(&[b'x'; 20_000]);
    bench.until("the first piece", || ends.server.data_len() > 0);
    let server = ends.server.transport();
    ends.client.transport().abort_connection();
    if !bench.setup.hears_while_paused {
        bench.idle();
        server.resume_producing();
        bench.lost(&ends.server);
        return assert!(!ends.server.read_lost());
    }
    bench.lost(&ends.server);
    assert_eq!(ends.server.summary(), "made data lost");
}

fn a_pause_and_a_resume_in_one_turn_lose_nothing(bench: Bench) {
    let fickle = |log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Data(_) = event {
                let transport = cx.transport().clone();
                transport.pause_producing();
                cx.reactor().call_soon(move || transport.resume_producing());
            }
        })
    };
    let ends = bench.ends_of(fickle, Recorder::new);
    ends.client.transport().write(&[b'x'; 100_000]);
    bench.until("all of it", || ends.server.data_len() == 100_000);
}

fn a_pause_in_every_callback_loses_nothing(bench: Bench) {
    let slow = |log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Data(_) = event {
                let transport = cx.transport().clone();
                transport.pause_producing();
                let after = std::time::Duration::from_micros(10);
                cx.reactor().call_later(after, move || transport.resume_producing());
            }
        })
    };
    let ends = bench.ends_of(slow, Recorder::new);
    let sent: Vec<u8> = (0..30_000_u32).map(|at| at.to_le_bytes()[at as usize % 2]).collect();
    ends.client.transport().write(&sent);
    ends.client.transport().lose_connection();
    bench.lost(&ends.server);
    assert!(ends.server.data() == sent, "{} bytes came", ends.server.data_len());
}

fn a_paused_reader_keeps_the_writer_waiting(bench: Bench) {
    let limits = ConnectionLimits { write_bytes_max: 64 << 20, ..ConnectionLimits::default() };
    let ends = bench.ends_within(limits, Recorder::new, Recorder::new);
    ends.server.transport().pause_producing();
    bench.idle();
    ends.client.transport().write_bytes(vec![b'x'; bench.setup.flood_bytes]);
    bench.idle();
    let waiting = ends.client.transport().buffered();
    assert!(waiting > 64 << 10, "only {waiting} bytes wait");
    assert_eq!(ends.server.data_len(), 0);
    ends.server.transport().resume_producing();
    bench.until("it to go on", || ends.client.transport().buffered() < waiting);
    ends.client.transport().abort_connection();
    bench.lost(&ends.server);
}

fn a_connection_may_begin_paused(bench: Bench) {
    let order = Rc::new(RefCell::new(Vec::new()));
    let (resumed, seen) = (Rc::new(Cell::new(false)), order.clone());
    let flag = resumed.clone();
    let patient = move |log: &Log| {
        let (seen, flag) = (seen.clone(), flag.clone());
        Recorder::new(log).reacting(move |cx, event| match event {
            Recorded::Made => cx.transport().pause_producing(),
            Recorded::Data(_) => seen.borrow_mut().push(flag.get()),
            _ => {}
        })
    };
    let ends = bench.ends_of(patient, Recorder::new);
    ends.client.transport().write(b"early");
    bench.idle();
    resumed.set(true);
    ends.server.transport().resume_producing();
    bench.turn(Wait::No);
    bench.until("it to come", || ends.server.data() == b"early");
    assert!(order.borrow().iter().all(|&after| after));
}
