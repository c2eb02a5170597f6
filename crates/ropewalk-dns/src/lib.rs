//! The Domain Name System: a client with a cache, an authoritative server, a recursive resolver.
//!
//! Messages, records and zone files are read and written by the `domain` crate; what is asked of whom, what is
//! believed, what is kept and what is answered is here. It knows no sockets: it is given endpoints.
#![forbid(unsafe_code)]

mod name;
pub mod server;
mod wire_name;
pub mod zone;

pub use name::{Name, reverse_name};
