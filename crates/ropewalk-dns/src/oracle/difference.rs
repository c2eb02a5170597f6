//! Where two readings of one message differ, and why both may.

use super::reading::{Data, Item, Reading};

/// Why the two may differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Why {
    PointerIntoItself,
    NoData,
    TypeUnknownToThem,
    TypeUnknownToUs,
    Contents,
    NoType,
    OptMisplaced,
    NotOneQuestion,
    CompressedQuestion,
    BytesBehind,
    OptOptions,
    DataOfAQuery,
}

impl Why {
    /// The reason, as the report has it.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::PointerIntoItself => {
                "a pointer that leads back into the name it ends: they refuse it; we follow pointers \
                 backwards, 255 at most, and refuse what has no end or is too long (RFC 1035, 4.1.4: \
                 either will do, as nobody writes such a thing)"
            }
            Self::NoData => {
                "a record without data: they take it for one of an update (RFC 2136, 2.4) and refuse \
                 any other message that has one; we refuse the record, if its type needs data, and \
                 keep one of a type that may have none (RFC 3597, 5)"
            }
            Self::TypeUnknownToThem => {
                "data of a type that we take apart and they keep as bytes, compressed names included; \
                 names in it must be decompressed by us (RFC 3597, 4)"
            }
            Self::TypeUnknownToUs => {
                "data of a type that they take apart and check, and we pass on as bytes: no names are \
                 in it (RFC 3597, 3)"
            }
            Self::Contents => {
                "the parameters of SVCB and HTTPS, the flags of NAPTR, the tag of CAA: they refuse the record, and \
                 with it the message, for what is in them; we look no further than their lengths, and leave \
                 the rest to who uses them (RFC 9460, 2.2: who finds malformed ones ignores the record)"
            }
            Self::NoType => {
                "a type that stands in questions only, or for none, in a record: they refuse the \
                 message; for us it is one more that nobody has asked for (RFC 3597, 3)"
            }
            Self::OptMisplaced => {
                "OPT twice, below another name, or not among the additional records: they refuse the \
                 answer (RFC 6891, 6.1.1, asks that of servers only); we read the first that is in \
                 place. Of a query it is malformed for us too, and a signature has to be its last"
            }
            Self::NotOneQuestion => {
                "a query has one question (RFC 9619): ours is malformed with any other number"
            }
            Self::CompressedQuestion => {
                "the first name of a query has nothing before it that it could point to but the header"
            }
            Self::BytesBehind => {
                "a query ends with its last record; they leave what is behind it alone"
            }
            Self::OptOptions => {
                "options of EDNS whose lengths do not fit are malformed for us, and left out by them; of others \
                 they check contents too (RFC 6891, 6.1.2)"
            }
            Self::DataOfAQuery => {
                "records that come with a query: a server passes over them, and reads no names and no data \
                 there"
            }
        }
    }
}

/// Types that hickory-proto, without its DNSSEC, keeps as bytes: MD, MF, MB, MG, MR, MINFO, RP, DNAME, and those of DNSSEC.
const UNKNOWN_TO_THEM: [u16; 19] =
    [3, 4, 7, 8, 9, 14, 17, 39, 43, 45, 46, 47, 48, 50, 51, 59, 60, 63, 44];
/// Types that `domain` keeps as bytes: CERT, SMIMEA, CSYNC, ANAME.
const UNKNOWN_TO_US: [u16; 4] = [37, 53, 62, 65305];
/// NAPTR, SVCB, HTTPS, CAA.
const WITH_CONTENTS: [u16; 4] = [35, 64, 65, 257];
/// None, IXFR, AXFR, MAILB, MAILA, ANY.
const NO_TYPES: [u16; 6] = [0, 251, 252, 253, 254, 255];
const OPT: u16 = 41;

/// All differences between two readings, explained.
///
/// # Errors
/// The first that is not.
pub(super) fn explain(ours: &Reading, theirs: &Reading) -> Result<Vec<Why>, String> {
    let mut all = Vec::new();
    let questions = ours.questions.iter().zip(&theirs.questions);
    for (mine, other) in questions.chain(ours.records.iter().zip(&theirs.records)) {
        all.extend(explain_item(mine, other)?);
    }
    all.extend(explain_end(ours, theirs)?);
    Ok(all)
}

fn explain_item(ours: &Item, theirs: &Item) -> Result<Option<Why>, String> {
    let unexplained = || Err(format!("{ours:?} and {theirs:?}"));
    let head = |item: &Item| (item.owner.clone(), item.rtype, item.class, item.ttl);
    if head(ours) != head(theirs) {
        return unexplained();
    }
    let is_of = |types: &[u16]| types.contains(&ours.rtype);
    match (&ours.data, &theirs.data) {
        (Data::Other, _) | (Data::Malformed(_), Data::Malformed(_)) => Ok(None),
        (Data::Read(mine), Data::Read(other)) if mine.eq_ignore_ascii_case(other) => Ok(None),
        (Data::Read(mine), Data::Nothing) if mine.is_empty() => Ok(None),
        (Data::Malformed(_), Data::Nothing) => Ok(Some(Why::NoData)),
        (Data::Malformed(_), Data::Read(_)) if ours.rtype == OPT => Ok(Some(Why::OptOptions)),
        (_, Data::Read(_)) if is_of(&UNKNOWN_TO_THEM) => Ok(Some(Why::TypeUnknownToThem)),
        (Data::Read(_), Data::Malformed(why)) if is_about_pointers(why) => {
            Ok(Some(Why::PointerIntoItself))
        }
        (Data::Read(_), Data::Malformed(_)) if is_of(&UNKNOWN_TO_US) => {
            Ok(Some(Why::TypeUnknownToUs))
        }
        (Data::Read(_), Data::Malformed(_)) if is_of(&WITH_CONTENTS) => Ok(Some(Why::Contents)),
        (Data::Read(_), Data::Malformed(_)) if is_of(&NO_TYPES) => Ok(Some(Why::NoType)),
        (Data::Read(_), Data::Malformed(why)) if ours.rtype == OPT => {
            let is_below = why.contains("must be the root");
            Ok(Some(if is_below { Why::OptMisplaced } else { Why::OptOptions }))
        }
        _ => unexplained(),
    }
}

fn explain_end(ours: &Reading, theirs: &Reading) -> Result<Option<Why>, String> {
    let place = |reading: &Reading| (reading.questions.len(), reading.records.len());
    match (&ours.refusal, &theirs.refusal) {
        (Some(_), Some(_)) if place(ours) == place(theirs) => Ok(None),
        (None, None) => explain_whole(ours, theirs),
        (_, Some(why)) if place(theirs) < place(ours) && is_about_pointers(why) => {
            Ok(Some(Why::PointerIntoItself))
        }
        (mine, other) => {
            Err(format!("{mine:?} and {other:?} at {:?} and {:?}", place(ours), place(theirs)))
        }
    }
}

/// Of a message whose records are all read by both.
fn explain_whole(ours: &Reading, theirs: &Reading) -> Result<Option<Why>, String> {
    let is_malformed = |item: &Item| matches!(item.data, Data::Malformed(_));
    match &theirs.whole {
        None if ours.rcode == theirs.rcode => Ok(None),
        None => Err(format!("{:?} and {:?}", ours.rcode, theirs.rcode)),
        // Already explained, where it stands.
        Some(_) if theirs.records.iter().any(is_malformed) => Ok(None),
        Some(why) if why.contains("with length 0 in") => Ok(Some(Why::NoData)),
        Some(why) if why.contains("only allowed in additional") || why.contains("EDNS") => {
            Ok(Some(Why::OptMisplaced))
        }
        Some(why) => Err(format!("accepted, and {why}")),
    }
}

pub(super) fn is_about_pointers(why: &str) -> bool {
    why.contains("not prior to idx") || why.contains("overlapping labels")
}
