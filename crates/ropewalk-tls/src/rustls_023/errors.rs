//! What rustls says went wrong, in our words.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::{Error, InvalidMessage, PeerIncompatible};

use super::verify::SelfSigned;
use crate::{Alert, CertificateError, TlsError};

impl From<Error> for TlsError {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge,
            ) => Self::NotTls,
            Error::PeerIncompatible(why) => of_incompatible(why),
            Error::NoApplicationProtocol => Self::NoCommonProtocol,
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(error) => Self::BadCertificate(error.into()),
            Error::AlertReceived(alert) => of_alert(Alert(alert.into())),
            Error::DecryptError | Error::PeerSentOversizedRecord => Self::BadRecord,
            other => Self::BrokenRule(Arc::new(other)),
        }
    }
}

fn of_incompatible(why: PeerIncompatible) -> TlsError {
    match why {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        // Clients of TLS 1.1 and before have none.
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => TlsError::NoCommonVersion,
        PeerIncompatible::NoCipherSuitesInCommon
        | PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
            TlsError::NoCommonCipher
        }
        other => TlsError::BrokenRule(Arc::new(Error::PeerIncompatible(other))),
    }
}

fn of_alert(alert: Alert) -> TlsError {
    match alert {
        Alert::PROTOCOL_VERSION => TlsError::NoCommonVersion,
        Alert::NO_APPLICATION_PROTOCOL => TlsError::NoCommonProtocol,
        Alert::CERTIFICATE_REQUIRED => TlsError::NoCertificate,
        alert => TlsError::Refused(alert),
    }
}

impl From<rustls::CertificateError> for CertificateError {
    fn from(error: rustls::CertificateError) -> Self {
        use rustls::CertificateError as Theirs;
        match error {
            Theirs::Expired => Self::Expired(Duration::ZERO),
            Theirs::ExpiredContext { time, not_after } => Self::Expired(between(not_after, time)),
            Theirs::NotValidYet => Self::NotYetValid(Duration::ZERO),
            Theirs::NotValidYetContext { time, not_before } => {
                Self::NotYetValid(between(time, not_before))
            }
            Theirs::NotValidForName => {
                Self::WrongName { expected: "this server".into(), presented: Vec::new() }
            }
            Theirs::NotValidForNameContext { expected, presented } => Self::WrongName {
                expected: expected.to_str().into_owned(),
                presented: presented.iter().map(|name| bare_name(name).to_owned()).collect(),
            },
            Theirs::UnknownIssuer => Self::UnknownIssuer,
            Theirs::Revoked => Self::Revoked,
            Theirs::UnknownRevocationStatus
            | Theirs::ExpiredRevocationList
            | Theirs::ExpiredRevocationListContext { .. } => Self::UnknownRevocation,
            Theirs::BadSignature => Self::BadSignature,
            Theirs::InvalidPurpose | Theirs::InvalidPurposeContext { .. } => Self::WrongPurpose,
            Theirs::BadEncoding => Self::Malformed,
            Theirs::Other(other) if other.0.is::<SelfSigned>() => Self::SelfSigned,
            other => Self::Other(Arc::new(Error::InvalidCertificate(other))),
        }
    }
}

fn between(earlier: UnixTime, later: UnixTime) -> Duration {
    Duration::from_secs(later.as_secs().saturating_sub(earlier.as_secs()))
}

/// webpki shows a name with its kind around it: `DnsName("a.example")`.
fn bare_name(shown: &str) -> &str {
    let inner = shown.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')'));
    inner.map_or(shown, |inner| inner.trim_matches('"'))
}
