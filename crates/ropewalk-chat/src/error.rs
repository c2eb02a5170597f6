//! [`RoomError`]: why the room did not do what a member asked.

use std::error::Error;
use std::fmt;

/// Why the room did not do it. Nobody else has heard of it, and the member may try again, but after
/// [`Flooding`](Self::Flooding), [`NotAMember`](Self::NotAMember) and [`Closed`](Self::Closed).
///
/// It prints as a sentence for the member to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomError {
    /// A name has at least one character.
    NameEmpty,
    /// It has more than `name_chars_max` characters, which is this many.
    NameTooLong(usize),
    /// This character cannot be in a name.
    NameHas(char),
    /// Somebody is called so.
    NameTaken,
    /// There are `members_max` members.
    Full,
    /// There is nothing in the message.
    TextEmpty,
    /// The message has more than `message_bytes_max` bytes, which is this many.
    TextTooLong(usize),
    /// Too many messages. The next one that is too many is [`Flooding`](Self::Flooding).
    TooFast,
    /// Too many messages, after a warning: the member is out of the room.
    Flooding,
    /// Nobody is called so.
    NoSuchMember,
    /// Who asks is not in the room any more.
    NotAMember,
    /// `events_max` events wait to be told by one of the threads that the room is on. Soon again.
    Busy,
    /// The room is closed.
    Closed,
}

impl fmt::Display for RoomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameEmpty => f.write_str("a name has at least one letter"),
            Self::NameTooLong(max) => write!(f, "a name has at most {max} letters"),
            Self::NameHas(character) => write!(
                f,
                "a name has letters, digits, - _ and . only, not {}",
                character.escape_unicode()
            ),
            Self::NameTaken => f.write_str("somebody has that name already"),
            Self::Full => f.write_str("the room is full"),
            Self::TextEmpty => f.write_str("there is nothing to say in that"),
            Self::TextTooLong(max) => write!(f, "a message has at most {max} bytes"),
            Self::TooFast => f.write_str("too fast; wait a little"),
            Self::Flooding => f.write_str("too fast, again"),
            Self::NoSuchMember => f.write_str("nobody here has that name"),
            Self::NotAMember => f.write_str("you are not in the room any more"),
            Self::Busy => f.write_str("the room does not keep up; try again soon"),
            Self::Closed => f.write_str("the room is closed"),
        }
    }
}

impl Error for RoomError {}
