//! The Domain Name System: a client with a cache, an authoritative server, a recursive resolver.
//!
//! Messages, records and zone files are read and written by the `domain` crate; what is asked of whom, what is
//! believed, what is kept and what is answered is here. It knows no sockets: it is given endpoints.
//!
//! # Whom does a domain's mail go to?
//! ```no_run
//! use ropewalk_core::{Deferred, Failure, Reactor};
//! use ropewalk_dns::{Dial, ResolvConf, Resolver, ResolverOptions};
//!
//! fn mail_hosts(reactor: &Reactor, domain: &str) -> Deferred<Vec<String>> {
//!     let conf = ResolvConf::parse("nameserver 192.0.2.53\noptions timeout:2 rotate");
//!     let dial = Dial::new(ropewalk_net::endpoints(reactor));
//!     let options = ResolverOptions { conf, ..ResolverOptions::default() };
//!     let resolver = Resolver::new(reactor, dial, options);
//!     resolver.lookup_mail_exchange(domain).add_callback(|mut exchanges| {
//!         exchanges.sort_by_key(|mx| mx.preference());
//!         Ok(exchanges.iter().map(|mx| mx.exchange().to_string()).collect())
//!     })
//! }
//!
//! let main_loop = ropewalk_net::new_loop(None)?;
//! let hosts = main_loop.run_until(mail_hosts(main_loop.reactor(), "example.com"))?;
//! assert!(!hosts.is_empty());
//! # Ok::<(), Failure>(())
//! ```
//! A program that stands on the facade has such a resolver for this machine in `ropewalk::SystemNames`.
//!
//! # In reading order
//! | to know | read |
//! |---|---|
//! | how a question goes on the wire | `client/query.rs` ([`QueryOptions`]), `random.rs` |
//! | what is believed of what comes back | `client/response.rs` ([`Response`]) |
//! | who waits for which answer, by datagrams | `client/udp_ports.rs`, `client/deadlines.rs` |
//! | and over TCP and TLS | `client/stream.rs` |
//! | how one server is asked one question | `client/exchange.rs` ([`Exchanger`]), `client/name_server.rs` |
//! | how several servers are asked | `client/lookup.rs` ([`Servers`]) |
//! | what is remembered | `cache.rs` ([`Cache`]), `record_set.rs` ([`RecordSet`]) |
//! | what this machine's files say | `resolv_conf.rs` ([`ResolvConf`]), `hosts.rs` ([`Hosts`]) |
//! | how a program's names are found with all that | `client/resolver.rs` ([`Resolver`]), `client/answer.rs`, `client/shared.rs`, `client/records.rs` |
//! | how a million addresses are looked up | `bulk.rs` ([`Bulk`]), `bulk_order.rs`, `bulk_pace.rs`, `pointer.rs` |
//! | what answers | `server/responder.rs` ([`server::Responder`]), `server/query.rs`, `server/answer.rs` |
//! | what becomes of a message that comes | `server/service.rs` ([`server::Server`]), `server/udp.rs`, `server/tcp.rs` |
//! | who may, and what is signed | `server/access.rs` ([`server::Access`]), `tsig.rs` ([`TsigKey`]) |
//! | how a zone is read and answers | `zone/file.rs`, `zone/zone.rs` ([`zone::Zone`]), `zone/answer.rs` |
//! | how an answer is found from the root | `recursor/walk.rs`, `recursor/reading.rs` ([`Recursor`]) |
//! | how others are asked for everything | `forward.rs` ([`Forwarder`]), `server/resolving.rs` |
//! | how a zone comes to its secondaries | `transfer/outgoing.rs`, `transfer/secondary.rs` ([`transfer::Secondary`]) |
#![forbid(unsafe_code)]

mod bulk;
mod bulk_order;
mod bulk_pace;
mod cache;
mod cache_order;
mod client;
mod forward;
mod hosts;
mod name;
#[cfg(test)]
mod oracle;
mod pointer;
mod random;
mod record_set;
mod recursor;
mod resolv_conf;
pub mod server;
mod slab;
pub mod transfer;
mod tsig;
mod wire_name;
pub mod zone;

/// Messages, records and their types, as the `domain` crate has them.
pub use domain::{base, rdata};

pub use bulk::{Bulk, BulkOptions, BulkSummary, BulkWork, Finished, Next, Outcome};
pub use cache::{Cache, CacheOptions, Cached, Known, Rank, Soa};
pub use client::{
    Answer, ClientLimits, Dial, Exchanger, LookupError, LookupOptions, MessageRecord, NameServer,
    QueryOptions, Question, Resolver, ResolverOptions, Response, Servers, Via,
};
pub use forward::Forwarder;
pub use hosts::Hosts;
pub use name::{Name, reverse_name};
pub use random::Random;
pub use record_set::{OwnedRecordData, RecordData, RecordSet};
pub use recursor::{Found, Link, Recursor, RecursorLimits, RecursorOptions, RootHints};
pub use resolv_conf::ResolvConf;
pub use tsig::{KeyError, KeyRing, TsigKey};
