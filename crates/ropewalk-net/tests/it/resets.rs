//! Peers that reset the connection, at every moment there is.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use ropewalk_core::{FailureKind, ListeningPort, Loop};
use ropewalk_net::TcpServerEndpoint;

use crate::rig::{Heard, each_driver, get, noise, until};

/// Closes a socket in the way that its peer notices: by a reset.
fn reset(peer: TcpStream) {
    let socket = socket2::Socket::from(peer);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

/// A server that says something, and a peer that is connected to it.
fn server(main_loop: &Loop, says: &[u8], ends: bool) -> (ListeningPort, Heard, TcpStream) {
    let heard = Heard::default();
    let (ear, says) = (heard.clone(), says.to_vec());
    let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
    let listening = main_loop.reactor().listen(&server, move || {
        let mut ear = ear.ear(&says);
        ear.ends = ends;
        ear
    });
    let port = get(main_loop, listening).unwrap();
    let peer = TcpStream::connect(port.host().ip().unwrap()).unwrap();
    (port, heard, peer)
}

/// The connection is lost by the peer's fault, and only it.
fn assert_reset(main_loop: &Loop, port: &ListeningPort, heard: &Heard) {
    let why = get(main_loop, heard.lost()).unwrap();
    assert!(why.is(FailureKind::Peer), "{why:?}");
    assert_eq!(port.live(), 0);
    get(main_loop, port.stop_listening()).unwrap();
    until(main_loop, || main_loop.reactor().sources() == 0);
}

#[test]
fn before_it_was_accepted() {
    each_driver(|main_loop| {
        let (port, heard, peer) = server(main_loop, b"hello", false);
        reset(peer);
        // Whether it is accepted at all is the system's choice; the next one is.
        let second = TcpStream::connect(port.host().ip().unwrap()).unwrap();
        until(main_loop, || heard.is_connected() && port.live() == 1);
        reset(second);
        until(main_loop, || port.live() == 0);
        get(main_loop, port.stop_listening()).unwrap();
    });
}

#[test]
fn while_it_is_idle() {
    each_driver(|main_loop| {
        let (port, heard, peer) = server(main_loop, b"", false);
        until(main_loop, || heard.is_connected());
        reset(peer);
        assert_reset(main_loop, &port, &heard);
    });
}

#[test]
fn while_much_waits_to_be_sent() {
    each_driver(|main_loop| {
        let (port, heard, mut peer) = server(main_loop, &noise(10_000_000), false);
        until(main_loop, || heard.is_connected() && heard.transport().buffered() > 0);
        peer.read_exact(&mut [0; 1000]).unwrap();
        reset(peer);
        assert_reset(main_loop, &port, &heard);
    });
}

#[test]
fn after_this_side_ended_its_half() {
    each_driver(|main_loop| {
        let (port, heard, mut peer) = server(main_loop, b"that is all", true);
        until(main_loop, || heard.is_connected());
        peer.read_to_end(&mut Vec::new()).unwrap();
        peer.write_all(b"but wait").unwrap();
        until(main_loop, || heard.bytes() == b"but wait");
        reset(peer);
        assert_reset(main_loop, &port, &heard);
    });
}

#[test]
fn after_the_peer_ended_its_half() {
    each_driver(|main_loop| {
        let (port, heard, peer) = server(main_loop, &noise(10_000_000), false);
        until(main_loop, || heard.is_connected());
        peer.shutdown(Shutdown::Write).unwrap();
        // It loses the connection, which waits for what is to be sent.
        until(main_loop, || !heard.transport().is_connected());
        reset(peer);
        assert_reset(main_loop, &port, &heard);
    });
}

#[test]
fn while_the_protocol_has_paused() {
    each_driver(|main_loop| {
        let (port, heard, mut peer) = server(main_loop, b"", false);
        until(main_loop, || heard.is_connected());
        heard.transport().pause_producing();
        main_loop.turn(ropewalk_core::Wait::No).unwrap().unwrap();
        peer.write_all(b"unheard").unwrap();
        reset(peer);
        // select cannot look at what nothing is wanted of.
        if main_loop.reactor().driver().name() == "select" {
            heard.transport().resume_producing();
        }
        assert_reset(main_loop, &port, &heard);
    });
}

#[test]
fn behind_much_that_is_there_to_be_read() {
    each_driver(|main_loop| {
        let (port, heard, mut peer) = server(main_loop, b"", false);
        // Nobody has accepted it yet.
        peer.set_nonblocking(true).unwrap();
        let mut said = 0;
        while let Ok(count) = peer.write(&[b'x'; 10_000]) {
            said += count;
        }
        assert!(said > 100_000, "{said}");
        reset(peer);
        assert_reset(main_loop, &port, &heard);
        assert!(heard.len() > 64 << 10, "{}", heard.len());
    });
}

#[test]
fn behind_much_that_came_while_the_protocol_had_paused() {
    each_driver(|main_loop| {
        let (port, heard, mut peer) = server(main_loop, b"", false);
        until(main_loop, || heard.is_connected());
        heard.transport().pause_producing();
        main_loop.turn(ropewalk_core::Wait::No).unwrap().unwrap();
        peer.set_nonblocking(true).unwrap();
        while peer.write(&[b'x'; 10_000]).is_ok() {}
        heard.transport().resume_producing();
        reset(peer);
        assert_reset(main_loop, &port, &heard);
    });
}

#[test]
fn after_the_peer_ended_its_half_and_nothing_is_to_be_sent() {
    each_driver(|main_loop| {
        let (port, heard, peer) = server(main_loop, b"", false);
        heard.outlive_the_peers_half();
        until(main_loop, || heard.is_connected());
        peer.shutdown(Shutdown::Write).unwrap();
        until(main_loop, || heard.is_half_closed());
        reset(peer);
        if main_loop.reactor().driver().name() == "select" {
            return; // As above; it is heard with the next write.
        }
        assert_reset(main_loop, &port, &heard);
    });
}

#[test]
fn what_came_before_the_reset_is_not_needed() {
    each_driver(|main_loop| {
        let (port, heard, mut peer) = server(main_loop, b"never read", false);
        until(main_loop, || heard.is_connected());
        main_loop.turn(ropewalk_core::Wait::No).unwrap().unwrap();
        peer.write_all(b"bye").unwrap();
        drop(peer); // With something unread: the system makes a reset of it.
        assert_reset(main_loop, &port, &heard);
    });
}

#[test]
fn an_abort_here_is_a_reset_there() {
    each_driver(|main_loop| {
        let (port, heard, mut peer) = server(main_loop, b"", false);
        until(main_loop, || heard.is_connected());
        heard.transport().abort_connection();
        assert!(get(main_loop, heard.lost()).unwrap().is(FailureKind::Local));
        until(main_loop, || main_loop.reactor().sources() == 1);
        let error = peer.read(&mut [0; 1]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        get(main_loop, port.stop_listening()).unwrap();
    });
}
