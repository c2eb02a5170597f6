//! What comes in over a [`Transport`]: through its layers, past a pause, to its protocol.
//!
//! After `pause_producing` no data callback comes. What the driver or a layer still brings is held, in
//! order and bounded, and replayed in the ready phase after `resume_producing`, never from inside it. So is
//! what a protocol gives back, and what came before a layer was put in and is for that.

use std::any::Any;
use std::collections::VecDeque;
use std::mem;

use bytes::Bytes;

use crate::connection::{Connection, Held, Rare, flag};
use crate::layer_stack::{LayerStack, Surfaced};
use crate::{Chunk, Close, Failure, FailureKind, Flow, Transport};

impl Connection {
    /// Whether the driver is to receive for this connection. One that holds something has that first: a
    /// protocol that halts at every chunk would be flooded. One that is closing has no use for more, unless a
    /// layer still needs to hear the peer in order to send what was written.
    pub(crate) fn wants_to_receive(&self) -> bool {
        let flags = self.flags.get();
        if flags & (flag::OVER | flag::PAUSED | flag::HOLDING) != 0 {
            return false;
        }
        if flags & flag::LAYERED == 0 {
            return flags & flag::CLOSING == 0;
        }
        !self.rare_if_any(|rare| rare.layers.holds_reading())
    }
}

impl Transport {
    pub(crate) fn received(&self, chunk: Chunk<'_>) -> Flow {
        if self.0.has(flag::OVER) {
            return Flow::Enough;
        }
        if self.0.has(flag::LAYERED) {
            self.climb(chunk);
        } else {
            self.offer(chunk);
        }
        if self.0.wants_to_receive() {
            return Flow::More;
        }
        self.0.set(flag::TOLD_ENOUGH);
        self.mark_dirty();
        Flow::Enough
    }

    #[inline(never)] // So that the short way of most chunks is short.
    fn climb(&self, chunk: Chunk<'_>) {
        self.feed_layers();
        self.through_layers(|layers, surfaced| layers.inbound(0, chunk, surfaced));
    }

    #[cold]
    pub(crate) fn attached(&self, object: Box<dyn Any>) {
        self.feed_layers();
        if self.0.has(flag::OVER | flag::CLOSING) {
            return;
        }
        if self.0.has(flag::PAUSED | flag::HOLDING) {
            return self.hold(|_| Held::Attachment(object));
        }
        self.dispatch(|protocol, cx| protocol.attachment_received(cx, object));
    }

    #[cold]
    pub(crate) fn read_closed(&self) {
        if self.0.has(flag::LAYERED) {
            self.feed_layers();
            self.through_layers(|layers, surfaced| layers.inbound_closed(0, surfaced));
        } else {
            self.offer_end();
        }
    }

    /// The driver says that the connection is broken, or the reactor ends.
    #[cold]
    pub(crate) fn broke(&self, failure: Failure) {
        if self.0.has(flag::LOST) {
            return;
        }
        if !self.0.has(flag::ENDED) {
            self.0.reactor.driver().close(self.0.id, Close::Abort);
            self.0.set(flag::ENDED);
        }
        self.deliver_lost(self.0.rare_if_any(|rare| rare.reason.clone()).unwrap_or(failure));
    }

    /// Gives bytes to the protocol, or holds them.
    #[inline(always)]
    fn offer(&self, chunk: Chunk<'_>) {
        if self.0.has(flag::CLOSING | flag::OVER) {
            return;
        }
        if self.0.has(flag::PAUSED | flag::HOLDING | flag::FLUSHING) || !self.0.has(flag::MADE) {
            return self.hold(|level| Held::Bytes(level, chunk.into_bytes()));
        }
        self.dispatch(|protocol, cx| protocol.chunk_received(cx, chunk));
    }

    fn offer_end(&self) {
        if self.0.has(flag::OVER | flag::READ_CLOSED) {
            return;
        }
        if self.0.has(flag::PAUSED | flag::HOLDING | flag::FLUSHING) || !self.0.has(flag::MADE) {
            return self.hold(Held::ReadClosed);
        }
        self.0.set(flag::READ_CLOSED);
        if !self.0.has(flag::CLOSING) {
            self.dispatch(|protocol, cx| protocol.read_connection_lost(cx));
        }
        self.mark_dirty(); // With both halves closed it is over.
    }

    /// Keeps what came for the protocol until the ready phase, and longer if that has paused.
    fn hold(&self, held: impl FnOnce(usize) -> Held) {
        self.0.set(flag::HOLDING);
        let max = self.0.lineage.limits().held_bytes_max;
        let too_much = self.0.rare(|rare| {
            let held = held(rare.levels);
            rare.held_bytes += held.len();
            rare.held.push_back(held);
            rare.held_bytes > max
        });
        if too_much {
            let why = format!("more than {max} bytes came for a paused protocol (held_bytes_max)");
            self.abort_with(Failure::new(FailureKind::Limit, why));
        }
        self.mark_dirty(); // So that the driver is disarmed.
        if !self.0.has(flag::PAUSED) {
            self.queue_ready();
        }
    }

    /// Unread bytes: they come before everything else.
    pub(crate) fn hold_first(&self, rest: Bytes) {
        if rest.is_empty() || self.0.has(flag::OVER) {
            return;
        }
        self.0.set(flag::HOLDING);
        self.0.rare(|rare| {
            rare.held_bytes += rest.len();
            rare.held.push_front(Held::Bytes(rare.levels, rest));
        });
        self.queue_ready();
    }

    /// Gives the protocol what is held for it, until it pauses again or leaves. What it gives back waits for
    /// the next ready phase.
    pub(crate) fn replay(&self) {
        self.feed_layers();
        for _ in 0..self.0.rare_if_any(|rare| rare.held.len()) {
            if self.0.has(flag::PAUSED | flag::OVER) || !self.0.is_idle() {
                return;
            }
            let closing = self.0.has(flag::CLOSING);
            match self.next_held(|_| true) {
                Some(Held::Bytes(_, bytes)) if !closing => {
                    with_chunk(bytes, |chunk| {
                        self.dispatch(|protocol, cx| protocol.chunk_received(cx, chunk));
                    });
                }
                Some(Held::Attachment(object)) if !closing => {
                    self.dispatch(|protocol, cx| protocol.attachment_received(cx, object));
                }
                Some(Held::ReadClosed(_)) => self.offer_end(), // It is always the last.
                _ => {}
            }
            self.feed_layers(); // The protocol may have put one in.
        }
    }

    /// Gives the layers what is held for them. A pause does not concern them: it is the protocol's.
    fn feed_layers(&self) {
        while self.0.has(flag::REST) && !self.0.has(flag::OVER) {
            let levels = self.0.rare_if_any(|rare| rare.levels);
            match self.next_held(|held| held.level().is_some_and(|level| level < levels)) {
                Some(Held::Bytes(level, bytes)) => with_chunk(bytes, |chunk| {
                    self.through_layers(|layers, surfaced| layers.inbound(level, chunk, surfaced));
                }),
                Some(Held::ReadClosed(level)) => {
                    self.through_layers(|layers, surfaced| layers.inbound_closed(level, surfaced));
                }
                _ => self.0.clear(flag::REST),
            }
        }
    }

    fn next_held(&self, is_wanted: impl FnMut(&Held) -> bool) -> Option<Held> {
        let next = self.0.rare_if_any(|rare| rare.take_held(is_wanted));
        if self.0.has(flag::HOLDING) && self.0.rare_if_any(|rare| rare.held.is_empty()) {
            self.0.clear(flag::HOLDING);
            self.mark_dirty(); // So that the driver is armed.
        }
        next
    }

    /// Runs the layers, and gives the protocol what came out at the top; the flush that follows, what they
    /// send.
    ///
    /// Their stack is out of the connection meanwhile, so that nothing is borrowed. A layer that panics costs the
    /// connection.
    pub(crate) fn through_layers(
        &self,
        run: impl FnOnce(&mut LayerStack, &mut Surfaced<'_>) -> Result<(), Failure>,
    ) {
        let mut layers = self.0.rare(|rare| mem::take(&mut rare.layers));
        let mut surfaced = Surfaced::new(self.0.reactor.now(), &self.0.reactor.0.pool);
        let ran = Failure::catch(|| run(&mut layers, &mut surfaced)).flatten();
        self.0.rare(|rare| {
            let newer = mem::replace(&mut rare.layers, layers);
            rare.layers.merge(newer);
        });
        self.set_layer_timer();
        if !self.0.has(flag::FLUSHING) {
            self.mark_dirty();
        }
        if !self.0.has(flag::MADE) {
            self.queue_ready(); // They may be up now.
        }
        let Surfaced { mut delivered, closed, .. } = surfaced;
        if !delivered.is_empty() {
            let len = delivered.len();
            self.offer(Chunk::from_buffer(&mut delivered, len));
        }
        match ran {
            Err(failure) => self.layer_failed(failure),
            Ok(()) if closed => self.offer_end(),
            Ok(()) => {}
        }
    }

    /// What a layer has against the peer of a connection on which all is said is of no matter any more.
    fn layer_failed(&self, failure: Failure) {
        let this = &self.0;
        let all_is_said = this.has(flag::CLOSING) && !this.has(flag::OVER) && this.buffered() == 0;
        if all_is_said && failure.is(FailureKind::Peer) {
            return self.end(Close::Clean);
        }
        this.set(if this.has(flag::OVER) { 0 } else { flag::LAST_WORDS });
        self.abort_with(failure);
    }

    /// Makes sure that the layers are called when the earliest of their deadlines comes.
    fn set_layer_timer(&self) {
        let Some(deadline) = self.0.rare_if_any(|rare| rare.layers.next_deadline()) else { return };
        let timer = self.0.rare_if_any(|rare| rare.layer_timer.take());
        // One that is set for earlier is left: it finds the new deadline when it runs.
        if timer.as_ref().and_then(|timer| timer.time()).is_some_and(|time| time <= deadline) {
            return self.0.rare(|rare| rare.layer_timer = timer);
        }
        if let Some(timer) = timer {
            let _ = timer.cancel(); // Already run is as good.
        }
        let weak = self.downgrade();
        let timer = self.0.reactor.call_at(deadline, move || {
            if let Some(transport) = weak.upgrade().filter(|t| !t.0.has(flag::OVER)) {
                transport.through_layers(|layers, surfaced| layers.deadline_reached(surfaced));
            }
        });
        self.0.rare(|rare| rare.layer_timer = Some(timer));
    }
}

fn with_chunk(bytes: Bytes, f: impl FnOnce(Chunk<'_>)) {
    let mut bytes = Vec::from(bytes);
    let len = bytes.len();
    f(Chunk::from_buffer(&mut bytes, len));
}

impl Held {
    fn len(&self) -> usize {
        if let Self::Bytes(_, bytes) = self { bytes.len() } else { 0 }
    }

    fn level(&self) -> Option<usize> {
        match self {
            Self::Bytes(level, _) | Self::ReadClosed(level) => Some(*level),
            Self::Attachment(_) => None,
        }
    }
}

impl Rare {
    fn take_held(&mut self, is_wanted: impl FnMut(&Held) -> bool) -> Option<Held> {
        let place = self.held.iter().position(is_wanted)?;
        let held = self.held.remove(place)?;
        self.held_bytes -= held.len();
        if self.held.is_empty() {
            self.held = VecDeque::new();
        }
        Some(held)
    }
}
