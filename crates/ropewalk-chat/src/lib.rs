//! A chat room, and two ways into it: plain lines, and the browser.
//!
//! The room ([`Room`]) knows names, messages and limits, and nothing of how its members are connected. Whoever
//! joins gives a [`Listener`], which is told what happens, and gets a [`Member`], which speaks. So people on
//! different protocols sit in one room: each protocol is a few files beside it, as `line_member.rs` is
//! for those who come with `nc` or `telnet`.
//!
//! Everything is sans-I/O: the room is told the time, and the protocol writes to a
//! [`Transport`](ropewalk_core::Transport), so whole evenings of chat run in a test.
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | who is in the room and who hears what | [`Room`], [`Member`], [`RoomEvent`] |
//! | one room over several workers | [`Floor`] |
//! | what may be said, and how fast | [`Name`], [`Text`], [`RoomLimits`], `pace.rs` |
//! | how people on `nc` and `telnet` get in | [`ChatFactory`], `line_member.rs`, `line_command.rs`, `line_form.rs`, [`Telnet`] |
//! | how people get in by a browser | [`BrowserChat`], `browser_member.rs`, `browser_form.rs`, `page/` |
//!
//! # Example: a robot in the room
//! ```
//! use std::rc::Rc;
//! use ropewalk_chat::{Listener, Notice, Room, RoomEvent, RoomLimits};
//! use ropewalk_core::Time;
//!
//! struct Scribe;
//! impl Listener for Scribe {
//!     fn notified(&self, notice: &Notice) {
//!         if let RoomEvent::Said { name, text } = notice.event() {
//!             assert_eq!(format!("{name}: {text}"), "alice: good evening");
//!         }
//!     }
//! }
//!
//! let room = Room::new(RoomLimits::default());
//! let _scribe = room.join("scribe", Rc::new(Scribe))?;
//! let alice = room.join("alice", Rc::new(Scribe))?;
//! alice.say(Time::START, "good evening")?;
//! # Ok::<(), ropewalk_chat::RoomError>(())
//! ```
#![forbid(unsafe_code)]

mod browser_chat;
mod browser_form;
mod browser_member;
mod error;
mod event;
mod factory;
mod floor;
mod history;
mod limits;
mod line_command;
mod line_form;
mod line_member;
mod member;
mod name;
mod pace;
mod room;
mod telnet;
mod text;

pub use browser_chat::BrowserChat;
pub use error::RoomError;
pub use event::{Encoding, Listener, Notice, Parting, RoomEvent};
pub use factory::ChatFactory;
pub use floor::Floor;
pub use history::{
    DeferToThread, History, HistoryEntry, HistoryFile, HistoryKind, HistoryLimits, HistoryMark,
    HistoryPage, HistoryRow,
};
pub use limits::RoomLimits;
pub use line_form::LineForm;
pub use line_member::LineMember;
pub use member::Member;
pub use name::Name;
pub use room::Room;
pub use telnet::Telnet;
pub use text::Text;
