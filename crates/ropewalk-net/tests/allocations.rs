//! What a reactor allocates for an event once it has warmed up: nothing. (Under poll and select each wait makes
//! the list of what is waited for anew.)
//!
//! A test program of its own, since it counts what the whole process allocates.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Cx, DelayedCall, Protocol, Reactor, ReactorTime};
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

#[test]
fn an_event_allocates_nothing() {
    let _profiler = dhat::Profiler::builder().testing().build();
    for name in NetDriver::names().iter().filter(|name| !matches!(**name, "poll" | "select")) {
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
