//! [`Reply`]: the answer to one request as it is written: its status, its fields, and how its body is framed.

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, Method, StatusCode, Version};
use ropewalk_core::Time;

use crate::date::DateLine;
use crate::encode::{put_chunk_line, put_decimal, put_field, put_last_chunk, put_status_line};
use crate::fields::has_token;
use crate::message_length::parse_decimal;

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// The fields that were set, as they will be on the wire.
    lines: Vec<u8>,
    has_date: bool,
    pub(crate) closes: bool,
    pub(crate) stage: Stage,
    /// Bytes of the body that were written, for the log.
    pub(crate) body_bytes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    Unsent,
    /// So is this, and a field has said how long the body will be.
    Declared(u64),
    /// The head is written, and so many bytes are left of what it announced.
    Length(u64),
    Chunked,
    /// To a client of HTTP/1.0: the end of the connection is the end of the body.
    UntilClose,
    /// There is no body, whatever is written: to `HEAD`, or with 204 and 304.
    Nothing,
    Finished,
}

/// What the head of an answer depends on, beside the answer.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) version: Version,
    pub(crate) date: &'a DateLine,
    pub(crate) now: Time,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: StatusCode::OK,
            lines: Vec::new(),
            has_date: false,
            closes: false,
            stage: Stage::Unsent,
            body_bytes: 0,
        }
    }
}

impl Reply {
    /// Makes it fit for the next request, keeping what it has allocated up to a bound.
    pub(crate) fn clear(&mut self, bytes_max: usize) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        lines.shrink_to(bytes_max);
        *self = Self { lines, ..Self::default() };
    }

    /// Gives back what it has allocated and has no use for yet.
    pub(crate) fn shrink(&mut self) {
        self.lines.shrink_to_fit();
    }

    pub(crate) fn is_unsent(&self) -> bool {
        matches!(self.stage, Stage::Unsent | Stage::Declared(_))
    }

    /// Adds a field. Those that frame the message are heeded, not copied.
    pub(crate) fn append(&mut self, name: &HeaderName, value: &[u8]) {
        if *name == CONTENT_LENGTH {
            self.declare(parse_decimal(value));
        } else if *name == CONNECTION {
            self.closes |= has_token(value, b"close");
        } else if *name != TRANSFER_ENCODING {
            self.has_date |= *name == DATE;
            put_field(&mut self.lines, name, value);
        }
    }

    /// The length that was set as a field.
    pub(crate) fn declared(&self) -> Option<u64> {
        if let Stage::Declared(length) = self.stage { Some(length) } else { None }
    }

    fn declare(&mut self, length: Option<u64>) {
        if self.is_unsent() {
            self.stage = length.map_or(Stage::Unsent, Stage::Declared);
        }
    }

    /// How long the body will be, unless a field has said so.
    pub(crate) fn announce(&mut self, length: u64) {
        if self.stage == Stage::Unsent {
            self.stage = Stage::Declared(length);
        }
    }

    /// Takes out every field of that name.
    pub(crate) fn remove(&mut self, name: &HeaderName) {
        if *name == CONTENT_LENGTH {
            self.declare(None);
        }
        if self.lines.is_empty() {
            return;
        }
        let is_it = |line: &[u8]| {
            let found = line.split(|byte| *byte == b':').next().unwrap_or_default();
            found.eq_ignore_ascii_case(name.as_str().as_bytes())
        };
        let lines = std::mem::take(&mut self.lines);
        for line in lines.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_it(line)) {
            self.lines.extend_from_slice(line);
        }
        self.has_date &= *name != DATE;
    }

    /// The value of the first field of that name that was set.
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&[u8]> {
        let mut lines = self.lines.split(|byte| *byte == b'\n');
        lines.find_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let is_it = line[..colon].eq_ignore_ascii_case(name.as_str().as_bytes());
            is_it.then(|| line[colon + 1..].trim_ascii())
        })
    }

    /// Appends the head; `announced` is the length of the body, if it is known.
    pub(crate) fn put_head(
        &mut self,
        out: &mut Vec<u8>,
        asked: &Asked<'_>,
        announced: Option<u64>,
    ) {
        put_status_line(out, self.status);
        if !self.has_date {
            asked.date.put(out, asked.now);
        }
        out.extend_from_slice(&self.lines);
        self.stage = self.put_framing(out, asked, announced);
        if self.closes {
            out.extend_from_slice(b"Connection: close\r\n");
        } else if asked.version == Version::HTTP_10 {
            out.extend_from_slice(b"Connection: keep-alive\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Writes no head, and ends the body with the connection.
    pub(crate) fn begin_raw(&mut self) {
        self.stage = Stage::UntilClose;
        self.closes = true;
    }

    /// Appends the head behind which the connection is another protocol's: no body, and no word on how long it
    /// is (RFC 9110 sections 9.3.6 and 15.2.2).
    pub(crate) fn put_switch(&mut self, out: &mut Vec<u8>, asked: &Asked<'_>) {
        put_status_line(out, self.status);
        asked.date.put(out, asked.now);
        out.extend_from_slice(&self.lines);
        if self.status == StatusCode::SWITCHING_PROTOCOLS {
            out.extend_from_slice(b"Connection: Upgrade\r\n");
        }
        out.extend_from_slice(b"\r\n");
        self.stage = Stage::Finished;
    }

    /// RFC 9112 section 6.3, from the sender's side.
    fn put_framing(
        &mut self,
        out: &mut Vec<u8>,
        asked: &Asked<'_>,
        announced: Option<u64>,
    ) -> Stage {
        if self.status == StatusCode::NO_CONTENT || self.status.is_informational() {
            return Stage::Nothing;
        }
        let is_not_modified = self.status == StatusCode::NOT_MODIFIED;
        let length = if is_not_modified { self.declared() } else { self.declared().or(announced) };
        let has_no_body = is_not_modified || *asked.method == Method::HEAD;
        if let Some(length) = length {
            out.extend_from_slice(b"Content-Length: ");
            put_decimal(out, length);
            out.extend_from_slice(b"\r\n");
            return if has_no_body { Stage::Nothing } else { Stage::Length(length) };
        }
        if has_no_body {
            return Stage::Nothing;
        }
        if asked.version == Version::HTTP_10 {
            self.closes = true;
            return Stage::UntilClose;
        }
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        Stage::Chunked
    }

    /// What stands before and behind the next `count` bytes of the body, and how many of them go out: not
    /// more than was announced.
    pub(crate) fn frame(&mut self, out: &mut Vec<u8>, count: usize) -> (usize, &'static [u8]) {
        let (count, end): (_, &[u8]) = match &mut self.stage {
            Stage::Length(left) => {
                let fits = usize::try_from(*left).map_or(count, |left| left.min(count));
                *left -= fits as u64;
                (fits, b"")
            }
            Stage::Chunked if count > 0 => {
                put_chunk_line(out, count);
                (count, b"\r\n")
            }
            Stage::UntilClose => (count, b""),
            _ => (0, b""),
        };
        self.body_bytes += count as u64;
        (count, end)
    }

    /// Ends the body; gives whether it is as long as it was announced.
    pub(crate) fn put_end(&mut self, out: &mut Vec<u8>, trailers: Option<&HeaderMap>) -> bool {
        let stage = std::mem::replace(&mut self.stage, Stage::Finished);
        if stage == Stage::Chunked {
            put_last_chunk(out, trailers);
        }
        !matches!(stage, Stage::Length(left) if left > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_for_the_next_answer_is_given_back_when_that_waits() {
        let mut reply = Reply::default();
        reply.append(&http::header::ETAG, b"x");
        reply.clear(2048);
        assert!(reply.lines.capacity() > 0);
        reply.shrink();
        assert_eq!(reply.lines.capacity(), 0);
    }
}
