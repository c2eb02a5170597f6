//! [`Event`] and [`Record`]: what happens on a network.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Identity, ModeChange, NetworkLimits, Ranks, Refusal, Registration, Speech, UserId};
use crate::{ChannelName, Nick};

/// Something that happened, by whom and when: as it is told, and as it is kept in a channel's history.
#[derive(Clone, Debug)]
pub struct Record {
    pub(crate) source: Arc<Identity>,
    pub(crate) event: Event,
    pub(crate) msgid: MsgId,
    pub(crate) at: SystemTime,
}

/// What somebody did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Came to a channel.
    Joined {
        /// Which.
        channel: ChannelName,
        /// What they say while they are away, if they are.
        away: Option<Arc<str>>,
    },
    /// Left a channel.
    Parted {
        /// Which.
        channel: ChannelName,
        /// Why; may be empty.
        reason: Arc<str>,
    },
    /// Left the network.
    Quit {
        /// Why; may be empty.
        reason: Arc<str>,
    },
    /// Is called something else now. The source is who they were before.
    Renamed {
        /// From now on; it may differ in upper and lower case only.
        to: Nick,
    },
    /// Said something.
    Said {
        /// To whom.
        to: Target,
        /// What.
        speech: Speech,
    },
    /// Sent tags without a message: is typing, for example (IRCv3 `TAGMSG`).
    Tagged {
        /// To whom.
        to: Target,
        /// Client-only tags, as on the wire.
        tags: Arc<str>,
    },
    /// Set a channel's topic.
    TopicSet {
        /// Of which.
        channel: ChannelName,
        /// Empty: there is none now.
        topic: Arc<str>,
    },
    /// Changed the modes of a channel.
    ModeChanged {
        /// Of which.
        channel: ChannelName,
        /// In order, at least one.
        changes: Arc<[ModeChange]>,
    },
    /// Sent somebody away from a channel.
    Kicked {
        /// From which.
        channel: ChannelName,
        /// Whom.
        who: Arc<Identity>,
        /// Why; never empty.
        reason: Arc<str>,
    },
    /// Invited somebody to a channel. Told to the invited, and to those on the channel who may invite.
    Invited {
        /// To which.
        channel: ChannelName,
        /// Whom.
        who: Arc<Identity>,
    },
    /// Is away, or back.
    AwaySet {
        /// What is told to who writes to them; back without.
        message: Option<Arc<str>>,
    },
    /// Says something else of themselves. The source has the new real name already.
    RealnameSet,
    /// Has proven to own an account, or does not any more. The source has the new one already.
    AccountSet,
    /// Said something to all who hear such (user mode `+w`).
    Wallopsed {
        /// What.
        text: Arc<str>,
    },
    /// Threw the one who is told off the network. They are on it no more; nothing follows.
    Killed {
        /// Why.
        reason: Arc<str>,
    },
    /// Came to the network, or is called so now. Told to who watches the name.
    Online,
    /// Is not on the network, or not called so any more. Told to who watches the name.
    Offline,
}

/// Whom something is said to.
#[derive(Clone, Debug)]
pub enum Target {
    /// One user.
    User(Arc<Identity>),
    /// All on a channel.
    Channel(ChannelName),
    /// Those on a channel who have one of these ranks, or a higher one (`@#channel`).
    Ranked(ChannelName, Ranks),
}

/// The identity of an event (IRCv3 `msgid`), unique on its network, on those linked with it, and over restarts. No spaces, at most 64
/// bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MsgId(Arc<str>);

/// Something that was said on a channel, as a store has kept it.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Which.
    pub channel: String,
    /// Who said it.
    pub source: Registration,
    /// What.
    pub speech: Speech,
    /// Its identity.
    pub msgid: MsgId,
    /// When.
    pub at: SystemTime,
}

impl Remembered {
    /// The same as a record, as it would have been told.
    ///
    /// # Errors
    /// `BadNick`, `BadChannelName`, or what is wrong with the speech.
    pub fn into_record(self, limits: &NetworkLimits) -> Result<Arc<Record>, Refusal> {
        self.speech.check(limits)?;
        let channel = ChannelName::new(&self.channel, limits.channel_bytes_max);
        let channel = channel.map_err(Refusal::BadChannelName)?;
        let source = Arc::new(Identity::new(UserId::NOBODY, &self.source, limits)?);
        let event = Event::Said { to: Target::Channel(channel), speech: self.speech };
        let at = in_millis(self.at);
        Ok(Arc::new(Record { source, event, msgid: self.msgid, at }))
    }
}

impl Record {
    /// Who did it, as they were then.
    pub fn source(&self) -> &Arc<Identity> {
        &self.source
    }

    /// What they did.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Its identity.
    pub fn msgid(&self) -> &MsgId {
        &self.msgid
    }

    /// When it was, in whole milliseconds, as it is written. Never before what was told earlier.
    pub fn at(&self) -> SystemTime {
        self.at
    }
}

impl Event {
    /// The channel that it happened on, if it was on one.
    pub fn channel(&self) -> Option<&ChannelName> {
        match self {
            Self::Joined { channel, .. }
            | Self::Parted { channel, .. }
            | Self::TopicSet { channel, .. }
            | Self::ModeChanged { channel, .. }
            | Self::Kicked { channel, .. }
            | Self::Invited { channel, .. } => Some(channel),
            Self::Said { to, .. } | Self::Tagged { to, .. } => to.channel(),
            _ => None,
        }
    }
}

impl Target {
    /// The channel, if it is one or a part of one.
    pub fn channel(&self) -> Option<&ChannelName> {
        match self {
            Self::User(_) => None,
            Self::Channel(channel) | Self::Ranked(channel, _) => Some(channel),
        }
    }
}

/// As it stands in a message: a nickname, `#channel`, `@#channel`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(identity) => identity.nick.fmt(f),
            Self::Channel(channel) => channel.fmt(f),
            Self::Ranked(channel, ranks) => write!(f, "{}{channel}", ranks.prefix()),
        }
    }
}

/// In whole milliseconds: what is written of a moment, and read again, is the same moment then.
pub(crate) fn in_millis(at: SystemTime) -> SystemTime {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    at - Duration::from_nanos(u64::from(since.subsec_nanos() % 1_000_000))
}

impl MsgId {
    /// From when it was and which of all events it is: `at` sets those of two runs apart.
    pub(crate) fn new(at: SystemTime, number: u64) -> Self {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(format!("{:x}-{number:x}", since.as_millis()).into())
    }

    /// The one that `text` is, if any can be written so.
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let good = (1..=64).contains(&text.len()) && text.bytes().all(is_allowed);
        good.then(|| Self(text.into()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
