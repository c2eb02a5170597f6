//! [`ServerEngine`]: a server's settings, as rustls wants them.

use std::rc::Rc;
use std::sync::Arc;

use ropewalk_core::Failure;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{NoServerSessionStorage, UnbufferedServerConnection};

use super::names::{Asked, NamedKeys};
use super::pem::{certified_key, files_in, local};
use super::provider;
use super::session::{RustlsSession, Scratch, ServerSide};
use super::verify::client_verifier;
use crate::session::Session;
use crate::{Identity, ServerOptions};

/// Makes the sessions of a server. Made afresh when its files have changed: sessions of before cannot be resumed
/// then, so nobody comes in with what was trusted before.
pub(crate) struct ServerEngine {
    config: Arc<ServerConfig>,
    asked: Arc<Asked>,
}

impl ServerEngine {
    /// Reads all files.
    pub(crate) fn new(options: &ServerOptions) -> Result<Self, Failure> {
        let asked = Arc::new(Asked::default());
        let mut keys = Vec::new();
        for identity in &options.identities {
            keys.push(certified_key(identity)?);
        }
        if let Some(directory) = &options.identity_directory {
            for file in files_in(directory, "pem")? {
                keys.push(certified_key(&Identity::file(file))?);
            }
        }
        let keys = NamedKeys::new(keys, asked.clone())
            .ok_or_else(|| local("a TLS server needs a certificate and its key"))?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| local(error.to_string()))?;
        let builder = match client_verifier(&options.client_certificates)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(keys));
        config.alpn_protocols.clone_from(&options.alpn);
        config.key_log = Arc::new(rustls::KeyLogFile::new());
        // Sessions are in tickets that the clients keep, and not in memory here.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Ticketer::new().map_err(|error| local(error.to_string()))?;
        Ok(Self { config: Arc::new(config), asked })
    }

    /// A session for a connection that was accepted.
    pub(crate) fn session(&self, scratch: &Rc<Scratch>) -> Result<Box<dyn Session>, Failure> {
        let connection = UnbufferedServerConnection::new(self.config.clone())
            .map_err(|error| local(error.to_string()))?;
        let side = ServerSide { connection, asked: self.asked.clone() };
        Ok(Box::new(RustlsSession::new(side, scratch.clone(), None)))
    }
}
