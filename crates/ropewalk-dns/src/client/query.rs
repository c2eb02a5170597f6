//! [`QueryOptions`]: how a question is asked; and [`QueryWriter`], which writes queries straight in wire form.
//!
//! A query is a header, the question and, with EDNS(0), an OPT record (RFC 6891). The letters of its name are sent in
//! a random mixture of large and small ("0x20", draft-vixie-dnsext-dns0x20): servers give the question back as it
//! was, and who forges an answer has to guess the mixture.

use bytes::{BufMut, Bytes, BytesMut};
use domain::base::iana::{Class, Rtype};

use crate::{Name, Random};

/// What is asked: a name, a type and a class.
pub type Question = domain::base::Question<Name>;

/// How a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueryOptions {
    /// RD: the server is to ask others for what it does not know. Default yes; a recursive resolver says no.
    pub recursion_desired: bool,
    /// CD: the server is not to hold back what it could not validate (RFC 4035, section 3.2.2). Default no.
    pub checking_disabled: bool,
    /// AD: the server is to say whether it has validated the answer (RFC 6840, section 5.7). Default no.
    pub authentic_data: bool,
    /// DO: signatures are wanted (RFC 3225). Default no. Needs EDNS.
    pub dnssec_ok: bool,
    /// The largest answer over UDP; 0 asks without EDNS(0). Default 1,232 bytes, which passes every network of IPv6
    /// in one piece.
    pub udp_bytes_max: u16,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            recursion_desired: true,
            checking_disabled: false,
            authentic_data: false,
            dnssec_ok: false,
            udp_bytes_max: 1232,
        }
    }
}

/// One question in parts, as it goes on the wire.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The name in wire form.
    pub(crate) name: &'a [u8],
    pub(crate) rtype: Rtype,
    pub(crate) class: Class,
    pub(crate) options: &'a QueryOptions,
    /// Whether the letters of the name are to be mixed.
    pub(crate) mixed_case: bool,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(question: &'a Question, options: &'a QueryOptions) -> Self {
        Self {
            name: question.qname().as_slice(),
            rtype: question.qtype(),
            class: question.qclass(),
            options,
            mixed_case: true,
        }
    }
}

/// Writes queries, many of them into one buffer.
#[derive(Default)]
pub(crate) struct QueryWriter {
    buffer: BytesMut,
}

/// Bytes of a header (RFC 1035, section 4.1.1).
pub(crate) const HEADER_BYTES: usize = 12;
/// Bytes of an OPT record without options.
const OPT_BYTES: usize = 11;
/// One allocation for so many bytes of queries: about a thousand.
const BUFFER_BYTES: usize = 64 << 10;

impl QueryWriter {
    /// A query with this id.
    pub(crate) fn write(&mut self, asked: &Asked<'_>, id: u16, random: &mut Random) -> Bytes {
        let options = asked.options;
        let bytes_max = HEADER_BYTES + asked.name.len() + 4 + OPT_BYTES;
        if self.buffer.capacity() < bytes_max {
            self.buffer.reserve(BUFFER_BYTES.max(bytes_max));
        }
        let out = &mut self.buffer;
        let flags = u16::from(options.recursion_desired) << 8
            | u16::from(options.authentic_data) << 5
            | u16::from(options.checking_disabled) << 4;
        let has_edns = options.udp_bytes_max > 0;
        for word in [id, flags, 1, 0, 0, u16::from(has_edns)] {
            out.put_u16(word);
        }
        out.put_slice(asked.name);
        if asked.mixed_case {
            mix_case(&mut out[HEADER_BYTES..], random);
        }
        out.put_u16(asked.rtype.to_int());
        out.put_u16(asked.class.to_int());
        if has_edns {
            out.put_u8(0); // the root
            out.put_u16(Rtype::OPT.to_int());
            out.put_u16(options.udp_bytes_max);
            out.put_u16(0); // extended RCODE and version
            out.put_u16(u16::from(options.dnssec_ok) << 15);
            out.put_u16(0); // no options
        }
        out.split().freeze()
    }
}

/// Gives each letter of a name in wire form a case by chance. The length of a label is at most 63, so no letter.
fn mix_case(name: &mut [u8], random: &mut Random) {
    for eight in name.chunks_mut(8) {
        let [bits] = random.bytes();
        for (place, byte) in eight.iter_mut().enumerate() {
            if byte.is_ascii_alphabetic() && bits >> place & 1 == 1 {
                *byte ^= 0x20;
            }
        }
    }
}

/// The question of a query that [`QueryWriter`] wrote, in wire form.
pub(crate) fn question_of(query: &[u8]) -> &[u8] {
    let has_opt = query.get(11) == Some(&1);
    let end = query.len() - if has_opt { OPT_BYTES } else { 0 };
    query.get(HEADER_BYTES..end).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use domain::base::Message;

    use super::*;

    fn written(options: &QueryOptions, mixed_case: bool) -> Bytes {
        let name: Name = "www.Example.com".parse().expect("a name");
        let question = Question::new(name, Rtype::MX, Class::IN);
        let asked = Asked { mixed_case, ..Asked::new(&question, options) };
        QueryWriter::default().write(&asked, 0x1234, &mut Random::from_seed(3))
    }

    #[test]
    fn a_query_says_what_it_was_told_to() {
        let options = QueryOptions { dnssec_ok: true, ..QueryOptions::default() };
        let message = Message::from_octets(written(&options, true)).expect("a message");
        let (header, opt) = (message.header(), message.opt().expect("an OPT record"));
        assert!(header.rd() && !header.qr() && !header.ad() && !header.cd());
        assert_eq!((header.id(), message.header_counts().arcount()), (0x1234, 1));
        assert_eq!((opt.udp_payload_size(), opt.version(), opt.dnssec_ok()), (1232, 0, true));
        let question = message.sole_question().expect("one question");
        assert_eq!(question.qname().to_string(), "wWW.ExaMPlE.com");
        assert_eq!((question.qtype(), question.qclass()), (Rtype::MX, Class::IN));
    }

    #[test]
    fn without_edns_there_is_no_opt_record() {
        let options = QueryOptions {
            udp_bytes_max: 0,
            recursion_desired: false,
            authentic_data: true,
            checking_disabled: true,
            ..QueryOptions::default()
        };
        let query = written(&options, false);
        let message = Message::from_octets(query.clone()).expect("a message");
        let header = message.header();
        assert!(!header.rd() && header.ad() && header.cd() && message.opt().is_none());
        assert_eq!(question_of(&query), b"\x03www\x07Example\x03com\x00\x00\x0f\x00\x01");
        assert_eq!(question_of(&written(&QueryOptions::default(), false)), question_of(&query));
    }
}
