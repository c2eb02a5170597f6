//! [`Hosts`]: what `/etc/hosts` says, as hosts(5) has it. Reading the file is the caller's business.

use std::collections::HashMap;
use std::net::IpAddr;

/// Names and addresses that are known without asking.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hosts {
    /// By name in small letters.
    addresses: HashMap<String, Vec<IpAddr>>,
    names: HashMap<IpAddr, String>,
}

impl Hosts {
    /// What `text` says. What cannot be understood is passed over.
    pub fn parse(text: &str) -> Self {
        let mut hosts = Self::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            let Some(Ok(ip)) = words.next().map(str::parse) else { continue };
            for name in words {
                hosts.names.entry(ip).or_insert_with(|| name.to_owned());
                let addresses = hosts.addresses.entry(folded(name)).or_default();
                if !addresses.contains(&ip) {
                    addresses.push(ip);
                }
            }
        }
        hosts
    }

    /// The addresses of a name, in the order of the file; without regard to case or to a dot at its end.
    pub fn addresses(&self, name: &str) -> &[IpAddr] {
        self.addresses.get(&folded(name)).map_or(&[], Vec::as_slice)
    }

    /// The first name of an address.
    pub fn name(&self, address: IpAddr) -> Option<&str> {
        self.names.get(&address).map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }
}

/// In small letters, without a dot at its end.
fn folded(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_addresses_and_addresses_names() {
        let hosts = Hosts::parse(
            "127.0.0.1 localhost # me\n192.0.2.1\tWWW.example www\n192.0.2.2 www\n::1 localhost\n\
             not-an-address x\n192.0.2.3\n#192.0.2.4 y\n192.0.2.5 dot.example.\n",
        );
        let ip = |text: &str| -> IpAddr { text.parse().expect("an address") };
        assert_eq!(hosts.addresses("www"), [ip("192.0.2.1"), ip("192.0.2.2")]);
        assert_eq!(hosts.addresses("Www.Example."), [ip("192.0.2.1")]);
        assert_eq!(hosts.addresses("dot.example"), [ip("192.0.2.5")]);
        assert_eq!(hosts.addresses("localhost"), [ip("127.0.0.1"), ip("::1")]);
        assert!(["x", "y", "", "."].iter().all(|name| hosts.addresses(name).is_empty()));
        assert_eq!(hosts.name(ip("192.0.2.1")), Some("WWW.example"));
        assert_eq!(hosts.name(ip("192.0.2.3")), None);
    }
}
