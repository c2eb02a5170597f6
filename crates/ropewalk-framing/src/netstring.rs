//! [`NetstringDecoder`]: `5:hello,`. See <https://cr.yp.to/proto/netstrings.txt>.

use std::borrow::Cow;
use std::io::Write;

use ropewalk_core::{Failure, FailureKind};

use crate::FrameDecoder;
use crate::carry::Carry;

/// Reads netstrings: a decimal length, a colon, that many bytes, a comma.
///
/// # Example
/// ```
/// use ropewalk_framing::{FrameDecoder, NetstringDecoder};
///
/// let mut sent = Vec::new();
/// NetstringDecoder::encode(b"hello", &mut sent);
/// assert_eq!(sent, b"5:hello,");
/// assert_eq!(NetstringDecoder::new().next_frame(&mut &sent[..])?, Some(&b"hello"[..]));
/// assert!(NetstringDecoder::new().next_frame(&mut &b"05:hello,"[..]).is_err());
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct NetstringDecoder {
    /// The longest string that is taken. 99,999 bytes by default, as in Twisted.
    pub frame_bytes_max: usize,
    carry: Carry,
}

impl NetstringDecoder {
    /// Netstrings up to the default limit.
    pub fn new() -> Self {
        Self { frame_bytes_max: 99_999, carry: Carry::default() }
    }

    /// Appends `frame` as a netstring.
    pub fn encode(frame: &[u8], out: &mut Vec<u8>) {
        let _ = write!(out, "{}:", frame.len()); // Writing to a Vec cannot fail.
        out.extend_from_slice(frame);
        out.push(b',');
    }

    /// The length that comes next, and how many bytes it takes with its colon.
    fn peek_length(&mut self, chunk: &mut &[u8]) -> Result<Option<(usize, usize)>, Failure> {
        let mut length: usize = 0;
        for count in 1.. {
            let Some(header) = self.carry.peek(chunk, count) else { return Ok(None) };
            match header[count - 1] {
                b':' if count > 1 => return Ok(Some((length, count))),
                // "Extra zeros at the front are prohibited."
                b'0'..=b'9' if count > 1 && header[0] == b'0' => break,
                digit @ b'0'..=b'9' => {
                    length = length.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
                }
                _ => break,
            }
            if length > self.frame_bytes_max {
                let message = format!("a netstring of over {} bytes", self.frame_bytes_max);
                return Err(Failure::new(FailureKind::Limit, message));
            }
        }
        Err(Failure::new(FailureKind::Peer, "a netstring whose length is not a number"))
    }
}

impl FrameDecoder for NetstringDecoder {
    fn next_frame<'a, 'c: 'a>(
        &'a mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<&'a [u8]>, Failure> {
        let Some((length, header)) = self.peek_length(chunk)? else { return Ok(None) };
        let total = length.saturating_add(header + 1);
        match self.carry.peek(chunk, total) {
            None => return Ok(None),
            Some([.., b',']) => {}
            Some(_) => {
                return Err(Failure::new(FailureKind::Peer, "a netstring without its comma"));
            }
        }
        Ok(self.carry.take(chunk, total).map(|frame| &frame[header..total - 1]))
    }

    fn keep(&mut self, rest: &[u8]) {
        self.carry.keep(rest);
    }

    fn held(&self) -> usize {
        self.carry.len()
    }

    fn into_rest(self, chunk: &[u8]) -> Cow<'_, [u8]> {
        self.carry.into_rest(chunk)
    }
}

impl Default for NetstringDecoder {
    fn default() -> Self {
        Self::new()
    }
}
