//! [`World`]: a chat with all its ways in, on a network in memory that can be made bad.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use ropewalk_chat::{
    BrowserChat, Chat, ChatFactory, DeferToThread, History, HistoryFile, HistoryLimits,
    HistoryMark, HistoryPage,
};
use ropewalk_core::{
    ConnectionLimits, Factory, ListeningPort, Loop, Reactor, Time, Wait, defer_later,
};
use ropewalk_irc::network::{Network, NetworkLimits, Server};
use ropewalk_irc::server::{IrcFactory, IrcSettings};
use ropewalk_testing::{
    MemoryDriver, MemoryNetwork, MemoryServerEndpoint, Network as Wires, Random, Seed,
};
use ropewalk_web::Site;

use super::ledger::Ledger;
use super::wire::Wire;
use crate::history::Directory;

/// Everything that there is besides the people.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) browsers: BrowserChat,
    pub(crate) ledger: Rc<Ledger>,
    pub(crate) network: MemoryNetwork,
    pub(crate) file: HistoryFile,
    random: RefCell<Random>,
    fates: RefCell<HashMap<String, Fate>>,
    /// Who is there, to be whispered to.
    present: RefCell<Vec<String>>,
    numbers: Cell<u64>,
    buried: RefCell<Vec<(Wire, Time)>>,
    ports: RefCell<Vec<ListeningPort>>,
    _directory: Directory,
    event_loop: Loop,
}

/// What somebody knows of what they have said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// No answer came, or not to each attempt.
    Unknown,
    /// It was said.
    Told,
    /// It was not.
    Refused,
}

pub(crate) const ROOMS: [&str; 3] = ["#lobby", "#boats", "#knots"];

/// When the day begins: 2026-11-25 00:00 of UTC.
const BEGIN: Duration = Duration::from_secs(1_795_564_800);
/// What waits for who does not read; little, so that slow readers are dropped within the day.
const WRITE_BYTES_MAX: usize = 8 << 10;
/// As long a system tries to send before it gives a connection up (RFC 1122 section 4.2.3.5; Linux: some 15 minutes).
const SYSTEM_PATIENCE: Duration = Duration::from_secs(15 * 60);

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let event_loop =
            Loop::new(MemoryDriver::new(Wires { seed: Seed::new(seed), ..Wires::default() }));
        let reactor = event_loop.reactor().clone();
        let clock = reactor.clone();
        let calendar = move || SystemTime::UNIX_EPOCH + BEGIN + clock.now().since(Time::START);
        let server = Server::with_calendar(&Network::new(NetworkLimits::default()), calendar);
        let chat = Chat::open(&server, "#lobby").expect("it is a name");
        let ledger = Rc::new(Ledger::default());
        server.observe(ledger.clone());
        let (directory, file) = open_history(&reactor, &chat);
        let world = Self {
            browsers: BrowserChat::new(&reactor, &chat),
            network: MemoryNetwork::of(&reactor).expect("it is in memory"),
            ledger,
            file,
            random: RefCell::new(Random::new(Seed::new(seed))),
            fates: RefCell::default(),
            present: RefCell::default(),
            numbers: Cell::new(0),
            buried: RefCell::default(),
            ports: RefCell::default(),
            _directory: directory,
            event_loop,
            server,
        };
        world.open_doors(&chat);
        world
    }

    fn open_doors(&self, chat: &Chat) {
        let settings = IrcSettings { channels: vec!["#lobby".into()], ..IrcSettings::default() };
        let limits = ConnectionLimits {
            write_bytes_max: WRITE_BYTES_MAX,
            ..ChatFactory::connection_limits()
        };
        self.listen(
            "web",
            Site::new(self.browsers.clone().into_resource()).into_factory(),
            ConnectionLimits::default(),
        );
        self.listen("lines", ChatFactory::new(chat), limits.clone());
        self.listen("irc", IrcFactory::new(self.server.clone(), settings), limits);
    }

    fn listen(&self, name: &str, factory: impl Factory, limits: ConnectionLimits) {
        let endpoint = MemoryServerEndpoint::new(name);
        let listening = self.reactor().listen_with_limits(&endpoint, factory, limits);
        let port = self.event_loop.run_until(listening).expect("the name is free");
        self.ports.borrow_mut().push(port);
    }

    pub(crate) fn reactor(&self) -> &Reactor {
        self.event_loop.reactor()
    }

    pub(crate) fn now(&self) -> Time {
        self.reactor().now()
    }

    /// Time passes.
    pub(crate) fn pass(&self, time: Duration) {
        let later = defer_later(self.reactor(), time, || ());
        self.event_loop.run_until(later).expect("time passes");
        self.ledger.check();
        self.reset_buried();
    }

    /// What the file has of a room: msgid and text, in order.
    pub(crate) fn kept(&self, room: &str) -> Vec<(Rc<str>, Rc<str>)> {
        let (mut kept, mut before) = (Vec::new(), None);
        loop {
            let page = HistoryPage { before, ..HistoryPage::last(200) };
            let rows = self.file.page(room, &page).expect("it can be read");
            let Some(first) = rows.first() else { break };
            before = Some(HistoryMark::Message(first.entry.msgid.clone()));
            kept.extend(rows.iter().rev().map(|row| row.entry.clone()));
        }
        let text = |text: &str| {
            let text = text.strip_prefix("\u{1}ACTION ").unwrap_or(text);
            text.trim_end_matches('\u{1}').into()
        };
        kept.iter().rev().map(|entry| (entry.msgid.as_str().into(), text(&entry.text))).collect()
    }

    /// The chat is over: nothing of it is left, and nothing is going to happen any more.
    pub(crate) fn end(self) {
        let Self { event_loop, ledger, server, browsers, ports, .. } = self;
        for port in ports.take() {
            drop(event_loop.run_until(port.stop_listening()));
        }
        drop((browsers, server));
        // Somebody may wait for something that is over by now, but nobody waits again.
        let stuck =
            (0..10_000).find_map(|_| event_loop.turn(Wait::Forever).expect("not busy").err());
        let stuck = stuck.expect("some timer is set again and again");
        assert!(stuck.to_string().contains("nothing will ever happen"), "{stuck}");
        assert_eq!(event_loop.reactor().sources(), 0);
        assert_eq!(Rc::strong_count(&ledger), 1, "a part of the chat is kept by somebody");
    }

    // Chance.

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.random.borrow_mut().below(bound)
    }

    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn index(&self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("it is an index")
    }

    pub(crate) fn pick<T: Clone>(&self, all: &[T]) -> Option<T> {
        all.get(self.index(all.len())).cloned()
    }

    // Names and texts.

    pub(crate) fn number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// Something that nobody has said. Sometimes it is long.
    pub(crate) fn text(&self, place: &str) -> String {
        let more = if self.chance(10) { 300 } else { self.below(20) };
        let more = "o".repeat(usize::try_from(more).expect("it is small"));
        let text = format!("{} for {}{more}", self.number(), place.trim_start_matches('#'));
        self.set_fate(&text, Fate::Unknown);
        text
    }

    pub(crate) fn set_fate(&self, text: &str, fate: Fate) {
        self.fates.borrow_mut().insert(text.to_owned(), fate);
    }

    pub(crate) fn fates(&self) -> HashMap<String, Fate> {
        self.fates.borrow().clone()
    }

    pub(crate) fn arrive(&self, name: &str) {
        self.present.borrow_mut().push(name.to_owned());
    }

    pub(crate) fn depart(&self, name: &str) {
        self.present.borrow_mut().retain(|one| one != name);
    }

    /// Somebody who is there, other than `name`.
    pub(crate) fn somebody(&self, name: &str) -> Option<String> {
        let others: Vec<_> =
            self.present.borrow().iter().filter(|one| *one != name).cloned().collect();
        self.pick(&others)
    }

    // Connections that nobody looks after.

    /// A person has given a connection up that fell silent; the systems at its ends still try.
    pub(crate) fn bury(&self, wire: Wire) {
        if wire.is_silent() && wire.transport().is_some() {
            self.buried.borrow_mut().push((wire, self.now() + SYSTEM_PATIENCE));
        } else {
            wire.abort();
        }
    }

    fn reset_buried(&self) {
        let now = self.now();
        let mut buried = self.buried.borrow_mut();
        let over = buried.extract_if(.., |(_, at)| *at <= now);
        for (wire, _) in over.collect::<Vec<_>>() {
            wire.suffer(&self.network, super::wire::Fault::Reset);
        }
    }
}

fn open_history(reactor: &Reactor, chat: &Chat) -> (Directory, HistoryFile) {
    let directory = Directory::new();
    let limits = HistoryLimits { age_max: Duration::MAX, ..HistoryLimits::default() };
    let file = HistoryFile::open(directory.file(), limits).expect("it is new");
    let history = History::new(reactor, file.clone(), DeferToThread::at_once());
    chat.set_history(&history);
    chat.record(&history);
    (directory, file)
}
