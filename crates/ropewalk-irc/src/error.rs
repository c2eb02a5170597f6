//! [`MessageError`] and [`NameError`]: what a line or a name can be wrong by.

use std::error::Error;
use std::fmt;

use ropewalk_core::{Failure, FailureKind};

/// A rule of the message format that a line breaks, whether it came or was to be sent, or a limit that it passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MessageError {
    /// There is no command: an empty line, or one of tags or a source alone.
    NoCommand,
    /// The command is neither letters nor three digits.
    Command,
    /// A NUL, CR or LF, which no part of a line can have.
    ForbiddenByte,
    /// The source is empty or has a space.
    Source,
    /// A tag's key is empty, or has other characters than IRCv3 allows.
    TagKey,
    /// A parameter that is not the last is empty, has a space or begins with a colon.
    Param,
    /// More parameters than fifteen.
    TooManyParams,
    /// The tags are longer than `tags_bytes_max`.
    TagsTooLong,
    /// The line without its tags is longer than `body_bytes_max`.
    BodyTooLong,
}

/// Why something cannot be the name of a user or of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NameError {
    /// There is nothing in it.
    Empty,
    /// It has more bytes than these.
    TooLong(usize),
    /// A character that no name has.
    Has(char),
    /// A character that no name begins with.
    BeginsWith(char),
}

impl MessageError {
    /// The same as a [`Failure`] of who wrote the line: the `Peer` that sent it, or this program.
    #[track_caller]
    pub fn into_failure(self, whose: FailureKind) -> Failure {
        match self {
            Self::TagsTooLong | Self::BodyTooLong => Failure::from_error(FailureKind::Limit, self),
            _ => Failure::from_error(whose, self),
        }
    }
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCommand => "the line has no command",
            Self::Command => "the command is neither letters nor three digits",
            Self::ForbiddenByte => "a line cannot have a NUL, CR or LF in it",
            Self::Source => "the source is empty or has a space in it",
            Self::TagKey => "the key of a tag is empty or has a character that is not allowed",
            Self::Param => {
                "only the last parameter may be empty, have a space or begin with a colon"
            }
            Self::TooManyParams => "a line has at most fifteen parameters",
            Self::TagsTooLong => "the tags are too long (tags_bytes_max)",
            Self::BodyTooLong => "the line is too long (body_bytes_max)",
        })
    }
}

impl Error for MessageError {}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name has at least one letter"),
            Self::TooLong(max) => write!(f, "a name has at most {max} bytes"),
            Self::Has(c) => write!(f, "a name cannot have {}", c.escape_default()),
            Self::BeginsWith(c) => write!(f, "a name cannot begin with {}", c.escape_default()),
        }
    }
}

impl Error for NameError {}
