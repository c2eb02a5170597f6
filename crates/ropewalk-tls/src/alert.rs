//! [`Alert`]: the one-byte reason that TLS peers give each other (RFC 8446 section 6).

use std::fmt;

/// The reason that a peer gave for ending a TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert(pub u8);

/// RFC 8446 section 6, RFC 5246 section 7.2 and RFC 7301 section 3.2.
const NAMES: &[(u8, &str)] = &[
    (0, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (22, "record_overflow"),
    (40, "handshake_failure"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
];

impl Alert {
    /// It has no certificate that it needs: `certificate_required`.
    pub const CERTIFICATE_REQUIRED: Self = Self(116);
    /// It speaks no version that was offered: `protocol_version`.
    pub const PROTOCOL_VERSION: Self = Self(70);
    /// It speaks no application protocol that was offered: `no_application_protocol`.
    pub const NO_APPLICATION_PROTOCOL: Self = Self(120);

    /// Its name in the standard.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }
}

/// `unknown_ca (alert 48)`.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (alert {})", self.0),
            None => write!(f, "alert {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_says_its_name_and_number() {
        assert_eq!(Alert(48).to_string(), "unknown_ca (alert 48)");
        assert_eq!(Alert(200).to_string(), "alert 200");
        assert!(NAMES.is_sorted());
    }
}
