//! The Domain Name System: a client with a cache, an authoritative server, a recursive resolver.
//!
//! Messages, records and zone files are read and written by the `domain` crate; what is asked of whom, what is
//! believed, what is kept and what is answered is here. It knows no sockets: it is given endpoints.
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | how a question goes on the wire | `client/query.rs` ([`QueryOptions`]), `random.rs` |
//! | what is believed of what comes back | `client/response.rs` ([`Response`]) |
//! | who waits for which answer, by datagrams | `client/udp_ports.rs`, `client/deadlines.rs` |
//! | and over TCP and TLS | `client/stream.rs` |
//! | how one server is asked one question | `client/exchange.rs` ([`Exchanger`]), `client/name_server.rs` |
//! | what answers | `server/responder.rs` ([`server::Responder`]), `server/query.rs`, `server/answer.rs` |
//! | what becomes of a message that comes | `server/service.rs` ([`server::Server`]), `server/udp.rs`, `server/tcp.rs` |
//! | who may, and what is signed | `server/access.rs` ([`server::Access`]), `tsig.rs` ([`TsigKey`]) |
//! | how a zone is read and answers | `zone/file.rs`, `zone/zone.rs` ([`zone::Zone`]), `zone/answer.rs` |
//! | how a zone comes to its secondaries | `transfer/outgoing.rs`, `transfer/secondary.rs` ([`transfer::Secondary`]) |
#![forbid(unsafe_code)]

mod client;
mod name;
mod random;
pub mod server;
mod slab;
pub mod transfer;
mod tsig;
mod wire_name;
pub mod zone;

pub use client::{
    ClientLimits, Dial, Exchanger, LookupError, MessageRecord, NameServer, QueryOptions, Question,
    Response, Via,
};
pub use name::{Name, reverse_name};
pub use random::Random;
pub use tsig::{KeyError, KeyRing, TsigKey};
