//! [`RecordSet`]: the records of one name and type, in wire form.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use domain::base::iana::Rtype;
use domain::base::name::FlattenInto;
use domain::base::rdata::{ComposeRecordData, ParseAnyRecordData};
use domain::base::{ParsedName, ParsedRecord, Ttl};
use domain::dep::octseq::Parser;
use domain::rdata::AllRecordData;

use crate::{MessageRecord, Name};

/// The records of one name and type (an RRset, RFC 2181, section 5): their data, uncompressed, one behind the other.
///
/// It holds no part of the message that it came from. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordSet {
    rtype: Rtype,
    /// How long it may be kept; out of a cache, from now on.
    pub ttl: Duration,
    /// For each record the length of its data, 16 bits, and the data.
    wire: Bytes,
}

/// The data of a record, taken apart.
pub type RecordData<'a> = AllRecordData<&'a [u8], ParsedName<&'a [u8]>>;

/// The same, which may be kept.
pub type OwnedRecordData = AllRecordData<Bytes, Name>;

/// What no message can hold more of, so that nobody has to bound it again.
const WIRE_BYTES_MAX: usize = 65_535;

impl RecordSet {
    /// The records out of `records` that are of this type and class IN, each once. The time to live is the least of
    /// theirs (RFC 2181, section 5.2); one with its highest bit set is zero (section 8).
    ///
    /// `None` if there are none, or if the data of one is malformed for its type.
    pub fn from_records<'a>(
        rtype: Rtype,
        records: impl IntoIterator<Item = MessageRecord<'a>>,
    ) -> Option<Self> {
        let (mut wire, mut ttl, mut seen) = (Vec::new(), u32::MAX, Seen::default());
        for record in records {
            if record.rtype() != rtype || record.class() != domain::base::iana::Class::IN {
                continue;
            }
            let data = data_in_wire_form(&record)?;
            if seen.is_new(&data, &wire) {
                wire.put_u16(u16::try_from(data.len()).ok()?);
                wire.put_slice(&data);
            }
            ttl = ttl.min(seconds(record.ttl()));
        }
        if wire.is_empty() || wire.len() > WIRE_BYTES_MAX {
            return None;
        }
        let ttl = Duration::from_secs(ttl.into());
        Some(Self { rtype, ttl, wire: wire.into_boxed_slice().into() })
    }

    /// One CNAME record.
    pub(crate) fn alias_to(target: &Name, ttl: Duration) -> Self {
        Self::of_one(Rtype::CNAME, target.as_slice(), ttl)
    }

    /// One record with this data, of our own making: it is not checked.
    pub(crate) fn of_one(rtype: Rtype, data: &[u8], ttl: Duration) -> Self {
        let mut wire = Vec::with_capacity(2 + data.len());
        wire.put_u16(u16::try_from(data.len()).expect("we make none as long"));
        wire.put_slice(data);
        Self { rtype, ttl, wire: wire.into() }
    }

    /// Their type.
    pub fn rtype(&self) -> Rtype {
        self.rtype
    }

    /// The data of each, in wire form.
    pub fn wire(&self) -> impl Iterator<Item = &[u8]> {
        entries(&self.wire)
    }

    /// The data of each, taken apart.
    pub fn data(&self) -> impl Iterator<Item = RecordData<'_>> {
        self.wire().filter_map(|data| parse(self.rtype, data))
    }

    /// The data of each, taken apart, to be kept.
    pub fn records(&self) -> impl Iterator<Item = OwnedRecordData> {
        entries(&self.wire).filter_map(|data| {
            let data = self.wire.slice_ref(data);
            let mut parser = Parser::from_ref(&data);
            let parsed =
                AllRecordData::<Bytes, ParsedName<Bytes>>::parse_any_rdata(self.rtype, &mut parser)
                    .ok()?;
            parsed.try_flatten_into().ok()
        })
    }

    /// How many there are; never none.
    #[allow(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.wire().count()
    }

    /// The bytes that they take.
    pub fn bytes(&self) -> usize {
        self.wire.len()
    }

    /// Where the name is an alias of, if this is of type CNAME.
    pub fn alias(&self) -> Option<Name> {
        let data = self.wire().next().filter(|_| self.rtype == Rtype::CNAME)?;
        Name::from_octets(Bytes::copy_from_slice(data)).ok()
    }
}

/// The records of a set that is being put together.
#[derive(Default)]
struct Seen {
    count: usize,
    /// All of them, once they are many.
    all: HashSet<Vec<u8>>,
}

/// So many records are looked through one by one: most sets are smaller. A message has room for four thousand, and to
/// compare each with each would take longer than all else that is done with it.
const FEW: usize = 16;

impl Seen {
    /// Whether there is none such in `wire`, where it is about to be put.
    fn is_new(&mut self, data: &[u8], wire: &[u8]) -> bool {
        let is_new = if self.count < FEW {
            !entries(wire).any(|other| other == data)
        } else {
            if self.all.is_empty() {
                self.all.extend(entries(wire).map(<[u8]>::to_vec));
            }
            self.all.insert(data.to_vec())
        };
        self.count += usize::from(is_new);
        is_new
    }
}

impl fmt::Debug for RecordSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}:", self.rtype, self.ttl)?;
        self.data().try_for_each(|data| write!(f, " {data}"))
    }
}

fn entries(mut wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = wire.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        wire = rest;
        Some(data)
    })
}

fn parse(rtype: Rtype, data: &[u8]) -> Option<RecordData<'_>> {
    let mut parser = Parser::from_ref(data);
    let parsed = RecordData::parse_any_rdata(rtype, &mut parser).ok()?;
    (parser.remaining() == 0).then_some(parsed)
}

/// The data of a record without the compression of its message.
fn data_in_wire_form(record: &ParsedRecord<'_, Bytes>) -> Option<Vec<u8>> {
    let record = record.to_any_record::<AllRecordData<_, _>>().ok()?;
    let mut data = Vec::new();
    record.data().compose_rdata(&mut data).ok()?;
    Some(data)
}

/// A time to live in seconds.
pub(crate) fn seconds(ttl: Ttl) -> u32 {
    let seconds = ttl.as_secs();
    if seconds > TTL_MAX { 0 } else { seconds }
}

/// The largest that is one: 31 bits (RFC 2181, section 8).
const TTL_MAX: u32 = i32::MAX.unsigned_abs();

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use domain::base::iana::Class;
    use domain::base::{Message, MessageBuilder, Record};
    use domain::rdata::A;

    use super::*;

    #[test]
    fn of_equal_records_one_is_kept_be_they_few_or_many() {
        for distinct in [1, 3, 16, 17, 100] {
            let mut answer = MessageBuilder::new_vec().answer();
            for number in 0..3 * distinct {
                let data = A::new(Ipv4Addr::from_bits(number % distinct));
                let record = Record::new(Name::root_bytes(), Class::IN, Ttl::from_secs(60), data);
                answer.push(record).expect("it fits");
            }
            let message = Message::from_octets(Bytes::from(answer.finish())).expect("a message");
            let records = message.answer().expect("a section").flatten();
            let set = RecordSet::from_records(Rtype::A, records).expect("records");
            let numbers =
                set.wire().map(|data| u32::from_be_bytes(data.try_into().unwrap_or([9; 4])));
            assert!(numbers.eq(0..distinct), "{set:?}");
        }
    }
}
