//! [`Target`]: the server that a load talks to, and [`Wire`]: a connection to it, plain or with TLS.
//!
//! All are asked for the same in a handshake: TLS 1.3 or what the server has, X25519, no resumption. (Servers that
//! know a hybrid with ML-KEM would else do more than nginx on Debian's OpenSSL, which does not.)

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Where it listens, and what is below the words.
#[derive(Clone)]
pub struct Target {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection.
pub enum Wire {
    /// What is written is what is sent.
    Plain(TcpStream),
    /// With TLS.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// What the certificate is for.
const NAME: &str = "localhost";

impl Target {
    /// At `address`; with TLS if there is a certificate to trust.
    ///
    /// # Errors
    ///
    /// If the certificate cannot be read.
    pub fn new(address: SocketAddr, certificate: Option<&Path>) -> io::Result<Self> {
        Ok(Self { address, tls: certificate.map(config).transpose()? })
    }

    /// Connects, and does not wait for more to send (`TCP_NODELAY`). The handshake comes with the first words.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn connect(&self) -> io::Result<Wire> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        let Some(config) = &self.tls else { return Ok(Wire::Plain(stream)) };
        let name = ServerName::try_from(NAME).expect("it is a name");
        let session = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        Ok(Wire::Tls(Box::new(StreamOwned::new(session, stream))))
    }
}

fn config(certificate: &Path) -> io::Result<Arc<ClientConfig>> {
    let kx_groups = vec![aws_lc_rs::kx_group::X25519];
    let provider = CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() };
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
    roots.add(root).map_err(io::Error::other)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

impl Wire {
    /// The socket.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref(),
        }
    }

    /// Sends it, or as soon as the handshake is done: reading goes on with that.
    ///
    /// # Errors
    ///
    /// What the system says, that it has no room left among it.
    pub fn say(&mut self, words: &[u8]) -> io::Result<()> {
        let Self::Tls(stream) = self else { return self.write_all(words) };
        stream.conn.writer().write_all(words)?;
        match stream.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock && stream.conn.is_handshaking() => {
                Ok(())
            }
            said => said,
        }
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
