//! Ranges of bytes (RFC 9110 section 14).

use std::ops::Range;

/// What a `Range` field asks of a content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// All of it: there is no `Range`, it is malformed, or it is in another unit.
    Whole,
    /// These, none of them empty.
    Parts(Vec<Range<u64>>),
    /// Nothing that is there: 416.
    Nothing,
}

/// Ranges of one request; with more, or with overlapping ones, the whole is sent: a request for many small parts
/// costs the server more than the client (RFC 9110 section 14.2).
const RANGES_MAX: usize = 16;

/// Reads the value of `Range` for a content of `len` bytes.
pub(crate) fn parse(value: &str, len: u64) -> Wanted {
    if len == 0 {
        return Wanted::Whole; // As Go has it: some clients send a range with everything.
    }
    let Some(list) = value.trim().strip_prefix("bytes=") else { return Wanted::Whole };
    let mut parts = Vec::new();
    for spec in list.split(',').map(str::trim).filter(|spec| !spec.is_empty()) {
        match parse_one(spec, len) {
            Err(()) => return Wanted::Whole,
            Ok(None) => {}
            Ok(Some(range)) => parts.push(range),
        }
        if parts.len() > RANGES_MAX {
            return Wanted::Whole;
        }
    }
    if parts.is_empty() {
        return Wanted::Nothing;
    }
    if overlap(&parts) { Wanted::Whole } else { Wanted::Parts(parts) }
}

fn parse_one(spec: &str, len: u64) -> Result<Option<Range<u64>>, ()> {
    let (first, last) = spec.split_once('-').ok_or(())?;
    let number = |text: &str| match text {
        "" => Ok(None),
        // A number that does not fit lies behind every end.
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => Err(()),
    };
    let range = match (number(first)?, number(last)?) {
        (None, None) => return Err(()),
        (None, Some(suffix)) => len.saturating_sub(suffix)..len,
        (Some(first), Some(last)) if last < first => return Err(()),
        (Some(first), last) => first..last.map_or(len, |last| last.saturating_add(1)).min(len),
    };
    Ok((range.start < range.end).then_some(range))
}

fn overlap(parts: &[Range<u64>]) -> bool {
    let mut sorted: Vec<&Range<u64>> = parts.iter().collect();
    sorted.sort_by_key(|range| range.start);
    sorted.windows(2).any(|pair| pair[1].start < pair[0].end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "one range is what is meant")]
    fn ranges_are_read_as_the_rfc_has_them() {
        for (value, wanted) in [
            ("bytes=0-4", Wanted::Parts(vec![0..5])),
            ("bytes=5-", Wanted::Parts(vec![5..10])),
            ("bytes=-3", Wanted::Parts(vec![7..10])),
            ("bytes=-30", Wanted::Parts(vec![0..10])),
            ("bytes=8-99", Wanted::Parts(vec![8..10])),
            ("bytes=0-0, 9-9", Wanted::Parts(vec![0..1, 9..10])),
            ("bytes=0-0,20-30", Wanted::Parts(vec![0..1])),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=99999999999999999999-", Wanted::Nothing),
            ("bytes=0-5,3-8", Wanted::Whole),
            ("bytes=4-2", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=1", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
            ("bytes", Wanted::Whole),
        ] {
            assert_eq!(parse(value, 10), wanted, "{value}");
        }
        let many: Vec<String> = (0..20).map(|n| format!("{}-{}", n * 2, n * 2)).collect();
        assert_eq!(parse(&format!("bytes={}", many.join(",")), 100), Wanted::Whole);
    }
}
