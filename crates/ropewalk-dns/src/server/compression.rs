//! [`Compression`]: where the names of a message are, so that a later one can point at them (RFC 1035, section 4.1.4).
//!
//! A table of the suffixes written so far, each with a small hash. It is a fixed array: a message whose names do not
//! fit in it is longer than it could be, and no slower.

use super::query::HEADER_BYTES;
use crate::wire_name::{LABELS_MAX, labels, plain_name_len};

/// Suffixes kept. A referral with a dozen servers has some thirty.
const SUFFIXES_MAX: usize = 64;

/// A pointer has 14 bits.
const POINTER_MAX: usize = 0x3FFF;

/// The names of one message. Clear it for each.
pub(crate) struct Compression {
    suffixes: [(u16, u16); SUFFIXES_MAX],
    len: usize,
    knows_question: bool,
}

impl Default for Compression {
    fn default() -> Self {
        Self { suffixes: [(0, 0); SUFFIXES_MAX], len: 0, knows_question: false }
    }
}

impl Compression {
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.knows_question = false;
    }

    /// How much is known, to come back to with [`rewind`](Self::rewind).
    pub(crate) fn mark(&self) -> usize {
        self.len
    }

    /// Forgets what was noted since the mark.
    pub(crate) fn rewind(&mut self, mark: usize) {
        self.len = self.len.min(mark);
    }

    /// Appends `name` to the message that begins at `base` in `out`, as a pointer where it can be. The message has a
    /// header and a question already.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, base: usize, name: &[u8]) {
        if !self.knows_question {
            self.knows_question = true;
            let rest = &out[base + HEADER_BYTES..];
            self.learn(&rest[..plain_name_len(rest).unwrap_or(0)], HEADER_BYTES);
        }
        let mut hashes = [(0u16, 0u16); LABELS_MAX];
        let count = hash_suffixes(name, &mut hashes);
        let mut written = 0;
        for &(hash, at) in &hashes[..count] {
            let suffix = &name[usize::from(at)..];
            if let Some(pointer) = self.find(hash, &out[base..], suffix) {
                out.extend_from_slice(&name[written..usize::from(at)]);
                out.extend_from_slice(&(0xC000 | pointer).to_be_bytes());
                return;
            }
            let upto = usize::from(at) + 1 + usize::from(name[usize::from(at)]);
            self.note(hash, out.len() - base);
            out.extend_from_slice(&name[written..upto]);
            written = upto;
        }
        out.push(0);
    }

    /// Notes the suffixes of a name that stands uncompressed at `offset`.
    fn learn(&mut self, name: &[u8], offset: usize) {
        let mut hashes = [(0, 0); LABELS_MAX];
        let count = hash_suffixes(name, &mut hashes);
        for &(hash, at) in &hashes[..count] {
            self.note(hash, offset + usize::from(at));
        }
    }

    fn note(&mut self, hash: u16, offset: usize) {
        if self.len < SUFFIXES_MAX && offset <= POINTER_MAX {
            self.suffixes[self.len] = (hash, u16::try_from(offset).unwrap_or(0));
            self.len += 1;
        }
    }

    fn find(&self, hash: u16, message: &[u8], suffix: &[u8]) -> Option<u16> {
        let mut found = self.suffixes[..self.len].iter().filter(|known| known.0 == hash);
        found.find(|known| stands_at(message, usize::from(known.1), suffix)).map(|known| known.1)
    }
}

/// Hashes each suffix of `name` but the root, without regard to case, with where in the name it begins.
fn hash_suffixes(name: &[u8], into: &mut [(u16, u16); LABELS_MAX]) -> usize {
    let (mut at, mut count) = (0u16, 0);
    for label in labels(name).take(LABELS_MAX) {
        into[count] = (0, at);
        at += 1 + u16::try_from(label.len()).unwrap_or(0);
        count += 1;
    }
    let mut hash = 0x9DC5_u32;
    for place in into[..count].iter_mut().rev() {
        let start = usize::from(place.1);
        let end = start + 1 + usize::from(name[start]);
        for byte in &name[start..end] {
            hash = (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
        }
        place.0 = u16::try_from(hash >> 16).unwrap_or(0);
    }
    count
}

/// Whether the name that stands at `at`, through pointers that all point backwards, is `name`.
fn stands_at(message: &[u8], mut at: usize, mut name: &[u8]) -> bool {
    loop {
        match message.get(at) {
            Some(&high @ 0xC0..) => {
                let low = message.get(at + 1).copied().unwrap_or(0);
                let target = usize::from(u16::from_be_bytes([high & 0x3F, low]));
                if target >= at {
                    return false;
                }
                at = target;
            }
            Some(0) => return name.first() == Some(&0),
            Some(&len) => {
                let label = 1 + usize::from(len);
                let here = message.get(at..at + label);
                let wanted = name.get(..label);
                match (here, wanted) {
                    (Some(here), Some(wanted)) if here.eq_ignore_ascii_case(wanted) => {
                        at += label;
                        name = &name[label..];
                    }
                    _ => return false,
                }
            }
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &[u8] = b"\x03www\x07Example\x03com\0";

    fn written(names: &[&[u8]]) -> Vec<u8> {
        let mut out = [&[0; 12][..], QUESTION].concat();
        let (mut compression, before) = (Compression::default(), out.len());
        for name in names {
            compression.write(&mut out, 0, name);
        }
        out.split_off(before)
    }

    #[test]
    fn a_name_points_at_the_longest_suffix_that_was_written() {
        assert_eq!(written(&[QUESTION]), b"\xC0\x0C");
        assert_eq!(written(&[b"\x01a\x07exaMple\x03com\0"]), b"\x01a\xC0\x10");
        assert_eq!(written(&[b"\x03com\0", b"\0"]), b"\xC0\x18\0");
        // What was written itself: at 29 there is `b.org`.
        assert_eq!(
            written(&[b"\x01b\x03org\0", b"\x01a\x01b\x03org\0"]),
            b"\x01b\x03org\0\x01a\xC0\x1D"
        );
    }

    #[test]
    fn what_was_taken_back_is_not_pointed_at() {
        let mut out = [&[0; 12][..], QUESTION].concat();
        let mut compression = Compression::default();
        compression.write(&mut out, 0, QUESTION);
        let (mark, len) = (compression.mark(), out.len());
        compression.write(&mut out, 0, b"\x03org\0");
        out.truncate(len);
        compression.rewind(mark);
        compression.write(&mut out, 0, b"\x03org\0");
        assert!(out.ends_with(b"\x03org\0"));
    }

    #[test]
    fn a_pointer_that_does_not_point_backwards_is_no_name() {
        assert!(!stands_at(b"\xC0\x00", 0, b"\x01a\0"));
        assert!(!stands_at(b"\xC0\x05", 0, b"\x01a\0"));
    }
}
