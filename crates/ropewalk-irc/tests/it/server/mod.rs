//! The server, spoken to line by line over a network in memory and in virtual time.

mod about;
mod channels;
mod hard;
mod history;
mod ircv3;
mod limits;
mod messages;
mod modes;
mod monitor;
mod operators;
mod registration;
mod sasl;
mod users;
mod weechat;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use ropewalk_core::{Deferred, FailureKind, Loop, Wait, defer_later};
use ropewalk_irc::network::{Network as IrcNetwork, NetworkLimits, Server};
use ropewalk_irc::server::{Accounts, IrcFactory, IrcSettings, OperatorLogin};
use ropewalk_testing::{
    Log, MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network, Recorder,
};

/// A loop on which one server listens.
pub(crate) struct Hall {
    pub(crate) server: Server,
    pub(crate) event_loop: Loop,
    seconds: Rc<Cell<u64>>,
}

/// One connection, and what it has been told.
pub(crate) struct Client {
    log: Log,
    /// Bytes that a test has looked at.
    seen: Cell<usize>,
}

/// Knows `dan` with `secret`; answers when a test says so, if it is told to wait.
#[derive(Default)]
pub(crate) struct Book {
    waiting: RefCell<Option<Vec<Box<dyn FnOnce()>>>>,
}

impl Book {
    pub(crate) fn slow() -> Self {
        Self { waiting: RefCell::new(Some(Vec::new())) }
    }

    pub(crate) fn answer(&self) {
        let waiting = self.waiting.borrow_mut().as_mut().map(std::mem::take);
        waiting.into_iter().flatten().for_each(|answer| answer());
    }
}

impl Accounts for Book {
    fn check(&self, account: &str, password: &str) -> Deferred<Option<String>> {
        let is_it = account.eq_ignore_ascii_case("dan") && password == "secret";
        let found = is_it.then(|| "dan".to_owned());
        let mut waiting = self.waiting.borrow_mut();
        let Some(waiting) = &mut *waiting else { return Deferred::succeed(found) };
        let (resolver, deferred) = Deferred::new();
        waiting.push(Box::new(move || resolver.callback(found)));
        deferred
    }
}

/// What most tests are content with.
pub(crate) fn settings() -> IrcSettings {
    IrcSettings {
        server_name: "irc.test".into(),
        network_name: "Test".into(),
        operators: vec![OperatorLogin { name: "root".into(), password: "toor".into() }],
        accounts: Some(Rc::new(Book::default())),
        ..IrcSettings::default()
    }
}

/// So much that no test is too fast that does not want to be.
pub(crate) fn limits() -> NetworkLimits {
    NetworkLimits { message_burst: 10_000, ..NetworkLimits::default() }
}

impl Hall {
    pub(crate) fn new() -> Self {
        Self::with(limits(), settings())
    }

    pub(crate) fn with(limits: NetworkLimits, settings: IrcSettings) -> Self {
        Self::over(Network::default(), limits, settings)
    }

    pub(crate) fn over(network: Network, limits: NetworkLimits, settings: IrcSettings) -> Self {
        let event_loop = Loop::new(MemoryDriver::new(network));
        // 2023-11-14T22:13:20Z.
        let seconds = Rc::new(Cell::new(1_700_000_000));
        let read = seconds.clone();
        let calendar = move || SystemTime::UNIX_EPOCH + Duration::from_secs(read.get());
        let server = Server::with_calendar(&IrcNetwork::new(limits), calendar);
        let listening = event_loop.reactor().listen_with_limits(
            &MemoryServerEndpoint::new("irc"),
            IrcFactory::new(server.clone(), settings),
            IrcFactory::connection_limits(),
        );
        drop(event_loop.run_until(listening).expect("the name is free"));
        Self { server, event_loop, seconds }
    }

    /// The calendar goes on; the loop's time does not.
    pub(crate) fn seconds_pass(&self, seconds: u64) {
        self.seconds.set(self.seconds.get() + seconds);
    }

    /// A connection that has said nothing.
    pub(crate) fn connect(&self) -> Client {
        let log = Log::default();
        let client = log.clone();
        let connecting = self
            .event_loop
            .reactor()
            .connect(&MemoryClientEndpoint::new("irc"), move || Recorder::new(&client));
        drop(self.event_loop.run_until(connecting).expect("the server listens"));
        self.settle();
        Client { log, seen: Cell::new(0) }
    }

    /// A client that is registered and has read its welcome.
    pub(crate) fn enter(&self, nick: &str) -> Client {
        self.enter_with(nick, "")
    }

    /// The same, with these capabilities.
    pub(crate) fn enter_with(&self, nick: &str, capabilities: &str) -> Client {
        let client = self.connect();
        if !capabilities.is_empty() {
            self.send(&client, &format!("CAP REQ :{capabilities}"));
            let told = client.told();
            assert_eq!(told, [format!(":irc.test CAP * ACK :{capabilities}")]);
        }
        self.send(&client, &format!("NICK {nick}"));
        self.send(&client, "USER user 0 * :Real Name");
        if !capabilities.is_empty() {
            self.send(&client, "CAP END");
        }
        let told = client.told();
        assert!(told[0].contains(" 001 "), "{told:?}");
        client
    }

    /// A registered client on `#ropes`, which has read what it was told.
    pub(crate) fn enter_ropes(&self, nick: &str) -> Client {
        let client = self.enter(nick);
        self.ask(&client, "JOIN #ropes");
        client
    }

    /// A client says a line; everything happens that comes of it.
    pub(crate) fn send(&self, client: &Client, line: &str) {
        self.send_bytes(client, format!("{line}\r\n").as_bytes());
    }

    pub(crate) fn send_bytes(&self, client: &Client, bytes: &[u8]) {
        client.log.transport().write(bytes);
        self.settle();
    }

    /// What a client is told when it says a line, and was not told before.
    pub(crate) fn ask(&self, client: &Client, line: &str) -> Vec<String> {
        client.told();
        self.send(client, line);
        client.told()
    }

    /// Each line, and all that comes of it.
    #[track_caller]
    pub(crate) fn check(&self, client: &Client, table: &[(&str, &[&str])]) {
        for (line, expected) in table {
            assert_eq!(self.ask(client, line), *expected, "after {line}");
        }
    }

    pub(crate) fn settle(&self) {
        self.advance(Duration::from_millis(1));
    }

    pub(crate) fn advance(&self, time: Duration) {
        let later = defer_later(self.event_loop.reactor(), time, || ());
        self.event_loop.run_until(later).expect("time passes");
        // What came at that very moment.
        for _ in 0..8 {
            self.event_loop.turn(Wait::No).expect("not busy").expect("it can wait");
        }
    }
}

impl Client {
    /// The whole lines that came since the last look.
    pub(crate) fn told(&self) -> Vec<String> {
        let data = self.log.data();
        let fresh = &data[self.seen.replace(data.len())..];
        let text = String::from_utf8(fresh.to_vec()).expect("it is UTF-8");
        assert!(text.is_empty() || text.ends_with("\r\n"), "{text:?}");
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn lost(&self) -> Option<FailureKind> {
        self.log.lost_kind()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }
}
