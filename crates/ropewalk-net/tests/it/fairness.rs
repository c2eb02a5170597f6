//! One connection does not keep the others waiting, on real sockets under every driver.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::rc::Rc;

use ropewalk_core::{Cx, Protocol, Transport, Wait};
use ropewalk_net::TcpServerEndpoint;

use crate::rig::{Heard, each_driver, until};

/// What one connection may read in a turn, and the one read that began before that was used up.
const TURN_BYTES_MAX: usize = 320 << 10;

/// An ear for each connection in the order they come up.
fn ears(count: usize) -> (Vec<Heard>, impl ropewalk_core::Factory) {
    let ears: Vec<_> = (0..count).map(|_| Heard::default()).collect();
    let next = Rc::new(std::cell::Cell::new(0));
    let all = ears.clone();
    let factory = move || {
        next.set(next.get() + 1);
        all[next.get() - 1].ear(b"")
    };
    (ears, factory)
}

/// Writes until the system has no more room.
fn flood(peer: &mut TcpStream) -> usize {
    peer.set_nonblocking(true).unwrap();
    let mut sent = 0;
    while let Ok(count) = peer.write(&[b'x'; 65_536]) {
        sent += count;
    }
    sent
}

#[test]
fn a_flood_is_read_in_shares_and_the_others_are_read_beside_it() {
    each_driver(|main_loop| {
        let (ears, factory) = ears(3);
        let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
        let port = main_loop.run_until(main_loop.reactor().listen(&server, factory)).unwrap();
        let connect = |ear: &Heard| {
            let peer = TcpStream::connect(port.host().ip().unwrap()).unwrap();
            until(main_loop, || ear.is_connected());
            peer
        };
        // Whatever the order in which a system names them, one of the quiet ones comes after the loud one.
        let mut before = connect(&ears[0]);
        let mut loud = connect(&ears[1]);
        let mut after = connect(&ears[2]);
        let sent = flood(&mut loud);
        assert!(sent > 2 * TURN_BYTES_MAX, "{sent} bytes are no flood");
        for round in 1..=3 {
            let heard = ears[1].len();
            before.write_all(b"q").unwrap();
            after.write_all(b"q").unwrap();
            main_loop.turn(Wait::No).unwrap().unwrap();
            let share = ears[1].len() - heard;
            assert!(share <= TURN_BYTES_MAX, "{share} bytes in one turn");
            assert_eq!((ears[0].len(), ears[2].len()), (round, round), "in the same turn");
        }
        until(main_loop, || ears[1].len() >= sent);
    });
}

#[test]
fn a_short_read_misses_no_end_that_came_with_it() {
    each_driver(|main_loop| {
        let (ears, factory) = ears(1);
        let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
        let port = main_loop.run_until(main_loop.reactor().listen(&server, factory)).unwrap();
        let mut peer = TcpStream::connect(port.host().ip().unwrap()).unwrap();
        until(main_loop, || ears[0].is_connected());
        // Both are there when the driver looks: an edge tells of them once.
        peer.write_all(b"last words").unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        let lost = ears[0].lost();
        until(main_loop, || lost.is_fired());
        assert_eq!(ears[0].bytes(), b"last words");
    });
}

/// Pauses at every chunk, and goes on in the next turn.
struct Halting(Heard);

impl Protocol for Halting {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        let transport: Transport = cx.transport().clone();
        transport.pause_producing();
        cx.reactor().call_soon(move || transport.resume_producing());
        self.0.note(data);
    }
}

#[test]
fn a_reader_that_halts_at_every_chunk_gets_all_of_a_flood() {
    each_driver(|main_loop| {
        let heard = Heard::default();
        let ear = heard.clone();
        let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
        let listening = main_loop.reactor().listen(&server, move || Halting(ear.clone()));
        let port = main_loop.run_until(listening).unwrap();
        let mut peer = TcpStream::connect(port.host().ip().unwrap()).unwrap();
        let sent = flood(&mut peer);
        until(main_loop, || heard.len() >= sent);
        assert_eq!(heard.len(), sent);
    });
}
