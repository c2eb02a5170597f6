//! [`HistoryEntry`]: one thing that was said, as it is kept; and which of them are asked for.

use std::time::SystemTime;

/// One thing that was said in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The room. Names that mean the same room are to be given alike.
    pub room: String,
    /// What makes it itself, everywhere and for ever; an entry with one that is kept already is not kept again.
    pub msgid: String,
    /// When; kept to the millisecond.
    pub at: SystemTime,
    /// What who said it was called.
    pub who: String,
    /// The user and host of them, `user@host`.
    pub source: String,
    /// The account of them, if they had one.
    pub account: Option<String>,
    /// How it was meant.
    pub kind: HistoryKind,
    /// What.
    pub text: String,
    /// What else belonged to it: IRC's client-only tags, as on the wire. Mostly empty.
    pub tags: String,
}

/// How something was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryKind {
    /// Said, or done (as IRC has it, in the text).
    Message,
    /// Said, and not to be answered by a program.
    Notice,
    /// Set as the room's topic.
    Topic,
}

/// An entry, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// Larger than those of all entries that were written before, of any room.
    pub number: u64,
    /// What was said.
    pub entry: HistoryEntry,
}

/// Which entries of a room are wanted: those between two marks, as many as `count`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// Only what comes after this; by default from the first.
    pub after: Option<HistoryMark>,
    /// Only what comes before this; by default to the last.
    pub before: Option<HistoryMark>,
    /// If there are more: the first of them, or the last.
    pub from_start: bool,
    /// As many, and never more than [`page_max`](crate::HistoryLimits::page_max).
    pub count: usize,
}

/// A place between entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryMark {
    /// At the entry of that number, which need not be there.
    Number(u64),
    /// At the entry of that msgid, which has to be.
    Message(String),
    /// At that time.
    Time(SystemTime),
}

impl HistoryPage {
    /// The last `count` entries.
    pub fn last(count: usize) -> Self {
        Self { after: None, before: None, from_start: false, count }
    }

    /// The last `count` entries before `mark`.
    pub fn before(mark: HistoryMark, count: usize) -> Self {
        Self { before: Some(mark), ..Self::last(count) }
    }

    /// The first `count` entries after `mark`.
    pub fn after(mark: HistoryMark, count: usize) -> Self {
        Self { after: Some(mark), from_start: true, ..Self::last(count) }
    }
}

impl HistoryKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Notice => "notice",
            Self::Topic => "topic",
        }
    }

    /// What is unknown (of a newer program) is shown as a notice.
    pub(super) fn from_str(word: &str) -> Self {
        match word {
            "message" => Self::Message,
            "topic" => Self::Topic,
            _ => Self::Notice,
        }
    }
}
