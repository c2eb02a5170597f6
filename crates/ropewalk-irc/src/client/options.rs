//! [`ClientOptions`] and [`ClientLimits`]: who a client is, and what it puts up with.

use std::time::{Duration, SystemTime};

use super::Sasl;

/// Who a client is, and how it behaves.
///
/// # Example
/// ```
/// use ropewalk_irc::client::{ClientOptions, Sasl};
/// let options = ClientOptions {
///     nick_alternatives: vec!["dan_the_bot".to_owned()],
///     sasl: vec![Sasl::External],
///     ..ClientOptions::new("dan")
/// };
/// assert_eq!(options.user, "dan");
/// ```
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// What it wants to be called.
    pub nick: String,
    /// What else, in order, if somebody is called so or the server does not like it. After these come the nick
    /// with `_`, and with numbers.
    pub nick_alternatives: Vec<String>,
    /// Whether to ask for [`nick`](Self::nick) again while called otherwise: when its owner is seen to go, and
    /// every [`nick_regain_interval`](Self::nick_regain_interval). Default true.
    pub nick_is_regained: bool,
    /// How often that is. Default 60 s: names of who was cut off are free after some minutes.
    pub nick_regain_interval: Duration,
    /// The user's name, left of the `@`. Default: the nick.
    pub user: String,
    /// What others see as the real name. Default: the nick.
    pub realname: String,
    /// The server's password, if it has one (`PASS`).
    pub password: Option<String>,
    /// Ways to log in to an account, of which the first that the server offers is tried, then the next.
    pub sasl: Vec<Sasl>,
    /// Whether to give the connection up if none of [`sasl`](Self::sasl) succeeds. Default true, if there are
    /// any: who asked for an account may be seen with the host that it hides.
    pub sasl_is_required: bool,
    /// Capabilities to switch on besides those that this client makes use of.
    pub capabilities: Vec<String>,
    /// What `CTCP VERSION` is answered with; `None` for no answer.
    pub version: Option<String>,
    /// What time it is, for `CTCP TIME`; `None` for no answer.
    pub wall_clock: Option<fn() -> SystemTime>,
    /// What it puts up with.
    pub limits: ClientLimits,
}

/// What a client waits for, keeps and sends at most.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// How long registering may take, from the connection on. Default 60 s: servers look for a name and an
    /// identity first, which takes some 30 s where nobody answers.
    pub registration_timeout: Duration,
    /// How long the answer to a request may take, from when it was sent. Default 30 s: a netsplit is seen then.
    pub request_timeout: Duration,
    /// Requests that wait, for their turn or their answer. Default 1,000: who asks more does not wait for answers.
    pub requests_max: usize,
    /// Entries of one answer: users of a `WHO`, channels of a `LIST`. Default 100,000: the largest networks have
    /// as many channels.
    pub answer_entries_max: usize,
    /// How often to ask the server for a sign of life. Default 60 s: `lag` is no older than that.
    pub ping_interval: Duration,
    /// How long that may take, before the connection is given up. Default 120 s: netsplits and full lines pass.
    pub ping_timeout: Duration,
    /// Lines that may be sent at once. Default 5: the ten seconds of penalty that RFC 1459 section 8.10 allows, at
    /// two a line.
    pub line_burst: u32,
    /// How often one may be sent after that. Default 2 s, from the same place. Zero turns this off, for a server
    /// that trusts this client.
    pub line_interval: Duration,
    /// Lines that may wait for their turn. Default 500, which leave in some twenty minutes; more is refused.
    pub queued_lines_max: usize,
    /// Answers to `CTCP` at once. Default 3; more, and whoever asks has the client cut off for flooding.
    pub ctcp_burst: u32,
    /// How often one is answered after that; the others are not. Default 10 s.
    pub ctcp_interval: Duration,
    /// Channels that are kept track of. Default 1,000; servers allow some hundred.
    pub channels_max: usize,
    /// Members that are kept track of, over all channels. Default 200,000, which are some tens of megabytes; of
    /// channels with more it is known that they have more.
    pub members_max: usize,
    /// Nicks that are tried while registering. Default 12.
    pub nicks_max: usize,
}

impl ClientOptions {
    /// A client that wants to be called `nick`.
    pub fn new(nick: impl Into<String>) -> Self {
        let nick = nick.into();
        Self {
            user: nick.clone(),
            realname: nick.clone(),
            nick,
            nick_alternatives: Vec::new(),
            nick_is_regained: true,
            nick_regain_interval: Duration::from_secs(60),
            password: None,
            sasl: Vec::new(),
            sasl_is_required: true,
            capabilities: Vec::new(),
            version: Some(concat!("Ropewalk ", env!("CARGO_PKG_VERSION")).to_owned()),
            wall_clock: Some(SystemTime::now),
            limits: ClientLimits::default(),
        }
    }

    /// The nick to try as the `index`th, if the one before is not to be had.
    pub(crate) fn nick_to_try(&self, index: usize) -> Option<String> {
        let alternatives = self.nick_alternatives.len();
        match index {
            _ if index >= self.limits.nicks_max => None,
            0 => Some(self.nick.clone()),
            _ if index <= alternatives => Some(self.nick_alternatives[index - 1].clone()),
            _ => match index - alternatives {
                1 => Some(format!("{}_", self.nick)),
                number => Some(format!("{}{number}", self.nick)),
            },
        }
    }
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            registration_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
            requests_max: 1_000,
            answer_entries_max: 100_000,
            ping_interval: Duration::from_secs(60),
            ping_timeout: Duration::from_secs(120),
            line_burst: 5,
            line_interval: Duration::from_secs(2),
            queued_lines_max: 500,
            ctcp_burst: 3,
            ctcp_interval: Duration::from_secs(10),
            channels_max: 1_000,
            members_max: 200_000,
            nicks_max: 12,
        }
    }
}
