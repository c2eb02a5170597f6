//! [`Soa`]: the numbers of a zone's SOA record, and the arithmetic of serial numbers.

use std::time::Duration;

use crate::wire_name::plain_name_len;

/// The numbers of a SOA record (RFC 1035, section 3.3.13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Soa {
    /// The version of the zone.
    pub serial: u32,
    /// How often a secondary looks for a new version.
    pub refresh: Duration,
    /// How soon it looks again when that failed.
    pub retry: Duration,
    /// How long it answers without having been able to look.
    pub expire: Duration,
    /// Seconds for which others may keep that something is not there (RFC 2308).
    pub minimum: u32,
}

impl Soa {
    /// Reads them from a record's data; the names in it are whole.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        let rest = &data[plain_name_len(data)?..];
        let rest = &rest[plain_name_len(rest)?..];
        let number = |at: usize| rest.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        let seconds = |at| number(at).map(|seconds| Duration::from_secs(seconds.into()));
        Some(Self {
            serial: number(0)?,
            refresh: seconds(4)?,
            retry: seconds(8)?,
            expire: seconds(12)?,
            minimum: number(16)?,
        })
    }
}

/// Whether the serial number `new` is after `old` (RFC 1982, section 3.2): they are a circle, and half of it is ahead.
/// Those exactly half a circle apart are not.
pub fn is_newer(new: u32, old: u32) -> bool {
    let ahead = new.wrapping_sub(old);
    ahead != 0 && ahead < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_a_circle() {
        assert!(is_newer(1, 0) && is_newer(0, u32::MAX) && is_newer(0x7FFF_FFFF, 0));
        assert!(!is_newer(0, 0) && !is_newer(0, 1) && !is_newer(u32::MAX, 0));
        assert!(!is_newer(0x8000_0000, 0) && !is_newer(0, 0x8000_0000));
    }

    #[test]
    fn data_that_is_too_short_is_no_soa() {
        let data = [b"\0\0".as_slice(), &[0, 0, 0, 7], &[0; 15]].concat();
        assert_eq!(Soa::read(&data), None);
        let soa = Soa::read(&[&data[..], &[9]].concat()).expect("it is whole");
        assert_eq!((soa.serial, soa.minimum), (7, 9));
    }
}
