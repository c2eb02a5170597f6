//! Certificates, keys and lists of revoked certificates, out of files and PEM text (RFC 7468).

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ropewalk_core::{Failure, FailureKind};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::provider;
use crate::Identity;

/// A file may be so large: all certificates of a large organisation fit, an endless device does not.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Reads a whole file; a failure says which.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let open = || {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    open().map_err(|error| Failure::from(error).context(path.display()))
}

/// The files in a directory whose names end in `ending`, in order.
pub(super) fn files_in(directory: &Path, ending: &str) -> Result<Vec<std::path::PathBuf>, Failure> {
    let list = || -> Result<Vec<_>, std::io::Error> {
        let mut files = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == ending) && path.is_file() {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    };
    list().map_err(|error| Failure::from(error).context(directory.display()))
}

/// All items of a kind in a PEM text.
fn items<T: PemObject>(pem: &[u8]) -> Result<Vec<T>, Failure> {
    let items: Result<Vec<T>, _> = T::pem_slice_iter(pem).collect();
    items.map_err(|error| local(format!("it is no PEM text: {error}")))
}

/// The certificates in a PEM text: at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let found = items(pem)?;
    if found.is_empty() {
        return Err(local("there is no certificate in it (-----BEGIN CERTIFICATE-----)"));
    }
    Ok(found)
}

/// The lists of revoked certificates in a PEM text: at least one.
pub(super) fn revocations(
    pem: &[u8],
) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let found = items(pem)?;
    if found.is_empty() {
        return Err(local(
            "there is no list of revoked certificates in it (-----BEGIN X509 CRL-----)",
        ));
    }
    Ok(found)
}

/// An identity's chain and key, which belong together.
pub(super) fn certified_key(identity: &Identity) -> Result<Arc<CertifiedKey>, Failure> {
    let (chain, key, place) = match identity {
        Identity::Files { certificate, key } => {
            (read(certificate)?, read(key)?, Some((certificate.as_path(), key.as_path())))
        }
        Identity::Pem { certificate, key } => (certificate.clone(), key.clone(), None),
    };
    let name = |path: Option<&Path>, what: &str| {
        path.map_or_else(|| what.to_owned(), |path| path.display().to_string())
    };
    let chain = certificates(&chain).map_err(|failure| {
        failure.context(name(place.map(|(chain, _)| chain), "the certificate"))
    })?;
    let at_key = name(place.map(|(_, key)| key), "the key");
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| {
        local("there is no private key in it (-----BEGIN PRIVATE KEY-----, not encrypted)")
            .context(&at_key)
    })?;
    let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
        let why = match error {
            rustls::Error::InconsistentKeys(_) => {
                "it is not the key of that certificate".to_owned()
            }
            other => other.to_string(),
        };
        local(why).context(at_key)
    })?;
    Ok(Arc::new(certified))
}

pub(super) fn local(why: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(FailureKind::Local, why)
}
