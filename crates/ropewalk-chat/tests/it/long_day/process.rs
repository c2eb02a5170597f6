//! [`Process`]: one process of the chat, with all its ways in.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use ropewalk_chat::{
    Backplane, BrowserChat, Chat, ChatFactory, DeferToThread, History, HistoryFile, HistoryLimits,
    HistoryMark, HistoryPage,
};
use ropewalk_core::{ConnectionLimits, Factory, ListeningPort, Loop, Reactor, Time};
use ropewalk_irc::network::{Network, NetworkLimits, Server};
use ropewalk_irc::server::{IrcFactory, IrcSettings};
use ropewalk_nats::{NatsClient, NatsOptions};
use ropewalk_testing::{MemoryClientEndpoint, MemoryServerEndpoint};
use ropewalk_web::Site;

use super::ledger::{Ledger, Said};
use crate::history::Directory;

/// What is written by it is in a file of its own.
pub(crate) struct Process {
    pub(crate) ledger: Rc<Ledger>,
    server: Server,
    browsers: BrowserChat,
    file: HistoryFile,
    ports: Vec<ListeningPort>,
    backplane: Option<Backplane>,
    _directory: Directory,
}

/// When the day begins: 2026-11-25 00:00 of UTC.
const BEGIN: Duration = Duration::from_secs(1_795_564_800);
/// What waits for who does not read; little, so that slow readers are dropped within the day.
const WRITE_BYTES_MAX: usize = 8 << 10;

impl Process {
    /// The process of that number. Its doors are called `web0`, `lines0`, `irc0`.
    pub(crate) fn new(event_loop: &Loop, number: usize, is_joined: bool) -> Self {
        let reactor = event_loop.reactor();
        let clock = reactor.clone();
        let calendar = move || SystemTime::UNIX_EPOCH + BEGIN + clock.now().since(Time::START);
        let server = Server::with_calendar(&Network::new(NetworkLimits::default()), calendar);
        let chat = Chat::open(&server, "#lobby").expect("it is a name");
        let ledger = Rc::new(Ledger::default());
        server.observe(ledger.clone());
        let (directory, file) = open_history(reactor, &chat);
        let mut process = Self {
            browsers: BrowserChat::new(reactor, &chat),
            backplane: is_joined.then(|| join(reactor, &chat, number)),
            ports: Vec::new(),
            _directory: directory,
            ledger,
            server,
            file,
        };
        process.open_doors(event_loop, number, &chat);
        process
    }

    fn open_doors(&mut self, event_loop: &Loop, number: usize, chat: &Chat) {
        let settings = IrcSettings { channels: vec!["#lobby".into()], ..IrcSettings::default() };
        let limits = ConnectionLimits {
            write_bytes_max: WRITE_BYTES_MAX,
            ..ChatFactory::connection_limits()
        };
        let site = Site::new(self.browsers.clone().into_resource()).into_factory();
        let irc = IrcFactory::new(self.server.clone(), settings);
        let names = ["web", "lines", "irc"].map(|door| format!("{door}{number}"));
        self.ports = vec![
            listen(event_loop, &names[0], site, ConnectionLimits::default()),
            listen(event_loop, &names[1], ChatFactory::new(chat), limits.clone()),
            listen(event_loop, &names[2], irc, limits),
        ];
    }

    /// Other processes that it hears of.
    pub(crate) fn peers(&self) -> usize {
        self.backplane.as_ref().map_or(0, Backplane::peers)
    }

    /// All have gone, and nothing of them is left.
    pub(crate) fn check_empty(&self) {
        let (counts, left) = (self.server.counts(), self.ledger.present());
        assert_eq!((counts.users, counts.channels), (0, 1), "{left:?} are left");
        assert_eq!(self.browsers.members(), 0, "a browser's member is left");
    }

    /// The file has what was said, in its order.
    pub(crate) fn check_history(&self) {
        for (room, said) in self.ledger.said() {
            let kept = self.kept(&room);
            assert_eq!(kept.len(), said.len(), "in the history of {room}");
            assert!(kept == said, "the history of {room} is another");
        }
    }

    fn kept(&self, room: &str) -> Vec<Said> {
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
        let said = |msgid: &str, words| Said { msgid: msgid.into(), text: text(words) };
        kept.iter().rev().map(|entry| said(&entry.msgid, &entry.text)).collect()
    }

    /// Ends it; gives the ledger, which nobody else has any more when nothing of the process is left.
    pub(crate) fn end(self, event_loop: &Loop) -> Rc<Ledger> {
        for port in &self.ports {
            drop(event_loop.run_until(port.stop_listening()));
        }
        self.ledger
    }
}

/// What the process of that number is called by what joins it with others.
pub(crate) fn name(number: usize) -> String {
    format!("process{number}")
}

fn join(reactor: &Reactor, chat: &Chat, number: usize) -> Backplane {
    let endpoint = Rc::new(MemoryClientEndpoint::new("nats"));
    let options = NatsOptions { name: name(number), no_echo: true, ..NatsOptions::default() };
    let client = NatsClient::new(reactor, endpoint, options);
    Backplane::join(reactor, chat, client, "test.chat").expect("it is a subject")
}

fn listen(
    event_loop: &Loop,
    name: &str,
    factory: impl Factory,
    limits: ConnectionLimits,
) -> ListeningPort {
    let endpoint = MemoryServerEndpoint::new(name);
    let listening = event_loop.reactor().listen_with_limits(&endpoint, factory, limits);
    event_loop.run_until(listening).expect("the name is free")
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
