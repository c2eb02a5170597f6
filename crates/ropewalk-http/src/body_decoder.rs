//! [`BodyDecoder`]: cuts a message's body out of the bytes that follow its head (RFC 9112 sections 6 and 7).

use http::HeaderMap;

use crate::fields::parse_trailer;
use crate::message_length::MessageLength;
use crate::{HttpError, HttpLimits};

/// Where in a body a message is. It holds nothing of the body itself.
#[derive(Debug)]
pub(crate) struct BodyDecoder {
    state: State,
    /// Bytes of the body that may still come, by `body_bytes_max`.
    allowed: u64,
    chunk_line_bytes_max: usize,
    trailer_bytes_max: usize,
}

/// One state for each place in the grammar of a chunked body; the others need one each.
#[derive(Debug)]
enum State {
    Bytes(u64),
    UntilClose,
    ChunkSize {
        size: u64,
        digits: u8,
    },
    /// Behind a size: its extensions, with the bytes of the line so far.
    ChunkExtension {
        size: u64,
        line: usize,
    },
    ChunkSizeFeed {
        size: u64,
    },
    ChunkData(u64),
    ChunkDataReturn,
    ChunkDataFeed,
    Trailer(Box<Trailer>),
    Done(Option<Box<HeaderMap>>),
}

#[derive(Default, Debug)]
struct Trailer {
    bytes: Vec<u8>,
    /// Where the line under way begins.
    line: usize,
}

/// Hexadecimal digits of a chunk's size: as many as a 64-bit number has.
const SIZE_DIGITS_MAX: u8 = 16;

impl BodyDecoder {
    /// # Errors
    /// `BodyTooLarge` if the head announces more than is allowed.
    pub(crate) fn new(length: MessageLength, limits: &HttpLimits) -> Result<Self, HttpError> {
        let state = match length {
            MessageLength::Bytes(count) if count > limits.body_bytes_max => {
                return Err(HttpError::BodyTooLarge);
            }
            MessageLength::Bytes(0) => State::Done(None),
            MessageLength::Bytes(count) => State::Bytes(count),
            MessageLength::Chunked => State::ChunkSize { size: 0, digits: 0 },
            MessageLength::UntilClose => State::UntilClose,
        };
        Ok(Self {
            state,
            allowed: limits.body_bytes_max,
            chunk_line_bytes_max: limits.chunk_line_bytes_max,
            trailer_bytes_max: limits.trailer_bytes_max,
        })
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }

    /// The bytes still to come, if the head has said how many.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Bytes(left) => Some(left),
            State::Done(_) => Some(0),
            _ => None,
        }
    }

    /// The trailer, once the body is done.
    pub(crate) fn take_trailer(&mut self) -> Option<HeaderMap> {
        match &mut self.state {
            State::Done(trailer) => trailer.take().map(|map| *map),
            _ => None,
        }
    }

    /// The connection has ended: is that the body's end, or is something missing?
    pub(crate) fn connection_ended(&mut self) -> Result<(), HttpError> {
        match self.state {
            State::UntilClose => self.state = State::Done(None),
            State::Done(_) => {}
            _ => return Err(HttpError::Truncated),
        }
        Ok(())
    }

    /// The next piece of the body in `input`, which is advanced past it; `None` if there is none in these
    /// bytes, or no more at all.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, HttpError> {
        while !input.is_empty() {
            match &mut self.state {
                State::Bytes(left) | State::ChunkData(left) => {
                    let piece = take(input, *left);
                    *left -= piece.len() as u64;
                    let is_last = *left == 0;
                    if is_last {
                        self.state = match self.state {
                            State::Bytes(_) => State::Done(None),
                            _ => State::ChunkDataReturn,
                        };
                    }
                    return Ok(Some(piece));
                }
                State::UntilClose => {
                    let piece = take(input, u64::MAX);
                    self.charge(piece.len() as u64)?;
                    return Ok(Some(piece));
                }
                State::Done(_) => return Ok(None),
                State::Trailer(_) => self.trailer_byte(take(input, 1)[0])?,
                _ => self.framing_byte(take(input, 1)[0])?,
            }
        }
        Ok(None)
    }

    /// One byte of what stands between the chunks.
    fn framing_byte(&mut self, byte: u8) -> Result<(), HttpError> {
        self.state = match (&self.state, byte) {
            (&State::ChunkSize { size, digits }, _) if byte.is_ascii_hexdigit() => {
                if digits == SIZE_DIGITS_MAX {
                    return Err(HttpError::Chunk);
                }
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                State::ChunkSize { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (&State::ChunkSize { digits: 0, .. }, _) => return Err(HttpError::Chunk),
            (&State::ChunkSize { size, .. }, b'\r') => State::ChunkSizeFeed { size },
            (&State::ChunkSize { size, digits }, b';' | b' ' | b'\t') => {
                State::ChunkExtension { size, line: usize::from(digits) + 1 }
            }
            (&State::ChunkExtension { size, .. }, b'\r') => State::ChunkSizeFeed { size },
            (&State::ChunkExtension { size, line }, b'\t' | b' '..=b'~' | 0x80..)
                if line < self.chunk_line_bytes_max =>
            {
                State::ChunkExtension { size, line: line + 1 }
            }
            (State::ChunkSizeFeed { size: 0 }, b'\n') => State::Trailer(Box::default()),
            (&State::ChunkSizeFeed { size }, b'\n') => {
                self.charge(size)?;
                State::ChunkData(size)
            }
            (State::ChunkDataReturn, b'\r') => State::ChunkDataFeed,
            (State::ChunkDataFeed, b'\n') => State::ChunkSize { size: 0, digits: 0 },
            _ => return Err(HttpError::Chunk),
        };
        Ok(())
    }

    fn charge(&mut self, bytes: u64) -> Result<(), HttpError> {
        self.allowed = self.allowed.checked_sub(bytes).ok_or(HttpError::BodyTooLarge)?;
        Ok(())
    }

    /// One byte of the lines behind the last chunk, which end with an empty one.
    fn trailer_byte(&mut self, byte: u8) -> Result<(), HttpError> {
        let State::Trailer(trailer) = &mut self.state else { return Ok(()) };
        if trailer.bytes.len() == self.trailer_bytes_max {
            return Err(HttpError::Trailer);
        }
        trailer.bytes.push(byte);
        if byte != b'\n' {
            return Ok(());
        }
        let line = &trailer.bytes[trailer.line..];
        if !line.ends_with(b"\r\n") {
            return Err(HttpError::Trailer);
        }
        let is_end = line.len() == 2;
        trailer.line = trailer.bytes.len();
        if is_end {
            let has_fields = trailer.bytes.len() > 2;
            let map = has_fields.then(|| parse_trailer(&trailer.bytes)).transpose()?;
            self.state = State::Done(map.map(Box::new));
        }
        Ok(())
    }
}

fn take<'a>(input: &mut &'a [u8], at_most: u64) -> &'a [u8] {
    let count = usize::try_from(at_most).map_or(input.len(), |most| most.min(input.len()));
    let (piece, rest) = input.split_at(count);
    *input = rest;
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(
        length: MessageLength,
        input: &[u8],
        piece: usize,
    ) -> Result<(Vec<u8>, bool), HttpError> {
        let limits = HttpLimits { body_bytes_max: 1 << 20, ..HttpLimits::default() };
        let mut decoder = BodyDecoder::new(length, &limits)?;
        let mut body = Vec::new();
        for mut piece in input.chunks(piece) {
            while let Some(data) = decoder.next(&mut piece)? {
                body.extend_from_slice(data);
            }
        }
        Ok((body, decoder.is_done()))
    }

    fn chunked(input: &str) -> Result<(Vec<u8>, bool), HttpError> {
        let whole = decode(MessageLength::Chunked, input.as_bytes(), usize::MAX);
        assert_eq!(whole, decode(MessageLength::Chunked, input.as_bytes(), 1), "{input:?}");
        whole
    }

    #[test]
    fn chunks_are_joined_and_what_is_behind_them_is_left() {
        assert_eq!(
            chunked("3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\n\r\n"),
            Ok((b"abcde".into(), true))
        );
        assert_eq!(chunked("A\r\n0123456789\r\n0\r\nX-A: b\r\n\r\n").unwrap().0.len(), 10);
        assert_eq!(chunked("3\r\nab"), Ok((b"ab".into(), false)));
    }

    #[test]
    fn malformed_chunks_are_refused() {
        for bad in [
            "\r\nabc",
            "x\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\na\r\n",
            "3\nabc\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "3\r\nabc\r0\r\n",
            "3;a\nb\r\nabc\r\n",
            "3;a\rb\r\nabc\r\n",
            "00000000000000003\r\nabc\r\n",
            "FFFFFFFFFFFFFFFF1\r\n",
            "0\r\nX: y\n\r\n",
            "0\r\nno colon\r\n\r\n",
        ] {
            assert!(chunked(bad).is_err(), "{bad:?}");
        }
        let long = format!("1;{}\r\na\r\n", "x".repeat(300));
        assert_eq!(chunked(&long), Err(HttpError::Chunk));
    }

    #[test]
    fn limits_hold_for_every_length() {
        assert_eq!(chunked("FFFFFFFF\r\n"), Err(HttpError::BodyTooLarge));
        let announced = decode(MessageLength::Bytes(1 << 30), b"", 1);
        assert_eq!(announced, Err(HttpError::BodyTooLarge));
        let endless = vec![0; (1 << 20) + 1];
        let streamed = decode(MessageLength::UntilClose, &endless, 1000);
        assert_eq!(streamed, Err(HttpError::BodyTooLarge));
    }

    #[test]
    fn a_trailer_is_kept_for_whoever_asks() {
        let mut decoder = BodyDecoder::new(MessageLength::Chunked, &HttpLimits::default()).unwrap();
        let mut input = &b"1\r\na\r\n0\r\nX-Sum: 7\r\n\r\nnext"[..];
        while decoder.next(&mut input).unwrap().is_some() {}
        assert_eq!(input, b"next");
        assert_eq!(decoder.take_trailer().unwrap()["x-sum"], "7");
    }
}
