//! [`Request`]: one command of a registered client, and how it is refused.

use ropewalk_core::Time;

use super::outbox::Outbox;
use super::shared::Shared;
use crate::network::{Refusal, User};
use crate::{ChannelName, Message, NameError, numeric};

/// One command of a registered client.
pub(crate) struct Request<'a> {
    pub(crate) message: &'a Message<'a>,
    pub(crate) user: &'a User,
    pub(crate) out: &'a Outbox,
    pub(crate) shared: &'a Shared,
    pub(crate) now: Time,
}

/// Whom or what a refusal is about, as the client wrote it.
#[derive(Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) nick: &'a str,
    pub(crate) channel: &'a str,
}

impl<'a> About<'a> {
    pub(crate) fn nick(nick: &'a str) -> Self {
        Self { nick, channel: "" }
    }

    pub(crate) fn channel(channel: &'a str) -> Self {
        Self { nick: "", channel }
    }

    /// Somebody on a channel, or a message to either.
    pub(crate) fn target(target: &'a str) -> Self {
        Self { nick: target, channel: target }
    }
}

impl<'a> Request<'a> {
    /// A parameter; empty if it is not there.
    pub(crate) fn param(&self, index: usize) -> &'a str {
        self.message.param(index).unwrap_or_default()
    }

    /// The parts of a parameter that is a list, each but the empty ones.
    pub(crate) fn list(&self, index: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        self.param(index).split(',').filter(|part| !part.is_empty())
    }

    /// The first parameter as a list of what the command is for; an answer that says so if it is too long.
    pub(crate) fn targets(&self) -> Option<Vec<&'a str>> {
        let targets: Vec<&str> = self.list(0).collect();
        let targets_max = self.shared.settings.limits.targets_max;
        if targets.len() <= targets_max {
            return Some(targets);
        }
        let text = format!("Too many recipients: at most {targets_max}");
        self.out.numeric(numeric::ERR_TOOMANYTARGETS, &[shown(self.param(0))], &text);
        None
    }

    /// The command, in capitals.
    pub(crate) fn command(&self) -> String {
        self.message.command().to_ascii_uppercase()
    }

    pub(crate) fn need_more_params(&self) {
        need_more_params(self.out, self.message.command());
    }

    /// What was wanted, or an answer that says why not.
    pub(crate) fn take<T>(&self, done: Result<T, Refusal>, about: About<'_>) -> Option<T> {
        done.map_err(|refusal| self.refuse(refusal, about)).ok()
    }

    /// Says why something is not done. Some refusals are the end of the connection.
    pub(crate) fn refuse(&self, refusal: Refusal, about: About<'_>) {
        let (nick, channel) = (shown(about.nick), shown(about.channel));
        match refusal {
            Refusal::Flooding => return self.out.end_with("Excess flood"),
            Refusal::NotConnected | Refusal::Closed => return self.out.end_with("Not connected"),
            Refusal::TooFast | Refusal::Busy => {
                let command = self.command();
                return self.out.numeric(numeric::RPL_TRYAGAIN, &[&command], &sentence(refusal));
            }
            _ => {}
        }
        let (numeric, text) = numeric_of(refusal);
        match refusal {
            Refusal::BadNick(_) | Refusal::NickTaken | Refusal::NoSuchNick => {
                self.out.numeric(numeric, &[nick], text);
            }
            Refusal::UserNotOnChannel | Refusal::AlreadyOnChannel => {
                self.out.numeric(numeric, &[nick, channel], text);
            }
            Refusal::TextEmpty | Refusal::TextTooLong(_) | Refusal::NoPrivileges => {
                self.out.numeric(numeric, &[], text);
            }
            Refusal::TooManyWatched(max) => {
                self.out.numeric(numeric, &[&max.to_string(), nick], text);
            }
            _ => self.out.numeric(numeric, &[channel], text),
        }
    }
}

pub(crate) fn need_more_params(out: &Outbox, command: &str) {
    let command = command.to_ascii_uppercase();
    out.numeric(numeric::ERR_NEEDMOREPARAMS, &[&command], "Not enough parameters");
}

/// The refusal as a sentence that stands alone.
fn sentence(refusal: Refusal) -> String {
    let text = refusal.to_string();
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// The numeric of a refusal, and the words that clients know it by.
pub(crate) fn numeric_of(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::BadNick(_) => (numeric::ERR_ERRONEUSNICKNAME, "Erroneous nickname"),
        Refusal::NickTaken => (numeric::ERR_NICKNAMEINUSE, "Nickname is already in use"),
        Refusal::BadChannelName(NameError::Has(_)) => {
            (numeric::ERR_BADCHANMASK, "Bad channel name")
        }
        Refusal::BadChannelName(_) | Refusal::NoSuchChannel => {
            (numeric::ERR_NOSUCHCHANNEL, "No such channel")
        }
        Refusal::TooManyChannels | Refusal::NoMoreChannels => {
            (numeric::ERR_TOOMANYCHANNELS, "You have joined too many channels")
        }
        Refusal::NotOnChannel => (numeric::ERR_NOTONCHANNEL, "You're not on that channel"),
        Refusal::UserNotOnChannel => (numeric::ERR_USERNOTINCHANNEL, "They aren't on that channel"),
        Refusal::AlreadyOnChannel => (numeric::ERR_USERONCHANNEL, "is already on channel"),
        Refusal::ChannelFull => (numeric::ERR_CHANNELISFULL, "Cannot join channel (+l)"),
        Refusal::InviteOnly => (numeric::ERR_INVITEONLYCHAN, "Cannot join channel (+i)"),
        Refusal::Banned => (numeric::ERR_BANNEDFROMCHAN, "Cannot join channel (+b)"),
        Refusal::BadKey => (numeric::ERR_BADCHANNELKEY, "Cannot join channel (+k)"),
        Refusal::NotOperator => (numeric::ERR_CHANOPRIVSNEEDED, "You're not channel operator"),
        Refusal::CannotSend => (numeric::ERR_CANNOTSENDTOCHAN, "Cannot send to channel"),
        Refusal::NoCtcp => (numeric::ERR_CANNOTSENDTOCHAN, "Cannot send CTCP to channel (+C)"),
        Refusal::NoSuchNick => (numeric::ERR_NOSUCHNICK, "No such nick/channel"),
        Refusal::TextEmpty => (numeric::ERR_NOTEXTTOSEND, "No text to send"),
        Refusal::TextTooLong(_) => (numeric::ERR_INPUTTOOLONG, "Input line was too long"),
        Refusal::ListFull => (numeric::ERR_BANLISTFULL, "Channel list is full"),
        Refusal::NoPrivileges => {
            (numeric::ERR_NOPRIVILEGES, "Permission Denied- You're not an IRC operator")
        }
        Refusal::TooManyWatched(_) => (numeric::ERR_MONLISTFULL, "Monitor list is full"),
        _ => (numeric::ERR_UNKNOWNERROR, "Not done"),
    }
}

/// Something of the client's, as it may stand between other parameters: one word, not empty, not long.
pub(crate) fn shown(text: &str) -> &str {
    let text = text.trim_start_matches(':');
    let word = text.split([' ', '\0', '\r', '\n']).next().unwrap_or_default();
    let word = &word[..word.floor_char_boundary(SHOWN_BYTES_MAX)];
    if word.is_empty() { "*" } else { word }
}

/// As much of a wrong word is repeated: it leaves room for what is said about it.
const SHOWN_BYTES_MAX: usize = 100;

/// Whether a target is meant for a channel, or for those with a rank there.
pub(crate) fn is_channel(target: &str) -> bool {
    ChannelName::is_meant(target.trim_start_matches(['@', '+']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_is_one_short_word() {
        assert_eq!(shown("bob"), "bob");
        assert_eq!(shown(""), "*");
        assert_eq!(shown("::a b"), "a");
        assert_eq!(shown(" b"), "*");
        assert_eq!(shown(&"é".repeat(99)).len(), 100);
    }
}
