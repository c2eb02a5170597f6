//! A query as the server reads it, beside the same message as hickory-proto does.

use domain::base::iana::Opcode;
use ropewalk_core::{Address, Time};

use super::difference::Why;
use super::reading::{Data, Reading};
use crate::server::{Carrier, NoQuery, Origin, Query};
use crate::wire_name::plain_name_len;

const OPT: u16 = 41;
const HEADER_BYTES: usize = 12;
/// OPT and TSIG: which a query has once, in its place.
const ONCE: [u16; 2] = [OPT, 250];

/// Whether the server reads of a query what they do; if not, why.
///
/// # Errors
/// A difference that has no explanation.
pub(super) fn explain(
    bytes: &[u8],
    ours: &Reading,
    theirs: &Reading,
) -> Result<Option<Why>, String> {
    let peer = Address::Unnamed;
    let origin = Origin { peer: &peer, carrier: Carrier::Datagram, key: None, now: Time::START };
    match Query::read(bytes, origin) {
        Ok(query) => explain_read(&query, theirs),
        Err(NoQuery::Silence) if bytes.len() < HEADER_BYTES || bytes[2] & 0x80 != 0 => Ok(None),
        Err(NoQuery::Unknown) if !is_known(bytes) => Ok(None),
        Err(NoQuery::Malformed) => explain_malformed(bytes, ours, theirs),
        Err(other) => Err(format!("{other:?}")),
    }
}

fn is_known(bytes: &[u8]) -> bool {
    matches!(Opcode::from_int(bytes[2] >> 3 & 0xF), Opcode::QUERY | Opcode::NOTIFY)
}

fn explain_read(query: &Query<'_>, theirs: &Reading) -> Result<Option<Why>, String> {
    let Some(asked) = theirs.questions.first() else {
        return Err(format!("{query:?} and {:?}", theirs.refusal));
    };
    let same = asked.owner == query.lowercase_name()
        && (asked.rtype, asked.class) == (query.rtype().to_int(), query.class().to_int());
    if !same {
        return Err(format!("{query:?} and {asked:?}"));
    }
    if theirs.refusal.is_some() {
        return Ok(Some(Why::DataOfAQuery));
    }
    let opt = theirs.records.iter().rfind(|record| record.rtype == OPT && record.owner == [0]);
    match (query.edns(), opt, &theirs.whole) {
        (Some(edns), Some(opt), _) => {
            let said = (edns.udp_bytes_max, edns.version, edns.dnssec_ok);
            let [_, version, flags, _] = opt.ttl.to_be_bytes();
            let same = said == (opt.class, version, flags & 0x80 != 0);
            if same { Ok(None) } else { Err(format!("{edns:?} and {opt:?}")) }
        }
        (None, None, _) => Ok(None),
        // One in another section, or behind a signature.
        (None, Some(_), Some(_)) => Ok(Some(Why::OptMisplaced)),
        (mine, other, _) => Err(format!("{mine:?} and {other:?}")),
    }
}

fn explain_malformed(
    bytes: &[u8],
    ours: &Reading,
    theirs: &Reading,
) -> Result<Option<Why>, String> {
    if bytes[4..6] != [0, 1] {
        return Ok(Some(Why::NotOneQuestion));
    }
    if theirs.refusal.is_some() {
        return Ok(None);
    }
    if plain_name_len(&bytes[HEADER_BYTES..]).is_none() {
        return Ok(Some(Why::CompressedQuestion));
    }
    if theirs.ends_at < bytes.len() {
        return Ok(Some(Why::BytesBehind));
    }
    let once: Vec<_> = ours.records.iter().filter(|record| ONCE.contains(&record.rtype)).collect();
    match once[..] {
        [opt] if opt.rtype == OPT && opt.owner == [0] => match opt.data {
            Data::Malformed(_) => Ok(Some(Why::OptOptions)),
            _ => Err(format!("malformed, and {opt:?}")),
        },
        [] => Err(format!("malformed, and {theirs:?}")),
        _ => Ok(Some(Why::OptMisplaced)),
    }
}
