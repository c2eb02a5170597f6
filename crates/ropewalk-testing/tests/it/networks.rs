//! Every kind of network passes the suites.

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Address, Loop};
use ropewalk_testing::{
    DatagramSetup, MemoryClientEndpoint, MemoryDatagramEndpoint, MemoryDriver,
    MemoryServerEndpoint, Network, Seed, Setup, check_datagrams, check_driver, check_transport,
};

fn setup(network: &Network, many_bytes: usize) -> Setup {
    let flood_bytes = 256 << 10;
    let burst_bytes = network.capacity.min(30_000);
    let driver = MemoryDriver::new(network.clone()).expecting_threads();
    let server = MemoryServerEndpoint::new("here");
    let client = |_: &_| Rc::new(MemoryClientEndpoint::new("here")) as Rc<_>;
    Setup { many_bytes, flood_bytes, burst_bytes, ..Setup::new(Loop::new(driver), server, client) }
}

fn check(network: Network, many_bytes: usize) {
    check_driver(|| setup(&network, many_bytes));
    check_transport(|| setup(&network, many_bytes));
}

#[test]
fn a_perfect_network() {
    check(Network::default(), 10_000_000);
}

#[test]
fn a_distant_network() {
    let latency = Duration::from_millis(10);
    check(Network { latency, ..Network::default() }, 10_000_000);
}

#[test]
fn a_network_of_single_bytes() {
    check(Network { chunk_size: 1, ..Network::default() }, 100_000);
}

#[test]
fn a_network_with_room_for_one_byte() {
    check(Network { capacity: 1, ..Network::default() }, 20_000);
}

#[test]
fn a_network_by_chance() {
    let network = Network {
        latency: Duration::from_millis(1),
        jitter: Duration::from_millis(5),
        chunk_size: 1000,
        capacity: 5000,
        seed: Seed::from_env(),
        ..Network::default()
    };
    check(network, 1_000_000);
}

fn check_sockets(network: Network) {
    check_datagrams(|| DatagramSetup {
        event_loop: Loop::new(MemoryDriver::new(network.clone())),
        bound: Box::new(|| Rc::new(MemoryDatagramEndpoint::default())),
        connected: Box::new(|address| match address {
            Address::Named(peer) => Rc::new(MemoryDatagramEndpoint::connected_to(peer.clone())),
            other => panic!("{other} is no name"),
        }),
    });
}

#[test]
fn datagrams_over_a_perfect_network() {
    check_sockets(Network::default());
}

#[test]
fn datagrams_over_a_distant_network() {
    let (latency, jitter) = (Duration::from_millis(1), Duration::from_millis(5));
    check_sockets(Network { latency, jitter, seed: Seed::from_env(), ..Network::default() });
}
