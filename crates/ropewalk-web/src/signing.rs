//! [`SigningKey`]: text that comes back from a client as it was given, or not at all.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ropewalk_core::{Failure, FailureKind};
use sha2::Sha256;

/// A secret by which text is signed (HMAC with SHA-256).
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

/// Bytes of a key, at the least: as many as the hash has.
const KEY_BYTES_MIN: usize = 32;

impl SigningKey {
    /// A key of at least 32 bytes that nobody can guess: the same after a restart, and on every machine of a site.
    ///
    /// # Errors
    /// `Local` if it is shorter.
    pub fn new(secret: &[u8]) -> Result<Self, Failure> {
        if secret.len() < KEY_BYTES_MIN {
            let why =
                format!("a signing key has {KEY_BYTES_MIN} bytes at least, not {}", secret.len());
            return Err(Failure::new(FailureKind::Local, why));
        }
        Self::of(secret)
    }

    /// A key by chance: what is signed by it is worthless after a restart.
    ///
    /// # Errors
    /// `System` if the system has no random numbers.
    pub fn random() -> Result<Self, Failure> {
        Self::of(&random_bytes::<KEY_BYTES_MIN>()?)
    }

    fn of(secret: &[u8]) -> Result<Self, Failure> {
        Ok(Self(Hmac::new_from_slice(secret)?))
    }

    /// The signature of `text`, for a purpose: what is signed for one is no good for another.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        BASE64.encode(self.mac(purpose, text).finalize().into_bytes())
    }

    /// Whether `signature` is that of `text`; takes as long whether it is nearly right or quite wrong.
    pub fn verify(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let Ok(signature) = BASE64.decode(signature) else { return false };
        self.mac(purpose, text).verify_slice(&signature).is_ok()
    }

    fn mac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(text.as_bytes());
        mac
    }
}

/// Bytes that nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(FailureKind::System, format!("the system has no random numbers: {error}"))
    })?;
    Ok(bytes)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_is_verified() {
        let key = SigningKey::new(&[7; 32]).unwrap();
        let signature = key.sign("session", "user=1");
        assert!(key.verify("session", "user=1", &signature));
        assert!(!key.verify("session", "user=2", &signature));
        assert!(!key.verify("nonce", "user=1", &signature));
        assert!(!key.verify("session", "user=1", "nonsense!"));
        assert!(!SigningKey::random().unwrap().verify("session", "user=1", &signature));
        assert!(SigningKey::new(b"short").is_err());
    }
}
