//! Protocols dial without knowing sockets: traits, words, ports and datagrams.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ropewalk_core::{
    Address, Cx, DatagramProtocol, DatagramTransport, Endpoints, Event, FailureKind, Loop,
    Protocol, Wait,
};
use ropewalk_testing::{Log, MemoryDriver, Network, Recorded, Recorder, register};

use crate::puppet::Stage;

fn words() -> Endpoints {
    let mut endpoints = Endpoints::new();
    register(&mut endpoints);
    endpoints
}

/// A protocol crate's: it dials somebody else, and all it knows is a string and a registry.
struct Forwards {
    words: Rc<Endpoints>,
    to: String,
    answered: Log,
}

impl Protocol for Forwards {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        let endpoint = self.words.client(&self.to).expect("the test's string is right");
        let (answered, said) = (self.answered.clone(), data.to_vec());
        let dialled = cx.reactor().connect(&endpoint, move || Recorder::new(&answered));
        cx.when(dialled, move |_: &mut Self, _, target| {
            let target = target.expect("somebody listens");
            drop(target.call(move |_, cx| cx.transport().write(&said)));
        });
    }
}

#[test]
fn a_protocol_dials_by_a_string_and_the_traits() {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let (reactor, words) = (event_loop.reactor(), Rc::new(words()));
    let (heard, answered, client) = (Log::default(), Log::default(), Log::default());
    let for_echo = heard.clone();
    let echo = words.server("memory:echo").expect("a word that is known");
    let listening = reactor.listen(&echo, move || {
        Recorder::new(&for_echo).reacting(|cx, event| {
            if let Recorded::Data(data) = event {
                cx.transport().write(data);
            }
        })
    });
    event_loop.run_until(listening).expect("the name is free");
    let (inner, for_answer) = (words.clone(), answered.clone());
    let door = words.server("memory:door").expect("a word that is known");
    let listening = reactor.listen(&door, move || Forwards {
        words: inner.clone(),
        to: "memory:echo".to_owned(),
        answered: for_answer.clone(),
    });
    event_loop.run_until(listening).expect("the name is free");
    let for_client = client.clone();
    let to_door = words.client("memory:door").expect("a word that is known");
    let dialled = reactor.connect(&to_door, move || Recorder::new(&for_client));
    let target = event_loop.run_until(dialled).expect("it is there");
    drop(target.call(|_, cx| cx.transport().write(b"hello")));
    while answered.data() != b"hello" {
        event_loop.turn(Wait::Forever).expect("outside").expect("something is under way");
    }
    assert_eq!(heard.data(), b"hello");
}

#[test]
fn a_port_stops_once_it_is_closed_and_knows_where_it_was() {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let words = words();
    let endpoint = words.server("memory:here").expect("a word that is known");
    let listening = event_loop.reactor().listen(&endpoint, || Recorder::new(&Log::default()));
    let port = event_loop.run_until(listening).expect("the name is free");
    assert_eq!(port.host().to_string(), "here");
    let (first, second) = (port.stop_listening(), port.stop_listening());
    assert!(!first.is_fired(), "the driver has not closed it yet");
    event_loop.run_until(first).expect("it is closed");
    assert!(second.is_fired() && port.stop_listening().is_fired());
    let again = event_loop.reactor().listen(&endpoint, || Recorder::new(&Log::default()));
    event_loop.run_until(again).expect("the name is free again");
}

#[test]
fn a_word_that_nobody_registered_is_an_error_that_names_those_that_are() {
    let words = words();
    for text in ["tls:443", "memry:x"] {
        let said = words.server(text).err().expect("it is not known").to_string();
        assert!(said.contains("no server endpoint") && said.contains("memory:"), "{said}");
        assert!(words.client(text).is_err() && words.datagram(text).is_err());
    }
    assert!(words.is_datagram("memory") && !words.is_datagram("udp"));
}

#[derive(Clone, Default)]
struct Counts(Rc<RefCell<Vec<Vec<u8>>>>, Rc<Cell<Option<FailureKind>>>);

impl DatagramProtocol for Counts {
    fn datagram_received(&mut self, _: &DatagramTransport, data: &[u8], _: &Address) {
        self.0.borrow_mut().push(data.to_vec());
    }

    fn stopped(&mut self, reason: ropewalk_core::Failure) {
        self.1.set(Some(reason.kind()));
    }
}

#[test]
fn a_full_queue_of_datagrams_drops_and_counts() {
    let stage = Stage::new();
    let counts = Counts::default();
    let transport = stage.reactor().open_datagram(Box::new(counts.clone())).expect("there is room");
    let (id, to) = (transport.slot_id(), Address::Named("there".into()));
    stage.hand.say(id, || Event::Opened);
    stage.hand.keep(true);
    stage.turn();
    for _ in 0..16_384 {
        transport.send_to(b"x".to_vec(), &to);
    }
    assert_eq!(transport.dropped(), 0);
    transport.send_to(b"x".to_vec(), &to);
    assert_eq!(transport.dropped(), 1, "one too many in the queue");
    stage.turn();
    transport.send_to(b"x".to_vec(), &to);
    assert_eq!(transport.dropped(), 2, "what the driver keeps counts until it is sent");
    stage.hand.say(id, || Event::Sent(1));
    stage.turn();
    transport.send_to(b"x".to_vec(), &to);
    assert_eq!(transport.dropped(), 2);
    drop(transport.stop_listening());
    stage.turns();
    assert_eq!(counts.1.get(), Some(FailureKind::ConnectionDone));
}
