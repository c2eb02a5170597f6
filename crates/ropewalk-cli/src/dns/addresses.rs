//! What is written on the command line for other servers: `ADDRESS[@PORT][#KEY]`, networks and keys.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ropewalk::dns::server::{Grant, Network};
use ropewalk::dns::{Name, TsigKey};
use ropewalk::{Failure, FailureKind};

/// The port of name servers.
const DNS_PORT: u16 = 53;

/// `ADDRESS[@PORT]`, as nsd and dig's users write it: an IPv6 address has colons enough.
pub(crate) fn parse_server(text: &str) -> Result<SocketAddr, String> {
    let (address, port) = text.split_once('@').map_or((text, None), |(a, p)| (a, Some(p)));
    let address: IpAddr =
        address.parse().map_err(|_| format!("{text:?} is not ADDRESS or ADDRESS@PORT"))?;
    let port = port.map_or(Ok(DNS_PORT), str::parse);
    let port = port.map_err(|_| format!("{text:?} has no port behind the @"))?;
    Ok(SocketAddr::new(address, port))
}

/// `ZONE=ADDRESS[@PORT][#KEY]`: a zone that is kept as its primary has it.
#[derive(Clone, Debug)]
pub(crate) struct SecondaryOf {
    pub(crate) zone: Name,
    pub(crate) primary: SocketAddr,
    pub(crate) key: Option<Name>,
}

impl FromStr for SecondaryOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (zone, primary) = text.split_once('=').ok_or("it is not ZONE=ADDRESS[@PORT][#KEY]")?;
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
