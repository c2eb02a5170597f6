//! A TLS connection keeps every promise of a transport, over a network in memory and over TCP.

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Address, Loop};
use ropewalk_net::{NetDriver, SystemResolver, TcpClientEndpoint, TcpServerEndpoint, new_loop};
use ropewalk_testing::{
    MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network, Setup, check_transport,
};
use ropewalk_tls::{TlsClientEndpoint, TlsServerEndpoint};

use crate::rig::{client, server};

fn in_memory(network: Network) -> Setup {
    let server = TlsServerEndpoint::new(MemoryServerEndpoint::new("here"), &server());
    let client = client();
    let dial = move |_: &Address| {
        let below = MemoryClientEndpoint::new("here");
        Rc::new(TlsClientEndpoint::new(below, &client, "localhost")) as Rc<_>
    };
    Setup::new(Loop::new(MemoryDriver::new(network).expecting_threads()), server, dial)
}

fn over_tcp(reactor: &str) -> Setup {
    let event_loop = new_loop(Some(reactor)).unwrap();
    let resolver = Rc::new(SystemResolver::new(event_loop.reactor()));
    let below = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
    let server = TlsServerEndpoint::new(below, &server());
    let client = client();
    let dial = move |address: &Address| {
        let ip = address.ip().unwrap();
        let below = TcpClientEndpoint::new(ip.ip().to_string(), ip.port(), resolver.clone());
        Rc::new(TlsClientEndpoint::new(below, &client, "localhost")) as Rc<_>
    };
    Setup::new(event_loop, server, dial)
}

#[test]
fn over_a_perfect_network_in_memory() {
    check_transport(|| in_memory(Network::default()));
}

#[test]
fn over_a_slow_network_that_tears_everything_apart() {
    let latency = Duration::from_millis(5);
    let network = Network { latency, chunk_size: 700, ..Network::default() };
    check_transport(move || Setup { many_bytes: 500_000, ..in_memory(network.clone()) });
}

#[test]
fn over_tcp_by_epoll() {
    check_transport(|| over_tcp("epoll"));
}

#[test]
fn over_tcp_by_uring() {
    match NetDriver::by_name("uring") {
        Ok(_) => check_transport(|| over_tcp("uring")),
        Err(refused) => crate::rig::skip("conformance::over_tcp_by_uring", &refused.to_string()),
    }
}
