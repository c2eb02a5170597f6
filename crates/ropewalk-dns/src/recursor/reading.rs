//! What an answer says, to somebody who knows of what zone its server is one.
//!
//! A server is believed only about the zone that it was asked for ("bailiwick"): records of other names are as if they
//! were not there, wherever in the message they stand.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::{Class, OptRcode, Rtype};
use domain::base::{NameBuilder, ToName};
use domain::rdata::AllRecordData;

use super::delegation::{Authority, Delegation, is_within};
use crate::{MessageRecord, Name, Question, RecordSet, Response, Soa};

/// What the answer to a question says.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// The records asked for are the last of these, and the aliases before them lead there.
    Records(Vec<Link>),
    /// The name is an alias, by these records, of another one that is to be asked for.
    Alias(Vec<Link>, Name),
    /// The name does not exist. The SOA says for how long.
    NoSuchName(Option<Soa>),
    /// The name has no such records. The SOA says for how long.
    NoData(Option<Soa>),
    /// Servers of a zone nearer to the name are these; true for so long.
    Referral(Delegation, Duration),
    /// Nothing that is of use.
    Nothing(Useless),
}

/// Records and whose they are: one link of a chain of aliases, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whose records they are.
    pub owner: Name,
    /// They.
    pub records: RecordSet,
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

/// Records of a section that are looked at; a server that has more to say of one question is not believed at all.
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
    let answers: Vec<_> = within(response.answers(), zone).collect();
    let authorities: Vec<_> = within(response.authorities(), zone).collect();
    if answers.len() > RECORDS_MAX || authorities.len() > RECORDS_MAX {
        return Says::Nothing(Useless::Absurd);
    }
    if let Some(says) = follow(&answers, zone, question) {
        return says;
    }
    let soa = soa_above(&authorities, question.qname());
    if rcode == OptRcode::NXDOMAIN {
        return Says::NoSuchName(soa);
    }
    if soa.is_none()
        && let Some((delegation, keep)) = referral(response, &authorities, zone, question)
    {
        return Says::Referral(delegation, keep);
    }
    if soa.is_some() || response.is_authoritative() {
        return Says::NoData(soa);
    }
    Says::Nothing(Useless::NotItsZone)
}

/// The records of a section that are of class IN and of names within the zone.
fn within<'a>(
    section: impl Iterator<Item = MessageRecord<'a>>,
    zone: &Name,
) -> impl Iterator<Item = MessageRecord<'a>> {
    section
        .filter(|record| record.class() == Class::IN && is_within(&record.owner(), zone))
        .take(RECORDS_MAX + 1)
}

/// The start of authority of a zone that the name is in.
fn soa_above(authorities: &[MessageRecord<'_>], name: &Name) -> Option<Soa> {
    let is_above = |record: &&MessageRecord<'_>| {
        record.rtype() == Rtype::SOA && name.ends_with(&record.owner())
    };
    let found = authorities.iter().find(is_above)?;
    let record = RecordSet::from_records(Rtype::SOA, [found.clone()])?;
    Some(Soa { zone: found.owner().to_name(), record })
}

/// Goes from the name that was asked for along its aliases to the records, as far as the answer has them.
fn follow(answers: &[MessageRecord<'_>], zone: &Name, question: &Question) -> Option<Says> {
    let (mut name, mut chain) = (question.qname().clone(), Vec::new());
    for _ in 0..=ALIASES_MAX {
        if let Some(records) = records_of(answers, &name, question.qtype()) {
            chain.push(Link { owner: name, records });
            return Some(Says::Records(chain));
        }
        match next_name(answers, &name, &mut chain) {
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

fn records_of(answers: &[MessageRecord<'_>], name: &Name, rtype: Rtype) -> Option<RecordSet> {
    let of_it = answers.iter().filter(|record| record.owner() == *name).cloned();
    RecordSet::from_records(rtype, of_it)
}

/// What `name` is an alias of, by a DNAME above it (RFC 6672) or a CNAME of its own; the records that say so are appended
/// to `chain`. A DNAME's alias is made here, not believed.
fn next_name(answers: &[MessageRecord<'_>], name: &Name, chain: &mut Vec<Link>) -> Option<Name> {
    let is_dname_above = |record: &&MessageRecord<'_>| {
        record.rtype() == Rtype::DNAME && record.owner() != *name && name.ends_with(&record.owner())
    };
    if let Some(found) = answers.iter().find(is_dname_above) {
        let owner: Name = found.owner().to_name();
        let records = records_of(answers, &owner, Rtype::DNAME)?;
        let target = moved(name, &owner, &Name::from_octets(data_of_one(&records)?).ok()?)?;
        let alias = RecordSet::alias_to(&target, records.ttl);
        chain.push(Link { owner, records });
        chain.push(Link { owner: name.clone(), records: alias });
        return Some(target);
    }
    let records = records_of(answers, name, Rtype::CNAME)?;
    let target = records.alias()?;
    chain.push(Link { owner: name.clone(), records });
    Some(target)
}

fn data_of_one(records: &RecordSet) -> Option<Bytes> {
    records.wire().next().map(Bytes::copy_from_slice)
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
    authorities: &[MessageRecord<'_>],
    zone: &Name,
    question: &Question,
) -> Option<(Delegation, Duration)> {
    let is_cut = |record: &&MessageRecord<'_>| {
        record.rtype() == Rtype::NS
            && record.owner() != *zone
            && question.qname().ends_with(&record.owner())
    };
    let child: Name = authorities.iter().find(is_cut)?.owner().to_name();
    let glue: Vec<_> = within(response.additionals(), zone).collect();
    delegation(child, authorities, &glue)
}

/// The servers of the root, as they say themselves: the answer to a question for its NS (RFC 8109).
pub(crate) fn read_priming(response: &Response) -> Option<(Delegation, Duration)> {
    let root = Name::root_bytes();
    let answers: Vec<_> = within(response.answers(), &root).collect();
    let glue: Vec<_> = within(response.additionals(), &root).collect();
    let (root, keep) = delegation(root, &answers, &glue)?;
    let has_addresses = root.servers.iter().any(|server| !server.addresses.is_empty());
    has_addresses.then_some((root, keep))
}

/// The delegation of `zone` by the NS records among `records`, and those addresses that go with them.
fn delegation(
    zone: Name,
    records: &[MessageRecord<'_>],
    glue: &[MessageRecord<'_>],
) -> Option<(Delegation, Duration)> {
    let names = records_of(records, &zone, Rtype::NS)?;
    let servers = names.wire().take(SERVERS_MAX).filter_map(|name| {
        let name = Name::from_octets(Bytes::copy_from_slice(name)).ok()?;
        let of_it = glue.iter().filter(|record| record.owner() == name);
        let addresses = of_it.filter_map(address_of).take(ADDRESSES_MAX).collect();
        Some(Authority { name, addresses })
    });
    let servers = servers.collect();
    Some((Delegation { zone, servers }, names.ttl))
}

fn address_of(record: &MessageRecord<'_>) -> Option<IpAddr> {
    match record.to_any_record::<AllRecordData<_, _>>().ok()?.data() {
        AllRecordData::A(a) => Some(a.addr().into()),
        AllRecordData::Aaaa(aaaa) => Some(aaaa.addr().into()),
        _ => None,
    }
}
