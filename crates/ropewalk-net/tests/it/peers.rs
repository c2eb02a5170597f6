//! Real peers: `nc` and `socat`, over TCP, UNIX sockets and UDP.

use std::process::Command;

use ropewalk_core::{Loop, ReactorLimits};
use ropewalk_net::{
    NetDriver, TcpServerEndpoint, UdpEndpoint, UnixDatagramEndpoint, UnixServerEndpoint, endpoints,
};

use crate::rig::{
    Directory, Echo, Heard, Letters, each_driver, get, noise, program, run_program, unique_name,
    until,
};

fn local() -> TcpServerEndpoint {
    TcpServerEndpoint::new(([127, 0, 0, 1], 0))
}

/// A program that is there, with its arguments.
fn command(test: &str, name: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = program(test, name)?;
    command.args(arguments);
    Some(command)
}

#[test]
fn nc_gets_its_echo() {
    each_driver(|main_loop| {
        let port = get(main_loop, main_loop.reactor().listen(&local(), || Echo)).unwrap();
        let number = port.host().ip().unwrap().port().to_string();
        let test = "peers::nc_gets_its_echo";
        let Some(nc) = command(test, "nc", &["-N", "127.0.0.1", &number]) else { return };
        let sent = noise(1_000_000);
        let output = run_program(main_loop, nc, &sent);
        assert!(output.status.success() && output.stdout == sent);
    });
}

#[test]
fn ten_million_bytes_go_each_way_over_tcp() {
    each_driver(|main_loop| {
        let reactor = main_loop.reactor();
        let port = get(main_loop, reactor.listen(&local(), || Echo)).unwrap();
        let known = endpoints(reactor);
        let number = port.host().ip().unwrap().port();
        let client = known.client(&format!("tcp:127.0.0.1:{number}")).unwrap();
        let (heard, sent) = (Heard::default(), noise(10_000_000));
        let ear = heard.clone();
        let says = sent.clone();
        get(main_loop, reactor.connect(&client, move || ear.ear(&says))).unwrap();
        until(main_loop, || heard.len() >= sent.len());
        assert!(heard.bytes() == sent);
    });
}

#[test]
fn socat_speaks_tcp_and_unix_and_abstract() {
    each_driver(|main_loop| {
        let reactor = main_loop.reactor();
        let directory = Directory::new();
        let path = directory.join("socket");
        let name = unique_name();
        let tcp = get(main_loop, reactor.listen(&local(), || Echo)).unwrap();
        let unix = reactor.listen(&UnixServerEndpoint::new(&path), || Echo);
        let unix = get(main_loop, unix).unwrap();
        let hidden = reactor.listen(&UnixServerEndpoint::abstract_name(&name), || Echo);
        let hidden = get(main_loop, hidden).unwrap();
        for address in [
            format!("TCP:{}", tcp.host()),
            format!("UNIX-CONNECT:{}", path.display()),
            format!("ABSTRACT-CONNECT:{name}"),
        ] {
            let test = "peers::socat_speaks_tcp_and_unix_and_abstract";
            let Some(socat) = command(test, "socat", &["-t60", "-", &address]) else { return };
            let sent = noise(300_000);
            let output = run_program(main_loop, socat, &sent);
            assert!(output.status.success(), "{address}: {output:?}");
            assert!(output.stdout == sent, "{address}: {} bytes", output.stdout.len());
        }
        for port in [tcp, unix, hidden] {
            get(main_loop, port.stop_listening()).unwrap();
        }
    });
}

#[test]
fn socat_sends_datagrams() {
    each_driver(|main_loop| {
        let reactor = main_loop.reactor();
        let directory = Directory::new();
        let path = directory.join("socket");
        let (by_udp, by_unix) = (Letters::default(), Letters::default());
        let udp = UdpEndpoint::new(([127, 0, 0, 1], 0));
        let udp = get(main_loop, reactor.open(&udp, by_udp.clone())).unwrap();
        let unix = UnixDatagramEndpoint::new(&path);
        let unix = get(main_loop, reactor.open(&unix, by_unix.clone())).unwrap();
        for (address, letters) in [
            (format!("UDP:{}", udp.host()), by_udp),
            (format!("UNIX-SENDTO:{}", path.display()), by_unix),
        ] {
            let test = "peers::socat_sends_datagrams";
            let Some(socat) = command(test, "socat", &["-u", "-", &address]) else { return };
            run_program(main_loop, socat, b"hello");
            until(main_loop, || letters.texts() == ["hello"]);
        }
        get(main_loop, unix.stop_listening()).unwrap();
    });
}

#[test]
fn a_client_talks_to_socat() {
    each_driver(|main_loop| {
        let reactor = main_loop.reactor();
        let directory = Directory::new();
        let path = directory.join("socket");
        let listen = format!("UNIX-LISTEN:{}", path.display());
        let test = "peers::a_client_talks_to_socat";
        let Some(mut socat) = command(test, "socat", &[&listen, "SYSTEM:cat"]) else { return };
        let _socat = crate::rig::Running::start(&mut socat);
        until(main_loop, || path.exists());
        let client = format!("unix:{}", path.display());
        let client = endpoints(reactor).client(&client).unwrap();
        let heard = Heard::default();
        // Its file is there a moment before it listens.
        until(main_loop, || {
            let ear = heard.clone();
            let connected = reactor.connect(&client, move || {
                let mut ear = ear.ear(b"hello");
                ear.ends = true;
                ear
            });
            get(main_loop, connected).is_ok()
        });
        get(main_loop, heard.lost()).unwrap();
        assert_eq!(heard.bytes(), b"hello");
    });
}

#[test]
fn a_peer_that_never_reads_costs_no_more_than_the_limit() {
    for name in NetDriver::names() {
        let mut limits = ReactorLimits::default();
        limits.connection.write_bytes_max = 1 << 20;
        let main_loop = Loop::with_limits(NetDriver::by_name(name).unwrap(), limits);
        let heard = Heard::default();
        let ear = heard.clone();
        let listening = main_loop.reactor().listen(&local(), move || ear.ear(b""));
        let port = get(&main_loop, listening).unwrap();
        let _peer = std::net::TcpStream::connect(port.host().ip().unwrap()).unwrap();
        until(&main_loop, || heard.is_connected());
        let (transport, block) = (heard.transport(), vec![b'x'; 100_000]);
        let mut most = 0;
        until(&main_loop, || {
            transport.write(&block);
            most = most.max(transport.buffered());
            !transport.is_connected()
        });
        let why = get(&main_loop, heard.lost()).unwrap();
        assert!(why.is(ropewalk_core::FailureKind::Limit), "{why:?}");
        assert!(most <= 1 << 20, "{most}");
    }
}

#[test]
fn a_peer_that_sends_a_byte_at_a_time_is_heard() {
    use std::io::{Read, Write};
    each_driver(|main_loop| {
        let port = get(main_loop, main_loop.reactor().listen(&local(), || Echo)).unwrap();
        let mut peer = std::net::TcpStream::connect(port.host().ip().unwrap()).unwrap();
        peer.set_nonblocking(true).unwrap();
        for byte in 0..=255 {
            peer.write_all(&[byte]).unwrap();
            let mut answer = [0];
            until(main_loop, || peer.read(&mut answer).is_ok_and(|count| count == 1));
            assert_eq!(answer, [byte]);
        }
    });
}
