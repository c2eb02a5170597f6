//! [`NamedKeys`]: which certificate a client is shown, by the name that it asks for (SNI, RFC 6066 section 3).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Certificates by the names in them. Who asks for a name that none has, or for none, is shown the first.
#[derive(Debug)]
pub(super) struct NamedKeys {
    first: Arc<CertifiedKey>,
    by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
    asked: Arc<Asked>,
}

/// The name that a client has asked for last. An unbuffered connection of rustls does not tell it, so the one whose
/// bytes are being worked off takes it from here; all is on one thread, and in one call.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<Option<String>>);

impl Asked {
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, name: Option<&str>) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *place = name.map(str::to_owned);
    }
}

impl NamedKeys {
    /// `None` if there are no keys.
    pub(super) fn new(keys: Vec<Arc<CertifiedKey>>, asked: Arc<Asked>) -> Option<Self> {
        let first = keys.first()?.clone();
        let mut by_name: HashMap<String, Vec<Arc<CertifiedKey>>> = HashMap::new();
        for key in keys {
            for name in key.cert.first().map(|der| dns_names(der)).unwrap_or_default() {
                by_name.entry(name.to_ascii_lowercase()).or_default().push(key.clone());
            }
        }
        Some(Self { first, by_name, asked })
    }

    /// Those for exactly this name, or else those for all names beside it.
    fn for_name(&self, name: &str) -> &[Arc<CertifiedKey>] {
        let name = name.to_ascii_lowercase();
        let wildcard = || self.by_name.get(&format!("*.{}", name.split_once('.')?.1));
        self.by_name.get(&name).or_else(wildcard).map_or(&[], Vec::as_slice)
    }
}

impl ResolvesServerCert for NamedKeys {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.asked.note(hello.server_name());
        let keys = hello.server_name().map_or(&[][..], |name| self.for_name(name));
        // One name may have a key of each kind, and old clients know only RSA.
        let usable =
            |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        Some(keys.iter().find(usable).or(keys.first()).unwrap_or(&self.first).clone())
    }
}

/// The host names that a certificate is for.
pub(crate) fn dns_names(der: &[u8]) -> Vec<String> {
    read(der, |parsed| parsed.valid_dns_names().map(str::to_owned).collect())
}

/// The URIs that a certificate is for.
pub(crate) fn uris(der: &[u8]) -> Vec<String> {
    read(der, |parsed| parsed.valid_uri_names().map(str::to_owned).collect())
}

fn read<T: Default>(der: &[u8], f: impl FnOnce(&webpki::EndEntityCert<'_>) -> T) -> T {
    let der = CertificateDer::from(der);
    webpki::EndEntityCert::try_from(&der).map_or_else(|_| T::default(), |parsed| f(&parsed))
}
