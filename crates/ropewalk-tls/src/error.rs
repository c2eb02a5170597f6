//! [`TlsError`]: what can go wrong between two sides that want to speak TLS, one line for each.
//!
//! It comes as the cause of a [`Failure`]: `failure.check::<TlsError>()` finds it in the failure that a connect
//! fails with, or that `connection_lost` is given.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::{Failure, FailureKind};

use crate::Alert;

/// Why a TLS connection did not come up, or ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// What came is no TLS: the port is of a plain protocol, or the peer began in the clear.
    NotTls,
    /// No version of TLS is spoken by both sides; here it is 1.2 and 1.3.
    NoCommonVersion,
    /// No cipher suite, key exchange or signature scheme is known to both sides.
    NoCommonCipher,
    /// The two sides offered application protocols (ALPN), and none is the same.
    NoCommonProtocol,
    /// The peer's certificate is not to be trusted.
    BadCertificate(CertificateError),
    /// A client was to show a certificate and showed none: on the server's side, that it did not; on the client's,
    /// that the server says so.
    NoCertificate,
    /// The peer refused, and said why in an alert.
    Refused(Alert),
    /// The peer ended the connection in the middle of the handshake.
    LostInHandshake,
    /// The peer ended the connection without `close_notify` (RFC 8446 section 6.1): what came may have been cut
    /// short by somebody in between.
    Truncated,
    /// The handshake took too long.
    HandshakeTimeout(Duration),
    /// A record was changed on its way, or encrypted with other keys.
    BadRecord,
    /// The peer broke a rule of TLS; the cause says which.
    BrokenRule(Arc<dyn Error + Send + Sync>),
    /// A limit of this crate was reached; the text names it.
    Limit(&'static str),
    /// The layer was asked for something that TLS cannot do.
    Unsupported(&'static str),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CertificateError {
    /// It was valid until so long ago.
    Expired(Duration),
    /// It will be valid in so long; if it should be by now, a clock is wrong.
    NotYetValid(Duration),
    /// It is for others.
    WrongName {
        /// Who was connected to.
        expected: String,
        /// Whom it is for.
        presented: Vec<String>,
    },
    /// It was issued by somebody who is not trusted here, or a certificate in between was not sent.
    UnknownIssuer,
    /// It was issued by its own owner, who is not trusted here.
    SelfSigned,
    /// Its issuer has revoked it.
    Revoked,
    /// Whether it is revoked cannot be told: the issuer's list is missing or too old.
    UnknownRevocation,
    /// The signature on it, or made with it, is wrong.
    BadSignature,
    /// It is not for this use: a client's shown by a server, for instance.
    WrongPurpose,
    /// It cannot be read.
    Malformed,
    /// Something else; the cause says what.
    Other(Arc<dyn Error + Send + Sync>),
}

impl TlsError {
    /// The failure that it causes.
    #[track_caller]
    pub(crate) fn into_failure(self) -> Failure {
        let kind = match self {
            Self::HandshakeTimeout(_) => FailureKind::Timeout,
            Self::Limit(_) => FailureKind::Limit,
            Self::Unsupported(_) => FailureKind::Local,
            _ => FailureKind::Peer,
        };
        Failure::from_error(kind, self)
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NotTls => "the peer does not speak TLS",
            Self::NoCommonVersion => {
                "the peer speaks no version of TLS that is spoken here (1.2 and 1.3)"
            }
            Self::NoCommonCipher => {
                "the two sides know no cipher suite, key exchange or signature in common"
            }
            Self::NoCommonProtocol => "the two sides have no application protocol (ALPN) in common",
            Self::BadCertificate(error) => return write!(f, "the peer's certificate {error}"),
            Self::NoCertificate => "a client certificate is required, and none was shown",
            Self::Refused(alert) => {
                return write!(f, "the peer refused the TLS connection: {alert}");
            }
            Self::LostInHandshake => {
                "the peer ended the connection in the middle of the TLS handshake"
            }
            Self::Truncated => {
                "the peer ended the connection without close_notify: what came may be cut short"
            }
            Self::HandshakeTimeout(allowed) => {
                return write!(
                    f,
                    "the TLS handshake took longer than {allowed:?} (handshake_timeout)"
                );
            }
            Self::BadRecord => "a TLS record was changed on its way, or encrypted with other keys",
            Self::BrokenRule(error) => return write!(f, "the peer broke a rule of TLS: {error}"),
            Self::Limit(text) | Self::Unsupported(text) => text,
        };
        f.write_str(text)
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Expired(ago) => return write!(f, "expired {} ago", Roughly(*ago)),
            Self::NotYetValid(left) => {
                return write!(
                    f,
                    "is not valid yet: it will be in {} (is the clock right?)",
                    Roughly(*left)
                );
            }
            Self::WrongName { expected, presented } if presented.is_empty() => {
                return write!(f, "is not for {expected}, but for nobody");
            }
            Self::WrongName { expected, presented } => {
                return write!(f, "is not for {expected}, but for {}", presented.join(", "));
            }
            Self::UnknownIssuer => "was issued by somebody who is not trusted here",
            Self::SelfSigned => "is self-signed, and not trusted here",
            Self::Revoked => "was revoked by its issuer",
            Self::UnknownRevocation => "may be revoked: the issuer's list is missing or too old",
            Self::BadSignature => "has a wrong signature",
            Self::WrongPurpose => "is not for this use",
            Self::Malformed => "cannot be read",
            Self::Other(error) => return write!(f, "is not accepted: {error}"),
        };
        f.write_str(text)
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::BadCertificate(error) => Some(error),
            Self::BrokenRule(error) => Some(&**error),
            _ => None,
        }
    }
}

impl Error for CertificateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Other(error) => Some(&**error),
            _ => None,
        }
    }
}

/// A time in its largest unit: `3 days`.
struct Roughly(Duration);

impl fmt::Display for Roughly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
        let (unit, name) =
            units.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1, "second"));
        let count = seconds / unit;
        write!(f, "{count} {name}{}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_its_largest_unit() {
        let said = |seconds| Roughly(Duration::from_secs(seconds)).to_string();
        assert_eq!([said(0), said(1), said(59)], ["0 seconds", "1 second", "59 seconds"]);
        assert_eq!([said(60), said(7_300), said(172_800)], ["1 minute", "2 hours", "2 days"]);
    }

    #[test]
    fn a_certificate_for_others_says_for_whom() {
        let presented = vec!["a.example".to_owned(), "*.b.example".to_owned()];
        let wrong = CertificateError::WrongName { expected: "c.example".into(), presented };
        assert_eq!(
            TlsError::BadCertificate(wrong).to_string(),
            "the peer's certificate is not for c.example, but for a.example, *.b.example"
        );
    }
}
