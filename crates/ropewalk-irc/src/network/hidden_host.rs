//! [`HostKey`]: where people come from, as others see it.
//!
//! Others are not shown an address: but the same one is always shown alike while the program runs, so that a ban of it
//! holds whatever name is taken next. There are few addresses, so who knew how they are hidden could try all: a key that
//! only the network knows goes into it (HMAC, RFC 2104).

use std::hash::{BuildHasher, RandomState};

use hmac::{Hmac, KeyInit, Mac};
use ropewalk_core::Address;
use sha2::Sha256;

/// What addresses are hidden with.
pub(crate) struct HostKey(Hmac<Sha256>);

impl HostKey {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"))
    }

    /// Another one each time.
    pub(crate) fn by_chance() -> Self {
        let [one, other] = [(); 2].map(|()| RandomState::new().hash_one(()));
        Self::new(&[one.to_be_bytes(), other.to_be_bytes()].concat())
    }

    /// A host name for who comes from `peer` by `way`; the same for all of its ports.
    pub(crate) fn hide(&self, peer: &Address, way: &str) -> String {
        let place = match peer {
            Address::Ip(address) => address.ip().to_canonical().to_string(),
            other => other.to_string(),
        };
        let code = self.0.clone().chain_update(place).finalize().into_bytes();
        let digits: String = code.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{digits}.{way}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::Ip(text.parse().expect("an address"))
    }

    #[test]
    fn an_address_is_hidden_and_its_ports_are_one() {
        let key = HostKey::by_chance();
        let one = key.hide(&address("192.0.2.7:1000"), "lines");
        assert_eq!(one, key.hide(&address("192.0.2.7:2000"), "lines"));
        assert_ne!(one, key.hide(&address("192.0.2.8:1000"), "lines"));
        assert!(one.ends_with(".lines") && !one.contains("192"), "{one}");
    }

    #[test]
    fn with_the_same_secret_an_address_is_hidden_alike_everywhere() {
        let hidden = |secret: &[u8]| HostKey::new(secret).hide(&address("192.0.2.7:1000"), "irc");
        // As `printf 192.0.2.7 | openssl dgst -sha256 -hmac sesame` has it.
        assert_eq!(hidden(b"sesame"), "8cf2b1680b6cff5d.irc");
        assert_ne!(hidden(b"sesame"), hidden(b"sesame2"));
        assert_ne!(
            HostKey::by_chance().hide(&address("192.0.2.7:1"), "irc"),
            HostKey::by_chance().hide(&address("192.0.2.7:1"), "irc")
        );
    }
}
