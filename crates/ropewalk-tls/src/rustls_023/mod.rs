//! TLS by rustls 0.23: its unbuffered connections, with aws-lc-rs for the mathematics.
//!
//! This folder is all that knows rustls. What it gives the rest of the crate: [`ServerEngine`] and
//! [`ClientEngine`], which make [`Session`](crate::session::Session)s, and what can be read out of a certificate.

mod client;
mod errors;
mod names;
mod pem;
mod server;
mod session;
mod verify;

use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub(crate) use client::ClientEngine;
pub(crate) use names::{dns_names, uris};
pub(crate) use server::ServerEngine;
pub(crate) use session::Scratch;

/// The cipher suites, key exchanges and signatures of aws-lc-rs, as rustls orders them.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    PROVIDER.clone()
}
