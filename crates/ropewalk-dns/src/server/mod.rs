//! The server's side: datagrams and connections, over one [`Responder`] that finds the answers.
//!
//! A [`Server`] reads what comes, gives it to the responder, and makes the answer whole: it knows EDNS(0), sizes,
//! truncation, pipelines and limits, and nothing of zones. The responder writes an [`Answer`] in wire form at once, or
//! takes a [`Reply`] and finishes it later. [`Authority`](crate::zone::Authority) is the one for zones.

mod access;
mod answer;
mod compression;
mod cookies;
mod kept_answers;
mod query;
mod query_log;
mod rate_limit;
mod resolving;
mod responder;
mod service;
mod settings;
mod tcp;
mod udp;

pub use access::{Access, Grant, Network, NetworkError};
pub use answer::{Answer, Need, Section};
pub use cookies::CookieSecret;
#[cfg(test)]
pub(crate) use query::NoQuery;
pub use query::{Carrier, Edns, Origin, Query};
pub(crate) use query::{HEADER_BYTES, RECORD_FIXED_BYTES, number, record_end};
pub use query_log::QueryLog;
pub use rate_limit::RateLimitSettings;
pub use resolving::{Asked, Find, Finding, Resolving};
pub use responder::{Messages, Reply, Responder, Verdict};
pub use service::{Server, ServerCounts};
pub use settings::ServerSettings;
pub use udp::DatagramService;
