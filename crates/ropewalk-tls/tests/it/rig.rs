//! What the tests are made with: an authority that issues certificates, and servers and clients that know it.

use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use ropewalk_tls::{ClientOptions, Identity, Roots, ServerOptions, TlsClient, TlsServer, Trust};

/// An authority of its own for each run of the tests.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("there is randomness");
        Self(CertifiedIssuer::self_signed(params, key).expect("it can sign itself"))
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// Trust in it and in nobody else.
    pub(crate) fn trust(&self) -> Trust {
        Trust::in_roots(Roots::Pem(self.pem()))
    }

    /// A server's certificate for these names.
    pub(crate) fn server(&self, names: &[&str]) -> Identity {
        self.issue(names, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }

    /// A certificate, changed by `change` before it is signed.
    pub(crate) fn issue(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("they are names");
        params.distinguished_name.push(DnType::CommonName, "somebody");
        change(&mut params);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.0).expect("it can sign");
        Identity::pem(certificate.pem(), key.serialize_pem())
    }
}

/// The authority that most tests trust.
pub(crate) static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::new("authority of the tests"));

/// A server called `localhost`, of the usual authority.
pub(crate) fn server_options() -> ServerOptions {
    ServerOptions {
        identities: vec![AUTHORITY.server(&["localhost", "127.0.0.1"])],
        ..ServerOptions::default()
    }
}

/// A client that trusts the usual authority.
pub(crate) fn client_options() -> ClientOptions {
    ClientOptions { trust: AUTHORITY.trust(), ..ClientOptions::default() }
}

pub(crate) fn server() -> TlsServer {
    TlsServer::new(server_options()).expect("its options are good")
}

pub(crate) fn client() -> TlsClient {
    TlsClient::new(&client_options()).expect("its options are good")
}
