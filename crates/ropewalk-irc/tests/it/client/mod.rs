//! The client in memory and in virtual time: a test says what the server says, and looks at what comes.

mod ctcp;
mod flood;
mod malformed;
mod nicks;
mod registration;
mod requests;
mod requests_labeled;
mod saying;
mod signs_of_life;
mod state;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Deferred, Failure};
use ropewalk_irc::client::{ClientOptions, Event, Irc, IrcClient, IrcClientFactory, IrcProtocol};
use ropewalk_irc::{Message, MessageError};
use ropewalk_testing::Conversation;

/// What happened, a line each.
pub(crate) type Log = Rc<RefCell<Vec<String>>>;

/// Writes down what it is told.
pub(crate) struct Witness(pub(crate) Log);

impl IrcClient for Witness {
    fn event_received(&mut self, _: &Irc, event: &Event<'_>) {
        if !matches!(event, Event::Other) {
            self.0.borrow_mut().push(told(event));
        }
    }

    fn message_received(&mut self, _: &Irc, _: &Message<'_>) {}

    fn malformed_received(&mut self, _: &Irc, _: &str, error: MessageError) {
        self.0.borrow_mut().push(format!("malformed: {error}"));
    }

    fn lag_measured(&mut self, _: &Irc, lag: Duration) {
        self.0.borrow_mut().push(format!("lag {lag:?}"));
    }

    fn connection_lost(&mut self, _: &Irc, reason: &Failure) {
        self.0.borrow_mut().push(format!("lost: {reason}"));
    }
}

/// One event, shortly.
fn told(event: &Event<'_>) -> String {
    match event {
        Event::Privmsg(said) => format!("{} to {}: {}", said.from.nick, said.target, said.text),
        Event::Noticed(said) => {
            format!("{} notices {}: {}", said.from.nick, said.target, said.text)
        }
        Event::Action(said) => format!("{} in {} {}", said.from.nick, said.target, said.text),
        Event::Refused(error) => format!("refused: {error}"),
        Event::Joined { channel } => format!("joined {channel}"),
        Event::Left { channel } => format!("left {channel}"),
        Event::UserJoined { user, channel } => format!("{} joined {channel}", user.nick),
        Event::UserLeft { user, channel, reason } => {
            format!("{} left {channel}: {reason}", user.nick)
        }
        Event::UserQuit { user, reason } => format!("{} quit: {reason}", user.nick),
        Event::UserRenamed { user, nick } => format!("{} is {nick}", user.nick),
        Event::NickChanged { nick } => format!("I am {nick}"),
        Event::KickedFrom { channel, by, reason } => {
            format!("kicked from {channel} by {}: {reason}", by.nick)
        }
        Event::UserKicked { channel, nick, by, .. } => {
            format!("{nick} kicked from {channel} by {}", by.nick)
        }
        Event::TopicUpdated { by, channel, topic } => format!("{channel} by {}: {topic}", by.nick),
        Event::ModeChanged { by, target, changes } => {
            let changes: Vec<String> = changes
                .iter()
                .map(|c| {
                    let sign = if c.is_set { '+' } else { '-' };
                    format!(
                        "{sign}{}{}",
                        c.mode,
                        c.param.map(|p| format!(" {p}")).unwrap_or_default()
                    )
                })
                .collect();
            format!("mode of {target} by {}: {}", by.nick, changes.join(", "))
        }
        Event::Invited { by, nick, channel } => {
            format!("{nick} invited to {channel} by {}", by.nick)
        }
        Event::AwayChanged { user, reason } => format!("{} away {reason:?}", user.nick),
        Event::AccountChanged { user, account } => format!("{} account {account:?}", user.nick),
        Event::HostChanged { user, new_user, new_host } => {
            format!("{} now {new_user}@{new_host}", user.nick)
        }
        Event::NameChanged { user, realname } => format!("{} named {realname}", user.nick),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap_or_default().to_owned(),
    }
}

type Factory = IrcClientFactory<Box<dyn Fn() -> Witness>>;

/// A client, and a test as its server.
pub(crate) struct Served {
    pub(crate) conversation: Conversation<Factory>,
    pub(crate) log: Log,
    seen: RefCell<usize>,
}

pub(crate) fn factory(options: ClientOptions, log: &Log) -> Factory {
    let log = log.clone();
    IrcClientFactory::new(options, Box::new(move || Witness(log.clone())))
}

impl Served {
    /// Connected; nothing has been answered.
    pub(crate) fn connect(options: ClientOptions) -> Self {
        let log = Log::default();
        let conversation = Conversation::new(factory(options, &log));
        Self { conversation, log, seen: RefCell::new(0) }
    }

    /// In, on a server that knows no capabilities and takes all lines at once.
    pub(crate) fn signed_on() -> Self {
        Self::signed_on_with(options())
    }

    pub(crate) fn signed_on_with(options: ClientOptions) -> Self {
        let served = Self::connect(options);
        served.hear(
            ":irc 001 dan :Welcome\r\n:irc 005 dan CHANTYPES=# NICKLEN=30 :are supported\r\n",
        );
        served.hear(":irc 376 dan :End\r\n:irc PONG irc :lag1\r\n");
        served.news();
        served.written();
        served
    }

    /// In, with these capabilities.
    pub(crate) fn with_capabilities(list: &str) -> Self {
        let served = Self::connect(options());
        served.hear(&format!(":irc CAP * LS :{list}\r\n:irc CAP dan ACK :{list}\r\n"));
        served.hear(
            ":irc 001 dan :Welcome\r\n:irc 005 dan CHANTYPES=# NICKLEN=30 :are supported\r\n",
        );
        served.hear(":irc 422 dan :No MOTD\r\n:irc PONG irc :lag1\r\n");
        served.news();
        served.written();
        served
    }

    /// The server says this.
    pub(crate) fn hear(&self, lines: &str) {
        self.conversation.feed(lines.as_bytes());
    }

    /// What the client wrote since this was last asked.
    pub(crate) fn written(&self) -> String {
        self.settle();
        let all = self.conversation.written();
        let new = all[self.seen.replace(all.len())..].to_vec();
        String::from_utf8(new).expect("a client writes UTF-8")
    }

    /// What happened since this was last asked.
    pub(crate) fn news(&self) -> Vec<String> {
        self.log.take()
    }

    pub(crate) fn irc(&self) -> Irc {
        let asked = self.conversation.protocol().call(|receiver, _| irc_of(&receiver.protocol));
        asked.into_result().expect("the client is idle").expect("the client is there")
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.conversation.advance(Duration::from_secs(seconds));
    }

    /// Lets what is ready happen.
    pub(crate) fn settle(&self) {
        self.conversation.advance(Duration::ZERO);
    }
}

fn irc_of(protocol: &IrcProtocol<Witness>) -> Irc {
    protocol.irc().clone()
}

/// A client called dan, that nothing slows down.
pub(crate) fn options() -> ClientOptions {
    let mut options = ClientOptions::new("dan");
    options.limits.line_interval = Duration::ZERO;
    options
}

/// A result as it comes.
pub(crate) struct Awaited<T>(Rc<RefCell<Option<Result<T, Failure>>>>);

impl<T: 'static> Awaited<T> {
    pub(crate) fn new(deferred: Deferred<T>) -> Self {
        let cell = Rc::new(RefCell::new(None));
        let seen = cell.clone();
        drop(deferred.add_both(move |result| {
            seen.replace(Some(result));
        }));
        Self(cell)
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.borrow().is_some()
    }

    #[track_caller]
    pub(crate) fn value(&self) -> T {
        self.0.take().expect("it has fired").expect("it has succeeded")
    }

    #[track_caller]
    pub(crate) fn failure(&self) -> Failure {
        self.0.take().expect("it has fired").err().expect("it has failed")
    }
}
