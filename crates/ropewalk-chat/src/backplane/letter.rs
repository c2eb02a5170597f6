//! [`Letter`]: what processes write to each other over NATS, as JSON.
//!
//! Each process has an *origin*: a name by chance, another after each start. It numbers what happens to its own people,
//! and everybody else follows by that number.

use ropewalk_core::Failure;
use ropewalk_core::FailureKind;
use serde::{Deserialize, Serialize};

/// One message on the backplane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case")]
pub(crate) enum Letter {
    /// To all, and again to who asks: something happened.
    Happened { origin: String, number: u64, what: Happening },
    /// To all, each second: one is there, and so much has happened.
    Beat { origin: String, last: u64 },
    /// To one: who is there? The answer goes to the origin.
    Who { origin: String },
    /// To one: these were missed.
    Want { origin: String, first: u64, last: u64 },
    /// To one, in so many parts: who is there, as it was after the event of that number.
    Whole {
        origin: String,
        number: u64,
        part: usize,
        parts: usize,
        people: Vec<PersonHere>,
        rooms: Vec<RoomHere>,
    },
    /// To all: what matters for a moment only, and is not numbered.
    Typing { origin: String, who: u64, to: To, tags: String },
    /// To all: one ends.
    Bye { origin: String },
}

/// Something that somebody did. `who` is their number at their origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub(crate) enum Happening {
    /// Is there now, in no room.
    Came {
        person: PersonHere,
    },
    Joined {
        who: u64,
        room: String,
        created_at: u64,
    },
    Parted {
        who: u64,
        room: String,
        reason: String,
    },
    Quit {
        who: u64,
        reason: String,
    },
    Renamed {
        who: u64,
        nick: String,
        claimed_at: u64,
    },
    Said {
        who: u64,
        to: To,
        is_notice: bool,
        text: String,
        tags: String,
        msgid: String,
        at: u64,
    },
    TopicSet {
        who: u64,
        room: String,
        topic: String,
    },
    Kicked {
        who: u64,
        room: String,
        victim: Someone,
        reason: String,
    },
    ModeChanged {
        who: u64,
        room: String,
        changes: Vec<Change>,
    },
    Invited {
        who: u64,
        room: String,
        guest: Someone,
    },
    AwaySet {
        who: u64,
        message: Option<String>,
    },
    RealnameSet {
        who: u64,
        realname: String,
    },
    AccountSet {
        who: u64,
        account: Option<String>,
    },
}

/// Somebody, and where they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PersonHere {
    pub(crate) id: u64,
    pub(crate) nick: String,
    pub(crate) user: String,
    pub(crate) host: String,
    pub(crate) realname: String,
    pub(crate) account: Option<String>,
    /// When they took that name, in milliseconds since 1970: of two, the older claim holds.
    pub(crate) claimed_at: u64,
    pub(crate) away: Option<String>,
    pub(crate) rooms: Vec<String>,
}

/// What a room is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RoomHere {
    pub(crate) room: String,
    /// When it was made: of two rooms of one name, the older is who may do what there.
    pub(crate) created_at: u64,
    /// All that was set on it.
    pub(crate) changes: Vec<Change>,
    pub(crate) topic: Option<TopicHere>,
}

/// What a room is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TopicHere {
    pub(crate) topic: String,
    pub(crate) at: u64,
}

/// Somebody of any process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Someone {
    pub(crate) origin: String,
    pub(crate) id: u64,
}

/// To whom something was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum To {
    /// A room, or those with a rank in it (`@#room`).
    Room(String),
    Person(Someone),
}

/// A mode that was set or taken back, by its letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) adds: bool,
    pub(crate) letter: char,
    pub(crate) value: Option<String>,
}

impl Letter {
    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has strings for keys, and nothing that can fail")
    }

    /// # Errors
    /// `Peer` if it is none: of another program, or of another version of this one.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        serde_json::from_slice(bytes).map_err(|error| {
            Failure::new(FailureKind::Peer, format!("no letter of the chat: {error}"))
        })
    }

    /// Who wrote it.
    pub(crate) fn origin(&self) -> &str {
        match self {
            Self::Happened { origin, .. }
            | Self::Beat { origin, .. }
            | Self::Who { origin }
            | Self::Want { origin, .. }
            | Self::Whole { origin, .. }
            | Self::Typing { origin, .. }
            | Self::Bye { origin } => origin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_as_they_were_written() {
        let bob = Someone { origin: "b".into(), id: 7 };
        let what = Happening::Said {
            who: 1,
            to: To::Person(bob),
            is_notice: false,
            text: "\u{1}ACTION \"waves\"\u{1}".into(),
            tags: String::new(),
            msgid: "1-2".into(),
            at: 3,
        };
        for letter in [
            Letter::Happened { origin: "a".into(), number: 9, what },
            Letter::Want { origin: "a".into(), first: 1, last: 2 },
            Letter::Bye { origin: "a".into() },
        ] {
            assert_eq!(Letter::decode(&letter.encode()).expect("it is one"), letter);
        }
        for bad in
            [&b""[..], b"{}", b"[1]", b"{\"letter\":\"beat\",\"origin\":7,\"last\":1}", b"\xff"]
        {
            assert!(Letter::decode(bad).is_err());
        }
    }
}
