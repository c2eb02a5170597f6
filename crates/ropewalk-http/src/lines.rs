//! [`HeadEnd`]: finds the end of a head as its bytes come, and insists on CR LF.
//!
//! The grammar itself is `httparse`'s, which is asked once there is a whole head; so a head that comes a byte
//! at a time is looked at once, not once a byte. `httparse` would also take a bare LF for the end of a line.
//! That is one of the ways by which two servers in a row come to see different requests, so it is refused
//! here (RFC 9112 section 2.2 allows both).

use memchr::memchr;

use crate::HttpError;

/// How far the lines of a head have been looked at. Its places are counted from the head's first byte.
#[derive(Default, Clone, Copy, Debug)]
pub(crate) struct HeadEnd {
    /// Before this there is no line end that was not seen.
    seen: u32,
    /// Where the line under way begins.
    line: u32,
    /// Where the head begins: behind the empty lines before it.
    start: u32,
}

/// Empty lines before a request that are ignored: RFC 9112 section 2.2 asks for one at least, and old
/// browsers sent one behind a form.
const LEADING_BYTES_MAX: usize = 8;

impl HeadEnd {
    /// The number of bytes that the head takes, with the empty line behind it, once `bytes` has all of it.
    /// `bytes` begins where it did the last time.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Result<Option<usize>, HttpError> {
        let mut seen = self.seen as usize;
        while let Some(found) = memchr(b'\n', &bytes[seen..]) {
            let feed = seen + found;
            if feed == 0 || bytes[feed - 1] != b'\r' {
                return Err(HttpError::BareLineEnd);
            }
            seen = feed + 1;
            let is_empty = feed - 1 == self.line as usize;
            if is_empty && self.line != self.start {
                return Ok(Some(seen));
            }
            self.line = place(seen);
            if is_empty {
                self.start = self.line;
                if seen > LEADING_BYTES_MAX {
                    return Err(HttpError::RequestLine);
                }
            }
        }
        self.seen = place(bytes.len());
        Ok(None)
    }
}

/// A place in a head. Heads are far shorter than this.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fed a byte at a time.
    fn end_of(bytes: &[u8]) -> Result<Option<usize>, HttpError> {
        let mut end = HeadEnd::default();
        for count in 0..=bytes.len() {
            let found = end.find(&bytes[..count])?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    #[test]
    fn the_end_is_the_first_empty_line_behind_another() {
        assert_eq!(end_of(b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest"), Ok(Some(24)));
        assert_eq!(end_of(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Ok(Some(22)));
        assert_eq!(end_of(b"GET / HTTP/1.1\r\n"), Ok(None));
    }

    #[test]
    fn a_bare_line_feed_is_refused_as_soon_as_it_comes() {
        assert_eq!(end_of(b"GET / HTTP/1.1\n"), Err(HttpError::BareLineEnd));
        assert_eq!(end_of(b"\n"), Err(HttpError::BareLineEnd));
        assert_eq!(end_of(b"GET / HTTP/1.1\r\nA: b\n\r\n"), Err(HttpError::BareLineEnd));
    }

    #[test]
    fn empty_lines_without_end_are_refused() {
        assert_eq!(end_of(&b"\r\n".repeat(9)), Err(HttpError::RequestLine));
    }
}
