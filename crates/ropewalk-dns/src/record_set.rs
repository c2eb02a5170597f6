//! [`RecordSet`]: the records of one name and type, in wire form.

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
        let (mut wire, mut ttl) = (Vec::new(), u32::MAX);
        for record in records {
            if record.rtype() != rtype || record.class() != domain::base::iana::Class::IN {
                continue;
            }
            let data = data_in_wire_form(&record)?;
            if !entries(&wire).any(|other| other == data) {
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
