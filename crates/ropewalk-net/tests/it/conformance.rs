//! Every driver passes the conformance suites, over TCP and over UNIX sockets.

use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use ropewalk_core::Address;
use ropewalk_net::{
    SystemResolver, TcpClientEndpoint, TcpServerEndpoint, UnixClientEndpoint, UnixServerEndpoint,
    new_loop,
};
use ropewalk_testing::{Setup, check_driver, check_transport};

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

fn unix(reactor: &str) -> Setup {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("ropewalk-conformance-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let server = UnixServerEndpoint::new(path);
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
