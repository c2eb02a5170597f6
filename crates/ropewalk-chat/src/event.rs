//! [`RoomEvent`]: what the members of a room hear, and how a [`Listener`] is told.
//!
//! A message to ten thousand members is one [`Notice`]. What it looks like on the wire is made when the first
//! listener of a protocol asks, and shared by all others of that protocol ([`Encoding`]).

use std::any::TypeId;
use std::cell::RefCell;
use std::fmt;

use bytes::Bytes;

use crate::{Name, Text};

/// What happened in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// Somebody came in.
    Joined {
        /// Who.
        name: Name,
    },
    /// Somebody is gone.
    Left {
        /// Who.
        name: Name,
        /// And why.
        why: Parting,
    },
    /// Somebody said something.
    Said {
        /// Who.
        name: Name,
        /// What.
        text: Text,
    },
    /// Somebody did something: "alice waves".
    Acted {
        /// Who.
        name: Name,
        /// What, in the third person, without the name.
        text: Text,
    },
    /// Somebody said something to this member alone.
    Told {
        /// Who.
        name: Name,
        /// What.
        text: Text,
    },
    /// Somebody has another name now.
    Renamed {
        /// The one before.
        from: Name,
        /// The one from now on; it may differ in upper and lower case only.
        to: Name,
    },
    /// The room is closed. Nothing follows.
    Closed,
}

/// Why somebody left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parting {
    /// Because they wanted to.
    Quit,
    /// Their connection broke.
    ConnectionLost,
    /// They did not read what they were told, and so much of it waited that the connection was given up.
    TooSlow,
    /// They went on too fast after a warning.
    Flooding,
}

/// As it is shown after "left", in parentheses.
impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quit => "quit",
            Self::ConnectionLost => "connection lost",
            Self::TooSlow => "too slow",
            Self::Flooding => "flooding",
        })
    }
}

/// Who is told what happens in a room: one for each member.
///
/// It must not wait and should not do much, since all others are told after it: writing to a transport is
/// what it is for. It may call the room and its own member; what comes of that is heard after what is being
/// told now.
pub trait Listener: 'static {
    /// Something happened, by somebody else.
    fn notified(&self, notice: &Notice);

    /// What its own member did is being told to all others: for those who show it at its place in the order of
    /// the room. Does nothing by default. What is said to one alone is not among it.
    fn echoed(&self, _notice: &Notice) {}
}

/// One event on its way to everybody.
#[derive(Debug)]
pub struct Notice {
    event: RoomEvent,
    encoded: RefCell<Vec<(TypeId, Bytes)>>,
}

/// How one protocol writes the events of a room, with no regard to who reads them. Its type stands for it.
pub trait Encoding: 'static {
    /// What all members on that protocol are sent.
    fn encode(event: &RoomEvent) -> Bytes;
}

impl Notice {
    pub(crate) fn new(event: RoomEvent) -> Self {
        Self { event, encoded: RefCell::default() }
    }

    /// What happened.
    pub fn event(&self) -> &RoomEvent {
        &self.event
    }

    /// The event as `E` writes it: made once, then shared.
    pub fn encoded<E: Encoding>(&self) -> Bytes {
        let key = TypeId::of::<E>();
        let found = self.encoded.borrow().iter().find(|(other, _)| *other == key).cloned();
        if let Some((_, bytes)) = found {
            return bytes;
        }
        let bytes = E::encode(&self.event);
        self.encoded.borrow_mut().push((key, bytes.clone()));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local!(static MADE: Cell<u32> = const { Cell::new(0) });

    struct Counting;

    impl Encoding for Counting {
        fn encode(_: &RoomEvent) -> Bytes {
            MADE.set(MADE.get() + 1);
            Bytes::from_static(b"closed")
        }
    }

    #[test]
    fn an_encoding_is_made_once_for_all_who_ask() {
        let notice = Notice::new(RoomEvent::Closed);
        let all: Vec<Bytes> = (0..1000).map(|_| notice.encoded::<Counting>()).collect();
        assert_eq!(MADE.get(), 1);
        assert!(all.iter().all(|bytes| bytes.as_ptr() == all[0].as_ptr()));
    }
}
