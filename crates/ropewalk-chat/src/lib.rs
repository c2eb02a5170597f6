//! The chat: the rooms of an IRC network for people with a browser, and for those with `nc` or telnet.
//!
//! Rooms are channels and people are users of a [`Network`](ropewalk_irc::network::Network), which knows who is where,
//! who may do what, and tells everybody what happens in the same order. What is here are ways in beside IRC's own: each
//! is a listener of the network, and so everybody is in the same rooms, whatever they came by. And what was said is kept
//! in a file.
//!
//! Everything is sans-I/O: protocols write to a [`Transport`](ropewalk_core::Transport), and time is told, so whole
//! evenings of chat run in a test.
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | what all ways in share | [`Chat`] |
//! | what people type | `command.rs`, `talk.rs` |
//! | how people on `nc` and telnet get in | [`ChatFactory`], [`LineMember`], [`LineForm`], [`Telnet`] |
//! | how people get in by a browser | [`BrowserChat`], `browser_member.rs`, `event_queue.rs`, `browser_form.rs`, `page/` |
//! | how several processes are one chat | [`Backplane`], `backplane/` |
//! | how what was said is kept | [`History`], [`HistoryFile`], `recorder.rs`, `past.rs`, `recall.rs`, [`ChannelPast`] |
//!
//! # Example: rooms for lines
//! ```
//! use ropewalk_chat::{Chat, ChatFactory};
//! use ropewalk_irc::network::{Network, NetworkLimits, Server};
//!
//! let server = Server::on(&Network::new(NetworkLimits::default()));
//! let chat = Chat::open(&server, "#lobby")?;
//! let factory = ChatFactory::new(&chat); // For Reactor::listen.
//! # let _ = factory;
//! # Ok::<(), ropewalk_irc::network::Refusal>(())
//! ```
#![forbid(unsafe_code)]

mod backplane;
mod browser_chat;
mod browser_form;
mod browser_listener;
mod browser_member;
mod channel_past;
mod chat;
mod command;
mod curiosity;
mod event_queue;
mod factory;
mod history;
mod line_form;
mod line_member;
mod line_view;
mod page_files;
mod past;
mod recall;
mod recorder;
mod talk;
mod telnet;
mod text;
mod token;

pub use backplane::Backplane;
pub use browser_chat::BrowserChat;
pub use channel_past::ChannelPast;
pub use chat::Chat;
pub use factory::ChatFactory;
pub use history::{
    DeferToThread, History, HistoryEntry, HistoryFile, HistoryKind, HistoryLimits, HistoryMark,
    HistoryPage, HistoryRow,
};
pub use line_form::LineForm;
pub use line_member::LineMember;
pub use telnet::Telnet;
