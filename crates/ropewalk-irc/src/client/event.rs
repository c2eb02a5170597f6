//! [`Event`]: what happened, as a line of the server's told.

use crate::{Message, Source, Tags};

use super::mode_change::ModeChange;
use super::server_error::ServerError;

/// What happened. The client's own state tells of it already when somebody is told.
///
/// It borrows from the line that told it; who keeps it copies what they keep.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The server has let this client in, and has said what it supports.
    SignedOn,
    /// This client is in a channel.
    Joined {
        /// The channel, as the server writes it.
        channel: &'a str,
    },
    /// This client has left a channel.
    Left {
        /// The channel.
        channel: &'a str,
    },
    /// This client was thrown out of a channel.
    KickedFrom {
        /// The channel.
        channel: &'a str,
        /// Who did it.
        by: Source<'a>,
        /// Why, if they said so.
        reason: &'a str,
    },
    /// This client has another nick.
    NickChanged {
        /// The new one.
        nick: &'a str,
    },
    /// Somebody came into a channel.
    UserJoined {
        /// Who.
        user: Source<'a>,
        /// The channel.
        channel: &'a str,
    },
    /// Somebody has left a channel.
    UserLeft {
        /// Who.
        user: Source<'a>,
        /// The channel.
        channel: &'a str,
        /// Why, if they said so.
        reason: &'a str,
    },
    /// Somebody else was thrown out of a channel.
    UserKicked {
        /// The channel.
        channel: &'a str,
        /// Who was thrown out.
        nick: &'a str,
        /// Who did it.
        by: Source<'a>,
        /// Why, if they said so.
        reason: &'a str,
    },
    /// Somebody has left the network.
    UserQuit {
        /// Who.
        user: Source<'a>,
        /// Why.
        reason: &'a str,
    },
    /// Somebody has another nick.
    UserRenamed {
        /// Who they were.
        user: Source<'a>,
        /// The new nick.
        nick: &'a str,
    },
    /// Somebody said something.
    Privmsg(Said<'a>),
    /// Somebody said something that is not to be answered by a program.
    Noticed(Said<'a>),
    /// Somebody did something (`CTCP ACTION`).
    Action(Said<'a>),
    /// A client was asked something (`CTCP` in a message). This one's own answers are given already.
    CtcpQueried(Said<'a>),
    /// A client has answered (`CTCP` in a notice).
    CtcpReplied(Said<'a>),
    /// Somebody sent only tags (`TAGMSG`): who is typing, a reaction.
    Tagged(Said<'a>),
    /// A channel has a new topic.
    TopicUpdated {
        /// Who set it.
        by: Source<'a>,
        /// The channel.
        channel: &'a str,
        /// The topic; empty if it was taken away.
        topic: &'a str,
    },
    /// Modes were changed, a channel's or this client's own.
    ModeChanged {
        /// Who changed them.
        by: Source<'a>,
        /// The channel, or this client's nick.
        target: &'a str,
        /// What was changed.
        changes: Vec<ModeChange<'a>>,
    },
    /// Somebody was invited to a channel: this client, or (with `invite-notify`) another.
    Invited {
        /// Who invited.
        by: Source<'a>,
        /// Who was invited.
        nick: &'a str,
        /// The channel.
        channel: &'a str,
    },
    /// Somebody went away, or came back.
    AwayChanged {
        /// Who.
        user: Source<'a>,
        /// Why they are away; `None` if they are back.
        reason: Option<&'a str>,
    },
    /// Somebody logged in to an account, or out.
    AccountChanged {
        /// Who.
        user: Source<'a>,
        /// The account; `None` if they logged out.
        account: Option<&'a str>,
    },
    /// Somebody comes from another host, or has another user name, to be seen.
    HostChanged {
        /// Who they were.
        user: Source<'a>,
        /// The new user name.
        new_user: &'a str,
        /// The new host.
        new_host: &'a str,
    },
    /// Somebody has another real name.
    NameChanged {
        /// Who.
        user: Source<'a>,
        /// The new one.
        realname: &'a str,
    },
    /// Capabilities were switched on or off.
    CapabilitiesChanged,
    /// The server did not do something that no request waits for.
    Refused(ServerError),
    /// Anything else; it is in the [`Message`] that was told before.
    Other,
}

/// What somebody said, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Who.
    pub from: Source<'a>,
    /// To whom: a channel (perhaps with a sign before it, for some of its members), or this client.
    pub target: &'a str,
    /// The channel, if it was said in one.
    pub channel: Option<&'a str>,
    /// What. Of a `CTCP` its parameters.
    pub text: &'a str,
    /// The word of a `CTCP`, in upper case as it is to be; else empty.
    pub ctcp: &'a str,
    /// The tags: `time`, `msgid`, `account` and others.
    pub tags: Tags<'a>,
    /// It was this client that said it (`echo-message`).
    pub is_own: bool,
    /// It was said some time ago, and is shown as history.
    pub is_replayed: bool,
}

impl<'a> Said<'a> {
    /// Where an answer goes: the channel, or who said it.
    pub fn reply_target(&self) -> &'a str {
        self.channel.unwrap_or(self.from.nick)
    }
}

/// Who a message is from; the server itself, if it does not say.
pub(crate) fn source_of<'a>(message: &Message<'a>) -> Source<'a> {
    message.source().unwrap_or(Source { nick: "", user: None, host: None })
}
