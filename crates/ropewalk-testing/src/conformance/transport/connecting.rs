//! Coming up: listening, connecting, refusing, giving up.

use std::cell::Cell;
use std::rc::Rc;

use ropewalk_core::{Factory, FailureKind, Transport};

use crate::conformance::setup::Bench;
use crate::conformance::suite::{Case, quiet_panic};
use crate::{Log, Recorder};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::of(connecting_where_nobody_listens_fails),
        Case::of(after_stop_listening_nobody_gets_in_and_those_inside_stay),
        Case::of(connect_fires_after_connection_made),
        Case::of(a_connect_that_is_cancelled_makes_no_protocol),
        Case::of(a_factory_that_refuses_closes_the_connection),
        Case::of(a_factory_that_panics_closes_the_connection),
        Case::of(both_ends_agree_on_the_addresses),
        Case::of(a_port_counts_its_connections_and_drains),
        Case::of(many_connections_keep_their_bytes_apart),
        Case::of(slots_are_used_again),
    ]
}

fn recorder(log: &Log) -> impl Fn() -> Recorder + 'static {
    let log = log.clone();
    move || Recorder::new(&log)
}

fn connecting_where_nobody_listens_fails(bench: Bench) {
    let log = Log::default();
    let port = bench.listen(recorder(&log));
    let address = port.host();
    bench.wait_for(port.stop_listening()).expect("stopping works");
    let dialled = bench.dial_within(&address, recorder(&log), Default::default());
    let failure = bench.wait_for(dialled).err().expect("nobody listens there");
    assert!(matches!(failure.kind(), FailureKind::Peer | FailureKind::System), "{failure:?}");
    assert!(!log.is_made());
}

fn after_stop_listening_nobody_gets_in_and_those_inside_stay(bench: Bench) {
    let ends = bench.ends();
    let address = ends.port.host();
    bench.wait_for(ends.port.stop_listening()).expect("stopping works");
    bench.wait_for(ends.port.stop_listening()).expect("stopping twice works");
    let late = Log::default();
    let dialled = bench.dial_within(&address, recorder(&late), Default::default());
    assert!(bench.wait_for(dialled).is_err() && !late.is_made());
    ends.client.transport().write(b"still here");
    bench.until("those inside to stay", || ends.server.data() == b"still here");
    let port = bench.listen(recorder(&late));
    drop(port);
}

fn connect_fires_after_connection_made(bench: Bench) {
    let log = Log::default();
    let port = bench.listen(|| Recorder::new(&Log::default()));
    let (seen, made) = (log.clone(), Rc::new(Cell::new(false)));
    let flag = made.clone();
    let dialled = bench.dial(&port, recorder(&log)).add_callback(move |transport| {
        flag.set(seen.is_made() && seen.transport().is_same(&transport));
    });
    bench.wait_for(dialled).expect("it connects");
    assert!(made.get());
}

fn a_connect_that_is_cancelled_makes_no_protocol(bench: Bench) {
    let (server, client) = (Log::default(), Log::default());
    let port = bench.listen(recorder(&server));
    let dialled = bench.dial(&port, recorder(&client));
    dialled.cancel();
    let failure = bench.wait_for(dialled).err().expect("it was cancelled");
    assert_eq!(failure.kind(), FailureKind::Cancelled);
    bench.idle();
    assert!(!client.is_made());
    assert!(!server.is_made() || server.lost().is_some(), "{}", server.summary());
    assert_eq!(bench.reactor().sources(), 1, "only the port is left");
}

struct Refuses;

impl Factory for Refuses {
    type Protocol = Recorder;

    fn build_protocol(&self, _: &Transport) -> Option<Recorder> {
        None
    }
}

fn a_factory_that_refuses_closes_the_connection(bench: Bench) {
    let client = Log::default();
    let port = bench.listen(Refuses);
    drop(bench.dial(&port, recorder(&client)).add_both(|_| ()));
    bench.until("the connection to be gone", || bench.reactor().sources() == 1);
    assert!(!client.is_made() || client.lost().is_some());
    assert_eq!(port.live(), 0);

    let refused = bench.dial(&port, Refuses);
    assert_eq!(
        bench.wait_for(refused).err().expect("its own factory refuses").kind(),
        FailureKind::Local
    );
    bench.until("it to be gone too", || bench.reactor().sources() == 1);
}

fn a_factory_that_panics_closes_the_connection(bench: Bench) {
    let client = Log::default();
    let fragile = || -> Recorder { quiet_panic() };
    let port = bench.listen(fragile);
    drop(bench.dial(&port, recorder(&client)).add_both(|_| ()));
    bench.until("the connection to be gone", || bench.reactor().sources() == 1);
    assert!(!client.is_made() || client.lost().is_some());
}

fn both_ends_agree_on_the_addresses(bench: Bench) {
    let ends = bench.ends();
    let (server, client) = (ends.server.transport(), ends.client.transport());
    assert_eq!(client.peer(), ends.port.host());
    assert_eq!(server.host(), ends.port.host());
    assert_eq!(server.peer(), client.host());
}

fn a_port_counts_its_connections_and_drains(bench: Bench) {
    let ends = bench.ends();
    assert_eq!(ends.port.live(), 1);
    let drained = Rc::new(Cell::new(false));
    let flag = drained.clone();
    drop(ends.port.drained().add_callback(move |()| flag.set(true)));
    bench.idle();
    assert!(!drained.get());
    ends.client.transport().lose_connection();
    bench.until("the port to drain", || drained.get());
    assert_eq!(ends.port.live(), 0);
    assert!(ends.server.lost().is_some(), "it drains after connection_lost");
}

fn many_connections_keep_their_bytes_apart(bench: Bench) {
    let port = bench.listen(|| {
        Recorder::new(&Log::default()).reacting(|cx, event| {
            if let crate::Recorded::Data(data) = event {
                cx.transport().write(data);
            }
        })
    });
    let logs: Vec<_> = (0..100).map(|_| Log::default()).collect();
    for log in &logs {
        drop(bench.dial(&port, recorder(log)).add_both(|_| ()));
    }
    bench.until("all to come up", || logs.iter().all(Log::is_made));
    let line = |number: usize| format!("this is connection {number}\n").repeat(20);
    for (number, log) in logs.iter().enumerate() {
        log.transport().write(line(number).as_bytes());
    }
    for (number, log) in logs.iter().enumerate() {
        let expected = line(number);
        bench.until("the echo", || log.data_len() == expected.len());
        assert_eq!(log.data(), expected.as_bytes());
    }
}

fn slots_are_used_again(bench: Bench) {
    let server = Log::default();
    let port = bench.listen(recorder(&server));
    let mut highest = 0;
    for _ in 0..50 {
        let client = Log::default();
        bench.wait_for(bench.dial(&port, recorder(&client))).expect("it connects");
        highest = highest.max(client.transport().slot_id().slot);
        client.transport().lose_connection();
        bench.until("both ends to be gone", || bench.reactor().sources() == 1);
        assert_eq!(client.lost_kind(), Some(FailureKind::ConnectionDone));
    }
    assert!(highest < 10, "slot {highest} was used for three things at a time");
}
