//! [`Answer`]: the records that a question came to; and [`read`], which finds them in a response.
//!
//! A response may hold anything. Only what hangs on the question is taken: its own records, those of the alias that its
//! name is, and of the alias of that, in turn; and of what it says of there being nothing, what its zone may say.

use std::net::SocketAddr;

use domain::base::iana::{OptRcode, Rtype};
use domain::base::name::ToName;
use ropewalk_core::Time;

use super::limits::ALIASES_MAX;
use super::query::Question;
use super::response::{MessageRecord, Response};
use crate::{Cache, Name, Rank, RecordSet, Soa};

/// The records that a question came to.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// Whose records they are: the name itself, or what it is an alias of in the end.
    pub name: Name,
    /// They.
    pub records: RecordSet,
    /// Who gave them; `None` if they were known.
    pub server: Option<SocketAddr>,
}

/// What a response says of its question.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) what: What,
    /// Whose it is, after following aliases.
    pub(crate) name: Name,
    /// How many were followed.
    pub(crate) followed: usize,
    pub(crate) server: Option<SocketAddr>,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Records(RecordSet),
    NoData,
    NoSuchName,
    /// Nothing: the name is to be asked for itself.
    Unknown,
}

/// Finds what `response` says of its question, and keeps it all in `cache`.
pub(crate) fn read(response: &Response, cache: &mut Cache, now: Time) -> Said {
    let question = response.question();
    let rank = match response.is_authoritative() {
        true => Rank::AuthoritativeAnswer,
        false => Rank::Answer,
    };
    let (mut name, mut followed) = (question.qname().clone(), 0);
    let server = Some(response.server());
    while followed <= ALIASES_MAX {
        if let Some(records) = set_of(&name, question.qtype(), response) {
            cache.insert(&name, records.clone(), rank, now);
            return Said { what: What::Records(records), name, followed, server };
        }
        let Some(alias) = set_of(&name, Rtype::CNAME, response) else { break };
        let Some(target) = alias.alias() else { break };
        cache.insert(&name, alias, rank, now);
        (name, followed) = (target, followed + 1);
    }
    let soa = soa_of(&name, response);
    let what = if response.rcode() == OptRcode::NXDOMAIN {
        cache.insert_no_such_name(&name, soa, rank, now);
        What::NoSuchName
    } else if soa.is_some() || followed == 0 {
        cache.insert_no_data(&name, question.qtype(), soa, rank, now);
        What::NoData
    } else {
        What::Unknown
    };
    Said { what, name, followed, server }
}

fn set_of(name: &Name, rtype: Rtype, response: &Response) -> Option<RecordSet> {
    let of_name = |record: &MessageRecord<'_>| record.owner().name_eq(name);
    RecordSet::from_records(rtype, response.answers().filter(of_name))
}

/// The start of authority of the zone that `name` is in.
fn soa_of(name: &Name, response: &Response) -> Option<Soa> {
    let is_above = |record: &MessageRecord<'_>| {
        record.rtype() == Rtype::SOA && name.ends_with(&record.owner())
    };
    let found = response.authorities().find(is_above)?;
    let zone: Name = found.owner().to_bytes();
    let record = RecordSet::from_records(Rtype::SOA, [found])?;
    Some(Soa { zone, record })
}
