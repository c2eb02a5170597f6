//! [`Refusal`]: why the network did not do what a user asked.

use std::error::Error;
use std::fmt;

use crate::NameError;

/// Why the network did not do it. Nobody else has heard of it, and the user may try again, but after
/// [`Flooding`](Self::Flooding), [`NotConnected`](Self::NotConnected) and [`Closed`](Self::Closed).
///
/// It prints as a sentence for the user to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody can be called so.
    BadNick(NameError),
    /// Somebody is called so.
    NickTaken,
    /// There are `users_max` users.
    Full,
    /// No channel can be called so.
    BadChannelName(NameError),
    /// No channel is called so.
    NoSuchChannel,
    /// There are `channels_max` channels, and this would be one more.
    NoMoreChannels,
    /// The user is on `channels_per_user_max` channels.
    TooManyChannels,
    /// Who asks is not on that channel.
    NotOnChannel,
    /// Whom they ask about is not on that channel.
    UserNotOnChannel,
    /// Who asks, or is invited, is on that channel already.
    AlreadyOnChannel,
    /// The channel has as many members as it may (`+l`).
    ChannelFull,
    /// Only who is invited may join (`+i`).
    InviteOnly,
    /// A ban of the channel matches (`+b`).
    Banned,
    /// The channel has another key (`+k`).
    BadKey,
    /// Only operators of the channel may do that.
    NotOperator,
    /// The channel does not take the message: it is moderated (`+m`), closed to who is outside (`+n`), or the
    /// user is banned.
    CannotSend,
    /// The channel takes no CTCP but actions (`+C`).
    NoCtcp,
    /// Nobody is called so.
    NoSuchNick,
    /// There is nothing in the message.
    TextEmpty,
    /// The text has more bytes than it may, which is this many.
    TextTooLong(usize),
    /// There are characters in it that would end a line of IRC.
    TextHasLineBreak,
    /// The list has `masks_per_list_max` masks.
    ListFull,
    /// Only operators of the network may do that.
    NoPrivileges,
    /// The user watches `watched_max` nicknames, which is this many.
    TooManyWatched(usize),
    /// No event with that identity is known in that channel.
    NoSuchMessage,
    /// Too much at once. The next that is too much is [`Flooding`](Self::Flooding).
    TooFast,
    /// Too much at once, after a warning: the user has left the network.
    Flooding,
    /// Who asks is not on the network any more.
    NotConnected,
    /// `events_max` events wait to be told by one of the threads of the network. Soon again.
    Busy,
    /// The network is closed.
    Closed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadNick(error) | Self::BadChannelName(error) => return error.fmt(f),
            Self::TextTooLong(max) => return write!(f, "that has at most {max} bytes"),
            Self::TooManyWatched(max) => return write!(f, "at most {max} names can be watched"),
            Self::NickTaken => "somebody has that name already",
            Self::Full => "there are too many users here",
            Self::NoSuchChannel => "there is no such channel",
            Self::NoMoreChannels => "there are too many channels here",
            Self::TooManyChannels => "you are on too many channels",
            Self::NotOnChannel => "you are not on that channel",
            Self::UserNotOnChannel => "they are not on that channel",
            Self::AlreadyOnChannel => "already on that channel",
            Self::ChannelFull => "the channel is full",
            Self::InviteOnly => "the channel is for who is invited",
            Self::Banned => "you are banned from the channel",
            Self::BadKey => "the channel has another key",
            Self::NotOperator => "you are not an operator of the channel",
            Self::CannotSend => "the channel does not take messages from you",
            Self::NoCtcp => "the channel takes no CTCP",
            Self::NoSuchNick => "nobody here has that name",
            Self::TextEmpty => "there is nothing to say in that",
            Self::TextHasLineBreak => "it has to be one line",
            Self::ListFull => "the channel's list is full",
            Self::NoPrivileges => "you are not an operator",
            Self::NoSuchMessage => "there is no such message",
            Self::TooFast => "too fast; wait a little",
            Self::Flooding => "too fast, again",
            Self::NotConnected => "you are not connected any more",
            Self::Busy => "the network does not keep up; try again soon",
            Self::Closed => "the network is closed",
        })
    }
}

impl Error for Refusal {}
