//! [`Name`], and the names under which addresses are looked up backwards.

use std::net::IpAddr;

use bytes::Bytes;
use domain::dep::octseq::OctetsInto;

/// An absolute domain name in wire form, at most 255 bytes: a shared slice of the message or the file it came from.
///
/// Compared and hashed without regard to the case of ASCII letters (RFC 4343).
pub type Name = domain::base::Name<Bytes>;

/// The name that holds the pointer of an address: `4.3.2.1.in-addr.arpa` for 1.2.3.4 (RFC 1035, section 3.5), and
/// the 32 nibbles under `ip6.arpa` for IPv6 (RFC 3596, section 2.5), in small letters.
pub fn reverse_name(address: IpAddr) -> Name {
    let name = domain::base::Name::<Vec<u8>>::reverse_from_addr(address);
    let mut name = name.expect("74 bytes at most");
    name.make_canonical();
    name.octets_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_looked_up_by_its_digits_backwards() {
        let reverse =
            |address: &str| reverse_name(address.parse().expect("an address")).to_string();
        assert_eq!(reverse("192.0.2.1"), "1.2.0.192.in-addr.arpa");
        assert_eq!(
            reverse("2001:db8::567:89ab"),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }
}
