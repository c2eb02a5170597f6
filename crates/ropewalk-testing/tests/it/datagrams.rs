//! Datagrams: they arrive, or not, or twice, or late.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{
    Address, DatagramProtocol, DatagramTransport, Failure, FailureKind, Loop, Wait,
};
use ropewalk_testing::{MemoryDatagramEndpoint, MemoryDriver, Network};

#[derive(Clone, Default)]
struct Mailbox(Rc<RefCell<Vec<String>>>);

impl Mailbox {
    fn note(&self, what: String) {
        self.0.borrow_mut().push(what);
    }
}

impl DatagramProtocol for Mailbox {
    fn started(&mut self, _: &DatagramTransport) {
        self.note("started".into());
    }

    fn datagram_received(&mut self, _: &DatagramTransport, data: &[u8], from: &Address) {
        self.note(format!("{} from {from}", data.escape_ascii()));
    }

    fn send_failed(&mut self, _: &DatagramTransport, failure: Failure) {
        self.note(format!("failed: {:?}", failure.kind()));
    }

    fn stopped(&mut self, reason: Failure) {
        self.note(format!("stopped: {:?}", reason.kind()));
    }
}

fn open(event_loop: &Loop, endpoint: &MemoryDatagramEndpoint) -> (DatagramTransport, Mailbox) {
    let mailbox = Mailbox::default();
    let opened = event_loop.reactor().open(endpoint, mailbox.clone());
    let transport = event_loop.run_until(opened).unwrap();
    run(event_loop); // So that it has started.
    (transport, mailbox)
}

fn run(event_loop: &Loop) {
    for _ in 0..10 {
        let then = event_loop.reactor().now() + Duration::from_millis(100);
        event_loop.turn(Wait::Until(then)).unwrap().unwrap();
    }
}

fn named(name: &str) -> Address {
    Address::Named(name.into())
}

#[test]
fn sockets_send_to_each_other_by_name() {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let (one, ones) = open(&event_loop, &MemoryDatagramEndpoint::new("one"));
    let (two, twos) = open(&event_loop, &MemoryDatagramEndpoint::connected_to("one"));
    two.send(&b"hello"[..]);
    one.send_to(&b"nobody"[..], &named("nobody"));
    run(&event_loop);
    assert_eq!(*ones.0.borrow(), ["started", &format!("hello from {}", two.host())]);
    one.send_to(&b""[..], &two.host());
    run(&event_loop);
    assert_eq!(*twos.0.borrow(), ["started", " from one"]);
    assert_eq!((one.peer(), two.peer()), (None, Some(named("one"))));
    assert_eq!(one.dropped(), 0);
}

#[test]
fn a_connected_socket_hears_that_nobody_is_there() {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let (socket, mailbox) = open(&event_loop, &MemoryDatagramEndpoint::connected_to("nobody"));
    socket.send(&b"hello"[..]);
    run(&event_loop);
    socket.send(&b"hello?"[..]);
    run(&event_loop);
    assert_eq!(*mailbox.0.borrow(), ["started", "failed: Peer", "failed: Peer"]);
}

#[test]
fn a_closed_socket_frees_its_name() {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let (socket, mailbox) = open(&event_loop, &MemoryDatagramEndpoint::new("one"));
    let taken = event_loop.reactor().open(&MemoryDatagramEndpoint::new("one"), Mailbox::default());
    assert!(event_loop.run_until(taken).err().unwrap().is(FailureKind::System));
    event_loop.run_until(socket.stop_listening()).unwrap();
    assert_eq!(*mailbox.0.borrow(), ["started", "stopped: ConnectionDone"]);
    open(&event_loop, &MemoryDatagramEndpoint::new("one"));
}

/// What arrives of a thousand numbered datagrams.
fn arrivals(network: Network) -> Vec<usize> {
    let event_loop = Loop::new(MemoryDriver::new(network));
    let (_one, mailbox) = open(&event_loop, &MemoryDatagramEndpoint::new("one"));
    let (two, _) = open(&event_loop, &MemoryDatagramEndpoint::connected_to("one"));
    for number in 0..1000 {
        two.send(number.to_string());
        let then = event_loop.reactor().now() + Duration::from_micros(1);
        event_loop.turn(Wait::Until(then)).unwrap().unwrap();
    }
    run(&event_loop);
    let seen = mailbox.0.borrow();
    let numbers = seen.iter().filter_map(|line| line.split(' ').next()?.parse().ok());
    numbers.collect()
}

#[test]
fn they_are_lost_doubled_and_overtaken_as_often_as_asked() {
    let perfect = Network { latency: Duration::from_micros(10), ..Network::default() };
    assert_eq!(arrivals(perfect.clone()), (0..1000).collect::<Vec<_>>());

    let lossy = arrivals(Network { datagram_loss: 0.3, ..perfect.clone() });
    assert!((600..800).contains(&lossy.len()) && lossy.is_sorted(), "{}", lossy.len());

    let doubled = arrivals(Network { datagram_duplication: 0.3, ..perfect.clone() });
    assert!((1200..1400).contains(&doubled.len()), "{}", doubled.len());

    let mixed = arrivals(Network { datagram_reordering: 0.3, ..perfect });
    assert!(mixed.len() == 1000 && !mixed.is_sorted());
}
