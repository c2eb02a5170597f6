//! A client of NATS, the message broker: publishes, subscribes, asks, and comes back when the server was away.
//!
//! The text protocol of NATS is lines with a payload behind some of them
//! (<https://docs.nats.io/reference/reference-protocols/nats-protocol>). The *reading half* is the protocol of
//! one connection (`protocol.rs`), which the reactor owns. The *speaking half* is [`NatsClient`], which users clone. It knows no sockets: it is
//! given a [`ClientEndpoint`](ropewalk_core::ClientEndpoint), and connects to it again and again, with growing
//! pauses.
//!
//! What NATS itself promises is little: a message reaches a subscriber *at most once*. What was on its way when a
//! connection broke is lost; who needs more numbers its messages and asks again.
//!
//! | file | what is in it |
//! |---|---|
//! | `client.rs` | what users call |
//! | `link.rs` | the connection and its absences |
//! | `protocol.rs` | one connection: the greeting, messages, pings |
//! | `event.rs`, `parse.rs`, `encode.rs` | the lines |
//! | `subject.rs`, `server_info.rs`, `url.rs` | names, what a server says of itself, `nats://` |
//! | `limits.rs`, `options.rs` | what may be set |
//!
//! Not there: headers, JetStream, NKEYS and JWT, and TLS in the middle of a connection (a server that insists on it is
//! refused with that reason; `tls:` endpoints need a server with `handshake_first`).
//!
//! # Example: hearing all of a tree of subjects
//! ```no_run
//! use ropewalk_core::{ClientEndpoint, Failure, Reactor};
//! use ropewalk_nats::{NatsClient, NatsOptions, Subscription};
//! use std::rc::Rc;
//!
//! fn hear(reactor: &Reactor, endpoint: Rc<dyn ClientEndpoint>) -> Result<Subscription, Failure> {
//!     let client = NatsClient::new(reactor, endpoint, NatsOptions::default());
//!     let hearing = client.subscribe("weather.>", |message| {
//!         println!("{}: {} bytes", message.subject, message.payload.len());
//!     })?;
//!     client.publish("weather.harbour", b"fog")?;
//!     # let client_is_kept = client.clone(); reactor.call_soon(move || drop(client_is_kept));
//!     Ok(hearing)
//! }
//! ```
#![forbid(unsafe_code)]

mod client;
mod encode;
mod event;
mod limits;
mod link;
mod options;
mod parse;
mod protocol;
mod server_info;
mod subject;
mod subscription;
mod url;

pub use client::NatsClient;
pub use event::{NatsMessage, NatsNews};
pub use limits::NatsLimits;
pub use options::NatsOptions;
pub use server_info::ServerInfo;
pub use subscription::Subscription;
pub use url::NatsUrl;
