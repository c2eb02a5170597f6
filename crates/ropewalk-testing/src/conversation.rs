//! [`Conversation`]: one protocol, talked to by hand.
//!
//! Where Twisted has `StringTransport`, here is the real heart over a network in memory: the protocol under
//! test is on one end, the test is on the other. So pauses, half closes, limits and layers are the real ones.

use std::time::Duration;

use ropewalk_core::{ConnectionLimits, Factory, Failure, Loop, ProtocolRef, Reactor, Transport};

use crate::{Log, MemoryNetwork, Network, Pair, Recorder};

/// One protocol, and a test as its peer.
///
/// # Example
/// ```
/// use ropewalk_core::{Cx, FailureKind, Protocol};
/// use ropewalk_testing::Conversation;
///
/// struct Shout;
/// impl Protocol for Shout {
///     fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
///         cx.transport().write(&data.to_ascii_uppercase());
///     }
/// }
/// let shout = Conversation::new(|| Shout);
/// shout.feed(b"hello");
/// assert_eq!(shout.written(), b"HELLO");
/// shout.close_peer();
/// assert!(shout.lost().unwrap().is(FailureKind::ConnectionDone));
/// ```
pub struct Conversation<F: Factory> {
    pair: Pair<F, Box<dyn Fn() -> Recorder>>,
    peer: Log,
}

impl<F: Factory> Conversation<F> {
    /// With the first protocol that `factory` makes. Its `connection_made` has been called.
    pub fn new(factory: F) -> Self {
        Self::with_limits(factory, ConnectionLimits::default())
    }

    /// The same, with limits for both ends.
    pub fn with_limits(factory: F, limits: ConnectionLimits) -> Self {
        let peer = Log::default();
        let recorder: Box<dyn Fn() -> Recorder> = {
            let peer = peer.clone();
            Box::new(move || Recorder::new(&peer).keeping_half())
        };
        let pair = Pair::with_limits(Network::default(), limits, factory, recorder);
        pair.settle();
        Self { pair, peer }
    }

    /// The peer sends these bytes; everything that follows without time passing happens.
    pub fn feed(&self, bytes: &[u8]) {
        self.peer.transport().write(bytes);
        self.pair.settle();
    }

    /// The peer sends these bytes in one piece each.
    pub fn feed_pieces<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) {
        pieces.into_iter().for_each(|piece| self.feed(piece));
    }

    /// Everything that the protocol wrote, since the beginning.
    pub fn written(&self) -> Vec<u8> {
        self.peer.data()
    }

    /// The peer sends no more; it still reads.
    pub fn close_peer(&self) {
        self.peer.transport().lose_write_connection();
        self.pair.settle();
    }

    /// The peer resets the connection.
    pub fn reset_peer(&self) {
        self.peer.transport().abort_connection();
        self.pair.settle();
    }

    /// Time passes.
    pub fn advance(&self, time: Duration) {
        self.pair.run_for(time);
    }

    /// Why the protocol lost its connection, once it has.
    pub fn lost(&self) -> Option<Failure> {
        self.pair.server_lost()
    }

    /// Whether the protocol has closed its sending half, or lost the connection.
    pub fn has_ended(&self) -> bool {
        self.peer.summary().contains("lost")
    }

    /// The protocol.
    #[track_caller]
    pub fn protocol(&self) -> ProtocolRef<F::Protocol> {
        self.pair.server()
    }

    /// The protocol's transport.
    #[track_caller]
    pub fn transport(&self) -> Transport {
        self.pair.server_transport()
    }

    /// The peer's transport, and what happened to it.
    pub fn peer(&self) -> &Log {
        &self.peer
    }

    /// The loop.
    pub fn event_loop(&self) -> &Loop {
        self.pair.event_loop()
    }

    /// The reactor.
    pub fn reactor(&self) -> &Reactor {
        self.pair.reactor()
    }

    /// The network between the protocol and the test.
    pub fn network(&self) -> &MemoryNetwork {
        self.pair.network()
    }
}
