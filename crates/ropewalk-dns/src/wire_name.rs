//! [`WireName`]: a domain name in wire form, in place, and in small letters for looking things up.
//!
//! A name on the wire is labels, each with its length before it, and an empty label at the end (RFC 1035, section
//! 3.1). A length is 63 at most and the capitals begin at 65, so a whole name can be put in small letters without
//! looking at where its labels are.

use std::fmt::{self, Display};

/// The longest name, with all lengths (RFC 1035, section 3.1).
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// The longest label.
const LABEL_BYTES_MAX: u8 = 63;

/// The labels of the longest name, with the empty one: each takes two bytes at least.
pub(crate) const LABELS_MAX: usize = 128;

/// A name in wire form and small letters, in its own 256 bytes: nothing is allocated for it.
#[derive(Clone, Copy)]
pub(crate) struct WireName {
    bytes: [u8; NAME_BYTES_MAX],
    len: u8,
}

impl WireName {
    /// The name in small letters; `name` is in wire form.
    pub(crate) fn lowercase(name: &[u8]) -> Self {
        let mut bytes = [0; NAME_BYTES_MAX];
        let len = name.len().min(NAME_BYTES_MAX);
        for (to, from) in bytes.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        Self { bytes, len: u8::try_from(len).unwrap_or(u8::MAX) }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for WireName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&Shown(self.as_slice()), f)
    }
}

/// How long the name is that begins `bytes`, if a whole one without a pointer does.
pub(crate) fn plain_name_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let label = *bytes.get(at)?;
        if label > LABEL_BYTES_MAX {
            return None;
        }
        at += 1 + usize::from(label);
        if at > NAME_BYTES_MAX {
            return None;
        }
        if label == 0 {
            return Some(at);
        }
    }
}

/// Where the name that begins at `at` ends: after its empty label, or after its first pointer.
pub(crate) fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            label @ 1..=LABEL_BYTES_MAX => at += 1 + usize::from(label),
            0xC0.. => return (at + 2 <= message.len()).then_some(at + 2),
            _ => return None,
        }
    }
}

/// The name without its first label; `None` for the root.
pub(crate) fn parent(name: &[u8]) -> Option<&[u8]> {
    match name.first() {
        None | Some(0) => None,
        Some(&label) => name.get(1 + usize::from(label)..),
    }
}

/// The labels of a name, without the empty one.
pub(crate) fn labels(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let (&len, after) = rest.split_first().filter(|(len, _)| **len > 0)?;
        let (label, after) = after.split_at_checked(usize::from(len))?;
        rest = after;
        Some(label)
    })
}

/// How many labels a name has, without the empty one.
pub(crate) fn label_count(name: &[u8]) -> usize {
    labels(name).count()
}

/// Whether `name` is `ancestor` or below it; both are in the same letters.
pub(crate) fn is_at_or_below(name: &[u8], ancestor: &[u8]) -> bool {
    let Some(above) = name.len().checked_sub(ancestor.len()) else { return false };
    name[above..] == *ancestor && begins_a_label(name, above)
}

fn begins_a_label(name: &[u8], place: usize) -> bool {
    let mut at = 0;
    while at < place {
        match name.get(at) {
            Some(&label) if label > 0 => at += 1 + usize::from(label),
            _ => return false,
        }
    }
    at == place
}

/// A key that sorts as names do (RFC 4034, section 6.1): by their labels from the root on, shorter first.
///
/// A label ends with a zero; the zeros and ones in it are written as two bytes, so that none is taken for an end.
pub(crate) fn canonical_key(name: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = labels(name).collect();
    parts.reverse();
    let mut key = Vec::with_capacity(name.len() + 1);
    for label in parts {
        for &byte in label {
            match byte.to_ascii_lowercase() {
                byte @ (0 | 1) => key.extend([1, byte + 1]),
                byte => key.push(byte),
            }
        }
        key.push(0);
    }
    key
}

/// A name as people write it: `example.com.`, with what is no plain text as `\DDD` (RFC 1035, section 5.1).
pub(crate) struct Shown<'a>(pub(crate) &'a [u8]);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_root = true;
        for label in labels(self.0) {
            is_root = false;
            for &byte in label {
                match byte {
                    b'.' | b'\\' | b'"' | b';' | b'@' | b'$' | b'(' | b')' => {
                        write!(f, "\\{}", char::from(byte))?;
                    }
                    b'!'..=b'~' => write!(f, "{}", char::from(byte))?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
            f.write_str(".")?;
        }
        if is_root { f.write_str(".") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_pointer_or_without_an_end_is_not_plain() {
        assert_eq!(plain_name_len(b"\x03www\x02de\x00rest"), Some(8));
        assert_eq!(plain_name_len(b"\x03www\xC0\x0C"), None);
        assert_eq!(plain_name_len(b"\x03www"), None);
        let long = [[63; 64].as_slice(); 4].concat();
        assert_eq!(plain_name_len(&[&long[..], b"\0"].concat()), None);
    }

    #[test]
    fn the_end_of_a_name_is_after_its_first_pointer() {
        assert_eq!(skip_name(b"\x03www\xC0\x0C..", 0), Some(6));
        assert_eq!(skip_name(b"\x03www\xC0", 0), None);
        assert_eq!(skip_name(b"\x03www\x80\x00", 0), None);
    }

    #[test]
    fn a_name_is_below_another_by_whole_labels() {
        assert!(is_at_or_below(b"\x01a\x02de\0", b"\x02de\0"));
        assert!(is_at_or_below(b"\x02de\0", b"\0"));
        assert!(!is_at_or_below(b"\x05x\x02\x02de\0", b"\x02\x02de\0"));
        assert!(!is_at_or_below(b"\x04a\x02de\0", b"\x02de\0"));
    }

    #[test]
    fn names_sort_as_the_rfc_has_them() {
        // RFC 4034, section 6.1.
        let sorted: [&[u8]; 6] = [
            b"\x07example\0",
            b"\x01a\x07example\0",
            b"\x08yljkjljk\x01a\x07example\0",
            b"\x01Z\x01a\x07example\0",
            b"\x01\x01\x01z\x07example\0",
            b"\x01\xC8\x01z\x07example\0",
        ];
        assert!(sorted.map(canonical_key).is_sorted());
    }

    #[test]
    fn a_name_is_shown_as_people_write_it() {
        assert_eq!(Shown(b"\x03w.w\x02\x00d\0").to_string(), "w\\.w.\\000d.");
        assert_eq!(Shown(b"\0").to_string(), ".");
    }
}
