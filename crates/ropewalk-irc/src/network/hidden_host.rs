//! [`hidden_host`]: where people come from, as others see it.
//!
//! Others are not shown an address: but the same one is always shown alike while the program runs, so that a ban of it
//! holds whatever name is taken next.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use ropewalk_core::Address;

/// A host name for who comes from `peer` by `way`: `3f9a01c2d4e5b607.lines`. The same for all of its ports, and on all
/// threads of a program; another when the program is started again.
pub fn hidden_host(peer: &Address, way: &str) -> String {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    let key = KEY.get_or_init(RandomState::new);
    let place = match peer {
        Address::Ip(address) => address.ip().to_string(),
        other => other.to_string(),
    };
    format!("{:016x}.{way}", key.hash_one(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_hidden_and_its_ports_are_one() {
        let address = |text: &str| Address::Ip(text.parse().expect("an address"));
        let one = hidden_host(&address("192.0.2.7:1000"), "lines");
        assert_eq!(one, hidden_host(&address("192.0.2.7:2000"), "lines"));
        assert_ne!(one, hidden_host(&address("192.0.2.8:1000"), "lines"));
        assert!(one.ends_with(".lines") && !one.contains("192"), "{one}");
    }
}
