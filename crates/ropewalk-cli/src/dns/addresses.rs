//! What is written on the command line for other servers: `ADDRESS[:PORT][#KEY]`, networks and keys.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ropewalk::dns::server::{Grant, Network};
use ropewalk::dns::{Name, TsigKey};
use ropewalk::{Failure, FailureKind};

/// The port of name servers.
const DNS_PORT: u16 = 53;

/// `ADDRESS[:PORT]`, an IPv6 address with a port in brackets; or `ADDRESS@PORT`, as nsd's and unbound's users write it.
pub(crate) fn parse_server(text: &str) -> Result<SocketAddr, String> {
    let wrong = || format!("{text:?} is neither ADDRESS nor ADDRESS:PORT");
    if let Ok(whole) = text.parse() {
        return Ok(whole);
    }
    let (address, port) = text.split_once('@').map_or((text, None), |(a, p)| (a, Some(p)));
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(address).parse().map_err(|_| wrong())?;
    let port = port.map_or(Ok(DNS_PORT), str::parse).map_err(|_| wrong())?;
    Ok(SocketAddr::new(address, port))
}

/// `ZONE=ADDRESS[:PORT][#KEY]`: a zone that is kept as its primary has it.
#[derive(Clone, Debug)]
pub(crate) struct SecondaryOf {
    pub(crate) zone: Name,
    pub(crate) primary: SocketAddr,
    pub(crate) key: Option<Name>,
}

impl FromStr for SecondaryOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (zone, primary) = text.split_once('=').ok_or("it is not ZONE=ADDRESS[:PORT][#KEY]")?;
        let (primary, key) = primary.split_once('#').map_or((primary, None), |(p, k)| (p, Some(k)));
        let name = |text: &str| {
            text.parse().map_err(|error| format!("{text:?} is no domain name: {error}"))
        };
        let primary = parse_server(primary)?;
        Ok(Self { zone: name(zone)?, primary, key: key.map(name).transpose()? })
    }
}

/// `NETWORK` or `key:NAME`: who may have zones.
pub(crate) fn parse_grant(text: &str) -> Result<Grant, String> {
    match text.strip_prefix("key:") {
        Some(name) => {
            let name: Name =
                name.parse().map_err(|error| format!("{name:?} is no domain name: {error}"))?;
            Ok(Grant::Key(name.as_slice().to_ascii_lowercase().into()))
        }
        None => text.parse().map(Grant::Network).map_err(|error| format!("{text:?}: {error}")),
    }
}

/// Only who asks from an address.
pub(crate) fn just(address: IpAddr) -> Grant {
    let network: Network = address.to_string().parse().expect("an address is a network");
    Grant::Network(network)
}

/// The key of that name.
pub(crate) fn find_key(keys: &[TsigKey], name: &Name) -> Result<TsigKey, Failure> {
    let lower = name.as_slice().to_ascii_lowercase();
    let found = keys.iter().find(|key| key.name() == lower);
    found.cloned().ok_or_else(|| {
        let why = format!("there is no --tsig-key called {name}");
        Failure::new(FailureKind::Local, why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_with_or_without_a_port() {
        let read = |text| parse_server(text).map(|server| server.to_string());
        for (text, server) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("192.0.2.1@5353", "192.0.2.1:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
            ("2001:db8::1@5353", "[2001:db8::1]:5353"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(server));
        }
        for wrong in ["", "ns.example", "192.0.2.1:", "192.0.2.1@x", "192.0.2.1@70000", "[192.0.2"]
        {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
