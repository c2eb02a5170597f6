//! [`LineReceiver`]: a protocol that hears lines, and raw bytes where it says so.

use ropewalk_core::{Cx, Failure, Protocol};

use crate::framed::stops;
use crate::{FrameDecoder, LineDecoder};

/// What one connection says and hears, in lines. [`LineReceiver`] makes a [`Protocol`] of it.
///
/// A protocol with stretches of raw bytes (a message of known length after a line) says by
/// [`is_raw`](Self::is_raw) what it wants next; it is asked after each callback.
pub trait LineProtocol: 'static {
    /// As [`Protocol::connection_made`].
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }

    /// A line came, without its delimiter. It may be empty, and need not be UTF-8.
    ///
    /// # Ordering
    /// When this pauses the transport, loses the connection or hands it over, no further line comes, even if
    /// the same chunk held more: they come after `resume_producing`, or go to the next protocol.
    fn line_received(&mut self, cx: &mut Cx<'_>, line: &[u8]);

    /// Whether raw bytes are wanted next, instead of lines. By default never.
    fn is_raw(&self) -> bool {
        false
    }

    /// Raw bytes came, at least one; gives how many of them were used. The others come again: at once if some
    /// were used, else together with more; or, once [`is_raw`](Self::is_raw) is false, as lines.
    ///
    /// # Limits
    /// What is not used is kept, however much it is: who waits for a whole of many bytes uses the parts.
    fn raw_data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) -> usize {
        let _ = cx;
        data.len()
    }

    /// A line is longer than `line_bytes_max`. By default aborts the connection, for that reason; one that is
    /// not lost passes the line over.
    fn line_too_long(&mut self, cx: &mut Cx<'_>, failure: Failure) {
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

/// A [`LineProtocol`] and the decoder that cuts its lines.
pub struct LineReceiver<P> {
    decoder: LineDecoder,
    /// What hears the lines.
    pub protocol: P,
}

impl<P> LineReceiver<P> {
    /// `protocol` hears lines that end with a line feed, with or without a carriage return before it.
    pub fn new(protocol: P) -> Self {
        Self::with_decoder(LineDecoder::new(), protocol)
    }

    /// `protocol` hears the lines that `decoder` cuts.
    pub fn with_decoder(decoder: LineDecoder, protocol: P) -> Self {
        Self { decoder, protocol }
    }
}

/// Whether there is more to be had from a chunk.
#[derive(PartialEq, Eq)]
enum Next {
    More,
    Enough,
}

impl<P: LineProtocol> LineReceiver<P> {
    fn next_line(&mut self, cx: &mut Cx<'_>, data: &mut &[u8]) -> Next {
        match self.decoder.next_frame(data) {
            Ok(None) => return Next::Enough,
            Ok(Some(line)) => self.protocol.line_received(cx, line),
            Err(failure) => {
                self.decoder.skip_line();
                self.protocol.line_too_long(cx, failure);
            }
        }
        Next::More
    }

    fn next_raw(&mut self, cx: &mut Cx<'_>, data: &mut &[u8]) -> Next {
        if self.decoder.held() > 0 {
            // What was not used is shown together with what came after it.
            self.decoder.keep(data);
            *data = &[];
        }
        let raw = self.decoder.raw(data);
        if raw.is_empty() {
            return Next::Enough;
        }
        let len = raw.len();
        let used = self.protocol.raw_data_received(cx, raw).min(len);
        self.decoder.consume_raw(data, used);
        if used == 0 && self.protocol.is_raw() && !stops(cx) {
            // It waits for more.
            self.decoder.keep(data);
            *data = &[];
            return Next::Enough;
        }
        Next::More
    }
}

impl<P: LineProtocol> Protocol for LineReceiver<P> {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.protocol.connection_made(cx);
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, mut data: &[u8]) {
        loop {
            let next = if self.protocol.is_raw() {
                self.next_raw(cx, &mut data)
            } else {
                self.next_line(cx, &mut data)
            };
            if stops(cx) {
                return cx.unread(self.decoder.take_rest(data));
            }
            if next == Next::Enough {
                return;
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
