//! TLS for the peers on runtimes, if the environment names a certificate.

use std::env::VarError;
use std::io;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a server of TLS is to be like: rustls as it comes, on aws-lc-rs, as ours.
///
/// # Errors
///
/// If a file cannot be read, or has something else in it.
pub fn server_config() -> io::Result<Option<ServerConfig>> {
    let certificate = match std::env::var("PEER_CERTIFICATE") {
        Err(VarError::NotPresent) => return Ok(None),
        found => found.map_err(io::Error::other)?,
    };
    let key = std::env::var("PEER_KEY").map_err(io::Error::other)?;
    let certificate = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let builder = ServerConfig::builder().with_no_client_auth();
    builder.with_single_cert(vec![certificate], key).map(Some).map_err(io::Error::other)
}
