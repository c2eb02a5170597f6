//! The network: users, channels, and who hears what, whatever protocols the users came by.
//!
//! A [`Network`] is one state for all threads; a [`Server`] is one thread's part of it. Who
//! [connects](Server::connect) gives a [`Listener`], which is told what happens, and gets a [`User`], which speaks.
//! The IRC server is one kind of listener; a chat in browsers is another, and both are on the same channels.
//!
//! It does no I/O and is told the time, so whole evenings of chat run in a test.
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | what happens, and who hears it | [`Event`], [`Record`], [`Notice`], [`Listener`] |
//! | who is there and what they may do | [`Identity`], [`User`], [`Refusal`], [`NetworkLimits`] |
//! | what is on a channel | [`ChannelModes`], [`ModeChange`], [`Ranks`], [`HistoryRange`] |
//! | how it is done | `state/`, then `part.rs`, `view.rs`, [`Server`] |
//!
//! # Example: a robot on a channel
//! ```
//! use std::rc::Rc;
//! use ropewalk_core::Time;
//! use ropewalk_irc::network::{Event, Listener, Network, NetworkLimits, Notice, Registration, Server, Speech};
//!
//! struct Scribe;
//! impl Listener for Scribe {
//!     fn notified(&self, notice: &Notice) {
//!         if let Event::Said { to, speech } = notice.event() {
//!             let line = format!("{to} {}: {}", notice.source().nick(), speech.text);
//!             assert_eq!(line, "#lobby alice: good evening");
//!         }
//!     }
//! }
//!
//! let server = Server::on(&Network::new(NetworkLimits::default()));
//! let now = Time::START;
//! let scribe = server.connect(now, &Registration::new("scribe"), Rc::new(Scribe))?;
//! scribe.join(now, "#lobby", None)?;
//! let alice = server.connect(now, &Registration::new("alice"), Rc::new(Scribe))?;
//! alice.join(now, "#lobby", None)?;
//! alice.say(now, "#lobby", Speech::message("good evening"))?;
//! # Ok::<(), ropewalk_irc::network::Refusal>(())
//! ```

mod answers;
mod channel;
mod event;
mod hidden_host;
mod history;
pub(crate) mod identity;
mod limits;
mod modes;
#[expect(clippy::module_inception, reason = "the file of the noun that the room is named for")]
mod network;
mod notice;
pub(crate) mod pace;
mod part;
mod ranks;
mod refusal;
mod server;
mod speech;
mod state;
mod user;
mod view;
mod whowas;

pub use answers::{ChannelInfo, Counts, Person, Presence, Said};
pub use channel::Topic;
pub use event::{Event, MsgId, Record, Remembered, Target};
pub use history::{HistoryPoint, HistoryRange};
pub use identity::{Identity, Registration, UserId};
pub use limits::NetworkLimits;
pub use modes::{
    ChannelFlag, ChannelModes, MaskEntry, MaskList, Mode, ModeChange, Rank, UserMode, UserModes,
};
pub use network::Network;
pub use notice::{Encoding, Listener, Notice};
pub use ranks::Ranks;
pub use refusal::Refusal;
pub use server::Server;
pub use speech::{Speech, SpeechKind};
pub use state::ChannelState;
pub use user::User;
pub use whowas::WasHere;
