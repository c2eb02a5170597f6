//! [`ConnectionCap`] and [`with_layer`].

use std::rc::Rc;

use ropewalk_core::{
    Chunk, Factory, Failure, Layer, LayerIo, Loop, OutQueue, Protocol, Reactor, Transport, Wait,
};
use ropewalk_framing::{ConnectionCap, with_layer};
use ropewalk_testing::{
    Conversation, Log, MemoryClientEndpoint, MemoryDriver, MemoryNetwork, MemoryServerEndpoint,
    Network, Recorder,
};

/// A loop with a capped server on it.
struct Server {
    event_loop: Loop,
    network: MemoryNetwork,
}

impl Server {
    fn new(factory: impl Factory) -> Self {
        let driver = MemoryDriver::new(Network::default());
        let (network, event_loop) = (driver.network(), Loop::new(driver));
        let listening = event_loop.reactor().listen(&MemoryServerEndpoint::new("capped"), factory);
        drop(event_loop.run_until(listening).expect("the name is free"));
        Self { event_loop, network }
    }

    fn reactor(&self) -> &Reactor {
        self.event_loop.reactor()
    }

    /// A client, after everything has happened that connecting brings about.
    fn connect(&self) -> Log {
        let log = Log::default();
        let client = log.clone();
        let endpoint = MemoryClientEndpoint::new("capped");
        let connecting = self.reactor().connect(&endpoint, move || Recorder::new(&client));
        drop(connecting.add_both(|_| ()));
        self.settle();
        log
    }

    fn settle(&self) {
        // A turn each for what is written, for its arrival, and for what comes of it.
        for _ in 0..16 {
            self.event_loop.turn(Wait::No).expect("not busy").expect("it can wait");
        }
        assert!(self.network.is_quiet());
    }
}

fn is_up(client: &Log) -> bool {
    client.is_made() && client.lost().is_none()
}

#[test]
fn connections_over_the_cap_are_refused_until_one_is_lost() {
    let log = Log::default();
    let server = Server::new(ConnectionCap::new(move || Recorder::new(&log), 2, 2));
    let clients = [server.connect(), server.connect(), server.connect()];
    assert_eq!(clients.each_ref().map(is_up), [true, true, false]);
    clients[0].transport().lose_connection();
    server.settle();
    assert!(is_up(&server.connect()));
    assert!(!is_up(&server.connect()));
    clients[1].transport().abort_connection();
    server.settle();
    assert!(is_up(&server.connect()));
}

/// Refuses everybody, after the cap has let them in.
struct Nobody;

impl Factory for Nobody {
    type Protocol = Silent;

    fn build_protocol(&self, _: &Transport) -> Option<Silent> {
        None
    }
}

struct Silent;
impl Protocol for Silent {}

#[test]
fn whom_the_factory_refuses_is_not_counted() {
    let capped = Rc::new(ConnectionCap::new(Nobody, 1, 1));
    let shared = Shared(capped);
    let server = Server::new(shared);
    for _ in 0..3 {
        assert!(!is_up(&server.connect()));
    }
}

struct Shared<F>(Rc<F>);

impl<F: Factory> Factory for Shared<F> {
    type Protocol = F::Protocol;

    fn build_protocol(&self, transport: &Transport) -> Option<F::Protocol> {
        self.0.build_protocol(transport)
    }
}

/// Makes capitals of what goes out.
struct Loud;

impl Layer for Loud {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.deliver(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        while !from.is_empty() {
            let loud = from.first().to_ascii_uppercase();
            io.send(&loud);
            from.advance(loud.len());
        }
        Ok(())
    }
}

#[test]
fn a_layer_is_there_before_the_first_byte_is_written() {
    struct Greets;
    impl Protocol for Greets {
        fn connection_made(&mut self, cx: &mut ropewalk_core::Cx<'_>) {
            cx.transport().write(b"hello");
        }
    }
    let talk = Conversation::new(with_layer(|| Greets, || Loud));
    assert_eq!(talk.written(), b"HELLO");
}
