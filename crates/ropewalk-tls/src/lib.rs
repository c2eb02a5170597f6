//! TLS for Ropewalk: a layer below any transport, and the endpoints `tls:`.
//!
//! A protocol does not know that it speaks TLS. On a `tls:` endpoint the handshake comes first: the factory is asked
//! for a protocol when it is done, and can look at what was [`negotiated`]. In the middle of a conversation
//! (STARTTLS) TLS is begun with [`TlsServer::start`] or [`TlsClient::start`], at any byte.
//!
//! TLS 1.2 and 1.3, by rustls and aws-lc-rs, behind a small trait of our own. If `SSLKEYLOGFILE` is set in the
//! environment, the keys of all connections are appended to that file, for Wireshark.
//!
//! # An echo over TLS
//! ```no_run
//! use ropewalk_core::{Cx, Protocol};
//!
//! struct Echo;
//! impl Protocol for Echo {
//!     fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
//!         cx.transport().write(data);
//!     }
//! }
//!
//! let main_loop = ropewalk_net::new_loop(None)?;
//! let endpoints = ropewalk_tls::endpoints(main_loop.reactor());
//! let endpoint = endpoints.server("tls:8443:cert=/etc/ssl/me.pem:key=/etc/ssl/me.key")?;
//! main_loop.run_until(main_loop.reactor().listen(&endpoint, || Echo))?;
//! main_loop.run()?;
//! # Ok::<(), ropewalk_core::Failure>(())
//! ```
//!
//! # How a connection ends
//! `lose_connection` and `lose_write_connection` send `close_notify`; the peer's is the end of what comes, as a half
//! close is. An end without it is a failure, [`TlsError::Truncated`]. A broken rule ends the connection after the
//! alert that says which.
#![forbid(unsafe_code)]

mod alert;
mod certificate;
mod client;
mod endpoints;
mod error;
mod file_stamps;
mod layer;
mod negotiated;
mod options;
mod rustls_023;
mod server;
mod session;

pub use alert::Alert;
pub use certificate::Certificate;
pub use client::{TlsClient, TlsClientEndpoint};
pub use endpoints::{endpoints, register};
pub use error::{CertificateError, TlsError};
pub use negotiated::{Negotiated, TlsVersion, handshake_done, negotiated};
pub use options::{
    ClientCertificates, ClientOptions, HANDSHAKE_TIMEOUT, Identity, Roots, ServerOptions, Trust,
};
pub use server::{TlsServer, TlsServerEndpoint};
