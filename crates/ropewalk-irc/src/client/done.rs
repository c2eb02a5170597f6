//! [`Done`]: requests that are answered by being done: joins, kicks, modes, names of one's own.

use ropewalk_core::Failure;

use crate::{Message, numeric};

use super::question::{Heard, Question, Setting, Subject};

/// A request whose answer is that it was done.
pub(crate) struct Done {
    subject: Subject,
    sign: Sign,
    /// The sign is followed by more, up to this.
    until: Option<&'static str>,
    is_seen: bool,
    may_be_silent: bool,
    is_done_when_sent: bool,
}

/// What says that it was done.
#[derive(Clone, Copy)]
enum Sign {
    /// This client's own command comes back, as all others get it: its first so many parameters are the names.
    Echo { names: usize },
    /// One of these numerics.
    Numeric(&'static [&'static str]),
}

impl Done {
    /// The command itself, as all others get it, with `names` as its first parameters.
    fn echo(command: &'static str, names: &[&str], errors: &'static [&'static str]) -> Self {
        Self {
            subject: Subject::new(command, names, errors),
            sign: Sign::Echo { names: names.len() },
            until: None,
            is_seen: false,
            may_be_silent: false,
            is_done_when_sent: false,
        }
    }

    /// Done when this client is in there and knows who else is.
    pub(crate) fn join(channel: &str) -> Self {
        let until = Some(numeric::RPL_ENDOFNAMES);
        Self { until, ..Self::echo("JOIN", &[channel], JOIN_ERRORS) }
    }

    pub(crate) fn part(channel: &str) -> Self {
        Self::echo("PART", &[channel], CHANNEL_ERRORS)
    }

    pub(crate) fn set_topic(channel: &str) -> Self {
        Self { may_be_silent: true, ..Self::echo("TOPIC", &[channel], CHANNEL_ERRORS) }
    }

    pub(crate) fn mode(target: &str) -> Self {
        Self { may_be_silent: true, ..Self::echo("MODE", &[target], MODE_ERRORS) }
    }

    pub(crate) fn kick(channel: &str, nick: &str) -> Self {
        Self::echo("KICK", &[channel, nick], CHANNEL_ERRORS)
    }

    pub(crate) fn invite(nick: &str, channel: &str) -> Self {
        let sign = Sign::Numeric(&[numeric::RPL_INVITING]);
        Self { sign, ..Self::echo("INVITE", &[nick, channel], INVITE_ERRORS) }
    }

    pub(crate) fn nick(nick: &str) -> Self {
        Self { may_be_silent: true, ..Self::echo("NICK", &[nick], NICK_ERRORS) }
    }

    pub(crate) fn setname() -> Self {
        Self::echo("SETNAME", &[], &[])
    }

    pub(crate) fn away() -> Self {
        let sign = Sign::Numeric(&[numeric::RPL_NOWAWAY, numeric::RPL_UNAWAY]);
        Self { sign, ..Self::echo("AWAY", &[], &[]) }
    }

    /// A message, of which only a server with labels says that it has arrived.
    pub(crate) fn say(command: &'static str, target: &str) -> Self {
        Self { is_done_when_sent: true, ..Self::echo(command, &[target], SAY_ERRORS) }
    }

    fn is_sign(&self, message: &Message<'_>, setting: &Setting<'_>) -> bool {
        match self.sign {
            Sign::Echo { names } => {
                let is_about = |index| self.subject.is_at(index, message, setting);
                setting.is_by_me && message.is(self.subject.command) && (0..names).all(is_about)
            }
            Sign::Numeric(numerics) => {
                let is_about = |index| self.subject.is_at(index, message, setting);
                numerics.contains(&message.command())
                    && (self.subject.names.is_empty() || (is_about(1) && is_about(2)))
            }
        }
    }
}

impl Question for Done {
    type Answer = ();

    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard {
        if self.is_sign(message, setting) {
            self.is_seen = true;
            return if self.until.is_none() { Heard::Last } else { Heard::Part };
        }
        let is_end = self.is_seen && self.until == Some(message.command());
        if is_end && self.subject.is_at(1, message, setting) { Heard::Last } else { Heard::Other }
    }

    fn may_be_silent(&self) -> bool {
        self.may_be_silent
    }

    fn is_done_when_sent(&self) -> bool {
        self.is_done_when_sent
    }

    fn answer(self) -> Result<(), Failure> {
        Ok(())
    }
}

const JOIN_ERRORS: &[&str] = &[
    numeric::ERR_NOSUCHCHANNEL,
    numeric::ERR_TOOMANYCHANNELS,
    numeric::ERR_TOOMANYTARGETS,
    numeric::ERR_UNAVAILRESOURCE,
    numeric::ERR_LINKCHANNEL,
    numeric::ERR_CHANNELISFULL,
    numeric::ERR_INVITEONLYCHAN,
    numeric::ERR_BANNEDFROMCHAN,
    numeric::ERR_BADCHANNELKEY,
    numeric::ERR_BADCHANMASK,
    numeric::ERR_NEEDREGGEDNICK,
    // Not in any table, but used: 480 to join too fast, 489 for who comes without TLS, 520 for operators only.
    "480",
    "489",
    "520",
];

const CHANNEL_ERRORS: &[&str] = &[
    numeric::ERR_NOSUCHNICK,
    numeric::ERR_NOSUCHCHANNEL,
    numeric::ERR_USERNOTINCHANNEL,
    numeric::ERR_NOTONCHANNEL,
    numeric::ERR_BADCHANMASK,
    numeric::ERR_NOPRIVILEGES,
    numeric::ERR_CHANOPRIVSNEEDED,
    // Who cannot be kicked: a service.
    "484",
];

const MODE_ERRORS: &[&str] = &[
    numeric::ERR_NOSUCHNICK,
    numeric::ERR_NOSUCHCHANNEL,
    numeric::ERR_USERNOTINCHANNEL,
    numeric::ERR_NOTONCHANNEL,
    numeric::ERR_UNKNOWNMODE,
    numeric::ERR_BANLISTFULL,
    numeric::ERR_CHANOPRIVSNEEDED,
    numeric::ERR_NOPRIVILEGES,
    numeric::ERR_UMODEUNKNOWNFLAG,
    numeric::ERR_USERSDONTMATCH,
    numeric::ERR_INVALIDKEY,
    numeric::ERR_INVALIDMODEPARAM,
];

const INVITE_ERRORS: &[&str] = &[
    numeric::ERR_NOSUCHNICK,
    numeric::ERR_NOSUCHCHANNEL,
    numeric::ERR_NOTONCHANNEL,
    numeric::ERR_USERONCHANNEL,
    numeric::ERR_CHANOPRIVSNEEDED,
];

pub(crate) const NICK_ERRORS: &[&str] = &[
    numeric::ERR_NONICKNAMEGIVEN,
    numeric::ERR_ERRONEUSNICKNAME,
    numeric::ERR_NICKNAMEINUSE,
    numeric::ERR_NICKCOLLISION,
    numeric::ERR_UNAVAILRESOURCE,
    numeric::ERR_NONICKCHANGE,
    // Too fast, and banned in a channel: as several servers say it.
    "438",
    "435",
];

const SAY_ERRORS: &[&str] = &[
    numeric::ERR_NOSUCHNICK,
    numeric::ERR_NOSUCHCHANNEL,
    numeric::ERR_CANNOTSENDTOCHAN,
    numeric::ERR_TOOMANYTARGETS,
    numeric::ERR_NORECIPIENT,
    numeric::ERR_NOTEXTTOSEND,
];
