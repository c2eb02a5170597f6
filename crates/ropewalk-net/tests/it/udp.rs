//! UDP: bound, connected, broadcast, multicast.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use ropewalk_core::{
    Address, DatagramProtocol, DatagramTransport, Deferred, Failure, FailureKind, Reactor, Resolve,
};
use ropewalk_net::{
    Interface, UdpClientEndpoint, UdpEndpoint, endpoints, join_group, leave_group, set_broadcast,
    set_multicast_interface, set_multicast_loop, set_multicast_ttl,
};

use crate::rig::{Letters, any_driver, each_driver, get, until};

fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[test]
fn datagrams_go_both_ways_and_empty_ones_too() {
    each_driver(|main_loop| {
        let reactor = main_loop.reactor();
        let (one, other) = (Letters::default(), Letters::default());
        let first = get(main_loop, reactor.open(&UdpEndpoint::new(local()), one.clone())).unwrap();
        let peer = first.host().ip().unwrap();
        let connected = UdpEndpoint::connected_to(peer);
        let second = get(main_loop, reactor.open(&connected, other.clone())).unwrap();
        assert_eq!(second.peer(), Some(first.host()));
        second.send(&b"hello"[..]);
        second.send(&b""[..]);
        until(main_loop, || one.texts() == ["hello", ""]);
        first.send_to(&b"back"[..], &one.received()[0].1);
        until(main_loop, || other.texts() == ["back"]);
        assert_eq!(other.received()[0].1, first.host());
        get(main_loop, first.stop_listening()).unwrap();
        assert!(one.is_stopped());
        // More than once: a program that another test is just starting may have the port open for a moment more.
        until(main_loop, || {
            second.send(&b"anybody?"[..]);
            !other.failures().is_empty()
        });
        assert!(other.failures()[0].is(FailureKind::Peer), "{:?}", other.failures());
        assert!(!other.is_stopped(), "the socket lives on");
    });
}

#[test]
fn a_datagram_of_any_size_comes_whole() {
    each_driver(|main_loop| {
        let letters = Letters::default();
        let opened = main_loop.reactor().open(&UdpEndpoint::new(local()), letters.clone());
        let socket = get(main_loop, opened).unwrap();
        for size in [0, 1, 1472, 2048, 9000, 65_507] {
            let said = "x".repeat(size);
            socket.send_to(said.clone(), &socket.host());
            until(main_loop, || letters.texts().last() == Some(&said));
        }
        // More at once than there are buffers, and each one waits its turn.
        let burst: Vec<_> = (0..200).map(|number| number.to_string()).collect();
        burst.iter().for_each(|said| socket.send_to(said.clone(), &socket.host()));
        until(main_loop, || letters.texts().len() == 206);
        assert_eq!(letters.texts()[6..], burst);
        assert!(letters.received().iter().all(|(_, from)| *from == socket.host()));
    });
}

#[test]
fn ten_thousand_datagrams_leave_though_the_buffer_is_small() {
    each_driver(|main_loop| {
        let reactor = main_loop.reactor();
        let (one, other) = (Letters::default(), Letters::default());
        let first = get(main_loop, reactor.open(&UdpEndpoint::new(local()), one)).unwrap();
        let second = get(main_loop, reactor.open(&UdpEndpoint::new(local()), other.clone()));
        let second = second.unwrap();
        (0..10_000).for_each(|_| second.send_to(vec![b'x'; 1000], &first.host()));
        assert_eq!(second.dropped(), 0);
        get(main_loop, second.stop_listening()).unwrap();
        assert!(other.failures().is_empty());
    });
}

#[test]
fn a_failed_send_is_reported_and_costs_nothing_else() {
    each_driver(|main_loop| {
        let letters = Letters::default();
        let opened = main_loop.reactor().open(&UdpEndpoint::new(local()), letters.clone());
        let socket = get(main_loop, opened).unwrap();
        socket.send_to(vec![0; 70_000], &socket.host());
        until(main_loop, || !letters.failures().is_empty());
        let said = letters.failures()[0].to_string();
        assert_eq!(said, "send a datagram: Message too long (os error 90)");
        socket.send_to(&b"short"[..], &socket.host());
        until(main_loop, || letters.texts() == ["short"]);
    });
}

#[test]
fn one_that_cannot_be_sent_holds_up_none_of_a_burst() {
    each_driver(|main_loop| {
        let letters = Letters::default();
        let opened = main_loop.reactor().open(&UdpEndpoint::new(local()), letters.clone());
        let socket = get(main_loop, opened).unwrap();
        let burst: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        for (number, said) in burst.iter().enumerate() {
            if number % 30 == 7 {
                socket.send_to(vec![0; 70_000], &socket.host()); // Too large.
            }
            socket.send_to(said.clone(), &socket.host());
        }
        until(main_loop, || letters.texts() == burst);
        assert!(!letters.failures().is_empty());
    });
}

/// Closes its socket with the third datagram.
struct Three(Letters);

impl DatagramProtocol for Three {
    fn datagram_received(&mut self, transport: &DatagramTransport, data: &[u8], from: &Address) {
        self.0.datagram_received(transport, data, from);
        if self.0.texts().len() == 3 {
            drop(transport.stop_listening());
        }
    }

    fn stopped(&mut self, reason: Failure) {
        self.0.stopped(reason);
    }
}

#[test]
fn what_came_with_the_datagram_that_closed_the_socket_is_not_heard() {
    each_driver(|main_loop| {
        let letters = Letters::default();
        let opened = main_loop.reactor().open(&UdpEndpoint::new(local()), Three(letters.clone()));
        let socket = get(main_loop, opened).unwrap();
        (0..20).for_each(|number| socket.send_to(number.to_string(), &socket.host()));
        until(main_loop, || letters.is_stopped());
        assert_eq!(letters.texts(), ["0", "1", "2"]);
    });
}

#[test]
fn broadcasting_has_to_be_allowed() {
    let main_loop = any_driver();
    let letters = Letters::default();
    let opened = main_loop.reactor().open(&UdpEndpoint::new(local()), letters.clone());
    let socket = get(&main_loop, opened).unwrap();
    let everybody = SocketAddr::from(([127, 255, 255, 255], 9)).into();
    socket.send_to(&b"hello"[..], &everybody);
    until(&main_loop, || letters.failures().len() == 1);
    let said = letters.failures()[0].to_string();
    assert_eq!(said, "send a datagram: Permission denied (os error 13)");
    set_broadcast(&socket, true).unwrap();
    socket.send_to(&b"hello"[..], &everybody);
    socket.send_to(&b"me"[..], &socket.host());
    until(&main_loop, || letters.texts() == ["me"]);
    assert_eq!(letters.failures().len(), 1);
}

#[test]
fn members_of_a_group_hear_what_is_sent_to_it() {
    let main_loop = any_driver();
    let reactor = main_loop.reactor();
    let loopback = Interface::Address(Ipv4Addr::LOCALHOST);
    let group = Ipv4Addr::new(239, 255, 77, 1);
    let letters = Letters::default();
    let mut endpoint = UdpEndpoint::new(([0, 0, 0, 0], 0));
    endpoint.reuse_address = true;
    endpoint.groups.push((group.into(), loopback));
    endpoint.multicast_loop = Some(true);
    endpoint.multicast_ttl = Some(0);
    let member = get(&main_loop, reactor.open(&endpoint, letters.clone())).unwrap();
    let port = member.host().ip().unwrap().port();
    set_multicast_interface(&member, loopback).unwrap();
    let to = SocketAddr::new(group.into(), port).into();
    member.send_to(&b"members"[..], &to);
    until(&main_loop, || letters.texts() == ["members"]);

    leave_group(&member, group.into(), loopback).unwrap();
    member.send_to(&b"nobody"[..], &to);
    let me = SocketAddr::from(([127, 0, 0, 1], port)).into();
    member.send_to(&b"me"[..], &me);
    until(&main_loop, || letters.texts().last().is_some_and(|last| last == "me"));
    assert_eq!(letters.texts(), ["members", "me"]);

    join_group(&member, group.into(), Interface::Index(1)).unwrap();
    set_multicast_loop(&member, false).unwrap();
    set_multicast_ttl(&member, 1).unwrap();
    let failures = [
        join_group(&member, Ipv4Addr::LOCALHOST.into(), Interface::Any),
        join_group(&member, "ff02::1".parse().unwrap(), loopback),
        set_multicast_ttl(&member, 256),
        leave_group(&member, Ipv4Addr::new(239, 1, 1, 1).into(), Interface::Any),
    ];
    let said = failures.map(|failure| failure.unwrap_err().to_string());
    assert_eq!(said[0], "127.0.0.1 is not a multicast address");
    assert_eq!(said[1], "for IPv6 an interface is named by its index");
    assert_eq!(said[2], "a ttl of 256 is above 255");
    assert_eq!(said[3], "Cannot assign requested address (os error 99)");
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let main_loop = any_driver();
    let reactor = main_loop.reactor();
    let first = get(&main_loop, reactor.open(&UdpEndpoint::new(local()), Letters::default()));
    let taken = first.unwrap().host().ip().unwrap();
    let second = get(&main_loop, reactor.open(&UdpEndpoint::new(taken), Letters::default()));
    let said = second.err().unwrap().to_string();
    assert_eq!(said, format!("open udp {taken}: Address already in use (os error 98)"));
    let away = UdpEndpoint::new(([192, 0, 2, 1], 0));
    let said = get(&main_loop, reactor.open(&away, Letters::default())).err().unwrap().to_string();
    assert_eq!(said, "open udp 192.0.2.1:0: Cannot assign requested address (os error 99)");
}

/// Knows every name, in two families.
struct Everywhere;

impl Resolve for Everywhere {
    fn resolve(&self, _: &Reactor, name: &str) -> Deferred<Vec<IpAddr>> {
        if name == "nowhere" {
            return Deferred::fail(Failure::new(FailureKind::System, "no such name"));
        }
        Deferred::succeed(vec!["::1".parse().unwrap(), Ipv4Addr::LOCALHOST.into()])
    }
}

#[test]
fn a_name_is_looked_up_and_an_address_that_fits_is_used() {
    let main_loop = any_driver();
    let reactor = main_loop.reactor();
    let mut endpoint = UdpClientEndpoint {
        host: "anywhere".to_owned(),
        port: 9,
        bind_address: Some(local()),
        resolver: Rc::new(Everywhere),
    };
    let opened = get(&main_loop, reactor.open(&endpoint, Letters::default())).unwrap();
    assert_eq!(opened.peer().unwrap().to_string(), "127.0.0.1:9");
    endpoint.host = "nowhere".to_owned();
    let failed = get(&main_loop, reactor.open(&endpoint, Letters::default())).err().unwrap();
    assert_eq!(failed.to_string(), "open udp to nowhere port 9: no such name");
}

#[test]
fn strings_open_sockets() {
    let main_loop = any_driver();
    let reactor = main_loop.reactor();
    let known = endpoints(reactor);
    let letters = Letters::default();
    let endpoint = known.datagram("udp:0:interface=127.0.0.1:broadcast=yes").unwrap();
    let first = get(&main_loop, reactor.open(&endpoint, letters.clone())).unwrap();
    let port = first.host().ip().unwrap().port();
    let endpoint = known.datagram(&format!("udp:localhost:{port}:bindAddress=127.0.0.1")).unwrap();
    let second = get(&main_loop, reactor.open(&endpoint, Letters::default())).unwrap();
    second.send(&b"hello"[..]);
    until(&main_loop, || letters.texts() == ["hello"]);
}
