//! [`FrameDecoder`]: what all decoders of this crate have in common.

use std::borrow::Cow;

use ropewalk_core::Failure;

/// Cuts a byte stream into frames.
///
/// # Limits
/// Each decoder has a named limit on the length of one frame, and never holds more than that, the frame's
/// header or delimiter, and what it was given to [`keep`](Self::keep). When nothing is held it owns no buffer:
/// the one that a frame was borrowed from is freed by the next call.
///
/// # Example: another protocol takes over in the middle of a chunk
/// ```
/// use ropewalk_framing::{FrameDecoder, LineDecoder};
///
/// let mut decoder = LineDecoder::new();
/// let mut chunk = &b"UPGRADE\r\n\x00\x01binary"[..];
/// let line = decoder.next_frame(&mut chunk)?;
/// assert_eq!(line, Some(&b"UPGRADE"[..]));
/// assert_eq!(&*decoder.into_rest(chunk), b"\x00\x01binary");
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
pub trait FrameDecoder {
    /// The next frame, without what delimits it; `None` when the next chunk is needed.
    ///
    /// `chunk` is moved on past the bytes that were taken, and is empty after `None`. Call it with the same
    /// chunk until then. It may be called with an empty chunk, to get at frames among the kept bytes.
    ///
    /// # Ordering
    /// The same frames and the same failure come in the same order, however the stream was cut into chunks.
    ///
    /// # Errors
    /// Of kind [`Limit`](ropewalk_core::FailureKind::Limit) for a frame that is longer than allowed, and
    /// [`Peer`](ropewalk_core::FailureKind::Peer) for one that breaks the format. Where the next frame begins
    /// is then unknown: the connection is to be lost, unless the decoder has a way to go on.
    fn next_frame<'a, 'c: 'a>(
        &'a mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<&'a [u8]>, Failure>;

    /// Keeps the rest of a chunk for later: for who must stop in the middle of one and has nowhere to leave it.
    fn keep(&mut self, rest: &[u8]);

    /// How many bytes it holds that are in no frame yet.
    fn held(&self) -> usize;

    /// The bytes that no frame has taken, in order, for whatever reads the stream from here on.
    fn into_rest(self, chunk: &[u8]) -> Cow<'_, [u8]>
    where
        Self: Sized;
}
