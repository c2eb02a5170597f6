//! [`RootHints`]: where the servers of the root are, for a resolver that knows nothing else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ropewalk_core::{Failure, FailureKind};

use super::delegation::{Authority, Delegation};
use crate::Name;

/// Where the servers of the root are. They are asked for the true list first (RFC 8109), so old hints do no harm as long
/// as one of them is right.
#[derive(Clone, Debug)]
pub struct RootHints(Vec<Authority>);

/// The servers of the root on the internet, as published by IANA (`named.root` of 2023-11-27).
const INTERNET: [(&str, [u8; 4], [u16; 8]); 13] = [
    ("a", [198, 41, 0, 4], [0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30]),
    ("b", [170, 247, 170, 2], [0x2801, 0x1b8, 0x10, 0, 0, 0, 0, 0xb]),
    ("c", [192, 33, 4, 12], [0x2001, 0x500, 2, 0, 0, 0, 0, 0xc]),
    ("d", [199, 7, 91, 13], [0x2001, 0x500, 0x2d, 0, 0, 0, 0, 0xd]),
    ("e", [192, 203, 230, 10], [0x2001, 0x500, 0xa8, 0, 0, 0, 0, 0xe]),
    ("f", [192, 5, 5, 241], [0x2001, 0x500, 0x2f, 0, 0, 0, 0, 0xf]),
    ("g", [192, 112, 36, 4], [0x2001, 0x500, 0x12, 0, 0, 0, 0, 0xd0d]),
    ("h", [198, 97, 190, 53], [0x2001, 0x500, 1, 0, 0, 0, 0, 0x53]),
    ("i", [192, 36, 148, 17], [0x2001, 0x7fe, 0, 0, 0, 0, 0, 0x53]),
    ("j", [192, 58, 128, 30], [0x2001, 0x503, 0xc27, 0, 0, 0, 2, 0x30]),
    ("k", [193, 0, 14, 129], [0x2001, 0x7fd, 0, 0, 0, 0, 0, 1]),
    ("l", [199, 7, 83, 42], [0x2001, 0x500, 0x9f, 0, 0, 0, 0, 0x42]),
    ("m", [202, 12, 27, 33], [0x2001, 0xdc3, 0, 0, 0, 0, 0, 0x35]),
];

impl RootHints {
    /// Those of the internet.
    pub fn internet() -> Self {
        let servers = INTERNET.iter().map(|(letter, v4, v6)| {
            let name = format!("{letter}.root-servers.net");
            Authority {
                name: Name::bytes_from_str(&name).expect("it is a name"),
                addresses: vec![Ipv4Addr::from(*v4).into(), Ipv6Addr::from(*v6).into()],
            }
        });
        Self(servers.collect())
    }

    /// Servers at these addresses, whatever their names are.
    pub fn at(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let servers = addresses
            .into_iter()
            .map(|address| Authority { name: Name::root_bytes(), addresses: vec![address] });
        Self(servers.collect())
    }

    /// Reads a file of hints: the NS records of the root and the addresses of their targets, a line each, as `named.root` has
    /// them. Other records are passed over.
    ///
    /// # Errors
    /// `Local`, if a name or an address is none, if there is a directive that means anything, or no address of a server.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let (mut servers, mut addresses) = (Vec::<Name>::new(), Vec::<(Name, IpAddr)>::new());
        let mut owner = Name::root_bytes();
        for line in text.lines() {
            let line = line.split(';').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            if !line.starts_with([' ', '\t']) {
                owner = match words.next() {
                    None | Some("$TTL") => continue,
                    Some(word) => name(word)?,
                };
            }
            let mut words = words.skip_while(|word| is_ttl_or_class(word));
            let (Some(rtype), Some(data)) = (words.next(), words.next()) else { continue };
            match rtype.to_ascii_uppercase().as_str() {
                "NS" if owner.is_root() => servers.push(name(data)?),
                "A" => addresses.push((owner.clone(), address::<Ipv4Addr>(data)?)),
                "AAAA" => addresses.push((owner.clone(), address::<Ipv6Addr>(data)?)),
                _ => {}
            }
        }
        let hints = servers.into_iter().map(|name| {
            let of_it = addresses.iter().filter(|(owner, _)| *owner == name);
            Authority { addresses: of_it.map(|(_, address)| *address).collect(), name }
        });
        let hints: Vec<_> = hints.filter(|server| !server.addresses.is_empty()).collect();
        if hints.is_empty() {
            return Err(refuse("no server of the root has an address in it"));
        }
        Ok(Self(hints))
    }

    /// Whether the root is on this machine, as that of a private tree may be.
    pub(crate) fn is_at_home(&self) -> bool {
        let mut addresses = self.0.iter().flat_map(|server| &server.addresses);
        addresses.any(IpAddr::is_loopback)
    }

    pub(crate) fn delegation(&self) -> Delegation {
        Delegation { zone: Name::root_bytes(), servers: self.0.clone() }
    }
}

fn refuse(why: &str) -> Failure {
    Failure::new(FailureKind::Local, format!("the root hints: {why}"))
}

fn name(word: &str) -> Result<Name, Failure> {
    let name = match word {
        "@" => Some(Name::root_bytes()),
        _ if word.starts_with('$') => None,
        _ => Name::bytes_from_str(word).ok(),
    };
    name.ok_or_else(|| refuse(&format!("{word} is no name")))
}

fn address<A: FromStr + Into<IpAddr>>(word: &str) -> Result<IpAddr, Failure> {
    let address: Result<A, _> = word.parse();
    address.map(Into::into).map_err(|_| refuse(&format!("{word} is no address of its kind")))
}

fn is_ttl_or_class(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit()) || word.eq_ignore_ascii_case("IN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_hints_has_servers_with_addresses() {
        let text = "; (e.g. reference this file in the \"cache . <file>\"\n$TTL 3600\n\
            @  3600000  NS  A.ROOT-SERVERS.NET.\n\
            A.ROOT-SERVERS.NET. 3600000 IN A 198.41.0.4\n\
            \t1h AAAA 2001:503:ba3e::2:30 ; and more\nx. TXT \"(\n";
        let read = RootHints::parse(text).expect("hints").0;
        assert_eq!(read, RootHints::internet().0[..1]);
        for bad in ["", ". 1 NS a.\n", "nonsense", "$INCLUDE x\n"] {
            assert!(RootHints::parse(bad).is_err(), "{bad:?}");
        }
        for wrong in ["$ORIGIN net.", "a..b. A 1.2.3.4", ". NS a..", "a. A ::1", "a. AAAA 1.2.3.4"]
        {
            assert!(RootHints::parse(&format!("{text}{wrong}\n")).is_err(), "{wrong:?}");
        }
    }
}
