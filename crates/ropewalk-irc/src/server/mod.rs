//! The IRC server: clients of IRC as users of a [`Network`](crate::network::Network).
//!
//! It follows the modern client protocol (ircdocs), which RFC 1459 and RFC 2812 have become, and the capabilities of
//! IRCv3; what it does and what it does not, point by point, is a table in `docs/irc.md`.
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | how connections come in | [`IrcFactory`], [`IrcSettings`], [`IrcLimits`] |
//! | what one of them is | [`IrcSession`], `registering.rs`, `sasl.rs`, `welcome.rs` |
//! | what a command does | `commands/`: one file for each group, and the table of all |
//! | what a client is sent | `outbox.rs`, `listener.rs`, `encoding.rs`, `capability.rs` |
//!
//! # Example
//! ```no_run
//! # fn listen(reactor: &ropewalk_core::Reactor, endpoint: &dyn ropewalk_core::ServerEndpoint) {
//! use ropewalk_irc::network::{Network, NetworkLimits, Server};
//! use ropewalk_irc::server::{IrcFactory, IrcSettings};
//!
//! let server = Server::on(&Network::new(NetworkLimits::default()));
//! let factory = IrcFactory::new(server, IrcSettings::default());
//! let _listening = reactor.listen(endpoint, factory);
//! # }
//! ```

mod account_list;
mod capability;
mod commands;
mod encoding;
mod factory;
mod history_store;
mod listener;
mod outbox;
mod registering;
mod request;
mod sasl;
mod session;
mod settings;
mod shared;
mod timestamp;
mod welcome;
mod words;

use ropewalk_framing::ProxiedPeer;

pub use account_list::AccountList;
pub use factory::IrcFactory;
pub use history_store::HistoryStore;
pub use session::IrcSession;
pub use settings::{Accounts, IrcLimits, IrcSettings, OperatorLogin};
