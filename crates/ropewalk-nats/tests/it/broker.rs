//! [`Broker`]: a NATS server in memory, of which a test says every line; and a client of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{ListeningPort, Loop, Wait, defer_later};
use ropewalk_nats::{NatsClient, NatsNews, NatsOptions};
use ropewalk_testing::{
    Log, MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network, Recorder,
};

/// A loop on which a server listens or not, and one client lives.
pub(crate) struct Broker {
    pub(crate) event_loop: Loop,
    pub(crate) client: NatsClient,
    /// What became of the client's connection, in words.
    pub(crate) news: Rc<RefCell<Vec<String>>>,
    pub(crate) connection: Log,
    port: RefCell<Option<ListeningPort>>,
    /// Bytes that a test has looked at.
    seen: Cell<usize>,
}

pub(crate) const INFO: &str =
    "INFO {\"server_id\":\"TEST\",\"version\":\"0\",\"max_payload\":64}\r\n";

impl Broker {
    /// A server that listens, and a client that has not been answered.
    pub(crate) fn new(options: NatsOptions) -> Self {
        Self::with(options, Network::default())
    }

    pub(crate) fn with(options: NatsOptions, network: Network) -> Self {
        let broker = Self::absent(options, network);
        broker.listen();
        broker.settle();
        broker
    }

    /// A server that does not listen yet.
    pub(crate) fn absent(options: NatsOptions, network: Network) -> Self {
        let event_loop = Loop::new(MemoryDriver::new(network));
        let endpoint = Rc::new(MemoryClientEndpoint::new("nats"));
        let client = NatsClient::new(event_loop.reactor(), endpoint, options);
        let news = Rc::<RefCell<Vec<String>>>::default();
        let noted = news.clone();
        client.watch(move |news| noted.borrow_mut().push(in_words(news)));
        let (connection, port, seen) = (Log::default(), RefCell::default(), Cell::new(0));
        Self { event_loop, client, news, connection, port, seen }
    }

    /// A client that is welcome; its greeting has been read.
    pub(crate) fn welcoming(options: NatsOptions) -> Self {
        let broker = Self::new(options);
        broker.welcome();
        broker
    }

    pub(crate) fn welcome(&self) {
        self.say(INFO);
        assert!(self.heard().ends_with("PING\r\n"));
        self.say("PONG\r\n");
        assert!(self.client.is_up());
    }

    pub(crate) fn listen(&self) {
        let log = self.connection.clone();
        let listening = self
            .event_loop
            .reactor()
            .listen(&MemoryServerEndpoint::new("nats"), move || Recorder::new(&log));
        let port = self.event_loop.run_until(listening).expect("the name is free");
        self.port.replace(Some(port));
    }

    /// The server is gone, and its connection too.
    pub(crate) fn fall(&self) {
        if let Some(port) = self.port.take() {
            drop(self.event_loop.run_until(port.stop_listening()));
        }
        self.connection.transport().abort_connection();
        self.settle();
        self.connection.clear();
        self.seen.set(0);
    }

    pub(crate) fn say(&self, text: &str) {
        self.connection.transport().write(text.as_bytes());
        self.settle();
    }

    /// What the client has said since the last look.
    pub(crate) fn heard(&self) -> String {
        let data = self.connection.data();
        let fresh = data[self.seen.replace(data.len())..].to_vec();
        String::from_utf8(fresh).expect("it is UTF-8")
    }

    pub(crate) fn settle(&self) {
        self.advance(Duration::from_millis(1));
    }

    pub(crate) fn advance(&self, time: Duration) {
        let later = defer_later(self.event_loop.reactor(), time, || ());
        self.event_loop.run_until(later).expect("time passes");
        for _ in 0..8 {
            self.event_loop.turn(Wait::No).expect("not busy").expect("it can wait");
        }
    }
}

fn in_words(news: &NatsNews) -> String {
    match news {
        NatsNews::CameUp => "up".to_owned(),
        NatsNews::WentAway(why) => format!("away: {why}"),
        NatsNews::Refused(why) => format!("refused: {why}"),
        _ => "other".to_owned(),
    }
}
