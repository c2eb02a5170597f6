//! [`Evening`]: rooms on a network in memory, and [`Guest`]s who come by.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use ropewalk_chat::{Chat, ChatFactory};
use ropewalk_core::{FailureKind, Loop, Time, Wait, defer_later};
use ropewalk_irc::network::{Network, NetworkLimits, Server};
use ropewalk_testing::{
    Log, MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network as Wires, Recorder,
};

/// A loop on which one chat listens.
pub(crate) struct Evening {
    pub(crate) server: Server,
    pub(crate) chat: Chat,
    pub(crate) event_loop: Loop,
}

/// When all evenings begin: 2026-11-25 18:00 of UTC.
const BEGIN: Duration = Duration::from_secs(1_795_629_600);

/// One connection, and what it has been shown.
pub(crate) struct Guest {
    log: Log,
    /// Bytes that a test has looked at.
    seen: Cell<usize>,
}

impl Evening {
    pub(crate) fn new() -> Self {
        Self::with(NetworkLimits::default(), Wires::default())
    }

    pub(crate) fn with(limits: NetworkLimits, wires: Wires) -> Self {
        let event_loop = Loop::new(MemoryDriver::new(wires));
        let clock = event_loop.reactor().clone();
        let calendar = move || SystemTime::UNIX_EPOCH + BEGIN + clock.now().since(Time::START);
        let server = Server::with_calendar(&Network::new(limits), calendar);
        let chat = Chat::open(&server, "#lobby").expect("it is a name");
        let listening = event_loop.reactor().listen_with_limits(
            &MemoryServerEndpoint::new("chat"),
            ChatFactory::new(&chat),
            ChatFactory::connection_limits(),
        );
        drop(event_loop.run_until(listening).expect("the name is free"));
        Self { server, chat, event_loop }
    }

    /// How many are there.
    pub(crate) fn users(&self) -> usize {
        self.server.counts().users
    }

    /// Somebody at the door.
    pub(crate) fn connect(&self) -> Guest {
        let log = Log::default();
        let client = log.clone();
        let connecting = self
            .event_loop
            .reactor()
            .connect(&MemoryClientEndpoint::new("chat"), move || Recorder::new(&client));
        drop(self.event_loop.run_until(connecting).expect("the chat listens"));
        let guest = Guest { log, seen: Cell::new(0) };
        self.settle();
        guest
    }

    /// Somebody who has come in, and has read what they were shown.
    pub(crate) fn join(&self, name: &str) -> Guest {
        let guest = self.connect();
        self.say(&guest, name);
        let shown = guest.shown().join("\n");
        assert!(shown.contains(&format!("Hello {name}.")), "{shown}");
        guest
    }

    /// Somebody types a line; everything happens that comes of it.
    pub(crate) fn say(&self, guest: &Guest, line: &str) {
        self.send(guest, format!("{line}\n").as_bytes());
    }

    pub(crate) fn send(&self, guest: &Guest, bytes: &[u8]) {
        guest.log.transport().write(bytes);
        self.settle();
    }

    /// What happens without time passing worth speaking of.
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

impl Guest {
    /// The whole lines that were shown since the last look.
    pub(crate) fn shown(&self) -> Vec<String> {
        let data = self.log.data();
        let fresh = &data[self.seen.replace(data.len())..];
        let text = String::from_utf8(fresh.to_vec()).expect("it is UTF-8");
        assert!(text.is_empty() || text.ends_with("\r\n"), "{text:?}");
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn lost(&self) -> Option<FailureKind> {
        self.log.lost_kind()
    }
}
