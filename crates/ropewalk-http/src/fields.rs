//! [`Fields`]: the header fields of one message as they stood on the wire.
//!
//! They are kept as the bytes that came, in one buffer that is used again for the next message of the connection.
//! Whoever asks for a field looks through the lines: most programs ask for one or two. A [`HeaderMap`] is made when
//! somebody asks for one.

use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr;

use crate::HttpError;
use crate::limits::HEADERS_CEILING;

/// A head that `httparse` has taken: so its lines are well formed here.
#[derive(Default, Debug)]
pub(crate) struct Fields {
    bytes: Vec<u8>,
    /// Where the lines of fields begin.
    start: u16,
}

/// Where something stands in a head.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// Of `part`, which lies within `whole`.
    pub(crate) fn of(part: &[u8], whole: &[u8]) -> Self {
        let start = part.as_ptr() as usize - whole.as_ptr() as usize;
        Self { start: place(start), end: place(start + part.len()) }
    }

    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start.into()..self.end.into()
    }
}

/// A place in a head, whose length is bound by `HttpLimits::head_bytes`.
fn place(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

impl Fields {
    /// Takes a copy of `head`, whose fields begin at `start`.
    pub(crate) fn set(&mut self, head: &[u8], start: usize) {
        self.bytes.clear();
        self.bytes.extend_from_slice(head);
        self.start = place(start);
    }

    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        &self.bytes[span.range()]
    }

    /// All fields, in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let lines = self.bytes[self.start.into()..].split(|byte| *byte == b'\n');
        lines.filter_map(|line| {
            let colon = memchr(b':', line)?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        })
    }

    /// The value of the first field of that name, in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v)
    }

    /// The same as the `http` crate's map.
    pub(crate) fn to_map(&self) -> HeaderMap {
        map_of(self.iter())
    }

    /// Forgets them, and gives back what a rare long head took.
    pub(crate) fn clear(&mut self, bytes_max: usize) {
        self.bytes.clear();
        if self.bytes.capacity() > bytes_max {
            self.bytes = Vec::new();
        }
    }
}

pub(crate) fn map_of<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        // httparse takes tokens for names and visible bytes for values, as these do.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            map.append(name, value);
        }
    }
    map
}

/// Whether a comma-separated value has `token`, in any case.
pub(crate) fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

/// The fields of a trailer, which ends with an empty line. Those that say how the message is framed or
/// routed have no business there and are left out (RFC 9110 section 6.5.1).
pub(crate) fn parse_trailer(bytes: &[u8]) -> Result<HeaderMap, HttpError> {
    let mut found = [httparse::EMPTY_HEADER; HEADERS_CEILING];
    match httparse::parse_headers(bytes, &mut found) {
        Ok(httparse::Status::Complete((_, fields))) => {
            let allowed = fields.iter().filter(|field| !is_forbidden_in_trailer(field.name));
            Ok(map_of(allowed.map(|field| (field.name.as_bytes(), field.value))))
        }
        _ => Err(HttpError::Trailer),
    }
}

fn is_forbidden_in_trailer(name: &str) -> bool {
    const FORBIDDEN: &[&str] = &[
        "transfer-encoding",
        "content-length",
        "host",
        "connection",
        "trailer",
        "te",
        "upgrade",
        "expect",
        "cookie",
        "set-cookie",
        "authorization",
        "proxy-authorization",
        "content-encoding",
        "content-type",
        "content-range",
        "cache-control",
        "max-forwards",
    ];
    FORBIDDEN.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_a_list_and_not_in_a_word() {
        assert!(has_token(b"keep-alive, Upgrade", b"upgrade"));
        assert!(!has_token(b"upgraded", b"upgrade"));
        assert!(!has_token(b"", b"close"));
    }

    #[test]
    fn a_trailer_cannot_say_how_long_the_message_was() {
        let map = parse_trailer(b"Content-Length: 3\r\nX-Sum: 7\r\n\r\n").unwrap();
        assert_eq!(map.len(), 1);
        assert_eq!(map["x-sum"], "7");
        assert!(parse_trailer(b"no colon\r\n\r\n").is_err());
    }
}
