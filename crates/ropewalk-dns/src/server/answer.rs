//! [`Answer`]: a message being written, straight in wire form, into a buffer that is used again and again.
//!
//! It is never longer than the asker can take. What does not fit is left out by whole sets of records (RFC 2181,
//! section 9), and the header says so (TC) if the asker needs it.

use std::time::Duration;

use domain::base::iana::{Class, OptRcode, Rtype};

use super::compression::Compression;
use super::query::{HEADER_BYTES, Query, RECORD_FIXED_BYTES, record_end};
use crate::tsig::Signer;
use crate::wire_name::{plain_name_len, skip_name};

/// The parts of an answer, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Section {
    /// What was asked for.
    Answer = 1,
    /// Who has the authority: name servers for a referral, the SOA of a negative answer.
    Authority = 2,
    /// What the asker will want next: addresses.
    Additional = 3,
}

/// Whether an answer is of use without a set of records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// It is not: if the set does not fit, the answer is truncated and ends here.
    Required,
    /// It is: what does not fit is left out.
    Optional,
}

/// A message being written. Records go in in the order of the [`Section`]s.
pub struct Answer<'a> {
    out: &'a mut Vec<u8>,
    names: &'a mut Compression,
    /// Where the message begins in `out`: a frame has its length before.
    base: usize,
    question_bytes: usize,
    /// The message ends before this place of `out`, OPT and TSIG included.
    end_max: usize,
    /// Held back for the records that come last.
    reserved: usize,
    counts: [u16; 4],
    pub(super) rcode: OptRcode,
    truncated: bool,
}

/// The records of an answer in wire form. Names in it point into the message, and so are right behind any question of
/// the same length.
pub(super) struct Written {
    records: Box<[u8]>,
    /// Where in `records` the times to live are.
    ttls: Box<[u16]>,
    counts: [u16; 3],
    authentic: bool,
}

impl Written {
    pub(super) fn bytes(&self) -> usize {
        self.records.len() + 2 * self.ttls.len()
    }
}

/// What is between a record's name and its time to live: type and class.
const TTL_OFFSET: usize = 4;

/// The bits of the header that an answer may set.
const RESPONSE: u8 = 0x80;
const AUTHORITATIVE: u8 = 0x04;
const TRUNCATED: u8 = 0x02;
const RECURSION_AVAILABLE: u8 = 0x80;
const AUTHENTIC_DATA: u8 = 0x20;
/// What is taken over from the question: the opcode and RD; CD (RFC 4035, section 3.2.2).
const KEPT_HIGH: u8 = 0x79;
const KEPT_LOW: u8 = 0x10;

impl<'a> Answer<'a> {
    /// Begins the answer to `query` at the end of `out`, as NOERROR with nothing in it; `bytes_max` long at most.
    pub(super) fn begin(
        query: &Query<'_>,
        out: &'a mut Vec<u8>,
        names: &'a mut Compression,
        bytes_max: usize,
    ) -> Self {
        let base = out.len();
        let (head, question) = (query.message(), query.question());
        out.extend_from_slice(&[
            head[0],
            head[1],
            RESPONSE | head[2] & KEPT_HIGH,
            head[3] & KEPT_LOW,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
        ]);
        out.extend_from_slice(question);
        names.clear();
        let end_max = base + bytes_max;
        let (counts, rcode) = ([1, 0, 0, 0], OptRcode::NOERROR);
        let question_bytes = question.len();
        Self {
            out,
            names,
            base,
            question_bytes,
            end_max,
            reserved: 0,
            counts,
            rcode,
            truncated: false,
        }
    }

    /// Holds room back for records that are appended when all else is in.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.reserved += bytes;
    }

    /// Says whether all is well, and if not, why. Codes above 15 need EDNS; without it SERVFAIL is said.
    pub fn set_rcode(&mut self, rcode: OptRcode) {
        self.rcode = rcode;
    }

    /// What was said with [`set_rcode`](Self::set_rcode).
    pub fn rcode(&self) -> OptRcode {
        self.rcode
    }

    /// Says that this server has the authority for the name (AA).
    pub fn set_authoritative(&mut self) {
        self.out[self.base + 2] |= AUTHORITATIVE;
    }

    /// Says that this server asks others (RA).
    pub fn set_recursion_available(&mut self) {
        self.out[self.base + 3] |= RECURSION_AVAILABLE;
    }

    /// Says that the signatures have been checked (AD).
    pub fn set_authentic_data(&mut self) {
        self.out[self.base + 3] |= AUTHENTIC_DATA;
    }

    /// Says that there is more than is in it (TC); nothing more goes in.
    pub fn set_truncated(&mut self) {
        self.truncated = true;
        self.out[self.base + 2] |= TRUNCATED;
    }

    /// Whether something that the asker needs did not fit.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// How many records a section has.
    pub fn count(&self, section: Section) -> u16 {
        self.counts[section as usize]
    }

    /// Appends a set of records: same owner, type, class and TTL, and each its data in wire form, whose names are
    /// whole. Gives whether it fitted.
    ///
    /// The owner is in wire form; it and the names in the data of the types of RFC 1035 are compressed (RFC 3597,
    /// section 4: no others).
    ///
    /// # Panics
    /// In debug builds, if a record of a later section is there already.
    #[allow(clippy::too_many_arguments, reason = "they are the fields of a record, in its order")]
    pub fn push_rrset<'r>(
        &mut self,
        section: Section,
        need: Need,
        owner: &[u8],
        rtype: Rtype,
        class: Class,
        ttl: u32,
        data: impl IntoIterator<Item = &'r [u8]>,
    ) -> bool {
        self.attempt(section, need, |answer| {
            let mut count = 0;
            for rdata in data {
                answer.write_record(owner, rtype, class, ttl, rdata);
                count += 1;
                if answer.is_too_long() {
                    break;
                }
            }
            count
        })
    }

    /// Appends `count` records of the name asked for, which are in wire form already, each with a pointer to that name as
    /// its owner and whole names in its data.
    pub(crate) fn push_at_question(
        &mut self,
        section: Section,
        need: Need,
        rtype: Rtype,
        count: u16,
        records: &[u8],
    ) -> bool {
        let has_names = compressible(rtype).1 > 0;
        self.attempt(section, need, |answer| {
            if has_names {
                answer.write_compressed(rtype, records);
            } else {
                answer.out.extend_from_slice(records);
            }
            count
        })
    }

    /// Writes prepared records, with the names in their data compressed.
    fn write_compressed(&mut self, rtype: Rtype, mut records: &[u8]) {
        const BEFORE_LENGTH_BYTES: usize = RECORD_FIXED_BYTES;
        while let Some((before, rest)) = records.split_at_checked(BEFORE_LENGTH_BYTES + 2) {
            let (fixed, length) = before.split_at(BEFORE_LENGTH_BYTES);
            let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
            let Some((rdata, rest)) = rest.split_at_checked(length) else { return };
            self.out.extend_from_slice(fixed);
            self.write_data(rtype, rdata);
            records = rest;
        }
    }

    /// Lets `write` append records and say how many; takes them back if they do not fit.
    fn attempt(
        &mut self,
        section: Section,
        need: Need,
        write: impl FnOnce(&mut Self) -> u16,
    ) -> bool {
        let later = &self.counts[section as usize + 1..];
        debug_assert!(later.iter().all(|&count| count == 0), "the sections are in their order");
        if self.truncated {
            return false;
        }
        let (len, mark) = (self.out.len(), self.names.mark());
        let count = write(self);
        if self.is_too_long() {
            self.out.truncate(len);
            self.names.rewind(mark);
            if need == Need::Required {
                self.set_truncated();
            }
            return false;
        }
        self.counts[section as usize] += count;
        true
    }

    fn is_too_long(&self) -> bool {
        self.out.len() + self.reserved > self.end_max
    }

    fn write_record(&mut self, owner: &[u8], rtype: Rtype, class: Class, ttl: u32, rdata: &[u8]) {
        self.write_name(owner);
        self.out.extend_from_slice(&rtype.to_int().to_be_bytes());
        self.out.extend_from_slice(&class.to_int().to_be_bytes());
        self.out.extend_from_slice(&ttl.to_be_bytes());
        self.write_data(rtype, rdata);
    }

    /// Writes the data of a record, with its length before it.
    fn write_data(&mut self, rtype: Rtype, rdata: &[u8]) {
        let length_at = self.out.len();
        self.out.extend_from_slice(&[0, 0]);
        self.write_compressible(rtype, rdata);
        let length = u16::try_from(self.out.len() - length_at - 2).unwrap_or(u16::MAX);
        self.out[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    }

    fn write_compressible(&mut self, rtype: Rtype, mut rdata: &[u8]) {
        let (before, names) = compressible(rtype);
        if names > 0
            && let Some((plain, rest)) = rdata.split_at_checked(before)
        {
            self.out.extend_from_slice(plain);
            rdata = rest;
            for _ in 0..names {
                let Some(len) = plain_name_len(rdata) else { break };
                self.write_name(&rdata[..len]);
                rdata = &rdata[len..];
            }
        }
        self.out.extend_from_slice(rdata);
    }

    fn write_name(&mut self, name: &[u8]) {
        self.names.write(self.out, self.base, name);
    }

    /// The records that are in, as they are in wire form.
    pub(super) fn written(&self) -> Written {
        let message = &self.out[self.base..];
        let start = HEADER_BYTES + self.question_bytes;
        let (mut at, mut ttls) = (start, Vec::new());
        while let (Some(fixed), Some(end)) = (skip_name(message, at), record_end(message, at)) {
            ttls.push(u16::try_from(fixed + TTL_OFFSET - start).unwrap_or(u16::MAX));
            at = end;
        }
        let [_, answers, authorities, additionals] = self.counts;
        Written {
            records: message[start..at].into(),
            ttls: ttls.into(),
            counts: [answers, authorities, additionals],
            authentic: message[3] & AUTHENTIC_DATA != 0,
        }
    }

    /// Puts in the records of another answer to the same question, each with less time to live, in an answer without any.
    pub(super) fn push_written(&mut self, written: &Written, age: Duration) {
        let start = self.out.len();
        self.out.extend_from_slice(&written.records);
        if self.is_too_long() {
            self.out.truncate(start);
            return self.set_truncated();
        }
        let age = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
        for &at in &written.ttls {
            let at = start + usize::from(at);
            if let Some(ttl) = self.out[at..].first_chunk_mut() {
                *ttl = u32::from_be_bytes(*ttl).saturating_sub(age).to_be_bytes();
            }
        }
        self.counts[1..].copy_from_slice(&written.counts);
        if written.authentic {
            self.set_authentic_data();
        }
    }

    /// Takes out all records, whatever was in: for what turned out to be another answer.
    pub fn clear(&mut self) {
        self.out.truncate(self.base + HEADER_BYTES + self.question_bytes);
        self.counts = [1, 0, 0, 0];
        self.names.clear();
        self.truncated = false;
        self.out[self.base + 2] &= !(TRUNCATED | AUTHORITATIVE);
    }

    /// Takes all of it back.
    pub(super) fn discard(self) {
        self.out.truncate(self.base);
    }

    /// Appends an OPT record with options, each a code and its data (RFC 6891, section 6.1.2), for which room was held
    /// back.
    pub(super) fn push_opt<'o>(
        &mut self,
        udp_bytes_max: u16,
        dnssec_ok: bool,
        options: impl Iterator<Item = (u16, &'o [u8])>,
    ) {
        let high = u8::try_from(self.rcode.to_int() >> 4).unwrap_or(0);
        let flags = if dnssec_ok { 0x80 } else { 0 };
        self.out.push(0);
        self.out.extend_from_slice(&Rtype::OPT.to_int().to_be_bytes());
        self.out.extend_from_slice(&udp_bytes_max.to_be_bytes());
        self.out.extend_from_slice(&[high, 0, flags, 0]);
        let length_at = self.out.len();
        self.out.extend_from_slice(&[0, 0]);
        for (code, data) in options {
            self.out.extend_from_slice(&code.to_be_bytes());
            self.out.extend_from_slice(&u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
            self.out.extend_from_slice(data);
        }
        let length = u16::try_from(self.out.len() - length_at - 2).unwrap_or(0);
        self.out[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
        self.counts[Section::Additional as usize] += 1;
    }

    /// Writes into the header what has come of it, and has it signed.
    pub(super) fn finish(self, with_edns: bool, signer: Option<&mut Signer>) {
        let header = &mut self.out[self.base..self.base + HEADER_BYTES];
        for (place, count) in header[4..].chunks_exact_mut(2).zip(self.counts) {
            place.copy_from_slice(&count.to_be_bytes());
        }
        let code = self.rcode.to_int();
        let low = if code > 0xF && !with_edns { OptRcode::SERVFAIL.to_int() } else { code & 0xF };
        header[3] = header[3] & 0xF0 | u8::try_from(low).unwrap_or(0);
        if let Some(signer) = signer {
            signer.sign(self.out, self.base);
        }
    }
}

/// What an OPT record without options takes.
pub(super) const OPT_BYTES: usize = 1 + RECORD_FIXED_BYTES;

/// What an option takes beside its data.
pub(super) const OPTION_BYTES: usize = 4;

/// Where the names are in the data of a record that may be compressed: behind so many bytes, so many of them.
fn compressible(rtype: Rtype) -> (usize, usize) {
    match rtype {
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::MB | Rtype::MG | Rtype::MR => (0, 1),
        Rtype::SOA | Rtype::MINFO => (0, 2),
        Rtype::MX => (2, 1),
        _ => (0, 0),
    }
}
