//! [`ServerInfo`]: what a server says of itself.

use ropewalk_core::{Failure, FailureKind};
use serde_json::Value;

/// What a server says of itself when one comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerInfo {
    /// Which server: another after each start.
    pub server_id: String,
    /// Of the program.
    pub version: String,
    /// The longest payload that it takes, in bytes.
    pub payload_bytes_max: usize,
    /// Whether it speaks on by TLS only.
    pub tls_required: bool,
}

impl ServerInfo {
    /// Reads the JSON behind `INFO`. What is not there is empty; of the payload, as in `nats-server`, 1 MiB.
    ///
    /// # Errors
    /// `Peer` if it is no object.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Failure> {
        let value: Value = serde_json::from_slice(json).map_err(|error| {
            Failure::new(FailureKind::Peer, format!("the server's INFO is no JSON: {error}"))
        })?;
        if !value.is_object() {
            return Err(Failure::new(FailureKind::Peer, "the server's INFO is no object"));
        }
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let payload_bytes_max = value["max_payload"].as_u64().unwrap_or(1 << 20);
        Ok(Self {
            server_id: text("server_id"),
            version: text("version"),
            payload_bytes_max: usize::try_from(payload_bytes_max).unwrap_or(usize::MAX),
            tls_required: value["tls_required"].as_bool().unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read() {
        let json = br#"{"server_id":"NAB","version":"2.9.10","max_payload":64,"tls_required":true,"x":[1]}"#;
        let info = ServerInfo::parse(json).expect("it is an object");
        assert_eq!(
            (info.server_id.as_str(), info.payload_bytes_max, info.tls_required),
            ("NAB", 64, true)
        );
        assert_eq!(ServerInfo::parse(b"{}").expect("it is one").payload_bytes_max, 1 << 20);
        for bad in [&b""[..], b"{", b"[]", b"7", b"{\"a\":\xff}"] {
            assert!(ServerInfo::parse(bad).is_err());
        }
    }
}
