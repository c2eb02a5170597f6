//! [`State`]: everything that a client knows of its connection.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{DelayedCall, Failure, Resolver, Time};

use super::capabilities::Capabilities;
use super::isupport::ISupport;
use super::options::ClientOptions;
use super::pace::Pace;
use super::registration::Registration;
use super::requests::Requests;
use super::roster::Roster;
use super::send_queue::SendQueue;
use super::server_error::ServerError;

/// What is known, what waits, and what is to happen later.
pub(crate) struct State {
    /// What this client is called now.
    pub(crate) nick: String,
    /// What it wants to be called.
    pub(crate) nick_wanted: String,
    /// What others see right of the nick, once that was seen.
    pub(crate) user_host: Option<(String, String)>,
    pub(crate) isupport: Rc<ISupport>,
    pub(crate) capabilities: Capabilities,
    pub(crate) registration: Registration,
    pub(crate) roster: Roster,
    pub(crate) requests: Requests,
    pub(crate) queue: SendQueue,
    pub(crate) ctcp_pace: Pace,
    /// Open batches whose messages are history.
    pub(crate) replays: HashSet<String>,
    pub(crate) motd: Vec<String>,
    pub(crate) lag: Lag,
    pub(crate) timers: Timers,
    pub(crate) ends: Ends,
}

/// How long the server takes.
#[derive(Default)]
pub(crate) struct Lag {
    /// Questions asked; the last one's number is its token.
    pub(crate) count: u64,
    /// When the one that is not answered was asked.
    pub(crate) asked_at: Option<Time>,
    pub(crate) measured: Option<Duration>,
}

/// What is to be called later.
#[derive(Default)]
pub(crate) struct Timers {
    pub(crate) registration: Option<DelayedCall>,
    pub(crate) flush: Option<DelayedCall>,
    pub(crate) ping: Option<DelayedCall>,
    pub(crate) regain: Option<DelayedCall>,
    pub(crate) quit: Option<DelayedCall>,
}

/// How the connection began and ends.
#[derive(Default)]
pub(crate) struct Ends {
    /// Who waits to be let in.
    pub(crate) signed_on: Vec<Resolver<()>>,
    /// Who waits for the end, after `quit`.
    pub(crate) quit: Vec<Resolver<()>>,
    pub(crate) is_quitting: bool,
    /// What the server said before it lost the connection.
    pub(crate) error: Option<ServerError>,
    pub(crate) lost: Option<Failure>,
}

impl State {
    pub(crate) fn new(options: &ClientOptions) -> Self {
        let limits = &options.limits;
        Self {
            nick: options.nick.clone(),
            nick_wanted: options.nick.clone(),
            user_host: None,
            isupport: Rc::default(),
            capabilities: Capabilities::default(),
            registration: Registration::default(),
            roster: Roster::default(),
            requests: Requests::default(),
            queue: SendQueue::new(limits),
            ctcp_pace: Pace::new(limits.ctcp_burst, limits.ctcp_interval),
            replays: HashSet::new(),
            motd: Vec::new(),
            lag: Lag::default(),
            timers: Timers::default(),
            ends: Ends::default(),
        }
    }

    pub(crate) fn is_me(&self, nick: &str) -> bool {
        self.isupport.case_mapping.same(&self.nick, nick)
    }

    /// A nick that the server cuts short is had when its beginning is.
    pub(crate) fn wants_other_nick(&self) -> bool {
        let wanted = &self.nick_wanted;
        let cut = wanted.floor_char_boundary(self.isupport.nick_bytes_max);
        !(self.is_me(wanted) || cut < wanted.len() && self.is_me(&wanted[..cut]))
    }

    /// Whether answers come with the label of what they answer.
    pub(crate) fn has_labels(&self) -> bool {
        ["labeled-response", "batch"].iter().all(|name| self.capabilities.has(name))
    }

    /// Bytes of text that fit into a message to `target`, so that it still fits with what the server puts before
    /// it for others.
    pub(crate) fn text_bytes_max(&self, command: &str, target: &str) -> usize {
        let user_host =
            self.user_host.as_ref().map_or(USER_HOST_BYTES_MAX, |(u, h)| u.len() + h.len());
        let source = ":!@ ".len() + self.nick.len() + user_host;
        let around = command.len() + " ".len() + target.len() + " :\r\n".len();
        self.isupport.line_bytes_max.saturating_sub(source + around)
    }
}

impl Timers {
    pub(crate) fn cancel(&mut self) {
        let Self { registration, flush, ping, regain, quit } = self;
        for timer in [registration, flush, ping, regain, quit].into_iter().filter_map(Option::take)
        {
            let _ = timer.cancel(); // It may have run.
        }
    }
}

/// As long as servers let a user's name and host be: 10 and a `~`, 63 for the name of a host.
const USER_HOST_BYTES_MAX: usize = 11 + 63;
