//! The strings `memory:NAME`.

use ropewalk_core::{Endpoints, FailureKind, Loop, Protocol};
use ropewalk_testing::{Log, MemoryDriver, Network, Recorder, register, register_internet};

fn endpoints() -> Endpoints {
    let mut endpoints = Endpoints::new();
    register(&mut endpoints);
    endpoints
}

struct Nobody;

impl Protocol for Nobody {}

#[test]
fn a_server_and_a_client_meet_under_a_name() {
    let (endpoints, log) = (endpoints(), Log::default());
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let reactor = event_loop.reactor();
    let factory = {
        let log = log.clone();
        move || Recorder::new(&log)
    };
    let server = endpoints.server("memory:room").unwrap();
    let port = event_loop.run_until(reactor.listen(&server, factory)).unwrap();
    assert_eq!(port.host().to_string(), "room");
    let client = endpoints.client("memory:room:timeout=3").unwrap();
    event_loop.run_until(reactor.connect(&client, || Nobody)).unwrap();
    assert_eq!(log.transport().peer().to_string(), "client-1");
    assert_eq!(log.transport().host().to_string(), "room");
}

#[test]
fn a_name_is_taken_once() {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let (endpoints, reactor) = (endpoints(), event_loop.reactor());
    let server = endpoints.server("memory:room").unwrap();
    let first = event_loop.run_until(reactor.listen(&server, || Nobody)).unwrap();
    let second = event_loop.run_until(reactor.listen(&server, || Nobody)).err().unwrap();
    assert!(second.is(FailureKind::System));
    assert_eq!(second.to_string(), "listen on memory room: address in use");
    event_loop.run_until(first.stop_listening()).unwrap();
    event_loop.run_until(reactor.listen(&server, || Nobody)).unwrap();
}

#[test]
fn a_name_that_nobody_has_refuses() {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let client = endpoints().client("memory:nobody").unwrap();
    let failure = event_loop.run_until(event_loop.reactor().connect(&client, || Nobody));
    assert_eq!(failure.err().unwrap().to_string(), "connect to memory nobody: connection refused");
}

#[test]
fn mistakes_in_the_string_are_pointed_at() {
    for (text, at) in [("memory:", 7), ("memory:x:timeout=soon", 9), ("memory:x:y", 9)] {
        let error = endpoints().client(text).err().unwrap();
        assert_eq!(error.at(), at, "{error}");
    }
}

#[test]
fn addresses_are_names_too() {
    let mut endpoints = Endpoints::new();
    register_internet(&mut endpoints);
    let (event_loop, log) = (Loop::new(MemoryDriver::new(Network::default())), Log::default());
    let reactor = event_loop.reactor();
    let factory = {
        let log = log.clone();
        move || Recorder::new(&log)
    };
    let server = endpoints.server("tcp:53:interface=[2001:db8::1]").unwrap();
    event_loop.run_until(reactor.listen(&server, factory)).unwrap();
    let client = endpoints.client("tcp:[2001:db8::1]:53").unwrap();
    let client = event_loop.run_until(reactor.connect(&client, || Nobody)).unwrap();
    let address = "[2001:db8::1]:53".parse().unwrap();
    assert_eq!(client.transport().unwrap().peer().ip(), Some(address));
    assert_eq!(log.transport().host().ip(), Some(address));
}
