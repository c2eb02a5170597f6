//! [`LengthPrefixDecoder`]: frames that begin with their length, as Twisted's `Int32StringReceiver` reads them.

use std::borrow::Cow;

use ropewalk_core::{Failure, FailureKind};

use crate::FrameDecoder;
use crate::carry::Carry;

/// Reads a length of 8, 16 or 32 bits, big-endian, and then that many bytes. The length does not count itself.
///
/// # Example
/// ```
/// use ropewalk_framing::{FrameDecoder, LengthPrefixDecoder, PrefixWidth};
///
/// let mut decoder = LengthPrefixDecoder::new(PrefixWidth::U16);
/// let mut sent = Vec::new();
/// decoder.encode(b"hello", &mut sent)?;
/// assert_eq!(sent, b"\x00\x05hello");
/// assert_eq!(decoder.next_frame(&mut &sent[..])?, Some(&b"hello"[..]));
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct LengthPrefixDecoder {
    width: PrefixWidth,
    /// The longest frame that is taken, without its prefix. 99,999 bytes by default, as in Twisted, so that a
    /// peer that speaks another protocol (`GET ` is 1.2 GB) is found out at its first word.
    pub frame_bytes_max: usize,
    carry: Carry,
}

/// How wide the length before a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixWidth {
    /// One byte: frames of up to 255 bytes.
    U8,
    /// Two bytes: frames of up to 65,535 bytes.
    U16,
    /// Four bytes: frames of up to 4 GiB.
    U32,
}

impl PrefixWidth {
    fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 => 4,
        }
    }

    fn holds(self, length: u32) -> bool {
        match self {
            Self::U8 => length <= u32::from(u8::MAX),
            Self::U16 => length <= u32::from(u16::MAX),
            Self::U32 => true,
        }
    }
}

impl LengthPrefixDecoder {
    /// Frames with a prefix of that width and the default limit.
    pub fn new(width: PrefixWidth) -> Self {
        Self { width, frame_bytes_max: 99_999, carry: Carry::default() }
    }

    /// Appends `frame` with its prefix.
    ///
    /// # Errors
    /// The frame is longer than the prefix can say; nothing was appended. The peer's limit may be lower.
    pub fn encode(&self, frame: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        let length = u32::try_from(frame.len()).ok().filter(|&length| self.width.holds(length));
        let Some(length) = length else {
            let message = "the frame is too long for its length prefix";
            return Err(Failure::new(FailureKind::Limit, message));
        };
        out.extend_from_slice(&length.to_be_bytes()[4 - self.width.bytes()..]);
        out.extend_from_slice(frame);
        Ok(())
    }
}

impl FrameDecoder for LengthPrefixDecoder {
    fn next_frame<'a, 'c: 'a>(
        &'a mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<&'a [u8]>, Failure> {
        let width = self.width.bytes();
        let Some(prefix) = self.carry.peek(chunk, width) else { return Ok(None) };
        let length = prefix.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        if length > self.frame_bytes_max {
            let message =
                format!("a frame of {length} bytes; {} are allowed", self.frame_bytes_max);
            return Err(Failure::new(FailureKind::Limit, message));
        }
        Ok(self.carry.take(chunk, length.saturating_add(width)).map(|frame| &frame[width..]))
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
