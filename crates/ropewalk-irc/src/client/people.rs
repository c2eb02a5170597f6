//! Requests about users: [`Whois`] and [`WhoEntry`].

use ropewalk_core::Failure;

use crate::{Message, numeric};

use super::asked::{nothing_said, number};
use super::question::{Heard, Question, Setting, Subject};

/// What a server tells of a user to who asks (`WHOIS`).
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Whois {
    /// What they are called.
    pub nick: String,
    /// The name left of the `@`.
    pub user: String,
    /// Where they come from, as others see it.
    pub host: String,
    /// The real name.
    pub realname: String,
    /// The server that they are on.
    pub server: String,
    /// Channels that they are in and that may be seen, with signs before the names.
    pub channels: Vec<String>,
    /// The account that they are logged in to.
    pub account: Option<String>,
    /// Why they are away, if they are.
    pub away: Option<String>,
    /// Seconds since they said something.
    pub idle: Option<u64>,
    /// When they came, in seconds of Unix time.
    pub signed_on_at: Option<u64>,
    /// Whether they are an operator of the network.
    pub is_operator: bool,
    /// Whether they come over TLS.
    pub is_secure: bool,
}

/// A user, as `WHO` shows them.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct WhoEntry {
    /// A channel that they are in; `*` if none is to be seen.
    pub channel: String,
    /// The name left of the `@`.
    pub user: String,
    /// Where they come from.
    pub host: String,
    /// The server that they are on.
    pub server: String,
    /// What they are called.
    pub nick: String,
    /// `H` for here or `G` for gone, `*` for an operator, signs for what they are in the channel.
    pub flags: String,
    /// The real name.
    pub realname: String,
}

impl WhoEntry {
    /// Whether they are away.
    pub fn is_away(&self) -> bool {
        self.flags.starts_with('G')
    }

    /// Whether they are an operator of the network.
    pub fn is_operator(&self) -> bool {
        self.flags.contains('*')
    }
}

/// `WHOIS`.
pub(crate) struct AskWhois {
    subject: Subject,
    whois: Whois,
}

impl AskWhois {
    pub(crate) fn new(nick: &str) -> Self {
        let errors =
            &[numeric::ERR_NOSUCHNICK, numeric::ERR_NOSUCHSERVER, numeric::ERR_NONICKNAMEGIVEN];
        Self { subject: Subject::new("WHOIS", &[nick], errors), whois: Whois::default() }
    }

    fn learn(&mut self, message: &Message<'_>) -> bool {
        let text = |index| message.param(index).unwrap_or_default().to_owned();
        let whois = &mut self.whois;
        match message.command() {
            numeric::RPL_WHOISUSER => {
                whois.nick = text(1);
                whois.user = text(2);
                whois.host = text(3);
                whois.realname = text(5);
            }
            numeric::RPL_WHOISSERVER => whois.server = text(2),
            numeric::RPL_WHOISOPERATOR => whois.is_operator = true,
            numeric::RPL_WHOISIDLE => {
                whois.idle = number(message, 2);
                whois.signed_on_at = number(message, 3);
            }
            numeric::RPL_WHOISCHANNELS => {
                whois.channels.extend(text(2).split_ascii_whitespace().map(str::to_owned));
            }
            numeric::RPL_WHOISACCOUNT => whois.account = Some(text(2)),
            numeric::RPL_AWAY => whois.away = Some(text(2)),
            numeric::RPL_WHOISSECURE => whois.is_secure = true,
            numeric::RPL_WHOISREGNICK
            | numeric::RPL_WHOISSPECIAL
            | numeric::RPL_WHOISACTUALLY
            | numeric::RPL_WHOISHOST
            | numeric::RPL_WHOISMODES
            | numeric::RPL_WHOISCERTFP
            | numeric::RPL_WHOISBOT => {}
            _ => return false,
        }
        true
    }
}

impl Question for AskWhois {
    type Answer = Whois;

    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard {
        if !self.subject.is_at(1, message, setting) {
            return Heard::Other;
        }
        if message.command() != numeric::RPL_ENDOFWHOIS {
            return if self.learn(message) { Heard::Part } else { Heard::Other };
        }
        // An end alone belongs to a question before this one, which has failed.
        if self.whois.nick.is_empty() { Heard::Other } else { Heard::Last }
    }

    fn entries(&self) -> usize {
        self.whois.channels.len()
    }

    fn answer(self) -> Result<Whois, Failure> {
        if self.whois.nick.is_empty() { Err(nothing_said()) } else { Ok(self.whois) }
    }
}

/// `WHO`.
pub(crate) struct AskWho {
    subject: Subject,
    entries: Vec<WhoEntry>,
}

impl AskWho {
    pub(crate) fn new(mask: &str) -> Self {
        let errors = &[numeric::ERR_NOSUCHSERVER, numeric::ERR_NOSUCHCHANNEL];
        Self { subject: Subject::new("WHO", &[mask], errors), entries: Vec::new() }
    }
}

impl Question for AskWho {
    type Answer = Vec<WhoEntry>;

    fn subject(&self) -> &Subject {
        &self.subject
    }

    /// `352 me #channel user host server nick flags :hops realname`. Which question an entry belongs to, only the end
    /// says; but a server answers one after the other.
    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard {
        match message.command() {
            numeric::RPL_WHOREPLY => {
                let text = |index| message.param(index).unwrap_or_default().to_owned();
                let last = message.param(7).unwrap_or_default();
                self.entries.push(WhoEntry {
                    channel: text(1),
                    user: text(2),
                    host: text(3),
                    server: text(4),
                    nick: text(5),
                    flags: text(6),
                    realname: last.split_once(' ').map_or("", |(_, name)| name).to_owned(),
                });
                Heard::Part
            }
            numeric::RPL_ENDOFWHO if self.subject.is_at(1, message, setting) => Heard::Last,
            _ => Heard::Other,
        }
    }

    fn entries(&self) -> usize {
        self.entries.len()
    }

    fn answer(self) -> Result<Vec<WhoEntry>, Failure> {
        Ok(self.entries)
    }
}
