//! What an answer says, to somebody who knows of what zone its server is one.
//!
//! A server is believed only about the zone that it was asked for ("bailiwick"): records of other names are as if they
//! were not there, wherever in the message they stand.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::{Class, OptRcode, Rtype};
use domain::base::name::FlattenInto;
use domain::base::{Name as AnyName, NameBuilder};
use domain::rdata::{AllRecordData, Cname};

use super::delegation::{Authority, Delegation, is_within};
use crate::Name;
use crate::client::{MessageRecord, Question, Response};

/// A record that is nobody's but its holder's.
pub type Record = domain::base::Record<Name, AllRecordData<Bytes, Name>>;

/// What the answer to a question says.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// The records asked for are these, behind the aliases that lead to them.
    Records(Vec<Record>),
    /// The name is an alias, by these records, of another one that is to be asked for.
    Alias(Vec<Record>, Name),
    /// The name does not exist. The SOA says for how long.
    NoSuchName(Option<Record>),
    /// The name has no such records. The SOA says for how long.
    NoData(Option<Record>),
    /// Servers of a zone nearer to the name are these; true for so long.
    Referral(Delegation, Duration),
    /// Nothing that is of use.
    Nothing(Useless),
}

/// Why an answer is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Useless {
    /// The server does not answer for the zone, and will not soon ("lame").
    NotItsZone,
    /// It fails at the moment.
    Fails,
    /// It makes no sense.
    Absurd,
}

/// Records of an answer that are looked at; a server that has more to say of one name is refused.
const RECORDS_MAX: usize = 1000;
/// Aliases of one answer that are followed: more are a loop, or meant to cost.
const ALIASES_MAX: usize = 12;
/// Name servers of one zone that are taken from a referral, and addresses of each: real zones have thirteen, and a
/// referral to hundreds is meant to have us ask for them all.
const SERVERS_MAX: usize = 16;
const ADDRESSES_MAX: usize = 8;

/// What `response`, by a server of `zone`, says to `question`.
pub(crate) fn read(response: &Response, zone: &Name, question: &Question) -> Says {
    let rcode = response.rcode();
    match rcode {
        OptRcode::NOERROR | OptRcode::NXDOMAIN => {}
        OptRcode::REFUSED | OptRcode::NOTAUTH => return Says::Nothing(Useless::NotItsZone),
        _ => return Says::Nothing(Useless::Fails),
    }
    let answers = records(response.answers(), zone);
    if answers.len() > RECORDS_MAX {
        return Says::Nothing(Useless::Absurd);
    }
    if let Some(says) = follow(&answers, zone, question) {
        return says;
    }
    let authorities = records(response.authorities(), zone);
    let soa = authorities
        .iter()
        .find(|record| record.rtype() == Rtype::SOA && is_within(question.qname(), record.owner()));
    if rcode == OptRcode::NXDOMAIN {
        return Says::NoSuchName(soa.cloned());
    }
    if soa.is_none()
        && let Some((delegation, keep)) = referral(response, &authorities, zone, question)
    {
        return Says::Referral(delegation, keep);
    }
    if soa.is_some() || response.is_authoritative() {
        return Says::NoData(soa.cloned());
    }
    Says::Nothing(Useless::NotItsZone)
}

/// The records of a section that are of class IN, within the zone and well formed.
fn records<'a>(section: impl Iterator<Item = MessageRecord<'a>>, zone: &Name) -> Vec<Record> {
    let within = section.filter(|record| record.class() == Class::IN);
    let within = within.filter(|record| is_within(&record.owner(), zone));
    within.filter_map(|record| owned(&record)).take(RECORDS_MAX + 1).collect()
}

/// The record by itself; `None` if its data is malformed.
pub(crate) fn owned(record: &MessageRecord<'_>) -> Option<Record> {
    let record = record.to_any_record::<AllRecordData<_, _>>().ok()?;
    record.try_flatten_into().ok()
}

/// Goes from the name that was asked for along its aliases to the records, as far as the answer has them.
fn follow(answers: &[Record], zone: &Name, question: &Question) -> Option<Says> {
    let (mut name, mut chain) = (question.qname().clone(), Vec::new());
    for _ in 0..=ALIASES_MAX {
        let wanted =
            |record: &&Record| record.rtype() == question.qtype() && record.owner() == &name;
        let before = chain.len();
        chain.extend(answers.iter().filter(wanted).cloned());
        if chain.len() > before {
            return Some(Says::Records(chain));
        }
        match next_link(answers, &name, &mut chain) {
            Some(target) => name = target,
            None if chain.is_empty() => return None,
            None => return Some(Says::Alias(chain, name)),
        }
        if !is_within(&name, zone) {
            return Some(Says::Alias(chain, name));
        }
    }
    Some(Says::Nothing(Useless::Absurd))
}

/// What `name` is an alias of, by a CNAME of its own or a DNAME above it (RFC 6672); the records that say so are
/// appended to `chain`.
fn next_link(answers: &[Record], name: &Name, chain: &mut Vec<Record>) -> Option<Name> {
    for record in answers {
        if let AllRecordData::Dname(dname) = record.data()
            && record.owner() != name
            && is_within(name, record.owner())
        {
            let target = moved(name, record.owner(), dname.dname())?;
            let cname = AllRecordData::Cname(Cname::new(target.clone()));
            chain.push(record.clone());
            chain.push(Record::new(name.clone(), Class::IN, record.ttl(), cname));
            return Some(target);
        }
    }
    answers.iter().find_map(|record| match record.data() {
        AllRecordData::Cname(cname) if record.owner() == name => {
            chain.push(record.clone());
            Some(cname.cname().clone())
        }
        _ => None,
    })
}

/// `name` with its end `from` replaced by `to`; `None` if that is too long for a name.
fn moved(name: &Name, from: &Name, to: &Name) -> Option<Name> {
    let mut builder = NameBuilder::new_bytes();
    let kept = name.label_count().checked_sub(from.label_count())?;
    for label in name.iter().take(kept) {
        builder.append_label(label.as_slice()).ok()?;
    }
    builder.append_origin(to).ok()
}

/// The delegation in a referral: to a zone below `zone` in which the name is, with the addresses of its servers that are
/// within `zone` too. The parent's word on others is not worth more than anybody's.
fn referral(
    response: &Response,
    authorities: &[Record],
    zone: &Name,
    question: &Question,
) -> Option<(Delegation, Duration)> {
    let is_cut = |record: &&Record| {
        record.rtype() == Rtype::NS
            && record.owner() != zone
            && is_within(question.qname(), record.owner())
    };
    let child = authorities.iter().find(is_cut)?.owner().clone();
    let of_child = authorities.iter().filter(|record| record.owner() == &child);
    let mut keep = Duration::MAX;
    let mut servers = Vec::new();
    for record in of_child {
        if let AllRecordData::Ns(ns) = record.data() {
            keep = keep.min(record.ttl().into_duration());
            servers.push(Authority { name: ns.nsdname().clone(), addresses: Vec::new() });
        }
    }
    servers.truncate(SERVERS_MAX);
    add_glue(&mut servers, &records(response.additionals(), zone));
    Some((Delegation { zone: child, servers }, keep))
}

fn add_glue(servers: &mut [Authority], glue: &[Record]) {
    for record in glue {
        let address: IpAddr = match record.data() {
            AllRecordData::A(a) => a.addr().into(),
            AllRecordData::Aaaa(aaaa) => aaaa.addr().into(),
            _ => continue,
        };
        let of_it = servers.iter_mut().filter(|server| server.name == *record.owner());
        for server in of_it.filter(|server| server.addresses.len() < ADDRESSES_MAX) {
            server.addresses.push(address);
        }
    }
}

/// The servers of the root, as they say themselves: an answer to a question for its NS (RFC 8109).
pub(crate) fn read_priming(response: &Response) -> Option<(Delegation, Duration)> {
    let root: Name = AnyName::root();
    let mut keep = Duration::MAX;
    let mut servers = Vec::new();
    for record in records(response.answers(), &root) {
        if let AllRecordData::Ns(ns) = record.data()
            && record.owner().is_root()
        {
            keep = keep.min(record.ttl().into_duration());
            servers.push(Authority { name: ns.nsdname().clone(), addresses: Vec::new() });
        }
    }
    servers.truncate(SERVERS_MAX);
    add_glue(&mut servers, &records(response.additionals(), &root));
    let has_addresses = servers.iter().any(|server| !server.addresses.is_empty());
    has_addresses.then_some((Delegation { zone: root, servers }, keep))
}
