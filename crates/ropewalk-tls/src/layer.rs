//! [`TlsLayer`]: a TLS session as a [`Layer`] below a transport's mailbox.
//!
//! What is written before the handshake is done waits in the mailbox, where the limits and watermarks see it. An idle
//! connection owns no buffer here: a chunk is decrypted where it lies, and records to be sent are made in one
//! buffer that all connections of a server or client share.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{Chunk, Failure, Layer, LayerIo, OutQueue, Time, Transport};

use crate::TlsError;
use crate::negotiated::Handshake;
use crate::session::Session;

pub(crate) struct TlsLayer {
    session: Box<dyn Session>,
    handshake: Rc<Handshake>,
    state: State,
    /// Set by the goodbye.
    lingers_until: Option<Time>,
    /// Counts it among the handshakes that are under way; a client's needs no counting.
    under_way: Option<Rc<()>>,
}

enum State {
    /// The handshake is under way; it began with the first call.
    Shaking { allowed: Duration, until: Option<Time> },
    /// Plaintext passes.
    Up,
    /// It failed, and the connection is about to end.
    Over,
}

/// A client that closes before it has the server's tickets waits for them, at most so long: they come a round trip
/// after the handshake. A server that sends none closes when it hears the goodbye, mostly.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// Puts `session` under `transport`.
pub(crate) fn start(
    transport: &Transport,
    session: Box<dyn Session>,
    allowed: Duration,
    under_way: Option<Rc<()>>,
    rest: impl Into<Bytes>,
) {
    let handshake = Handshake::begin(transport);
    let state = State::Shaking { allowed, until: None };
    let layer = TlsLayer { session, handshake, state, lingers_until: None, under_way };
    transport.start_layer(layer, rest);
}

impl TlsLayer {
    /// The time that the handshake may take begins; a client speaks first.
    fn begin(&mut self, io: &mut LayerIo<'_>) -> Result<(), TlsError> {
        let State::Shaking { allowed, until: until @ None } = &mut self.state else {
            return Ok(());
        };
        *until = Some(io.now() + *allowed);
        self.session.receive(Chunk::lent(&mut []), io)
    }

    fn receive(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), TlsError> {
        self.begin(io)?;
        self.session.receive(chunk, io)?;
        if matches!(self.state, State::Shaking { .. }) && !self.session.is_handshaking() {
            self.state = State::Up;
            self.under_way = None;
            self.handshake.done(self.session.negotiated());
        }
        Ok(())
    }

    /// The session's error is the connection's end. What a server's factory never hears of is logged.
    fn settle(&mut self, result: Result<(), TlsError>) -> Result<(), Failure> {
        let Err(error) = result else { return Ok(()) };
        let failure = error.into_failure();
        if matches!(self.state, State::Shaking { .. }) {
            if self.under_way.take().is_some() {
                let peer = self.handshake.peer();
                tracing::info!(target: "ropewalk::tls", "no TLS handshake with {peer}: {failure}");
            }
            self.handshake.failed(&failure);
        }
        self.state = State::Over;
        Err(failure)
    }
}

impl Layer for TlsLayer {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        if let State::Over = self.state {
            return Ok(());
        }
        let result = self.receive(chunk, io);
        self.settle(result)
    }

    fn inbound_closed(&mut self, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        let result = match self.state {
            State::Shaking { .. } => Err(TlsError::LostInHandshake),
            State::Up if !self.session.peer_has_closed() => Err(TlsError::Truncated),
            State::Up | State::Over => Ok(()),
        };
        self.settle(result)
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        let result = match self.state {
            State::Shaking { .. } => self.begin(io),
            State::Up => self.session.send(from, io),
            State::Over => Ok(()),
        };
        self.settle(result)
    }

    fn is_up(&self) -> bool {
        matches!(self.state, State::Up)
    }

    /// In the middle of the handshake there is no goodbye to be said.
    fn close(&mut self, io: &mut LayerIo<'_>) {
        if let State::Up = self.state {
            let _ = self.session.close(io); // The connection ends in any case.
            self.lingers_until = Some(io.now() + LINGER_TIMEOUT);
        }
    }

    /// TLS 1.3 has servers send tickets after the handshake, unasked. Coming to a connection that is closed by then
    /// they would have it reset, and cost what the server has not read yet.
    fn lingers(&self) -> bool {
        self.lingers_until.is_some()
            && self.session.awaits_tickets()
            && !self.session.peer_has_closed()
    }

    fn next_deadline(&self) -> Option<Time> {
        match self.state {
            State::Shaking { until, .. } => until,
            State::Up => self.lingers_until,
            State::Over => None,
        }
    }

    fn deadline_reached(&mut self, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.lingers_until = None;
        let State::Shaking { allowed, .. } = self.state else { return Ok(()) };
        self.settle(Err(TlsError::HandshakeTimeout(allowed)))
    }
}
