//! [`ClientEngine`]: a client's settings, as rustls wants them.

use std::rc::Rc;
use std::sync::Arc;

use ropewalk_core::Failure;
use rustls::ClientConfig;
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;

use super::pem::{certified_key, local};
use super::provider;
use super::session::{RustlsSession, Scratch};
use super::verify::server_verifier;
use crate::ClientOptions;
use crate::session::Session;

/// Makes the sessions of a client, and keeps those that can be resumed.
pub(crate) struct ClientEngine(Arc<ClientConfig>);

/// Servers whose sessions are kept: as many as a browser's user has open.
const SERVERS_KEPT_MAX: usize = 256;

impl ClientEngine {
    /// Reads all files.
    pub(crate) fn new(options: &ClientOptions) -> Result<Self, Failure> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| local(error.to_string()))?
            .dangerous() // It is our own verifier, around the usual one.
            .with_custom_certificate_verifier(server_verifier(&options.trust)?);
        let mut config = match &options.identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(
                certified_key(identity)?,
            ))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&options.alpn);
        config.key_log = Arc::new(rustls::KeyLogFile::new());
        config.resumption = Resumption::in_memory_sessions(SERVERS_KEPT_MAX);
        Ok(Self(Arc::new(config)))
    }

    /// A session with the server called `name`.
    pub(crate) fn session(
        &self,
        name: &str,
        scratch: &Rc<Scratch>,
    ) -> Result<Box<dyn Session>, Failure> {
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| local(format!("{name:?} is neither a host name nor an address")))?;
        let asked = matches!(server, ServerName::DnsName(_)).then_some(name);
        let connection = UnbufferedClientConnection::new(self.0.clone(), server)
            .map_err(|error| local(error.to_string()))?;
        Ok(Box::new(RustlsSession::new(connection, scratch.clone(), asked)))
    }
}
