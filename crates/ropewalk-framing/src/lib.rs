//! Frames out of a byte stream: lines, netstrings, length prefixes, fixed lengths.
//!
//! Each decoder is fed the chunks that a connection delivers and gives back the frames in them, borrowed from
//! the chunk where a frame is whole in it, and from a small buffer of its own where it is not. It does no I/O
//! and never calls anybody: whoever feeds it asks for [one frame at a time](FrameDecoder::next_frame), so it
//! may stop after any of them, to pause, to hand the rest of the bytes to another protocol, or to give up.
//!
//! ```
//! use ropewalk_framing::{FrameDecoder, LineDecoder};
//!
//! let mut decoder = LineDecoder::new();
//! let mut lines = Vec::new();
//! for mut chunk in [&b"HELO exam"[..], b"ple.org\r\nMAIL FROM:<a@b>\r\nRC"] {
//!     while let Some(line) = decoder.next_frame(&mut chunk)? {
//!         lines.push(String::from_utf8_lossy(line).into_owned());
//!     }
//! }
//! assert_eq!(lines, ["HELO example.org", "MAIL FROM:<a@b>"]);
//! assert_eq!(decoder.held(), 2); // "RC" waits for the rest of its line
//! # Ok::<(), ropewalk_core::Failure>(())
//! ```

#![forbid(unsafe_code)]

mod carry;
mod decoder;
mod fixed;
mod framed;
mod idle_timeout;
mod length_prefix;
mod line_receiver;
mod lines;
mod netstring;
mod proxy_header;
mod rate_limit;
mod wrappers;

pub use decoder::FrameDecoder;
pub use fixed::FixedDecoder;
pub use framed::{FrameProtocol, Framed};
pub use idle_timeout::IdleTimeout;
pub use length_prefix::{LengthPrefixDecoder, PrefixWidth};
pub use line_receiver::{LineProtocol, LineReceiver};
pub use lines::{Delimiter, LineDecoder};
pub use netstring::NetstringDecoder;
pub use proxy_header::{BehindProxy, ProxiedPeer, ProxyHeader, behind_proxy};
pub use rate_limit::{Bucket, RateLimit};
pub use wrappers::{ConnectionCap, WithLayer, with_layer};
