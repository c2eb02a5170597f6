//! How connections end: in order, at once, too late, by a panic.

use std::time::Duration;

use ropewalk_core::{ConnectionLimits, FailureKind};

use crate::conformance::setup::Bench;
use crate::conformance::suite::{Case, quiet_panic};
use crate::{Log, Recorded, Recorder};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(lose_connection_sends_what_was_written_and_both_ends_are_done),
        Case::of(write_after_lose_connection_is_discarded),
        Case::of(no_data_comes_after_lose_connection),
        Case::of(an_abort_is_local_here_and_a_reset_there),
        Case::of(an_abort_drops_what_was_not_sent),
        Case::of(an_abort_in_connection_made_is_the_end),
        Case::of(both_ends_may_lose_at_once),
        Case::of(connection_lost_comes_once_and_last),
        Case::of(a_transport_outlives_its_connection_and_does_nothing),
        Case::of(a_close_that_takes_too_long_is_a_timeout),
        Case::of(a_panic_costs_its_connection_and_no_other),
        Case::of(a_panic_in_connection_lost_is_contained),
    ]
}

fn lose_connection_sends_what_was_written_and_both_ends_are_done(bench: Bench) {
    let ends = bench.ends();
    let sent = vec![b'x'; 300_000];
    ends.client.transport().write(&sent);
    ends.client.transport().lose_connection();
    assert!(!ends.client.transport().is_connected());
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::ConnectionDone);
    assert_eq!(bench.lost(&ends.server).kind(), FailureKind::ConnectionDone);
    assert!(ends.server.data() == sent);
    assert!(ends.server.summary().ends_with("data read-lost lost"), "{}", ends.server.summary());
}

fn write_after_lose_connection_is_discarded(bench: Bench) {
    let ends = bench.ends();
    ends.client.transport().write(b"before");
    ends.client.transport().lose_connection();
    ends.client.transport().write(b"after");
    ends.client.transport().write_bytes(vec![0; 5000]);
    assert_eq!(bench.lost(&ends.server).kind(), FailureKind::ConnectionDone);
    assert_eq!(ends.server.data(), b"before");
}

fn no_data_comes_after_lose_connection(bench: Bench) {
    let losing = |log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Data(_) = event {
                cx.transport().lose_connection();
            }
        })
    };
    let ends = bench.ends_of(losing, Recorder::new);
    ends.client.transport().write(&[b'x'; 200_000]);
    bench.lost(&ends.server);
    bench.lost(&ends.client);
    bench.idle();
    assert_eq!(ends.server.summary(), "made data lost");
}

fn an_abort_is_local_here_and_a_reset_there(bench: Bench) {
    let ends = bench.ends();
    ends.client.transport().abort_connection();
    assert!(ends.client.lost().is_none(), "connection_lost never comes from inside the call");
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::Local);
    let there = bench.lost(&ends.server).kind();
    let expected = if bench.setup.resets { FailureKind::Peer } else { FailureKind::ConnectionDone };
    assert_eq!(there, expected);
}

fn an_abort_drops_what_was_not_sent(bench: Bench) {
    let ends = bench.ends();
    ends.client.transport().write(b"never sent");
    ends.client.transport().abort_connection();
    ends.client.transport().write(b"nor this");
    assert_eq!(ends.client.transport().buffered(), 0);
    bench.lost(&ends.client);
    bench.lost(&ends.server);
    assert_eq!(ends.server.data(), b"");
}

fn an_abort_in_connection_made_is_the_end(bench: Bench) {
    let aborting = |log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Made = event {
                cx.transport().abort_connection();
            }
        })
    };
    let ends = bench.ends_of(aborting, Recorder::new);
    bench.lost(&ends.server);
    bench.lost(&ends.client);
    assert_eq!(ends.server.summary(), "made lost");
}

fn both_ends_may_lose_at_once(bench: Bench) {
    let ends = bench.ends();
    ends.client.transport().write(b"from the client");
    ends.server.transport().write(b"from the server");
    bench.until("both", || ends.client.data_len() == 15 && ends.server.data_len() == 15);
    ends.client.transport().lose_connection();
    ends.server.transport().lose_connection();
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::ConnectionDone);
    assert_eq!(bench.lost(&ends.server).kind(), FailureKind::ConnectionDone);
}

fn connection_lost_comes_once_and_last(bench: Bench) {
    let stubborn = |log: &Log| {
        Recorder::new(log).reacting(|cx, event| {
            if let Recorded::Lost(_) = event {
                let transport = cx.transport();
                transport.write(b"too late");
                transport.lose_connection();
                transport.abort_connection();
                transport.pause_producing();
                transport.resume_producing();
                transport.lose_write_connection();
            }
        })
    };
    let ends = bench.ends_of(stubborn, stubborn);
    ends.client.transport().write(&[0; 100_000]);
    ends.client.transport().lose_connection();
    bench.turn(ropewalk_core::Wait::No);
    ends.client.transport().abort_connection();
    ends.server.transport().abort_connection();
    bench.lost(&ends.client);
    bench.lost(&ends.server);
    bench.idle();
    for log in [&ends.client, &ends.server] {
        assert_eq!(log.after_lost(), 0, "{}", log.summary());
        assert_eq!(log.summary().matches(" lost").count(), 1, "{}", log.summary());
    }
}

fn a_transport_outlives_its_connection_and_does_nothing(bench: Bench) {
    let ends = bench.ends();
    let transport = ends.client.transport();
    transport.lose_connection();
    bench.lost(&ends.client);
    transport.write(b"x");
    transport.write_bytes(vec![0; 5000]);
    transport.lose_connection();
    transport.abort_connection();
    bench.idle();
    assert!(!transport.is_connected() && transport.buffered() == 0);
    assert_eq!(transport.host(), ropewalk_core::Address::Unnamed);
    assert_eq!(ends.client.summary(), "made lost");
}

fn a_close_that_takes_too_long_is_a_timeout(bench: Bench) {
    let close_timeout = Duration::from_millis(60);
    let limits = ConnectionLimits {
        close_timeout,
        write_bytes_max: 64 << 20,
        ..ConnectionLimits::default()
    };
    let ends = bench.ends_within(limits, Recorder::new, Recorder::new);
    let server = ends.server.transport();
    server.pause_producing();
    bench.idle();
    ends.client.transport().write_bytes(vec![0; bench.setup.flood_bytes]);
    ends.client.transport().lose_connection();
    assert_eq!(bench.lost(&ends.client).kind(), FailureKind::Timeout);
    // Paused, it learns of a reset at once; of a mere end only when it reads on.
    server.resume_producing();
    bench.lost(&ends.server);
}

fn a_panic_costs_its_connection_and_no_other(bench: Bench) {
    let fragile = |log: &Log| {
        Recorder::new(log).reacting(|_, event| {
            if matches!(event, Recorded::Data(data) if data == b"!") {
                quiet_panic();
            }
        })
    };
    let ends = bench.ends_of(fragile, Recorder::new);
    let (other, other_log) = (Log::default(), ends.server.clone());
    let (for_other, first) = (other.clone(), other_log.transport());
    let dialled = bench.dial(&ends.port, move || Recorder::new(&for_other));
    bench.wait_for(dialled).expect("a second connection");
    bench.until("its other end", || !other_log.transport().is_same(&first));
    ends.client.transport().write(b"!");
    bench.lost(&ends.client);
    bench.until("the panic to be told", || ends.server.lost().is_some());
    assert_eq!(ends.server.lost_kind(), Some(FailureKind::Panic));
    other.transport().write(b"still here");
    bench.until("the other to live on", || ends.server.data().ends_with(b"still here"));
}

fn a_panic_in_connection_lost_is_contained(bench: Bench) {
    let fragile = |log: &Log| {
        Recorder::new(log).reacting(|_, event| {
            if let Recorded::Lost(_) = event {
                quiet_panic();
            }
        })
    };
    let ends = bench.ends_of(fragile, Recorder::new);
    ends.client.transport().lose_connection();
    bench.lost(&ends.server);
    bench.lost(&ends.client);
    assert_eq!(ends.port.live(), 0);
}
