//! [`LocalNames`]: names that are answered here, and of which nobody else is asked.
//!
//! `localhost` is this machine (RFC 6761, section 6.3); `invalid` does not exist (section 6.4), nor does `onion` for
//! resolvers (RFC 7686, section 2); the names of private addresses mean something within a network only, so that the
//! internet's servers are not to hear of them (RFC 6303, RFC 7793). They are zones with nothing but a start of authority.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use domain::base::iana::{OptRcode, Rtype};

use super::{Found, Link};
use crate::{Name, Question, RecordSet, Soa};

/// The zones of names.
const NAMES: [&str; 3] = [LOCALHOST, "invalid", "onion"];
const LOCALHOST: &str = "localhost";

/// The zones of IPv4 addresses: this network, private, loopback, link-local, for documentation, broadcast (RFC 6303,
/// section 4); beside `16.172` to `31.172` and, shared by customers of a provider, `64.100` to `127.100` (RFC 7793).
const IPV4: [&str; 9] = [
    "0",
    "10",
    "127",
    "254.169",
    "168.192",
    "2.0.192",
    "100.51.198",
    "113.0.203",
    "255.255.255.255",
];

/// Those of IPv6: local, link-local, for documentation (RFC 6303, section 4.5); beside unspecified and loopback.
const IPV6: [&str; 6] = ["d.f", "8.e.f", "9.e.f", "a.e.f", "b.e.f", "8.b.d.0.1.0.0.2"];

/// How long what is said here may be kept (RFC 6303, section 3).
const TTL: u32 = 10_800;

/// The zones that are answered here.
pub(super) struct LocalNames(HashSet<Name>);

impl LocalNames {
    pub(super) fn new() -> Self {
        let mut zones: Vec<String> = NAMES.map(str::to_owned).into();
        let numbers =
            (16..32).map(|n| format!("{n}.172")).chain((64..128).map(|n| format!("{n}.100")));
        let ipv4 = IPV4.map(str::to_owned).into_iter().chain(numbers);
        zones.extend(ipv4.map(|zone| format!("{zone}.in-addr.arpa")));
        zones.extend(IPV6.map(|zone| format!("{zone}.ip6.arpa")));
        zones.extend([0, 1].map(|last| format!("{last}{}.ip6.arpa", ".0".repeat(31))));
        Self(zones.iter().map(|zone| Name::bytes_from_str(zone).expect("a name")).collect())
    }

    /// None, the same for all questions.
    pub(super) fn none() -> Self {
        Self(HashSet::new())
    }

    /// The answer, if the name is in one of the zones.
    pub(super) fn find(&self, question: &Question) -> Option<Found> {
        let name = question.qname();
        if !is_under_a_top_of_ours(name) {
            return None;
        }
        let zone = name.iter_suffixes().find(|zone| self.0.contains(zone))?;
        let soa = start_of_authority(&zone);
        let is_localhost = zone.first() == LOCALHOST.as_bytes();
        let data: Option<Vec<u8>> = match question.qtype() {
            Rtype::A if is_localhost => Some(Ipv4Addr::LOCALHOST.octets().to_vec()),
            Rtype::AAAA if is_localhost => Some(Ipv6Addr::LOCALHOST.octets().to_vec()),
            Rtype::SOA if *name == zone => soa.record.wire().next().map(<[u8]>::to_vec),
            _ => None,
        };
        let exists = is_localhost || *name == zone;
        Some(match data {
            Some(data) => {
                let records = RecordSet::of_one(question.qtype(), &data, seconds());
                let records = vec![Link { owner: name.clone(), records }];
                Found { records, rcode: OptRcode::NOERROR, soa: None }
            }
            None => {
                let rcode = if exists { OptRcode::NOERROR } else { OptRcode::NXDOMAIN };
                Found { records: Vec::new(), rcode, soa: Some(soa) }
            }
        })
    }
}

/// Whether the name may be one of ours, by its last label: most are not.
fn is_under_a_top_of_ours(name: &Name) -> bool {
    let top = name.iter().rev().nth(1);
    let is = |top: &[u8]| {
        NAMES.iter().chain(&["arpa"]).any(|our| top.eq_ignore_ascii_case(our.as_bytes()))
    };
    top.is_some_and(|top| is(top.as_slice()))
}

fn seconds() -> Duration {
    Duration::from_secs(TTL.into())
}

/// That of an empty zone (RFC 6303, section 3).
fn start_of_authority(zone: &Name) -> Soa {
    let mut data = zone.as_slice().to_ascii_lowercase();
    data.extend(b"\x06nobody\x07invalid\0");
    for number in [1, 3600, 1200, 604_800, TTL] {
        data.extend(number.to_be_bytes());
    }
    Soa { zone: zone.clone(), record: RecordSet::of_one(Rtype::SOA, &data, seconds()) }
}
