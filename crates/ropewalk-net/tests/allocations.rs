//! What a reactor allocates for an event once it has warmed up: nothing. (Under poll and select each wait makes
//! the list of what is waited for anew.)
//!
//! A test program of its own, since it counts what the whole process allocates.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{Cx, DelayedCall, Protocol, Reactor};
use ropewalk_net::{NetDriver, SystemResolver, TcpClientEndpoint, TcpServerEndpoint, new_loop};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }
}

/// Sends a message, and the next one when it is back; a timer that is put off each time is the usual company.
struct Pinger {
    rounds: Rc<Cell<usize>>,
    timer: Option<DelayedCall>,
}

impl Protocol for Pinger {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.timer = Some(cx.reactor().call_later(Duration::from_secs(60), || ()));
        cx.transport().write(&[b'x'; 64]);
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        self.rounds.set(self.rounds.get() + 1);
        let timer = self.timer.as_ref().expect("it was made");
        timer.reset(Duration::from_secs(60)).expect("it is active");
        cx.transport().write(data);
    }
}

/// Goes on until `rounds` messages are back.
fn run_to(main_loop: &ropewalk_core::Loop, counted: &Cell<usize>, rounds: usize) {
    while counted.get() < rounds {
        let soon = main_loop.reactor().now() + Duration::from_secs(60);
        main_loop.turn(ropewalk_core::Wait::Until(soon)).unwrap().unwrap();
    }
}

fn start(reactor: &Reactor, main_loop: &ropewalk_core::Loop, rounds: &Rc<Cell<usize>>) {
    let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
    let port = main_loop.run_until(reactor.listen(&server, || Echo)).unwrap();
    let host = port.host().ip().unwrap();
    let resolver = Rc::new(SystemResolver::new(reactor));
    let client = TcpClientEndpoint::new(host.ip().to_string(), host.port(), resolver);
    for _ in 0..8 {
        let rounds = rounds.clone();
        let pinger = move || Pinger { rounds: rounds.clone(), timer: None };
        drop(main_loop.run_until(reactor.connect(&client, pinger)).unwrap());
    }
}

/// Those that make no list for each wait, and that work here.
fn frugal_drivers() -> impl Iterator<Item = &'static str> {
    let frugal = |name: &&str| *name == "epoll" || NetDriver::by_name(name).is_ok();
    ["epoll", "uring"].into_iter().filter(frugal)
}

/// One at a time: what is counted is the process's.
static COUNTING: Mutex<()> = Mutex::new(());

#[test]
fn an_event_allocates_nothing() {
    let _turn = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    let _profiler = dhat::Profiler::builder().testing().build();
    for name in frugal_drivers() {
        let main_loop = new_loop(Some(name)).unwrap();
        let rounds = Rc::new(Cell::new(0));
        start(main_loop.reactor(), &main_loop, &rounds);
        run_to(&main_loop, &rounds, 10_000);
        let before = dhat::HeapStats::get().total_blocks;
        run_to(&main_loop, &rounds, 30_000);
        let allocated = dhat::HeapStats::get().total_blocks - before;
        assert_eq!(allocated, 0, "{name}: for 20,000 messages there and back");
    }
}

/// Counts what it gets.
struct Sink(Rc<Cell<usize>>);

impl Protocol for Sink {
    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        self.0.set(self.0.get() + data.len());
    }
}

const LARGE: usize = 8 << 20;

/// Writes a lot as one piece, when it is told to.
struct Source;

impl Protocol for Source {}

#[test]
fn bytes_are_not_copied_and_a_large_write_costs_no_more_than_its_size() {
    let _turn = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    let _profiler = dhat::Profiler::builder().testing().build();
    for name in frugal_drivers() {
        let main_loop = new_loop(Some(name)).unwrap();
        let (reactor, counted) = (main_loop.reactor(), Rc::new(Cell::new(0)));
        let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
        let count = counted.clone();
        let listening = reactor.listen(&server, move || Sink(count.clone()));
        let host = main_loop.run_until(listening).unwrap().host().ip().unwrap();
        let resolver = Rc::new(SystemResolver::new(reactor));
        let client = TcpClientEndpoint::new(host.ip().to_string(), host.port(), resolver);
        let source = main_loop.run_until(reactor.connect(&client, || Source)).unwrap();
        let transport = source.transport().unwrap();
        let bytes = Bytes::from(vec![b'x'; LARGE]);
        // The first time the reactor's own buffers are made.
        transport.write_bytes(bytes.clone());
        run_to(&main_loop, &counted, LARGE);

        let before = dhat::HeapStats::get().total_bytes;
        transport.write_bytes(bytes.clone());
        run_to(&main_loop, &counted, 2 * LARGE);
        let for_bytes = dhat::HeapStats::get().total_bytes - before;
        assert!(for_bytes < 64 << 10, "{name}: {for_bytes} bytes were allocated to send {LARGE}");

        let before = dhat::HeapStats::get().total_bytes;
        bytes.chunks(1000).for_each(|piece| transport.write(piece));
        run_to(&main_loop, &counted, 3 * LARGE);
        let for_pieces = dhat::HeapStats::get().total_bytes - before;
        // A buffer that doubles as it grows has been up to four times its size in all.
        assert!(for_pieces < 5 * LARGE as u64, "{name}: {for_pieces} bytes for {LARGE} in pieces");
    }
}
