//! Lookups of each common type, by Twisted's names.
//!
//! Each takes a whole name (the search list has no part in it) and gives what the records of its type say, in the order
//! of the answer. They fail as [`Resolver::lookup`] does. Any other type is a [`lookup`](Resolver::lookup) of its number.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use domain::base::iana::Rtype;
use domain::rdata::{
    AllRecordData, Caa, Dnskey, Ds, Mx, Naptr, Soa, Srv, Sshfp, Tlsa, Txt,
    svcb::{Https, Svcb},
};
use ropewalk_core::{Deferred, Failure, FailureKind};

use super::resolver::Resolver;
use crate::{Name, OwnedRecordData, reverse_name};

impl Resolver {
    /// A: its addresses of IPv4, out of the hosts file if they are there.
    pub fn lookup_address(&self, name: &str) -> Deferred<Vec<Ipv4Addr>> {
        let v4 = |ip| if let IpAddr::V4(ip) = ip { Some(ip) } else { None };
        let known: Vec<_> = self.known_addresses(name).into_iter().filter_map(v4).collect();
        if !known.is_empty() {
            return Deferred::succeed(known);
        }
        self.typed(name, Rtype::A, |data| match data {
            AllRecordData::A(a) => Some(a.addr()),
            _ => None,
        })
    }

    /// AAAA: its addresses of IPv6, out of the hosts file if they are there.
    pub fn lookup_ipv6_address(&self, name: &str) -> Deferred<Vec<Ipv6Addr>> {
        let v6 = |ip| if let IpAddr::V6(ip) = ip { Some(ip) } else { None };
        let known: Vec<_> = self.known_addresses(name).into_iter().filter_map(v6).collect();
        if !known.is_empty() {
            return Deferred::succeed(known);
        }
        self.typed(name, Rtype::AAAA, |data| match data {
            AllRecordData::Aaaa(aaaa) => Some(aaaa.addr()),
            _ => None,
        })
    }

    /// PTR: the names of an address, out of the hosts file if it is there.
    pub fn lookup_pointer(&self, address: IpAddr) -> Deferred<Vec<Name>> {
        if let Some(name) = self.known_name(address) {
            return Deferred::succeed(vec![name]);
        }
        self.typed_of(&reverse_name(address), Rtype::PTR, |data| match data {
            AllRecordData::Ptr(ptr) => Some(ptr.into_ptrdname()),
            _ => None,
        })
    }

    /// MX: who takes its mail.
    pub fn lookup_mail_exchange(&self, name: &str) -> Deferred<Vec<Mx<Name>>> {
        self.typed(name, Rtype::MX, |data| match data {
            AllRecordData::Mx(mx) => Some(mx),
            _ => None,
        })
    }

    /// NS: the servers of its zone.
    pub fn lookup_nameservers(&self, name: &str) -> Deferred<Vec<Name>> {
        self.typed(name, Rtype::NS, |data| match data {
            AllRecordData::Ns(ns) => Some(ns.into_nsdname()),
            _ => None,
        })
    }

    /// SOA: the start of authority of a zone.
    pub fn lookup_authority(&self, name: &str) -> Deferred<Vec<Soa<Name>>> {
        self.typed(name, Rtype::SOA, |data| match data {
            AllRecordData::Soa(soa) => Some(soa),
            _ => None,
        })
    }

    /// CNAME: what it is an alias of.
    pub fn lookup_canonical_name(&self, name: &str) -> Deferred<Vec<Name>> {
        self.typed(name, Rtype::CNAME, |data| match data {
            AllRecordData::Cname(cname) => Some(cname.into_cname()),
            _ => None,
        })
    }

    /// TXT: its texts.
    pub fn lookup_text(&self, name: &str) -> Deferred<Vec<Txt<Bytes>>> {
        self.typed(name, Rtype::TXT, |data| match data {
            AllRecordData::Txt(txt) => Some(txt),
            _ => None,
        })
    }

    /// SRV: where a service is, of `_service._protocol.name`.
    pub fn lookup_service(&self, name: &str) -> Deferred<Vec<Srv<Name>>> {
        self.typed(name, Rtype::SRV, |data| match data {
            AllRecordData::Srv(srv) => Some(srv),
            _ => None,
        })
    }

    /// NAPTR: rules that lead on.
    pub fn lookup_naming_authority_pointer(&self, name: &str) -> Deferred<Vec<Naptr<Bytes, Name>>> {
        self.typed(name, Rtype::NAPTR, |data| match data {
            AllRecordData::Naptr(naptr) => Some(naptr),
            _ => None,
        })
    }

    /// CAA: who may certify it.
    pub fn lookup_certification_authority(&self, name: &str) -> Deferred<Vec<Caa<Bytes>>> {
        self.typed(name, Rtype::CAA, |data| match data {
            AllRecordData::Caa(caa) => Some(caa),
            _ => None,
        })
    }

    /// SVCB: how a service is reached (RFC 9460).
    pub fn lookup_service_binding(&self, name: &str) -> Deferred<Vec<Svcb<Bytes, Name>>> {
        self.typed(name, Rtype::SVCB, |data| match data {
            AllRecordData::Svcb(svcb) => Some(svcb),
            _ => None,
        })
    }

    /// HTTPS: how a web server is reached (RFC 9460).
    pub fn lookup_https(&self, name: &str) -> Deferred<Vec<Https<Bytes, Name>>> {
        self.typed(name, Rtype::HTTPS, |data| match data {
            AllRecordData::Https(https) => Some(https),
            _ => None,
        })
    }

    /// TLSA: the certificates of a server, of `_port._protocol.name`. Worth what has validated them.
    pub fn lookup_tls_association(&self, name: &str) -> Deferred<Vec<Tlsa<Bytes>>> {
        self.typed(name, Rtype::TLSA, |data| match data {
            AllRecordData::Tlsa(tlsa) => Some(tlsa),
            _ => None,
        })
    }

    /// SSHFP: the keys of a host. Worth what has validated them.
    pub fn lookup_ssh_fingerprint(&self, name: &str) -> Deferred<Vec<Sshfp<Bytes>>> {
        self.typed(name, Rtype::SSHFP, |data| match data {
            AllRecordData::Sshfp(sshfp) => Some(sshfp),
            _ => None,
        })
    }

    /// DS: the keys of a signed zone, as its parent has them.
    pub fn lookup_delegation_signer(&self, name: &str) -> Deferred<Vec<Ds<Bytes>>> {
        self.typed(name, Rtype::DS, |data| match data {
            AllRecordData::Ds(ds) => Some(ds),
            _ => None,
        })
    }

    /// DNSKEY: the keys of a signed zone.
    pub fn lookup_key(&self, name: &str) -> Deferred<Vec<Dnskey<Bytes>>> {
        self.typed(name, Rtype::DNSKEY, |data| match data {
            AllRecordData::Dnskey(key) => Some(key),
            _ => None,
        })
    }

    fn typed<T: 'static>(
        &self,
        name: &str,
        rtype: Rtype,
        pick: fn(OwnedRecordData) -> Option<T>,
    ) -> Deferred<Vec<T>> {
        match name.parse() {
            Ok(name) => self.typed_of(&name, rtype, pick),
            Err(error) => {
                let why = format!("{name:?} is not a domain name: {error}");
                Deferred::fail(Failure::new(FailureKind::Local, why))
            }
        }
    }

    fn typed_of<T: 'static>(
        &self,
        name: &Name,
        rtype: Rtype,
        pick: fn(OwnedRecordData) -> Option<T>,
    ) -> Deferred<Vec<T>> {
        self.lookup(name, rtype)
            .add_callback(move |answer| Ok(answer.records.records().filter_map(pick).collect()))
    }
}
