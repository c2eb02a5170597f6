//! HTTP/1.1 for Ropewalk, as RFC 9110 and RFC 9112 have it: a server and a client, without I/O.
//!
//! The grammar of heads is `httparse`'s and the types at the edge are the `http` crate's; what is here is what
//! happens between them and a [`Transport`](ropewalk_core::Transport): framing, pipelining, back-pressure,
//! timeouts, and the refusal of everything by which requests are smuggled.
//!
//! # Hello
//! ```
//! use ropewalk_core::AnyFactory;
//! use ropewalk_http::{HttpFactory, Request};
//!
//! let hello = HttpFactory::new(|request: Request| request.finish_with("hello\n"));
//! # let _: &dyn AnyFactory = &hello; // ropewalk::listen(reactor, "tcp:8080", hello)
//! ```
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | what may be asked and how much | `limits.rs`, `error.rs` |
//! | how a head is read | `lines.rs`, `request_head.rs`, `target.rs`, `message_length.rs`, `fields.rs` |
//! | how a body is read | `body_decoder.rs`, `incoming.rs`, `body.rs` |
//! | how a connection goes on from request to request | `server.rs` |
//! | how a client asks | `agent.rs`, `origin.rs`, `pool.rs`, `client.rs`, `response.rs`, `redirect.rs`, `cookie_jar.rs` |
//! | how an answer is written | `request.rs`, `exchange.rs`, `reply.rs`, `encode.rs`, `content.rs` |
#![forbid(unsafe_code)]

mod agent;
mod body;
mod body_decoder;
mod client;
mod content;
mod cookie_jar;
mod date;
mod drain;
mod encode;
mod error;
mod exchange;
mod fields;
mod filter;
mod incoming;
mod inflate;
mod limits;
mod lines;
mod message_length;
mod origin;
mod pool;
mod redirect;
mod reply;
mod request;
mod request_head;
mod response;
mod response_head;
mod server;
mod site;
mod target;
mod upload;

pub use agent::{Agent, AgentOptions, Ask, StartTls};
pub use body::Body;
pub use client::{ClientProtocol, Informed};
pub use content::{Content, FileStream};
pub use cookie_jar::CookieJar;
pub use drain::drained;
pub use error::HttpError;
pub use filter::{Filter, ReplyHead};
/// The types of the `http` crate that stand at this one's edge.
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
pub use limits::HttpLimits;
pub use pool::PoolLimits;
pub use request::{Request, WeakRequest};
pub use response::{Response, Upgrade};
pub use server::HttpProtocol;
pub use site::{HttpFactory, Responder};
