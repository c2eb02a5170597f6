//! [`Protocol`]: what one connection says and hears; and [`Cx`], what its callbacks are given.
//!
//! A protocol is an ordinary value with `&mut self` callbacks, one value per connection. It sees bytes come
//! in and a [`Transport`] to write to, and nothing of sockets, so the same protocol runs over TCP, TLS, a
//! UNIX socket, standard input or a network in memory.

use std::any::Any;
use std::mem;

use bytes::Bytes;

use crate::{Chunk, Deferred, Failure, ProtocolRef, Reactor, Time, Transport};

/// One side of a conversation.
///
/// | callback | when |
/// |---|---|
/// | [`connection_made`](Protocol::connection_made) | once, first |
/// | [`chunk_received`](Protocol::chunk_received), by default [`data_received`](Protocol::data_received) | for bytes, in order, never empty |
/// | [`attachment_received`](Protocol::attachment_received) | for an object that came along with the bytes after it |
/// | [`read_connection_lost`](Protocol::read_connection_lost) | at most once, when the peer has said that it sends no more |
/// | [`connection_lost`](Protocol::connection_lost) | exactly once, last |
///
/// Callbacks of one connection never overlap and never nest. A callback that panics costs its connection and
/// no other: the protocol gets `connection_lost` with a [`FailureKind::Panic`](crate::FailureKind::Panic).
///
/// # Example: the echo server's protocol
/// ```
/// use ropewalk_core::{Cx, Protocol};
///
/// struct Echo;
///
/// impl Protocol for Echo {
///     fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
///         cx.transport().write(data);
///     }
/// }
/// ```
pub trait Protocol: Any {
    /// The connection is up: write a greeting, keep the transport.
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }

    /// Bytes came. They are this callback's only; what is needed later is to be copied.
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        let _ = (cx, data);
    }

    /// Bytes came, to be changed in place or kept without a copy. By default calls
    /// [`data_received`](Self::data_received).
    fn chunk_received(&mut self, cx: &mut Cx<'_>, chunk: Chunk<'_>) {
        self.data_received(cx, chunk.as_slice());
    }

    /// An object came along with the bytes that the next callback brings: over a UNIX socket an open file
    /// (`std::os::fd::OwnedFd`). By default it is dropped, and so closed.
    fn attachment_received(&mut self, cx: &mut Cx<'_>, object: Box<dyn Any>) {
        let _ = (cx, object);
    }

    /// The peer sends no more, but may still read. By default loses the connection, after what was written
    /// has been sent; a protocol with more to say overrides this.
    fn read_connection_lost(&mut self, cx: &mut Cx<'_>) {
        cx.transport().lose_connection();
    }

    /// The connection is gone, and the protocol is dropped after this. A clean end, by either side, is of
    /// kind [`ConnectionDone`](crate::FailureKind::ConnectionDone). Writing is of no use any more.
    fn connection_lost(&mut self, cx: &mut Cx<'_>, reason: Failure) {
        let _ = (cx, reason);
    }
}

/// What a callback is given: its own transport, its reactor, the time.
pub struct Cx<'a> {
    transport: &'a Transport,
    successor: Option<Box<Successor>>,
}

/// Who is to sit here next, and the bytes for it.
type Successor = (Box<dyn Protocol>, Bytes);

impl<'a> Cx<'a> {
    pub(crate) fn new(transport: &'a Transport) -> Self {
        Self { transport, successor: None }
    }

    /// This connection's transport; clone it to keep it.
    #[inline]
    pub fn transport(&self) -> &'a Transport {
        self.transport
    }

    /// The reactor that this connection is on.
    #[inline]
    pub fn reactor(&self) -> &'a Reactor {
        self.transport.reactor()
    }

    /// This turn's time.
    pub fn now(&self) -> Time {
        self.reactor().now()
    }

    /// A typed reference to the protocol whose callback this is, for others to call it by.
    ///
    /// `P` is its type; a reference of another type finds its target lost.
    pub fn protocol_ref<P: Protocol>(&self) -> ProtocolRef<P> {
        ProtocolRef::new(self.transport)
    }

    /// Brings the result of `deferred` back as this protocol's own callback.
    ///
    /// `P` must be the type of the protocol whose callback this is.
    ///
    /// # Ordering
    /// `f` never runs inside this call: if the result is there already it runs right after the present
    /// callback.
    ///
    /// # Cancellation
    /// When the connection is lost, or handed to another protocol, `deferred` is cancelled and `f` is dropped.
    pub fn when<P: Protocol, T: 'static>(
        &mut self,
        deferred: Deferred<T>,
        f: impl FnOnce(&mut P, &mut Cx<'_>, Result<T, Failure>) + 'static,
    ) {
        self.transport.wait_for(deferred, f);
    }

    /// Gives bytes back that this protocol was given and does not want now: they come again, before all that
    /// follows, in the ready phase, or after `resume_producing` if it has paused. What a framing layer does
    /// with the rest of a chunk when a frame's receiver pauses.
    pub fn unread(&self, rest: impl Into<Bytes>) {
        self.transport.hold_first(rest.into());
    }

    /// Hands the connection to another protocol when this callback returns: `new` gets `connection_made`,
    /// then, in the ready phase, `rest` (bytes that this protocol was given and did not use), then all that
    /// comes.
    ///
    /// The present protocol is dropped without a `connection_lost`, since nothing was lost; calls waiting
    /// for it fail, and what it waits for is cancelled. Called twice in one callback, the last one holds.
    pub fn switch_protocol(&mut self, new: impl Protocol, rest: impl Into<Bytes>) {
        self.successor = Some(Box::new((Box::new(new), rest.into())));
    }

    /// Whether this callback has handed the connection to another protocol.
    pub fn is_handed_over(&self) -> bool {
        self.successor.is_some()
    }

    pub(crate) fn take_successor(&mut self) -> Option<Box<Successor>> {
        mem::take(&mut self.successor)
    }
}
