//! Connecting and listening that fail, each with one clear line; and happy eyeballs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ropewalk_core::{Deferred, Failure, FailureKind, Loop, Reactor, Resolve};
use ropewalk_net::{TcpClientEndpoint, TcpServerEndpoint, endpoints};

use crate::rig::{Echo, Heard, any_driver, each_driver, get, until};

/// Gives each name the addresses that the test wants.
struct Book(Vec<IpAddr>);

impl Resolve for Book {
    fn resolve(&self, _: &Reactor, _: &str) -> Deferred<Vec<IpAddr>> {
        if self.0.is_empty() {
            return Deferred::fail(Failure::new(FailureKind::System, "no such name"));
        }
        Deferred::succeed(self.0.clone())
    }
}

fn client(port: u16, addresses: &[[u8; 4]]) -> TcpClientEndpoint {
    let addresses = addresses.iter().map(|ip| Ipv4Addr::from(*ip).into()).collect();
    TcpClientEndpoint::new("host.example", port, Rc::new(Book(addresses)))
}

fn failure(main_loop: &Loop, client: &TcpClientEndpoint) -> Failure {
    get(main_loop, main_loop.reactor().connect(client, || Echo)).err().unwrap()
}

/// A port on which nobody listens.
fn unused_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    each_driver(|main_loop| {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = TcpServerEndpoint::new(taken);
        let port = get(main_loop, main_loop.reactor().listen(&server, || Echo)).unwrap();
        let second = get(main_loop, main_loop.reactor().listen(&server, || Echo)).err().unwrap();
        let why = "Address already in use (os error 98)";
        assert_eq!(second.to_string(), format!("listen on tcp {taken}: {why}"));
        assert!(second.is(FailureKind::System));
        get(main_loop, port.stop_listening()).unwrap();
        get(main_loop, main_loop.reactor().listen(&server, || Echo)).unwrap();
    });
    let main_loop = any_driver();
    let away = TcpServerEndpoint::new(([192, 0, 2, 1], 80));
    let said = get(&main_loop, main_loop.reactor().listen(&away, || Echo)).err().unwrap();
    let why = "Cannot assign requested address (os error 99)";
    assert_eq!(said.to_string(), format!("listen on tcp 192.0.2.1:80: {why}"));
}

#[test]
fn refused_is_one_clear_line() {
    each_driver(|main_loop| {
        let port = unused_port();
        let refused = failure(main_loop, &client(port, &[[127, 0, 0, 1]]));
        let line = format!(
            "connect to host.example port {port}: connect to tcp 127.0.0.1:{port}: \
             Connection refused (os error 111)"
        );
        assert_eq!(refused.to_string(), line);
        assert!(refused.is(FailureKind::Peer));
        let mut bare = client(port, &[]);
        bare.host = "127.0.0.1".to_owned();
        let refused = failure(main_loop, &bare);
        let line = format!("connect to tcp 127.0.0.1:{port}: Connection refused (os error 111)");
        assert_eq!(refused.to_string(), line);
        until(main_loop, || main_loop.reactor().sources() == 0);
    });
}

#[test]
fn unreachable_is_one_clear_line() {
    let main_loop = any_driver();
    // From the loopback address nothing but loopback can be reached.
    let mut away = client(80, &[[192, 0, 2, 1]]);
    away.bind_address = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let said = failure(&main_loop, &away).to_string();
    let begin = "connect to host.example port 80: connect to tcp 192.0.2.1:80: ";
    let why = said.strip_prefix(begin).unwrap_or_else(|| panic!("{said}"));
    let whys = ["Invalid argument (os error 22)", "Network is unreachable (os error 101)"];
    assert!(whys.contains(&why), "{why}");
    away.bind_address = Some(SocketAddr::from(([192, 0, 2, 7], 0)));
    let said = failure(&main_loop, &away).to_string();
    assert!(said.contains("connect from 192.0.2.7:0: Cannot assign requested address"), "{said}");
}

#[test]
fn a_name_that_is_not_found_is_one_clear_line() {
    let main_loop = any_driver();
    let said = failure(&main_loop, &client(80, &[])).to_string();
    assert_eq!(said, "connect to host.example port 80: no such name");
    let known = endpoints(main_loop.reactor());
    let client = known.client("tcp:no.such.name.invalid:80").unwrap();
    let failed = get(&main_loop, main_loop.reactor().connect(&client, || Echo)).err().unwrap();
    let said = failed.to_string();
    let begin = "connect to no.such.name.invalid port 80: failed to lookup address information: ";
    assert!(said.starts_with(begin) && !said.contains('\n'), "{said}");
}

/// A listener that nobody gets through to: its backlog is full, and no more is answered.
struct BlackHole {
    listener: TcpListener,
    _filling: Vec<std::net::TcpStream>,
}

impl BlackHole {
    fn new(ip: [u8; 4]) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.bind(&SocketAddr::from((ip, 0)).into()).unwrap();
        socket.listen(0).unwrap();
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().unwrap();
        let patience = Duration::from_millis(200);
        let fill = || std::net::TcpStream::connect_timeout(&address, patience).ok();
        let filling = std::iter::from_fn(fill).take(16).collect();
        Self { listener, _filling: filling }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }
}

#[test]
fn connecting_takes_no_longer_than_the_timeout() {
    let hole = BlackHole::new([127, 0, 0, 1]);
    each_driver(|main_loop| {
        let mut client = client(hole.port(), &[[127, 0, 0, 1]]);
        client.timeout = Duration::from_millis(50);
        let late = failure(main_loop, &client);
        assert!(late.is(FailureKind::Timeout));
        let port = hole.port();
        let line = format!("connect to host.example port {port}: timed out after 50ms");
        assert!(late.to_string().ends_with("timed out after 50ms"), "{late}");
        assert!(late.to_string().starts_with(&line[..30]));
        until(main_loop, || main_loop.reactor().sources() == 0);
    });
}

#[test]
fn a_dead_address_costs_a_quarter_of_a_second() {
    let hole = BlackHole::new([127, 0, 0, 1]);
    each_driver(|main_loop| {
        let good = TcpServerEndpoint::new(([127, 0, 0, 2], hole.port()));
        let port = get(main_loop, main_loop.reactor().listen(&good, || Echo)).unwrap();
        let client = client(hole.port(), &[[127, 0, 0, 1], [127, 0, 0, 2], [127, 0, 0, 3]]);
        let heard = Heard::default();
        let ear = heard.clone();
        let began = Instant::now();
        get(main_loop, main_loop.reactor().connect(&client, move || ear.ear(b"hello"))).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(250));
        assert_eq!(heard.transport().peer(), port.host());
        until(main_loop, || heard.bytes() == b"hello");
        heard.transport().lose_connection();
        get(main_loop, port.stop_listening()).unwrap();
        until(main_loop, || main_loop.reactor().sources() == 0);
    });
}

#[test]
fn a_refusal_makes_room_for_the_next_address_at_once() {
    each_driver(|main_loop| {
        let good = TcpServerEndpoint::new(([127, 0, 0, 4], 0));
        let port = get(main_loop, main_loop.reactor().listen(&good, || Echo)).unwrap();
        let number = port.host().ip().unwrap().port();
        let addresses: [[u8; 4]; 4] = [1, 2, 3, 4].map(|last| [127, 0, 0, last]);
        let heard = Heard::default();
        let ear = heard.clone();
        let client = client(number, &addresses);
        get(main_loop, main_loop.reactor().connect(&client, move || ear.ear(b""))).unwrap();
        assert_eq!(heard.transport().peer(), port.host());
        get(main_loop, port.stop_listening()).unwrap();
    });
}

#[test]
fn giving_up_leaves_nothing_behind() {
    let hole = BlackHole::new([127, 0, 0, 1]);
    each_driver(|main_loop| {
        let client = client(hole.port(), &[[127, 0, 0, 1], [127, 0, 0, 2]]);
        let connecting = main_loop.reactor().connect(&client, || Echo);
        until(main_loop, || main_loop.reactor().sources() == 1);
        connecting.cancel();
        assert!(connecting.into_result().unwrap().err().unwrap().is(FailureKind::Cancelled));
        until(main_loop, || main_loop.reactor().sources() == 0);
    });
}
