//! [`Query`]: a message that asks something, as a server sees it.
//!
//! It is read in place. Only what every answer needs is read: the header, the one question, and what EDNS says
//! (RFC 6891); the records that some messages carry beside (NOTIFY, a transfer of differences) are left to who wants
//! them.

use domain::base::iana::{Class, Opcode, Rtype};
use ropewalk_core::{Address, Time};

use crate::wire_name::{WireName, plain_name_len, skip_name};

/// The header of a message.
pub(crate) const HEADER_BYTES: usize = 12;

/// The type and the class behind a question's name.
const QUESTION_TAIL_BYTES: usize = 4;

/// What is between the name and the data of a record: type, class, TTL and the data's length.
pub(crate) const RECORD_FIXED_BYTES: usize = 10;

/// The bit of the header's third byte that says: this is an answer.
const RESPONSE_BIT: u8 = 0x80;

/// A message that asks something. It lives as long as the callback; [`Reply`](super::Reply) keeps a copy.
pub struct Query<'a> {
    pub(super) message: &'a [u8],
    pub(super) origin: Origin<'a>,
    pub(super) name_end: usize,
    pub(super) lower: WireName,
    /// Where the additional records begin.
    records_end: usize,
    pub(super) edns: Option<Edns<'a>>,
    /// Where its signature begins, if it has one: the last record.
    pub(super) tsig_at: Option<usize>,
}

/// Where a query came from, and by which way.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// Who asks.
    pub peer: &'a Address,
    /// Whether it came as a datagram, or in a stream whose peer is where it says it is.
    pub carrier: Carrier,
    /// The name of the TSIG key that the query was signed with, in wire form and small letters.
    pub key: Option<&'a [u8]>,
    /// The time of the turn in which it came.
    pub now: Time,
}

/// What carries a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier {
    /// A datagram, whose sender may be forged, and whose answer is short.
    Datagram,
    /// A frame of a stream: TCP or TLS.
    Stream,
}

/// What a query's OPT record says (RFC 6891, section 6.1).
#[derive(Clone, Copy, Debug)]
pub struct Edns<'a> {
    /// The largest datagram that the asker takes.
    pub udp_bytes_max: u16,
    /// The version of EDNS; only 0 is known.
    pub version: u8,
    /// Whether signatures are wanted (RFC 3225).
    pub dnssec_ok: bool,
    /// The options, in wire form.
    pub options: &'a [u8],
}

/// Why a message is not a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoQuery {
    /// Nothing can or may be said to it: no whole header, or an answer. Answers are never answered, or two servers
    /// would go on for ever.
    Silence,
    /// The header was read, and what follows makes no sense (FORMERR).
    Malformed,
    /// The operation is not known (NOTIMP), so that what follows cannot be read.
    Unknown,
}

impl<'a> Query<'a> {
    pub(crate) fn read(message: &'a [u8], origin: Origin<'a>) -> Result<Self, NoQuery> {
        if message.len() < HEADER_BYTES || message[2] & RESPONSE_BIT != 0 {
            return Err(NoQuery::Silence);
        }
        if !matches!(opcode_of(message), Opcode::QUERY | Opcode::NOTIFY) {
            return Err(NoQuery::Unknown);
        }
        Self::read_body(message, origin).ok_or(NoQuery::Malformed)
    }

    fn read_body(message: &'a [u8], origin: Origin<'a>) -> Option<Self> {
        if count(message, 4) != 1 {
            return None;
        }
        let name_end = HEADER_BYTES + plain_name_len(&message[HEADER_BYTES..])?;
        let records = name_end + QUESTION_TAIL_BYTES;
        if records > message.len() {
            return None;
        }
        let lower = WireName::lowercase(&message[HEADER_BYTES..name_end]);
        let mut query = Self {
            message,
            origin,
            name_end,
            lower,
            records_end: records,
            edns: None,
            tsig_at: None,
        };
        let before = usize::from(count(message, 6)) + usize::from(count(message, 8));
        for _ in 0..before {
            query.records_end = record_end(message, query.records_end)?;
        }
        query.read_additional()?;
        Some(query)
    }

    /// Reads the OPT record, of which there may be one; more are malformed (RFC 6891, section 6.1.1). A signature is
    /// the last record (RFC 8945, section 5.1).
    fn read_additional(&mut self) -> Option<()> {
        let mut at = self.records_end;
        for _ in 0..count(self.message, 10) {
            let end = record_end(self.message, at)?;
            let fixed = skip_name(self.message, at)?;
            let rtype = number(self.message, fixed);
            if rtype == Rtype::TSIG.to_int() {
                self.tsig_at = Some(at);
                return (end == self.message.len()).then_some(());
            }
            if rtype == Rtype::OPT.to_int() {
                let is_root = fixed == at + 1;
                if self.edns.is_some() || !is_root {
                    return None;
                }
                self.edns = Some(Edns::read(&self.message[fixed..end])?);
            }
            at = end;
        }
        (at == self.message.len()).then_some(())
    }

    /// The number that the answer has to carry.
    pub fn id(&self) -> u16 {
        number(self.message, 0)
    }

    /// What is to be done: QUERY or NOTIFY; all others are refused before.
    pub fn opcode(&self) -> Opcode {
        opcode_of(self.message)
    }

    /// Whether an answer is wanted that this server does not have itself (RD).
    pub fn recursion_desired(&self) -> bool {
        self.message[2] & 1 != 0
    }

    /// Whether the asker checks signatures itself (CD).
    pub fn checking_disabled(&self) -> bool {
        self.message[3] & 0x10 != 0
    }

    /// The name asked for, in wire form, as it was written.
    pub fn name(&self) -> &'a [u8] {
        &self.message[HEADER_BYTES..self.name_end]
    }

    /// The same in small letters.
    pub fn lowercase_name(&self) -> &[u8] {
        self.lower.as_slice()
    }

    /// The type of the records asked for.
    pub fn rtype(&self) -> Rtype {
        Rtype::from_int(number(self.message, self.name_end))
    }

    /// The class asked for.
    pub fn class(&self) -> Class {
        Class::from_int(number(self.message, self.name_end + 2))
    }

    /// The question in wire form: name, type and class.
    pub fn question(&self) -> &'a [u8] {
        &self.message[HEADER_BYTES..self.name_end + QUESTION_TAIL_BYTES]
    }

    /// What EDNS says, if the asker knows it.
    pub fn edns(&self) -> Option<&Edns<'a>> {
        self.edns.as_ref()
    }

    /// Whether signatures are wanted.
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// Who asks, and how.
    pub fn origin(&self) -> &Origin<'a> {
        &self.origin
    }

    /// The whole message, without its TSIG record if it had one: for the records that it carries.
    pub fn message(&self) -> &'a [u8] {
        self.message
    }
}

impl<'a> Edns<'a> {
    /// Reads it from an OPT record behind its name.
    fn read(record: &'a [u8]) -> Option<Self> {
        let options = record.get(RECORD_FIXED_BYTES..)?;
        let edns = Self {
            udp_bytes_max: number(record, 2),
            version: record[5],
            dnssec_ok: record[6] & 0x80 != 0,
            options,
        };
        let mut rest = options;
        while !rest.is_empty() {
            let (_, _, after) = split_option(rest)?;
            rest = after;
        }
        Some(edns)
    }

    /// The data of an option, by its code; of the first, if there are several.
    pub fn option(&self, code: u16) -> Option<&'a [u8]> {
        let mut rest = self.options;
        while let Some((found, data, after)) = split_option(rest) {
            if found == code {
                return Some(data);
            }
            rest = after;
        }
        None
    }
}

/// The first option's code and data, and the options behind it.
fn split_option(options: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, rest) = options.split_at_checked(4)?;
    let (data, rest) = rest.split_at_checked(usize::from(number(head, 2)))?;
    Some((number(head, 0), data, rest))
}

/// Where the record that begins at `at` ends.
pub(crate) fn record_end(message: &[u8], at: usize) -> Option<usize> {
    let fixed = skip_name(message, at)?;
    let data = fixed + RECORD_FIXED_BYTES;
    if data > message.len() {
        return None;
    }
    let end = data + usize::from(number(message, fixed + 8));
    (end <= message.len()).then_some(end)
}

/// The 16 bits at `at`, which are there.
pub(crate) fn number(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn count(message: &[u8], at: usize) -> u16 {
    number(message, at)
}

pub(super) fn opcode_of(message: &[u8]) -> Opcode {
    Opcode::from_int(message[2] >> 3 & 0xF)
}

impl std::fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", crate::wire_name::Shown(self.name()), self.class(), self.rtype())
    }
}
