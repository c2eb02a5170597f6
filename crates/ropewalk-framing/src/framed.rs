//! [`Framed`]: a protocol that hears frames instead of bytes.

use ropewalk_core::{Cx, Failure, Protocol};

use crate::FrameDecoder;

/// What one connection says and hears, in frames. [`Framed`] makes a [`Protocol`] of it.
///
/// The callbacks are those of [`Protocol`], but for [`frame_received`](Self::frame_received) in the place of
/// `data_received`.
pub trait FrameProtocol: 'static {
    /// As [`Protocol::connection_made`].
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }

    /// A frame came, without what delimits it.
    ///
    /// # Ordering
    /// When this pauses the transport, loses the connection or hands it over, no further frame comes, even
    /// if the same chunk held more: they come after `resume_producing`, or go to the next protocol.
    fn frame_received(&mut self, cx: &mut Cx<'_>, frame: &[u8]);

    /// The peer broke the format, or a limit. By default aborts the connection, for that reason.
    fn framing_failed(&mut self, cx: &mut Cx<'_>, failure: Failure) {
        cx.transport().abort_with(failure);
    }

    /// As [`Protocol::read_connection_lost`].
    fn read_connection_lost(&mut self, cx: &mut Cx<'_>) {
        cx.transport().lose_connection();
    }

    /// As [`Protocol::connection_lost`].
    fn connection_lost(&mut self, cx: &mut Cx<'_>, reason: Failure) {
        let _ = (cx, reason);
    }
}

/// A [`FrameProtocol`] and the decoder that cuts its frames.
///
/// # Example: a server of netstrings
/// ```
/// use ropewalk_core::Cx;
/// use ropewalk_framing::{FrameProtocol, Framed, NetstringDecoder};
///
/// struct Shout;
///
/// impl FrameProtocol for Shout {
///     fn frame_received(&mut self, cx: &mut Cx<'_>, frame: &[u8]) {
///         let mut answer = Vec::new();
///         NetstringDecoder::encode(&frame.to_ascii_uppercase(), &mut answer);
///         cx.transport().write(&answer);
///     }
/// }
///
/// let factory = || Framed::new(NetstringDecoder::new(), Shout);
/// # let _ = factory();
/// ```
pub struct Framed<D, P> {
    decoder: D,
    /// What hears the frames.
    pub protocol: P,
}

impl<D, P> Framed<D, P> {
    /// `protocol` hears the frames that `decoder` cuts.
    pub fn new(decoder: D, protocol: P) -> Self {
        Self { decoder, protocol }
    }
}

impl<D: FrameDecoder + 'static, P: FrameProtocol> Protocol for Framed<D, P> {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.protocol.connection_made(cx);
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, mut data: &[u8]) {
        loop {
            match self.decoder.next_frame(&mut data) {
                Ok(Some(frame)) => self.protocol.frame_received(cx, frame),
                Ok(None) => return,
                Err(failure) => return self.protocol.framing_failed(cx, failure),
            }
            if stops(cx) {
                return cx.unread(data.to_vec());
            }
        }
    }

    fn read_connection_lost(&mut self, cx: &mut Cx<'_>) {
        self.protocol.read_connection_lost(cx);
    }

    fn connection_lost(&mut self, cx: &mut Cx<'_>, reason: Failure) {
        self.protocol.connection_lost(cx, reason);
    }
}

/// Whether the rest of a chunk is not for this protocol, or not now.
pub(crate) fn stops(cx: &Cx<'_>) -> bool {
    cx.is_handed_over() || !cx.transport().is_receiving()
}
