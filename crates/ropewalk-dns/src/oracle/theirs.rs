//! A message as hickory-proto reads it, record by record, so that one of which it can make nothing does not hide the
//! others.

use hickory_proto::op::{Header, Message, Query};
use hickory_proto::rr::{Name, Record};
use hickory_proto::serialize::binary::{
    BinDecodable, BinDecoder, BinEncodable, BinEncoder, DecodeError, NameEncoding,
};

use super::reading::{Data, Item, Reading};

/// What is before the data of a record, behind its name.
const FIXED_BYTES: usize = 10;

pub(super) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut decoder = BinDecoder::new(bytes);
    let counts = match Header::read(&mut decoder) {
        Ok(header) => header.counts,
        Err(error) => return reading.refused(&error),
    };
    for _ in 0..counts.queries {
        match Query::read(&mut decoder) {
            Ok(query) => reading.questions.push(Item {
                owner: lowercase(query.name()),
                rtype: query.query_type().into(),
                class: query.query_class().into(),
                ttl: 0,
                data: Data::Other,
            }),
            Err(error) => return reading.refused(&error),
        }
    }
    let records = [counts.answers, counts.authorities, counts.additionals];
    for _ in 0..records.into_iter().map(usize::from).sum() {
        match record(bytes, &mut decoder) {
            Ok(item) => reading.records.push(item),
            Err(error) => return reading.refused(&error),
        }
    }
    reading.ends_at = decoder.index();
    match Message::from_vec(bytes) {
        Ok(message) => reading.rcode = Some(message.metadata.response_code.into()),
        Err(error) => reading.whole = Some(error.to_string()),
    }
    reading
}

/// Reads a record, and goes on behind it whether its data is read or not.
fn record<'a>(bytes: &'a [u8], decoder: &mut BinDecoder<'a>) -> Result<Item, DecodeError> {
    let mut own = decoder.clone(place(decoder));
    let name = Name::read(&mut own)?;
    let fixed = own.read_slice(FIXED_BYTES)?.unverified();
    let number = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    let ttl = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
    let begin = place(&own);
    let data = own.read_slice(number(8).into())?.unverified();
    let behind = place(&own);
    let read = Record::read(decoder);
    *decoder = BinDecoder::new(bytes).clone(behind);
    let data = match read {
        Err(error) => {
            let names = bad_name(number(0), decoder.clone(begin));
            Data::Malformed(names.unwrap_or(error).to_string())
        }
        Ok(_) if data.is_empty() => Data::Nothing,
        Ok(record) => Data::Read(uncompressed(&record.data)),
    };
    Ok(Item { owner: lowercase(&name), rtype: number(0), class: number(2), ttl, data })
}

/// What is wrong with a name in the data of a record: that its data is not read to its end hides it.
fn bad_name(rtype: u16, mut data: BinDecoder<'_>) -> Option<DecodeError> {
    let (before, names) = match rtype {
        2 | 5 | 12 => (0, 1),
        6 => (0, 2),
        15 => (2, 1),
        33 => (6, 1),
        _ => return None,
    };
    data.read_slice(before).ok()?;
    (0..names).find_map(|_| Name::read(&mut data).err())
}

fn place(decoder: &BinDecoder<'_>) -> u16 {
    u16::try_from(decoder.index()).unwrap_or(u16::MAX)
}

fn lowercase(name: &Name) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::UncompressedLowercase);
    name.emit(&mut encoder).unwrap_or_default();
    bytes
}

fn uncompressed(data: &impl BinEncodable) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).unwrap_or_default();
    bytes
}
