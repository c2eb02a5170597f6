//! The named limits of HTTP: what each bounds, how much, and why.

use std::time::Duration;

/// What one connection of HTTP may hold, and how long its peer may take.
///
/// A head, in either direction, is the first line and the header fields with the empty line behind them.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// Bytes of a head; more is answered with 431. Default 32 KiB, as nginx; at most 65,535, since places in
    /// a head are kept as 16-bit numbers.
    pub head_bytes_max: usize,
    /// Bytes of a request's target; more is answered with 414. Default 16 KiB: RFC 9112 section 3 asks for
    /// 8,000 at least.
    pub target_bytes_max: usize,
    /// Header fields of a head; more is answered with 431. Default 100, as Apache; at most 128, which is what
    /// a head is parsed into on the stack.
    pub headers_max: usize,
    /// Bytes of one message's body; more is answered with 413. Default without bound, since a body is streamed
    /// and held back while nobody reads it: whoever collects one says how much that may be.
    pub body_bytes_max: u64,
    /// Bytes of a chunk's line with its extensions. Default 256: a size takes 16, and nobody uses extensions
    /// but to keep a server busy.
    pub chunk_line_bytes_max: usize,
    /// Bytes of the trailer behind a chunked body. Default 8 KiB.
    pub trailer_bytes_max: usize,
    /// Bytes of a body that wait to be read; then the peer is held back. Default 64 KiB: some round trips'
    /// worth, and one read of the reactor.
    pub body_buffer_bytes_max: usize,
    /// Bytes of requests that were sent before the last one was answered; then the peer is held back. Default
    /// 64 KiB.
    pub pipelined_bytes_max: usize,
    /// Bytes of a body that nobody wanted which are read to keep the connection; with more to come it is lost.
    /// Default 256 KiB, as Go: about what a new connection costs.
    pub discard_bytes_max: u64,
    /// From the connection to the first byte of a head. Default 30 s.
    pub first_byte_timeout: Duration,
    /// From the first byte of a head to its last; late is answered with 408. Default 20 s, as Apache.
    pub head_timeout: Duration,
    /// Between an answer and the first byte of the next head. Default 75 s, as nginx.
    pub idle_timeout: Duration,
    /// From a head to the first byte of its body, and added to what `body_rate_min` allows. Default 20 s.
    pub body_timeout: Duration,
    /// Bytes a second that a body comes with at the least, while it is not held back; slower is answered with
    /// 408. Default 500, as Apache: a slow modem, not a siege.
    pub body_rate_min: u64,
    /// Without a byte taken by a peer that is being sent something. Default 60 s, as nginx.
    pub send_timeout: Duration,
    /// How long a connection that ends early goes on reading, so that the answer is not lost to a reset.
    /// Default 5 s.
    pub linger_timeout: Duration,
}

/// More header fields than this are never taken, whatever the limits say.
pub(crate) const HEADERS_CEILING: usize = 128;

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            head_bytes_max: 32 << 10,
            target_bytes_max: 16 << 10,
            headers_max: 100,
            body_bytes_max: u64::MAX,
            chunk_line_bytes_max: 256,
            trailer_bytes_max: 8 << 10,
            body_buffer_bytes_max: 64 << 10,
            pipelined_bytes_max: 64 << 10,
            discard_bytes_max: 256 << 10,
            first_byte_timeout: Duration::from_secs(30),
            head_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(20),
            body_rate_min: 500,
            send_timeout: Duration::from_secs(60),
            linger_timeout: Duration::from_secs(5),
        }
    }
}

impl HttpLimits {
    /// `head_bytes_max`, as far as places in a head can be kept.
    pub(crate) fn head_bytes(&self) -> usize {
        self.head_bytes_max.min(usize::from(u16::MAX))
    }
}
