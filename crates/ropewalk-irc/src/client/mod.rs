//! The client.
//!
//! It has two halves. The *reading half* is [`IrcProtocol`], which the reactor owns: it hears the server's lines,
//! keeps track of channels and members, and tells a value of the user's what happens ([`IrcClient`]). The *speaking
//! half* is [`Irc`], a cheap handle whose requests give Deferreds.
//!
//! What a connection needs is done without being asked: registering, capabilities, logging in by SASL, another nick
//! if one is taken and the wanted one when it is free again, answers to `PING` and `CTCP`, signs of life, and a pace
//! that no server takes for a flood. Connecting again is for who owns the connection: a lost one is told, with the
//! reason, and everything that waited has failed with it.
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | what is told | [`IrcClient`], [`Event`], [`Said`] |
//! | what can be asked | [`Irc`] |
//! | how it gets in | [`ClientOptions`], `registration.rs`, `capabilities.rs`, `login.rs`, [`Sasl`] |
//! | how a line becomes news | `protocol.rs`, `session.rs`, `receive.rs`, `roster.rs` |
//! | how a request finds its answer | `question.rs`, `requests.rs`, `done.rs`, `asked.rs`, `people.rs` |
//! | how fast it speaks | `send_queue.rs`, `say.rs`, `split.rs` |
//! | what it does by itself | `upkeep.rs` |
//!
//! # Example: a bot that says what it hears
//! ```
//! use ropewalk_core::{ClientEndpoint, Deferred, Reactor};
//! use ropewalk_irc::client::{ClientOptions, Irc, IrcClient, Said, connect};
//!
//! struct Echo;
//!
//! impl IrcClient for Echo {
//!     fn privmsg(&mut self, irc: &Irc, said: &Said<'_>) {
//!         drop(irc.privmsg(said.reply_target(), said.text));
//!     }
//! }
//!
//! fn start(reactor: &Reactor, server: &impl ClientEndpoint) -> Deferred<()> {
//!     let connected = connect(reactor, server, ClientOptions::new("echo"), Echo);
//!     connected.add_callback(|irc| irc.join("#ropes"))
//! }
//! # // On our own server, in memory; with `tcp:` or `tls:` it is on any other.
//! # use ropewalk_core::Loop;
//! # use ropewalk_irc::{network, server};
//! # use ropewalk_testing::{MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network};
//! # let event_loop = Loop::new(MemoryDriver::new(Network::default()));
//! # let people = network::Network::new(network::NetworkLimits::default());
//! # let factory = server::IrcFactory::new(network::Server::on(&people), server::IrcSettings::default());
//! # event_loop.run_until(event_loop.reactor().listen(&MemoryServerEndpoint::new("irc"), factory))?;
//! # event_loop.run_until(start(event_loop.reactor(), &MemoryClientEndpoint::new("irc")))?;
//! # Ok::<(), ropewalk_core::Failure>(())
//! ```

mod asked;
mod capabilities;
mod ctcp;
mod done;
mod event;
mod irc;
mod irc_client;
mod isupport;
mod login;
mod mode_change;
mod options;
mod pace;
mod people;
mod protocol;
mod question;
mod receive;
mod registration;
mod requests;
mod roster;
mod sasl;
mod say;
mod send_queue;
mod server_error;
mod session;
mod split;
mod state;
mod upkeep;

pub use asked::{ListEntry, MaskEntry};
pub use event::{Event, Said};
pub use irc::Irc;
pub use irc_client::IrcClient;
pub use isupport::{ISupport, ModeKind};
pub use mode_change::ModeChange;
pub use options::{ClientLimits, ClientOptions};
pub use people::{WhoEntry, Whois};
pub use protocol::{IrcClientFactory, IrcProtocol, connect};
pub use roster::{Member, Topic};
pub use sasl::Sasl;
pub use server_error::ServerError;
