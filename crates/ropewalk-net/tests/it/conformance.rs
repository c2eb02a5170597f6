//! Every driver passes the conformance suites, over TCP and over UNIX sockets.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use ropewalk_core::Address;
use ropewalk_net::{
    SystemResolver, TcpClientEndpoint, TcpServerEndpoint, UdpEndpoint, UnixClientEndpoint,
    UnixDatagramEndpoint, UnixServerEndpoint, new_loop,
};
use ropewalk_testing::{DatagramSetup, Setup, check_datagrams, check_driver, check_transport};

use crate::rig::drivers;

fn tcp(reactor: &str) -> Setup {
    let event_loop = new_loop(Some(reactor)).unwrap();
    let resolver = Rc::new(SystemResolver::new(event_loop.reactor()));
    let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
    let client = move |address: &Address| {
        let ip = address.ip().unwrap();
        Rc::new(TcpClientEndpoint::new(ip.ip().to_string(), ip.port(), resolver.clone())) as Rc<_>
    };
    let hears_while_paused = reactor != "select";
    Setup { hears_while_paused, ..Setup::new(event_loop, server, client) }
}

fn unique_path() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("ropewalk-conformance-{}-{number}", std::process::id()))
}

fn unix(reactor: &str) -> Setup {
    let server = UnixServerEndpoint::new(unique_path());
    let client = |address: &Address| match address {
        Address::Unix(path) => Rc::new(UnixClientEndpoint::new(path.as_path())) as Rc<_>,
        other => panic!("{other} is no path"),
    };
    let hears_while_paused = reactor != "select";
    let event_loop = new_loop(Some(reactor)).unwrap();
    Setup { resets: false, hears_while_paused, ..Setup::new(event_loop, server, client) }
}

fn check_uring(make: impl Fn() -> Setup) {
    if drivers().contains(&"uring") {
        check(make);
    }
}

fn check(make: impl Fn() -> Setup) {
    check_driver(&make);
    check_transport(&make);
}

#[test]
fn epoll_over_tcp() {
    check(|| tcp("epoll"));
}

#[test]
fn poll_over_tcp() {
    check(|| tcp("poll"));
}

#[test]
fn select_over_tcp() {
    check(|| tcp("select"));
}

#[test]
fn epoll_over_unix() {
    check(|| unix("epoll"));
}

#[test]
fn poll_over_unix() {
    check(|| unix("poll"));
}

#[test]
fn select_over_unix() {
    check(|| unix("select"));
}

#[test]
fn uring_over_tcp() {
    check_uring(|| tcp("uring"));
}

#[test]
fn uring_over_unix() {
    check_uring(|| unix("uring"));
}

fn udp(reactor: &str) -> DatagramSetup {
    let local = ([127, 0, 0, 1], 0);
    DatagramSetup {
        event_loop: new_loop(Some(reactor)).unwrap(),
        bound: Box::new(move || Rc::new(UdpEndpoint::new(local))),
        connected: Box::new(|address| Rc::new(UdpEndpoint::connected_to(address.ip().unwrap()))),
    }
}

fn unix_datagrams(reactor: &str) -> DatagramSetup {
    DatagramSetup {
        event_loop: new_loop(Some(reactor)).unwrap(),
        bound: Box::new(|| Rc::new(UnixDatagramEndpoint::new(unique_path()))),
        connected: Box::new(|address| {
            let connect_to = Some(address.clone());
            Rc::new(UnixDatagramEndpoint { connect_to, ..UnixDatagramEndpoint::new(unique_path()) })
        }),
    }
}

#[test]
fn every_driver_over_udp() {
    for reactor in drivers() {
        check_datagrams(|| udp(reactor));
    }
}

#[test]
fn every_driver_over_unix_datagrams() {
    for reactor in drivers() {
        check_datagrams(|| unix_datagrams(reactor));
    }
}
