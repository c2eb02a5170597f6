//! [`FixedDecoder`]: frames that are all of one length.

use std::borrow::Cow;

use ropewalk_core::Failure;

use crate::FrameDecoder;
use crate::carry::Carry;

/// Cuts the stream into frames of the same length, which may be changed between two of them.
///
/// # Example: a header says how long the body is
/// ```
/// use ropewalk_framing::{FixedDecoder, FrameDecoder};
///
/// let mut decoder = FixedDecoder::new(1);
/// let mut chunk = &b"\x05hello"[..];
/// let length = decoder.next_frame(&mut chunk)?.map(|header| usize::from(header[0]));
/// decoder.set_frame_bytes(length.expect("the header is there"));
/// assert_eq!(decoder.next_frame(&mut chunk)?, Some(&b"hello"[..]));
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct FixedDecoder {
    frame_bytes: usize,
    carry: Carry,
}

impl FixedDecoder {
    /// Frames of `frame_bytes` each, which is also the limit on what it holds.
    ///
    /// # Panics
    /// If that is zero: there would be frames without end.
    pub fn new(frame_bytes: usize) -> Self {
        assert!(frame_bytes > 0, "a frame has at least one byte");
        Self { frame_bytes, carry: Carry::default() }
    }

    /// Frames of another length, from the next one on.
    ///
    /// # Panics
    /// If that is zero.
    pub fn set_frame_bytes(&mut self, frame_bytes: usize) {
        assert!(frame_bytes > 0, "a frame has at least one byte");
        self.frame_bytes = frame_bytes;
    }
}

impl FrameDecoder for FixedDecoder {
    fn next_frame<'a, 'c: 'a>(
        &'a mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<&'a [u8]>, Failure> {
        Ok(self.carry.take(chunk, self.frame_bytes))
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
