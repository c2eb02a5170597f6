//! [`Session`]: what a TLS library does for one connection. Everything above this line knows no library.
//!
//! Bytes in, plaintext out, records to be sent; what went wrong in words of our own. The one implementation is
//! in `rustls_023/`; another version of rustls, or another library, is another folder beside it.

use ropewalk_core::{Chunk, LayerIo, OutQueue};

use crate::{Negotiated, TlsError};

/// The TLS state of one connection.
///
/// A method that fails has sent the alert that belongs to its error already; only `negotiated` is of use after
/// that.
pub(crate) trait Session {
    /// Works off what came, in place: delivers plaintext, sends answers, closes the inbound side at the peer's
    /// `close_notify`. What is no whole record yet it keeps. With an empty chunk a client begins.
    fn receive(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), TlsError>;

    /// Sends all that is in `from`, encrypted. Not before the handshake is done.
    fn send(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), TlsError>;

    /// Sends `close_notify`. Not before the handshake is done.
    fn close(&mut self, io: &mut LayerIo<'_>) -> Result<(), TlsError>;

    /// Whether the handshake is not done yet.
    fn is_handshaking(&self) -> bool;

    /// Whether the peer has said `close_notify`.
    fn peer_has_closed(&self) -> bool;

    /// Whether the peer is sure to send something after the handshake that has not come yet: the tickets of TLS 1.3.
    fn awaits_tickets(&self) -> bool;

    /// What the two sides agreed on, once the handshake is done.
    fn negotiated(&self) -> Negotiated;
}
