//! What a TLS server or client is to do: plain values, with their defaults.

use std::path::PathBuf;
use std::time::Duration;

/// What a [`TlsServer`](crate::TlsServer) does.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Certificates with their keys. A client is shown the one for the name that it asks for (SNI); where several
    /// have that name, the first whose kind of key it knows; where none has it, the first of all.
    pub identities: Vec<Identity>,
    /// A directory of more of them: each file `*.pem` has a chain and its key. Default none.
    pub identity_directory: Option<PathBuf>,
    /// Whether clients are asked for certificates. Default: not.
    pub client_certificates: ClientCertificates,
    /// Application protocols (ALPN), the preferred first, as in `b"h2"`. A client that offers some and none of
    /// these is refused. Default none: whatever a client offers is passed over.
    pub alpn: Vec<Vec<u8>>,
    /// How long a handshake may take. Default [`HANDSHAKE_TIMEOUT`].
    pub handshake_timeout: Duration,
    /// Handshakes under way at a time; one more is aborted. Default 10,000: each may keep some 100 kB until it
    /// times out, so a crowd that never finishes costs a gigabyte and no more.
    pub handshakes_max: usize,
}

/// What a [`TlsClient`](crate::TlsClient) does.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Who vouches for servers. Default: those whom this machine trusts.
    pub trust: Trust,
    /// What it shows a server that asks for a certificate. Default nothing.
    pub identity: Option<Identity>,
    /// Application protocols (ALPN) that it offers, the preferred first. Default none.
    pub alpn: Vec<Vec<u8>>,
    /// How long a handshake may take. Default [`HANDSHAKE_TIMEOUT`].
    pub handshake_timeout: Duration,
}

/// How long a handshake may take, if nothing else is said: two round trips on the longest ways (a second by
/// satellite), a slow device's sums, and a packet lost twice. Go and Node cut off at about the same.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A certificate, those between it and a root, and its key.
#[derive(Clone)]
pub enum Identity {
    /// Two files, or twice the same. A server reads them again when they change.
    Files {
        /// The chain in PEM, the certificate itself first.
        certificate: PathBuf,
        /// The key in PEM, not encrypted.
        key: PathBuf,
    },
    /// PEM text.
    Pem {
        /// The chain, the certificate itself first.
        certificate: Vec<u8>,
        /// The key, not encrypted.
        key: Vec<u8>,
    },
}

/// Who vouches for a peer.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Who is trusted. Default: those whom this machine trusts.
    pub roots: Roots,
    /// A file of lists of revoked certificates (PEM, `X509 CRL`), for the certificate that the peer shows. One
    /// whose issuer has no list there is taken. Default none.
    pub revocations: Option<PathBuf>,
}

/// The certificates at which trust ends.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// Those whom this machine trusts, or those in `SSL_CERT_FILE` and `SSL_CERT_DIR` if these are set. They are
    /// read once in a process.
    #[default]
    Platform,
    /// Those in a PEM file, or in all files `*.pem` and `*.crt` of a directory.
    Path(PathBuf),
    /// Those in a PEM text.
    Pem(Vec<u8>),
    /// No certificate is looked at: **anyone in between can read and change everything**. For tests, and for
    /// looking at what a server would say.
    Anyone,
}

/// Whether a server asks its clients for certificates.
#[derive(Clone, Debug, Default)]
pub enum ClientCertificates {
    /// It does not.
    #[default]
    NotAsked,
    /// It does, and lets those in who have none; a wrong one is refused.
    Optional(Trust),
    /// It does, and refuses who has none.
    Required(Trust),
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            identities: Vec::new(),
            identity_directory: None,
            client_certificates: ClientCertificates::NotAsked,
            alpn: Vec::new(),
            handshake_timeout: HANDSHAKE_TIMEOUT,
            handshakes_max: 10_000,
        }
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            trust: Trust::default(),
            identity: None,
            alpn: Vec::new(),
            handshake_timeout: HANDSHAKE_TIMEOUT,
        }
    }
}

impl Identity {
    /// Chain and key in two files.
    pub fn files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::Files { certificate: certificate.into(), key: key.into() }
    }

    /// Chain and key in one file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::Files { certificate: path.clone(), key: path }
    }

    /// Chain and key as PEM text.
    pub fn pem(certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self::Pem { certificate: certificate.into(), key: key.into() }
    }
}

impl Trust {
    /// Who has a certificate by one of these.
    pub fn in_roots(roots: Roots) -> Self {
        Self { roots, revocations: None }
    }
}

/// Never the key.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files { certificate, .. } => write!(f, "Identity({})", certificate.display()),
            Self::Pem { certificate, .. } => write!(f, "Identity({} bytes)", certificate.len()),
        }
    }
}
