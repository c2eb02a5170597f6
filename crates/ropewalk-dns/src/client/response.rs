//! [`Response`]: an answer that is believed; and [`believe`], which decides that.
//!
//! Anybody can send a datagram. One is an answer only if it comes from the server that was asked, to the port that it
//! was asked from, and has the id and the question of the query, the latter letter by letter (RFC 5452, section 9.1).
//! Anything else is as if it had not come: the wait goes on.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use domain::base::iana::{Opcode, OptRcode};
use domain::base::{Message, ParsedRecord};
use ropewalk_core::{Failure, FailureKind};

use super::query::{HEADER_BYTES, Question, question_of};

/// A record in a message: its owner, type, class and time to live, with data that is yet to be read
/// ([`to_record`](ParsedRecord::to_record)).
pub type MessageRecord<'a> = ParsedRecord<'a, Bytes>;

/// An answer that is believed to be the server's, whatever it says.
///
/// Every record in it can be taken apart: names are whole, compression ends, lengths are within bounds. The data of
/// a record may still be malformed for its type.
#[derive(Clone)]
pub struct Response {
    message: Message<Bytes>,
    question: Question,
    server: SocketAddr,
}

impl Response {
    /// The answer of `server` to `question`.
    ///
    /// # Errors
    /// `Peer` if the message is cut short, or not put together as it should be.
    pub(crate) fn new(
        message: Bytes,
        question: Question,
        server: SocketAddr,
    ) -> Result<Self, Failure> {
        let garbled = |what: &dyn fmt::Display| {
            let why = format!("the answer of {server} to {} is garbled: {what}", shown(&question));
            Failure::new(FailureKind::Peer, why)
        };
        let message = Message::from_octets(message).map_err(|error| garbled(&error))?;
        for record in message.iter() {
            record.map_err(|error| garbled(&error))?;
        }
        Ok(Self { message, question, server })
    }

    /// What the server says became of the question, with the upper bits from EDNS.
    pub fn rcode(&self) -> OptRcode {
        self.message.opt_rcode()
    }

    /// What was asked, in the letters that it was asked in by the user.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// Who answered.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// AA: the server is an authority for the name.
    pub fn is_authoritative(&self) -> bool {
        self.message.header().aa()
    }

    /// TC: there is more than was sent. Only where asking by TCP was not wanted.
    pub fn is_truncated(&self) -> bool {
        self.message.header().tc()
    }

    /// RA: the server asks others, for who wants that.
    pub fn recursion_available(&self) -> bool {
        self.message.header().ra()
    }

    /// AD: the server has validated the answer. Worth what the server and the way to it are.
    pub fn authentic_data(&self) -> bool {
        self.message.header().ad()
    }

    /// Whether the server has understood EDNS.
    pub fn has_edns(&self) -> bool {
        self.message.opt().is_some()
    }

    /// The records of the answer section, in their order.
    pub fn answers(&self) -> impl Iterator<Item = MessageRecord<'_>> {
        self.message.answer().into_iter().flatten().flatten()
    }

    /// The records of the authority section.
    pub fn authorities(&self) -> impl Iterator<Item = MessageRecord<'_>> {
        self.message.authority().into_iter().flatten().flatten()
    }

    /// The records of the additional section, the OPT record among them.
    pub fn additionals(&self) -> impl Iterator<Item = MessageRecord<'_>> {
        self.message.additional().into_iter().flatten().flatten()
    }

    /// The message.
    pub fn message(&self) -> &Message<Bytes> {
        &self.message
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answers = self.message.header_counts().ancount();
        let (asked, by) = (shown(&self.question), self.server);
        write!(f, "Response({asked} by {by}: {}, {answers} answers)", self.rcode())
    }
}

/// A question as it is told to people: `www.example.com AAAA`.
pub(crate) fn shown(question: &Question) -> impl fmt::Display {
    format!("{} {}", question.qname(), question.qtype())
}

/// Whether a message is an answer to a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Belief {
    /// It is.
    Believed,
    /// It would be, but for the case of the letters in its question.
    CaseDiffers,
    /// It is an answer to something else, or none.
    Not,
}

/// Whether `heard` answers the query `sent`, going by its id and question. Where it comes from is the caller's to
/// know.
pub(crate) fn believe(sent: &[u8], heard: &[u8]) -> Belief {
    if heard.len() < HEADER_BYTES || heard[..2] != sent[..2] || !is_response(heard) {
        return Belief::Not;
    }
    match (heard[4], heard[5]) {
        // A server that cannot read a query may give back its header only (RFC 1035, section 4.1.1).
        (0, 0) if is_complaint(heard) => return Belief::Believed,
        (0, 1) => {}
        _ => return Belief::Not,
    }
    let asked = question_of(sent);
    match heard.get(HEADER_BYTES..HEADER_BYTES + asked.len()) {
        Some(said) if said == asked => Belief::Believed,
        Some(said) if is_same_question(said, asked) => Belief::CaseDiffers,
        _ => Belief::Not,
    }
}

/// QR is set, and the opcode is that of a query.
fn is_response(message: &[u8]) -> bool {
    message[2] & 0xF8 == 0x80 | Opcode::QUERY.to_int() << 3
}

/// FORMERR or NOTIMP.
fn is_complaint(message: &[u8]) -> bool {
    matches!(message[3] & 0x0F, 1 | 4)
}

/// Type and class are equal, and the name but for the case of letters.
fn is_same_question(said: &[u8], asked: &[u8]) -> bool {
    let name = asked.len().saturating_sub(4);
    said[name..] == asked[name..] && said[..name].eq_ignore_ascii_case(&asked[..name])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03wWw\x02cH\0\0\x01\0\x01";

    fn heard(change: impl FnOnce(&mut Vec<u8>)) -> Belief {
        let mut message = SENT.to_vec();
        message[2] |= 0x80;
        change(&mut message);
        believe(SENT, &message)
    }

    #[test]
    fn an_answer_has_the_id_and_the_question_of_the_query() {
        assert_eq!(heard(|_| ()), Belief::Believed);
        assert_eq!(heard(|message| message.extend([1, 2, 3])), Belief::Believed);
        assert_eq!(heard(|message| message[13] = b'W'), Belief::CaseDiffers);
        assert_eq!(heard(|message| message[1] = 0), Belief::Not, "another id");
        assert_eq!(heard(|message| message[2] &= 0x7F), Belief::Not, "a query");
        assert_eq!(heard(|message| message[2] |= 0x28), Belief::Not, "an answer to an update");
        assert_eq!(heard(|message| message[13] = b'x'), Belief::Not, "another name");
        assert_eq!(heard(|message| message[21] = 28), Belief::Not, "another type");
        assert_eq!(heard(|message| message[23] = 3), Belief::Not, "another class");
        assert_eq!(heard(|message| message[5] = 2), Belief::Not, "two questions");
        assert_eq!(heard(|message| message.truncate(20)), Belief::Not, "half a question");
        assert_eq!(heard(|message| message.truncate(11)), Belief::Not, "half a header");
        assert_eq!(heard(Vec::clear), Belief::Not);
    }

    #[test]
    fn a_header_alone_is_an_answer_only_if_it_complains() {
        let short = |rcode: u8| {
            heard(|message| {
                message[3] = rcode;
                message[5] = 0;
                message.truncate(12);
            })
        };
        assert_eq!([short(1), short(4)], [Belief::Believed; 2]);
        assert_eq!([short(0), short(2), short(3), short(5)], [Belief::Not; 4]);
    }
}
