//! [`ReverseName`] and [`Pointers`]: the names of an address, asked for and read without an allocation.

use std::fmt::Write;
use std::net::IpAddr;

use domain::base::iana::{OptRcode, Rcode, Rtype};
use domain::base::name::{Label, Name, ParsedName, ToName};
use domain::base::{Message, ParsedRecord};
use domain::rdata::{Cname, Ptr};

use crate::bulk::Outcome;
use crate::server::HEADER_BYTES;
use crate::wire_name::plain_name_len;

/// The name under which an address is looked up backwards, in wire form: what [`reverse_name`](crate::reverse_name) gives.
pub(crate) struct ReverseName {
    wire: [u8; WIRE_BYTES_MAX],
    len: usize,
}

/// 32 nibbles with their lengths, and `ip6.arpa`.
const WIRE_BYTES_MAX: usize = 74;

impl ReverseName {
    pub(crate) fn new(address: IpAddr) -> Self {
        let mut name = Self { wire: [0; WIRE_BYTES_MAX], len: 0 };
        match address {
            IpAddr::V4(ip) => {
                ip.octets().into_iter().rev().for_each(|byte| name.push_number(byte));
                name.push(b"\x07in-addr\x04arpa\0");
            }
            IpAddr::V6(ip) => {
                for byte in ip.octets().into_iter().rev() {
                    let digits = [byte & 15, byte >> 4].map(|nibble| HEX[usize::from(nibble)]);
                    name.push(&[1, digits[0], 1, digits[1]]);
                }
                name.push(b"\x03ip6\x04arpa\0");
            }
        }
        name
    }

    pub(crate) fn wire(&self) -> &[u8] {
        &self.wire[..self.len]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.wire[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// A label of one to three digits.
    fn push_number(&mut self, number: u8) {
        let digits = [number / 100, number / 10 % 10, number % 10].map(|digit| b'0' + digit);
        let skipped = usize::from(number < 100) + usize::from(number < 10);
        let length = [3, 2, 1][skipped];
        self.push(&[length]);
        self.push(&digits[skipped..]);
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Reads answers, in memory that is used again for the next.
#[derive(Default)]
pub(crate) struct Pointers {
    message: Vec<u8>,
    names: String,
}

/// Aliases of aliases that are followed in one answer, as in `client/limits.rs`: delegations of parts of a network have
/// one (RFC 2317).
const ALIASES_MAX: usize = 16;

impl Pointers {
    /// What an answer to its question says, which is for the name of an address; `None` if it is garbled.
    pub(crate) fn read(&mut self, message: &[u8]) -> Option<Outcome<'_>> {
        self.message.clear();
        self.message.extend_from_slice(message);
        // The question is in letters of a random case, and other names may point into it. The lengths between them are
        // no letters.
        let asked = self.message.get_mut(HEADER_BYTES..)?;
        let len = plain_name_len(asked)?;
        asked[..len].make_ascii_lowercase();
        let wire = &self.message[HEADER_BYTES..HEADER_BYTES + len];
        let message = Message::from_slice(&self.message).ok()?;
        // It was asked without EDNS: the four bits in the header are all.
        match message.header().rcode() {
            Rcode::NOERROR => {}
            Rcode::NXDOMAIN => return Some(Outcome::NoSuchName),
            other => return Some(Outcome::Failed(OptRcode::from(other))),
        }
        self.names.clear();
        read_names(message, Name::from_slice(wire).ok()?, &mut self.names)?;
        Some(match self.names.as_str() {
            "" => Outcome::NoData,
            names => Outcome::Names(names),
        })
    }
}

/// Appends the names that `asked`, or what it is an alias of, points to.
fn read_names(message: &Message<[u8]>, asked: &Name<[u8]>, names: &mut String) -> Option<()> {
    if push_names(message, asked, names)? {
        return Some(());
    }
    let mut alias: Option<ParsedName<&[u8]>> = alias_of(message, asked)?;
    for _ in 0..ALIASES_MAX {
        let Some(name) = alias else { break };
        if push_names(message, &name, names)? {
            break;
        }
        alias = alias_of(message, &name)?;
    }
    Some(())
}

/// Whether there were any.
fn push_names(
    message: &Message<[u8]>,
    owner: &(impl ToName + ?Sized),
    names: &mut String,
) -> Option<bool> {
    for record in message.answer().ok()? {
        let record = record.ok()?;
        if is_of(&record, owner, Rtype::PTR)
            && let Ok(Some(pointer)) = record.to_record::<Ptr<ParsedName<&[u8]>>>()
        {
            if !names.is_empty() {
                names.push(' ');
            }
            push_name(pointer.data().ptrdname(), names);
        }
    }
    Some(!names.is_empty())
}

/// `Some(None)`, as `?` has it, ends the search.
#[allow(
    clippy::option_option,
    reason = "the outer one is a garbled message, the inner one no alias"
)]
fn alias_of<'a>(
    message: &'a Message<[u8]>,
    owner: &(impl ToName + ?Sized),
) -> Option<Option<ParsedName<&'a [u8]>>> {
    for record in message.answer().ok()? {
        let record = record.ok()?;
        if is_of(&record, owner, Rtype::CNAME)
            && let Ok(Some(alias)) = record.to_record::<Cname<ParsedName<&[u8]>>>()
        {
            return Some(Some(alias.into_data().into_cname()));
        }
    }
    Some(None)
}

fn is_of(record: &ParsedRecord<'_, [u8]>, owner: &(impl ToName + ?Sized), rtype: Rtype) -> bool {
    record.rtype() == rtype && record.owner().name_eq(owner)
}

/// Writes a name without a dot at its end; see [`Outcome::Names`].
fn push_name(name: &ParsedName<&[u8]>, names: &mut String) {
    if name.is_root() {
        return names.push('.');
    }
    for (place, label) in name.iter().filter(|label| !label.is_root()).enumerate() {
        if place > 0 {
            names.push('.');
        }
        push_label(label, names);
    }
}

fn push_label(label: &Label, names: &mut String) {
    let bytes = label.as_slice();
    if let Ok(text) = std::str::from_utf8(bytes)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        return names.push_str(text); // Nearly all are.
    }
    for &byte in bytes {
        match byte {
            b'.' => names.push_str("\\."),
            b'\\' => names.push_str("\\\\"),
            b'"' | b',' | b'(' | b')' | b';' | b'@' | b'$' | b'\'' => push_digits(byte, names),
            b'!'..=b'~' => names.push(char::from(byte)),
            _ => push_digits(byte, names),
        }
    }
}

fn push_digits(byte: u8, names: &mut String) {
    let _ = write!(names, "\\{byte:03}"); // Into a string.
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reverse_name;

    #[test]
    fn the_name_of_an_address_is_the_one_that_is_written_elsewhere() {
        for text in ["0.0.0.0", "1.22.255.100", "10.9.99.199", "2001:db8::567:89ab", "::", "ffff::"]
        {
            let address = text.parse().expect("an address");
            let name = ReverseName::new(address);
            assert_eq!(name.wire(), reverse_name(address).as_slice(), "{text}");
        }
    }
}
