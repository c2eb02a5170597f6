//! [`Certificate`]: one X.509 certificate that a peer has shown.

use std::fmt;

use crate::rustls_023::{dns_names, uris};

/// A certificate, as it came: DER (RFC 5280).
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate(Box<[u8]>);

impl Certificate {
    /// From its encoding; whether it can be read shows when it is asked for something.
    pub fn from_der(der: impl Into<Box<[u8]>>) -> Self {
        Self(der.into())
    }

    /// Its encoding: what a fingerprint is made of.
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// The host names that it is for (subjectAltName), with a `*.` where it is for all below one.
    pub fn dns_names(&self) -> Vec<String> {
        dns_names(&self.0)
    }

    /// The URIs that it is for, such as a SPIFFE identity.
    pub fn uris(&self) -> Vec<String> {
        uris(&self.0)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} bytes for {:?})", self.0.len(), self.dns_names())
    }
}
