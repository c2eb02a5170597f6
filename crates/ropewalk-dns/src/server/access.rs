//! [`Access`]: who may, by address or by key.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::query::Origin;

/// A network: an address and how many of its first bits count. `192.0.2.0/24`, `2001:db8::/32`; a single address counts
/// whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkError;

impl Network {
    /// Whether an address is in it. An IPv4 address that came over IPv6 is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                let differs = u32::from(network) ^ u32::from(address);
                differs.checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                let differs = u128::from(network) ^ u128::from(address);
                differs.checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| NetworkError)?;
        if bits > most {
            return Err(NetworkError);
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a network is an IP address, or one with a number of bits: 192.0.2.0/24")
    }
}

impl std::error::Error for NetworkError {}

/// Whoever asks from a network, or with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// From there. Over datagrams that can be forged.
    Network(Network),
    /// With the key of this name, in wire form and small letters.
    Key(Box<[u8]>),
}

/// Who may do something: all to whom one of the grants is.
#[derive(Clone, Debug, Default)]
pub struct Access(Vec<Grant>);

impl Access {
    /// To these. To none if there are none.
    pub fn new(grants: Vec<Grant>) -> Self {
        Self(grants)
    }

    /// To all.
    pub fn everybody() -> Self {
        let all = ["0.0.0.0/0", "::/0"].map(|all| all.parse().expect("it is a network"));
        Self(all.map(Grant::Network).to_vec())
    }

    /// Whether who asks may. Peers without an IP address are on this machine, and may if anybody may.
    pub fn permits(&self, origin: &Origin<'_>) -> bool {
        let address = origin.peer.ip().map(|peer| peer.ip());
        self.0.iter().any(|grant| match grant {
            Grant::Network(network) => address.is_none_or(|address| network.contains(address)),
            Grant::Key(name) => origin.key == Some(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_the_first_bits_of_an_address() {
        let is_in = |network: &str, address: &str| {
            let network: Network = network.parse().expect("a network");
            network.contains(address.parse().expect("an address"))
        };
        assert!(is_in("192.0.2.0/24", "192.0.2.255") && !is_in("192.0.2.0/24", "192.0.3.0"));
        assert!(is_in("192.0.2.1", "192.0.2.1") && !is_in("192.0.2.1", "192.0.2.0"));
        assert!(is_in("0.0.0.0/0", "1.2.3.4") && !is_in("0.0.0.0/0", "::1"));
        assert!(is_in("0.0.0.0/0", "::ffff:1.2.3.4") && is_in("::/0", "::1"));
        assert!(is_in("2001:db8::/32", "2001:db8:ffff::") && !is_in("2001:db8::/32", "2001:db9::"));
        for wrong in ["192.0.2.0/33", "::/129", "192.0.2/24", "x", "1.2.3.4/-1"] {
            assert_eq!(wrong.parse::<Network>(), Err(NetworkError), "{wrong}");
        }
    }
}
