//! Who is trusted: the roots, and the verifiers over them.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use ropewalk_core::Failure;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::pem::{certificates, files_in, local, read, revocations};
use super::provider;
use crate::{ClientCertificates, Roots, Trust};

/// The verifier of servers that `trust` asks for.
pub(super) fn server_verifier(trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    let Some(roots) = roots(&trust.roots)? else { return Ok(Arc::new(AnyServer)) };
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.store, provider())
        .with_crls(lists(trust)?)
        // Of the whole chain only the server's own certificate can be looked up in one issuer's list.
        .only_check_end_entity_revocation()
        .allow_unknown_revocation_status()
        .build()
        .map_err(|error| local(error.to_string()))?;
    Ok(Arc::new(ServerVerifier { verifier, trusted: roots.certificates }))
}

/// The verifier of clients that is asked for; `None` if none is.
pub(super) fn client_verifier(
    asked: &ClientCertificates,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, Failure> {
    let (trust, optional) = match asked {
        ClientCertificates::NotAsked => return Ok(None),
        ClientCertificates::Optional(trust) => (trust, true),
        ClientCertificates::Required(trust) => (trust, false),
    };
    let roots = roots(&trust.roots)?
        .ok_or_else(|| local("a client's certificate is worth nothing if anyone is trusted"))?;
    let builder = WebPkiClientVerifier::builder_with_provider(roots.store, provider())
        .with_crls(lists(trust)?)
        .only_check_end_entity_revocation()
        .allow_unknown_revocation_status();
    let builder = if optional { builder.allow_unauthenticated() } else { builder };
    Ok(Some(builder.build().map_err(|error| local(error.to_string()))?))
}

/// Who may issue certificates, and the certificates that say so.
#[derive(Clone)]
struct Trusted {
    store: Arc<RootCertStore>,
    certificates: Arc<HashSet<CertificateDer<'static>>>,
}

impl Trusted {
    fn new(found: Vec<CertificateDer<'static>>) -> Self {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(found.iter().cloned());
        Self { store: Arc::new(store), certificates: Arc::new(found.into_iter().collect()) }
    }
}

/// `None` where anyone is trusted.
fn roots(roots: &Roots) -> Result<Option<Trusted>, Failure> {
    let found = match roots {
        Roots::Anyone => return Ok(None),
        Roots::Platform => return platform_roots().map(Some),
        Roots::Pem(pem) => certificates(pem)?,
        Roots::Path(path) => certificates_at(path)?,
    };
    let trusted = Trusted::new(found);
    if trusted.store.is_empty() {
        return Err(local("none of the trusted certificates can be used"));
    }
    Ok(Some(trusted))
}

/// Those in a file, or in all files of a directory.
fn certificates_at(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let in_file =
        |path: &Path| certificates(&read(path)?).map_err(|failure| failure.context(path.display()));
    if !path.is_dir() {
        return in_file(path);
    }
    let mut found = Vec::new();
    for ending in ["pem", "crt"] {
        for file in files_in(path, ending)? {
            found.extend(in_file(&file)?);
        }
    }
    if found.is_empty() {
        return Err(local("there is no .pem or .crt file in it").context(path.display()));
    }
    Ok(found)
}

fn lists(trust: &Trust) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let Some(path) = &trust.revocations else { return Ok(Vec::new()) };
    revocations(&read(path)?).map_err(|failure| failure.context(path.display()))
}

/// The roots of this machine, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Read once in a process: they are some
/// hundred files' worth, and change with the system.
fn platform_roots() -> Result<Trusted, Failure> {
    static ROOTS: OnceLock<Trusted> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(roots.clone());
    }
    let loaded = rustls_native_certs::load_native_certs();
    let trusted = Trusted::new(loaded.certs);
    if trusted.store.is_empty() {
        let why = loaded.errors.first().map_or_else(String::new, |error| format!(": {error}"));
        return Err(local(format!(
            "this machine has no trusted certificates (package ca-certificates, or SSL_CERT_FILE){why}"
        )));
    }
    Ok(ROOTS.get_or_init(|| trusted).clone())
}

/// The usual verifier, which tells a self-signed certificate from one of an unknown issuer, and takes a server's own
/// certificate that is trusted itself: `openssl req -x509` makes an issuer's, which the usual one takes for issuing
/// only.
#[derive(Debug)]
struct ServerVerifier {
    verifier: Arc<WebPkiServerVerifier>,
    trusted: Arc<HashSet<CertificateDer<'static>>>,
}

/// The certificate's issuer is its owner.
#[derive(Debug)]
pub(super) struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("self-signed certificate")
    }
}

impl std::error::Error for SelfSigned {}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        verified.or_else(|error| match error {
            Error::InvalidCertificate(why)
                if is_issuers(&why) && self.trusted.contains(end_entity) =>
            {
                // Its dates have been looked at before its kind.
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            Error::InvalidCertificate(why)
                if (is_issuers(&why) || why == CertificateError::UnknownIssuer)
                    && is_self_signed(end_entity) =>
            {
                Err(CertificateError::Other(OtherError(Arc::new(SelfSigned))).into())
            }
            error => Err(error),
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Whether what is wrong with a server's certificate is only that it is one of an issuer.
fn is_issuers(why: &CertificateError) -> bool {
    let CertificateError::Other(other) = why else { return false };
    other.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

fn is_self_signed(der: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(der).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

/// Trusts any server that owns the key of the certificate it shows.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
