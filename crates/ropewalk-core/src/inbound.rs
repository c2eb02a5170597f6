//! What comes in over a [`Connection`]: through its layers, past a pause, to its protocol.
//!
//! After `pause_producing` no data callback comes. What the driver or a layer still brings is held, in
//! order and bounded, and replayed in the ready phase after `resume_producing`, never from inside it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use bytes::Bytes;

use crate::connection::{Connection, Held, Rare, flag};
use crate::layer_stack::{LayerStack, Rest, Surfaced};
use crate::{Chunk, Close, Failure, FailureKind, Flow, Transport};

impl Connection {
    pub(crate) fn received(transport: &Transport, chunk: Chunk<'_>) -> Flow {
        let this = &transport.0;
        if this.has(flag::OVER) {
            return Flow::Enough;
        }
        if this.has(flag::LAYERED) {
            Self::feed_rest(transport);
            Self::through_layers(transport, |layers, surfaced| layers.inbound(0, chunk, surfaced));
            this.mark_dirty(); // A layer may have answered.
        } else {
            Self::offer(transport, chunk);
        }
        if this.wants_to_receive() {
            return Flow::More;
        }
        this.set(flag::TOLD_ENOUGH);
        this.mark_dirty();
        Flow::Enough
    }

    pub(crate) fn attached(transport: &Transport, object: Box<dyn std::any::Any>) {
        let this = &transport.0;
        if this.has(flag::OVER | flag::CLOSING) {
            return;
        }
        if this.has(flag::PAUSED | flag::HOLDING) {
            return this.hold(Held::Attachment(object));
        }
        Self::dispatch(transport, |protocol, cx| protocol.attachment_received(cx, object));
    }

    pub(crate) fn read_closed(transport: &Transport) {
        let this = &transport.0;
        if this.has(flag::OVER) {
            return;
        }
        if this.has(flag::LAYERED) {
            Self::feed_rest(transport);
            Self::through_layers(transport, |layers, surfaced| layers.inbound_closed(0, surfaced));
            this.mark_dirty();
        } else {
            Self::offer_end(transport);
        }
    }

    /// The driver says that the connection is broken, or the reactor ends.
    pub(crate) fn broke(transport: &Transport, failure: Failure) {
        let this = &transport.0;
        if this.has(flag::LOST) {
            return;
        }
        if !this.has(flag::ENDED) {
            this.reactor.driver().close(this.id, Close::Abort);
            this.set(flag::ENDED);
        }
        let reason = this.rare_if_any(|rare| rare.reason.clone()).unwrap_or(failure);
        Self::deliver_lost(transport, reason);
    }

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

    /// Gives bytes to the protocol, or holds them.
    fn offer(transport: &Transport, chunk: Chunk<'_>) {
        let this = &transport.0;
        if this.has(flag::CLOSING | flag::OVER) {
            return;
        }
        if this.has(flag::PAUSED | flag::HOLDING) || !this.has(flag::MADE) {
            return this.hold(Held::Bytes(chunk.into_bytes()));
        }
        Self::dispatch(transport, |protocol, cx| protocol.chunk_received(cx, chunk));
    }

    fn offer_end(transport: &Transport) {
        let this = &transport.0;
        if this.has(flag::OVER | flag::READ_CLOSED) {
            return;
        }
        if this.has(flag::PAUSED | flag::HOLDING) || !this.has(flag::MADE) {
            return this.hold(Held::ReadClosed);
        }
        this.set(flag::READ_CLOSED);
        if !this.has(flag::CLOSING) {
            Self::dispatch(transport, |protocol, cx| protocol.read_connection_lost(cx));
        }
        this.mark_dirty(); // With both halves closed it is over.
    }

    fn hold(self: &Rc<Self>, held: Held) {
        self.set(flag::HOLDING);
        let max = self.lineage.limits().held_bytes_max;
        let too_much = self.rare(|rare| {
            if let Held::Bytes(bytes) = &held {
                rare.held_bytes += bytes.len();
            }
            rare.held.push_back(held);
            rare.held_bytes > max
        });
        if too_much {
            self.abort_with(Failure::new(
                FailureKind::Limit,
                format!("more than {max} bytes came for a paused protocol (held_bytes_max)"),
            ));
        }
        self.mark_dirty(); // So that the driver is disarmed.
    }

    /// Unread bytes: they come before everything else.
    pub(crate) fn hold_first(self: &Rc<Self>, rest: Bytes) {
        if rest.is_empty() || self.has(flag::OVER) {
            return;
        }
        self.set(flag::HOLDING);
        self.rare(|rare| {
            rare.held_bytes += rest.len();
            rare.held.push_front(Held::Bytes(rest));
        });
        self.queue_ready();
    }

    /// Gives the protocol what is held for it, until it pauses again or leaves. What it gives back waits for
    /// the next ready phase.
    pub(crate) fn replay(transport: &Transport) {
        let this = &transport.0;
        Self::feed_rest(transport);
        for _ in 0..this.rare_if_any(|rare| rare.held.len()) {
            if this.has(flag::PAUSED | flag::OVER) || !this.is_idle() {
                return;
            }
            let next = this.rare_if_any(Rare::next_held);
            if this.rare_if_any(|rare| rare.held.is_empty()) {
                this.clear(flag::HOLDING);
                this.mark_dirty(); // So that the driver is armed.
            }
            Self::replay_one(transport, next);
        }
    }

    fn replay_one(transport: &Transport, held: Option<Held>) {
        let wanted = !transport.0.has(flag::CLOSING);
        match held {
            Some(Held::Bytes(bytes)) if wanted => {
                let mut bytes = Vec::from(bytes);
                let len = bytes.len();
                let chunk = Chunk::from_buffer(&mut bytes, len);
                Self::dispatch(transport, |protocol, cx| protocol.chunk_received(cx, chunk));
            }
            Some(Held::Attachment(object)) if wanted => {
                Self::dispatch(transport, |protocol, cx| protocol.attachment_received(cx, object));
            }
            Some(Held::ReadClosed) => Self::offer_end(transport), // It is always the last.
            _ => {}
        }
    }

    /// Gives the layers what came before they were put in.
    fn feed_rest(transport: &Transport) {
        if transport.0.rare_if_any(|rare| rare.layers.has_rest()) {
            Self::through_layers(transport, |layers, surfaced| layers.feed_rest(surfaced));
            transport.0.mark_dirty();
        }
    }

    /// Runs the layers, and gives the protocol what came out at the top. The caller sees to it that a flush
    /// follows.
    pub(crate) fn through_layers(
        transport: &Transport,
        run: impl FnOnce(&mut LayerStack, &mut Surfaced<'_>) -> Result<(), Failure>,
    ) {
        let this = &transport.0;
        let (mut delivered, closed, ran) = this.run_layers(run);
        if !delivered.is_empty() {
            let len = delivered.len();
            Self::offer(transport, Chunk::from_buffer(&mut delivered, len));
        }
        match ran {
            Err(failure) => this.layer_failed(failure),
            Ok(()) if closed => Self::offer_end(transport),
            Ok(()) => {}
        }
    }

    /// The same from inside a flush, where no user code runs: what comes out waits for the ready phase.
    pub(crate) fn through_layers_in_flush(
        self: &Rc<Self>,
        run: impl FnOnce(&mut LayerStack, &mut Surfaced<'_>) -> Result<(), Failure>,
    ) {
        let (delivered, closed, ran) = self.run_layers(run);
        let bytes = (!delivered.is_empty()).then(|| Held::Bytes(delivered.into()));
        for held in bytes.into_iter().chain(closed.then_some(Held::ReadClosed)) {
            self.hold(held);
            self.queue_ready();
        }
        if let Err(failure) = ran {
            self.layer_failed(failure);
        }
    }

    /// What a layer has against the peer of a connection on which all is said is of no matter any more.
    fn layer_failed(self: &Rc<Self>, failure: Failure) {
        let all_is_said = self.has(flag::CLOSING) && !self.has(flag::OVER) && self.buffered() == 0;
        if all_is_said && failure.is(FailureKind::Peer) {
            return self.end(Close::Clean);
        }
        self.set(if self.has(flag::OVER) { 0 } else { flag::LAST_WORDS });
        self.abort_with(failure);
    }

    /// The stack is out of the connection while the layers run, so that nothing is borrowed. A layer that
    /// panics costs the connection.
    fn run_layers(
        self: &Rc<Self>,
        run: impl FnOnce(&mut LayerStack, &mut Surfaced<'_>) -> Result<(), Failure>,
    ) -> (Vec<u8>, bool, Result<(), Failure>) {
        let mut layers = self.rare(|rare| std::mem::take(&mut rare.layers));
        let mut surfaced = Surfaced::new(self.reactor.now(), &self.reactor.0.pool);
        let ran = catch_unwind(AssertUnwindSafe(|| run(&mut layers, &mut surfaced)))
            .unwrap_or_else(|panic| Err(Failure::from_panic(&*panic)));
        let Surfaced { delivered, closed, .. } = surfaced;
        self.rare(|rare| {
            let newer = std::mem::replace(&mut rare.layers, layers);
            rare.layers.merge(newer);
        });
        self.set_layer_timer();
        if !self.has(flag::MADE) {
            self.queue_ready(); // They may be up now.
        }
        (delivered, closed, ran)
    }

    /// Makes sure that the layers are called when the earliest of their deadlines comes.
    fn set_layer_timer(self: &Rc<Self>) {
        let Some(deadline) = self.rare_if_any(|rare| rare.layers.next_deadline()) else { return };
        let timer = self.rare_if_any(|rare| rare.layer_timer.take());
        // One that is set for earlier is left: it finds the new deadline when it runs.
        if timer.as_ref().and_then(|timer| timer.time()).is_some_and(|time| time <= deadline) {
            return self.rare(|rare| rare.layer_timer = timer);
        }
        if let Some(timer) = timer {
            let _ = timer.cancel(); // Already run is as good.
        }
        let weak = Transport(self.clone()).downgrade();
        let timer = self.reactor.call_at(deadline, move || {
            let Some(transport) = weak.upgrade().filter(|t| !t.0.has(flag::OVER)) else { return };
            Self::through_layers(&transport, |layers, surfaced| layers.deadline_reached(surfaced));
            transport.0.mark_dirty();
        });
        self.rare(|rare| rare.layer_timer = Some(timer));
    }
}

impl Rare {
    fn next_held(&mut self) -> Option<Held> {
        let held = self.held.pop_front();
        if let Some(Held::Bytes(bytes)) = &held {
            self.held_bytes -= bytes.len();
        }
        if self.held.is_empty() {
            self.held = VecDeque::new();
        }
        held
    }

    /// Takes what is held behind `bytes`, for a layer that is put in above where it came from. Attachments
    /// stay: no layer sees them.
    pub(crate) fn take_held(&mut self, bytes: &[u8]) -> Rest {
        let mut rest = Rest { bytes: bytes.to_vec(), closed: false };
        self.held.retain(|held| match held {
            Held::Bytes(bytes) => {
                rest.bytes.extend_from_slice(bytes);
                false
            }
            Held::ReadClosed => {
                rest.closed = true;
                false
            }
            Held::Attachment(_) => true,
        });
        self.held_bytes = 0;
        rest
    }
}
