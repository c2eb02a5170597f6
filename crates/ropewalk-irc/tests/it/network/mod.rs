//! The network through its public face: users do things, and each writes down what they hear.

mod channels;
mod history;
mod invariants;
mod presence;
mod speech;
mod threads;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use ropewalk_core::Time;
use ropewalk_irc::network::{
    Event, Listener, ModeChange, Network, NetworkLimits, Notice, Record, Registration, Server, User,
};

/// Writes down what it hears, one line each.
#[derive(Default)]
pub(crate) struct Ears(RefCell<Vec<String>>);

impl Ears {
    /// What was heard since the last time.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.0.take()
    }

    fn note(&self, line: String) {
        self.0.borrow_mut().push(line);
    }
}

impl Listener for Ears {
    fn notified(&self, notice: &Notice) {
        self.note(shown(notice));
    }

    fn echoed(&self, notice: &Notice) {
        self.note(format!("I: {}", shown(notice)));
    }

    fn watched(&self, notice: &Notice) {
        self.note(format!("watched: {}", shown(notice)));
    }

    fn closed(&self) {
        self.note("closed".into());
    }
}

/// `dan says hello to #ropes`
pub(crate) fn shown(record: &Record) -> String {
    let nick = record.source().nick();
    match record.event() {
        Event::Joined { channel, .. } => format!("{nick} joins {channel}"),
        Event::Parted { channel, reason } => format!("{nick} parts {channel} ({reason})"),
        Event::Quit { reason } => format!("{nick} quits ({reason})"),
        Event::Renamed { to } => format!("{nick} is {to}"),
        Event::Said { to, speech } => format!("{nick} says {} to {to}", speech.text),
        Event::Tagged { to, tags } => format!("{nick} tags {to} {tags}"),
        Event::TopicSet { channel, topic } => format!("{nick} sets {channel} to {topic}"),
        Event::ModeChanged { channel, changes } => {
            let changes: String = changes.iter().map(shown_change).collect();
            format!("{nick} changes {channel}{changes}")
        }
        Event::Kicked { channel, who, reason } => {
            format!("{nick} kicks {} from {channel} ({reason})", who.nick())
        }
        Event::Invited { channel, who } => format!("{nick} invites {} to {channel}", who.nick()),
        Event::AwaySet { message } => format!("{nick} away {message:?}"),
        Event::RealnameSet => format!("{nick} has realname {}", record.source().realname()),
        Event::AccountSet => format!("{nick} has account {:?}", record.source().account()),
        Event::Wallopsed { text } => format!("{nick} wallops {text}"),
        Event::Killed { reason } => format!("{nick} kills ({reason})"),
        Event::Online => format!("{nick} is online"),
        Event::Offline => format!("{nick} is offline"),
        other => panic!("no test knows {other:?}"),
    }
}

fn shown_change(change: &ModeChange) -> String {
    let sign = if change.adds { '+' } else { '-' };
    format!(" {sign}{}", change.mode.letter())
}

/// Somebody, what they hear, and a clock that does not go by itself.
pub(crate) struct Actor {
    pub(crate) user: User,
    pub(crate) ears: Rc<Ears>,
}

impl Actor {
    pub(crate) fn heard(&self) -> Vec<String> {
        self.ears.heard()
    }
}

/// What they have heard is of no interest.
pub(crate) fn forget<const N: usize>(actors: [&Actor; N]) {
    actors.into_iter().for_each(|actor| drop(actor.heard()));
}

/// One thread's part of a network, at a time of its own.
pub(crate) struct Stage {
    pub(crate) server: Server,
    seconds: Rc<Cell<u64>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_limits(NetworkLimits::default())
    }

    pub(crate) fn with_limits(limits: NetworkLimits) -> Self {
        Self::on(&Network::new(limits))
    }

    pub(crate) fn on(network: &Network) -> Self {
        let seconds = Rc::new(Cell::new(1));
        let read = seconds.clone();
        let calendar = move || SystemTime::UNIX_EPOCH + Duration::from_secs(read.get());
        Self { server: Server::with_calendar(network, calendar), seconds }
    }

    /// A minute later, so that nobody is too fast.
    pub(crate) fn now(&self) -> Time {
        self.seconds.set(self.seconds.get() + 60);
        Time::START + Duration::from_secs(self.seconds.get())
    }

    pub(crate) fn enter(&self, nick: &str) -> Actor {
        let ears = Rc::new(Ears::default());
        let registration = Registration::new(nick);
        let user = self.server.connect(self.now(), &registration, ears.clone());
        Actor { user: user.expect("they may come"), ears }
    }

    /// Somebody who is on `#ropes`.
    pub(crate) fn enter_ropes(&self, nick: &str) -> Actor {
        let actor = self.enter(nick);
        actor.user.join(self.now(), "#ropes", None).expect("they may join");
        actor.heard();
        actor
    }
}
