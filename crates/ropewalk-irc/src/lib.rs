//! IRC: its messages with the tags of IRCv3, a client, and a server with the network of users behind it.
//!
//! Everything is sans-I/O: what is read is text that somebody else received, what is written goes into a buffer.
//! Text is UTF-8 (`UTF8ONLY`); who hears other bytes decides what to do with them before anything here sees them.
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | what a line says | [`Message`], `parse.rs`, `encode.rs`, [`Tags`], [`Source`], [`numeric`] |
//! | how long it may be | [`LineLimits`] |
//! | what may be called how, and which names are the same | [`Nick`], [`ChannelName`], [`CaseMapping`] |
//! | whom a mask means | [`Mask`] |
//! | users and channels, whatever protocol the users came by | [`network`] |
//! | how clients of IRC become users | [`server`] |
//! | how to be a client of a server | [`client`] |
//!
//! # Example
//! ```
//! use ropewalk_irc::{LineLimits, Message};
//!
//! let line = "@time=2026-11-25T14:00:00.000Z :dan!d@localhost PRIVMSG #chan :Hey there!";
//! let message = Message::parse(line, &LineLimits::FROM_SERVER)?;
//! assert_eq!(message.source().map(|source| source.nick), Some("dan"));
//! assert_eq!(message.params(), ["#chan", "Hey there!"]);
//!
//! let mut out = Vec::new();
//! let answer = Message::new("PRIVMSG").with_param("#chan").with_trailing("Hello, Dan.");
//! answer.encode(&LineLimits::FROM_CLIENT, &mut out)?;
//! assert_eq!(out, b"PRIVMSG #chan :Hello, Dan.\r\n");
//! # Ok::<(), ropewalk_irc::MessageError>(())
//! ```
#![forbid(unsafe_code)]

mod casemap;
mod channel_name;
pub mod client;
mod encode;
mod error;
mod fold;
mod folded;
mod limits;
mod mask;
mod message;
pub mod network;
mod nick;
pub mod numeric;
mod parse;
pub mod server;
mod source;
mod tags;

pub use casemap::{CaseMapping, UnknownCaseMapping};
pub use channel_name::ChannelName;
pub use error::{MessageError, NameError};
pub use fold::fold;
pub use limits::LineLimits;
pub use mask::Mask;
pub use message::{Message, PARAMS_MAX};
pub use nick::Nick;
pub use source::Source;
pub use tags::{Tag, TagList, Tags};
