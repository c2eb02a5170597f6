//! [`Connection`]: what stands behind a [`Transport`], in one allocation.
//!
//! This file is the record itself and the calling of its protocol. What comes in is in `inbound.rs`, what
//! goes out and how a connection ends in `outbound.rs`; the handle that users hold is `transport.rs`.
//!
//! The protocol's box is *taken out* of its cell while one of its callbacks runs, and no cell of the
//! connection is borrowed then. So a callback may call anything: whatever concerns its own connection is
//! appended, and what is asked of its own protocol waits until it returns.
//!
//! Most connections are idle most of the time, so what few of them need, and none of them for long, is in one
//! box ([`Rare`]) that is there only while it is needed.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem;
use std::rc::Rc;

use bytes::Bytes;

use crate::deferred::CancelHandle;
use crate::layer_stack::LayerStack;
use crate::main_loop::contain;
use crate::producer::Registered;
use crate::reactor::Ready;
use crate::source::Source;
use crate::{
    Cx, Deferred, DelayedCall, Event, Failure, FailureKind, Flow, Lineage, OutQueue, Protocol,
    Reactor, Resolver, SlotId, Transport,
};

pub(crate) struct Connection {
    pub(crate) reactor: Reactor,
    pub(crate) lineage: Rc<Lineage>,
    pub(crate) id: SlotId,
    pub(crate) flags: Cell<u32>,
    /// Which protocol has sat here: one more with each `switch_protocol`.
    pub(crate) seat: Cell<u32>,
    /// `None` while a callback runs, before the first and after the last.
    protocol: Cell<Option<Box<dyn Protocol>>>,
    pub(crate) out: RefCell<OutQueue>,
    /// Bytes that the driver has taken and not yet sent.
    pub(crate) in_flight: Cell<usize>,
    rare: RefCell<Option<Box<Rare>>>,
}

/// What few connections need.
#[derive(Default)]
pub(crate) struct Rare {
    pub(crate) layers: LayerStack,
    /// How many layers there are, with those that were put in while the stack is out.
    pub(crate) levels: usize,
    /// What came and could not go on, in order.
    pub(crate) held: VecDeque<Held>,
    pub(crate) held_bytes: usize,
    calls: VecDeque<QueuedCall>,
    pub(crate) reason: Option<Failure>,
    pub(crate) on_open: Option<Resolver<Transport>>,
    pub(crate) producer: Option<Registered>,
    pub(crate) close_timer: Option<DelayedCall>,
    pub(crate) layer_timer: Option<DelayedCall>,
    /// What `Cx::when` waits for, to be cancelled when the connection is lost.
    waits: Vec<CancelHandle>,
    pub(crate) kept: Vec<Box<dyn Any>>,
}

/// What waits on its way up, for the layer of that level, or above all layers for the protocol.
pub(crate) enum Held {
    Bytes(usize, Bytes),
    ReadClosed(usize),
    /// No layer sees it.
    Attachment(Box<dyn Any>),
}

/// A call that waits for its protocol to be idle; told what there is to call, or why there is nothing.
pub(crate) type QueuedCall = Box<dyn FnOnce(Result<(&mut dyn Protocol, &mut Cx<'_>), Failure>)>;

/// The states of a connection that are yes or no; several at once.
pub(crate) mod flag {
    /// `connection_made` has been called.
    pub(crate) const MADE: u32 = 1;
    /// In the reactor's list of connections to flush.
    pub(crate) const DIRTY: u32 = 1 << 1;
    /// In the reactor's ready queue.
    pub(crate) const QUEUED: u32 = 1 << 2;
    /// The protocol has paused.
    pub(crate) const PAUSED: u32 = 1 << 3;
    /// Something is held for it, and all that comes goes behind that.
    pub(crate) const HOLDING: u32 = 1 << 4;
    /// There are layers.
    pub(crate) const LAYERED: u32 = 1 << 5;
    /// The driver has been told to stop receiving.
    pub(crate) const DISARMED: u32 = 1 << 6;
    /// The peer sends no more, and the protocol knows.
    pub(crate) const READ_CLOSED: u32 = 1 << 7;
    /// `lose_write_connection` was called; then, it was done.
    pub(crate) const WRITE_CLOSING: u32 = 1 << 8;
    pub(crate) const WRITE_CLOSED: u32 = 1 << 9;
    /// `lose_connection` was called.
    pub(crate) const CLOSING: u32 = 1 << 10;
    /// To be aborted at the next flush, for `Rare::reason`.
    pub(crate) const ABORTED: u32 = 1 << 11;
    /// The driver has been told to close it; `connection_lost` is queued.
    pub(crate) const ENDED: u32 = 1 << 12;
    /// `connection_lost` has been called.
    pub(crate) const LOST: u32 = 1 << 13;
    /// A producer is registered.
    pub(crate) const PRODUCER: u32 = 1 << 14;
    /// Calls wait for the protocol.
    pub(crate) const CALLS: u32 = 1 << 15;
    /// The driver was answered `Enough`, and waits to be told whether to receive.
    pub(crate) const TOLD_ENOUGH: u32 = 1 << 16;
    /// Something is held that a layer has to see.
    pub(crate) const REST: u32 = 1 << 17;
    /// A flush passes the layers: no user code is to run.
    pub(crate) const FLUSHING: u32 = 1 << 18;
    /// A layer failed: what it sent before still leaves.
    pub(crate) const LAST_WORDS: u32 = 1 << 19;

    /// None of these: what was written goes out, and there is nothing else to be done in a flush.
    pub(crate) const PLAIN: u32 = MADE | DIRTY | QUEUED | CALLS;

    /// No more callbacks but `connection_lost`.
    pub(crate) const OVER: u32 = ABORTED | ENDED | LOST;
}

impl Connection {
    pub(crate) fn new(reactor: &Reactor, id: SlotId, lineage: Rc<Lineage>) -> Rc<Self> {
        Rc::new(Self {
            reactor: reactor.clone(),
            lineage,
            id,
            flags: Cell::new(0),
            seat: Cell::new(0),
            protocol: Cell::new(None),
            out: RefCell::default(),
            in_flight: Cell::new(0),
            rare: RefCell::new(None),
        })
    }

    #[inline]
    pub(crate) fn has(&self, flags: u32) -> bool {
        self.flags.get() & flags != 0
    }

    pub(crate) fn set(&self, flags: u32) {
        self.flags.set(self.flags.get() | flags);
    }

    pub(crate) fn clear(&self, flags: u32) {
        self.flags.set(self.flags.get() & !flags);
    }

    /// Works on the rare state, making it if need be. `f` must not call out.
    pub(crate) fn rare<R>(&self, f: impl FnOnce(&mut Rare) -> R) -> R {
        f(self.rare.borrow_mut().get_or_insert_default())
    }

    /// Works on the rare state if there is any. `f` must not call out.
    pub(crate) fn rare_if_any<R: Default>(&self, f: impl FnOnce(&mut Rare) -> R) -> R {
        self.rare.borrow_mut().as_deref_mut().map_or_else(R::default, f)
    }

    pub(crate) fn is_idle(&self) -> bool {
        let protocol = self.protocol.take();
        let idle = protocol.is_some();
        self.protocol.set(protocol);
        idle
    }

    /// Whoever waits for the protocol that sits here waits in vain.
    fn leave_seat(&self, why: &Failure) {
        self.seat.set(self.seat.get().wrapping_add(1));
        self.clear(flag::CALLS);
        let (calls, waits) =
            self.rare_if_any(|rare| (mem::take(&mut rare.calls), mem::take(&mut rare.waits)));
        waits.iter().for_each(CancelHandle::cancel);
        calls.into_iter().for_each(|call| call(Err(why.clone())));
    }

    pub(crate) fn queue_call(&self, call: QueuedCall) {
        let max = self.lineage.limits().calls_max;
        let waiting = self.rare(|rare| rare.calls.len());
        if waiting >= max {
            let why = format!("{max} calls wait for this protocol already (calls_max)");
            return call(Err(Failure::new(FailureKind::Limit, why)));
        }
        self.rare(|rare| rare.calls.push_back(call));
        self.set(flag::CALLS);
    }

    /// Why a call cannot reach its protocol; what `connection_lost` gets.
    pub(crate) fn why_unreachable(&self) -> Failure {
        self.rare_if_any(|rare| rare.reason.clone()).unwrap_or_else(|| {
            Failure::new(FailureKind::ConnectionDone, "the protocol's connection is gone")
        })
    }
}

/// The calling of the protocol.
impl Transport {
    /// Calls the protocol, unless it is busy or gone: then `None`, as after a panic. The calls that waited for
    /// it follow.
    pub(crate) fn dispatch<R>(
        &self,
        f: impl FnOnce(&mut dyn Protocol, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let result = self.call(f);
        if self.0.has(flag::CALLS) {
            self.run_calls();
        }
        if self.0.has(flag::ENDED) && self.0.reactor.is_over() {
            self.deliver_lost(self.0.why_unreachable());
        }
        result
    }

    /// One call of the protocol, whose box is out of its cell for that long.
    fn call<R>(&self, f: impl FnOnce(&mut dyn Protocol, &mut Cx<'_>) -> R) -> Option<R> {
        let mut protocol = self.0.protocol.take()?;
        let mut cx = Cx::new(self);
        let outcome = Failure::catch(|| f(&mut *protocol, &mut cx));
        self.0.protocol.set(Some(protocol));
        if cx.is_handed_over() && outcome.is_ok() {
            self.hand_over(cx);
        }
        outcome.map_err(|panic| self.abort_with(panic)).ok()
    }

    /// Seats the successor that a callback has named.
    #[cold]
    fn hand_over(&self, mut cx: Cx<'_>) {
        if let Some(successor) = cx.take_successor().filter(|_| !self.0.has(flag::OVER)) {
            let (new, rest) = *successor;
            let why = "the connection was handed to another protocol";
            self.0.leave_seat(&Failure::new(FailureKind::Local, why));
            let before = self.0.protocol.replace(Some(new));
            contain("a protocol", || drop(before));
            self.hold_first(rest); // Not from here: with many in one chunk, that would be as deep a stack.
            self.dispatch(|protocol, cx| protocol.connection_made(cx));
        }
    }

    /// Runs the calls that waited for the protocol to be idle. Those that they make in turn wait for the
    /// ready phase, so that two protocols that keep calling each other do not keep the loop.
    fn run_calls(&self) {
        if self.0.has(flag::OVER) || !self.0.is_idle() {
            return;
        }
        self.0.clear(flag::CALLS);
        let mut calls = self.0.rare_if_any(|rare| mem::take(&mut rare.calls));
        let seat = self.0.seat.get();
        while !self.0.has(flag::OVER) && self.0.seat.get() == seat {
            let Some(call) = calls.pop_front() else { break };
            self.call(|protocol, cx| call(Ok((protocol, cx))));
        }
        calls.into_iter().for_each(|call| call(Err(self.0.why_unreachable())));
        if self.0.has(flag::CALLS) {
            self.queue_ready();
        }
    }

    /// See [`Cx::when`].
    pub(crate) fn wait_for<P: Protocol, T: 'static>(
        &self,
        deferred: Deferred<T>,
        f: impl FnOnce(&mut P, &mut Cx<'_>, Result<T, Failure>) + 'static,
    ) {
        let target = self.protocol_ref::<P>();
        if let Some(wait) = deferred.cancel_handle() {
            self.0.rare(|rare| rare.keep_wait(wait));
        }
        deferred.add_both(move |result| {
            drop(target.call(move |protocol, cx| f(protocol, cx, result)).add_errback(|_| ()));
        });
    }

    /// Gets a turn in the next ready phase.
    pub(crate) fn queue_ready(&self) {
        if !self.0.has(flag::QUEUED) {
            self.0.set(flag::QUEUED);
            self.0.reactor.push_ready(Ready::Source(self.0.clone()));
        }
    }

    /// Gets a turn in the next flush.
    #[inline]
    pub(crate) fn mark_dirty(&self) {
        if !self.0.has(flag::DIRTY) {
            self.0.set(flag::DIRTY);
            self.0.reactor.push_dirty(self.0.clone());
        }
    }

    /// The driver says that it has come up; there may be layers to be put in before the protocol is made.
    #[cold]
    fn prepare(&self) {
        if let Err(failure) = Failure::catch(|| (self.0.lineage.prepare)(self)) {
            self.abort_with(failure);
        }
        self.opened();
    }

    /// Makes the protocol, once the layers are up.
    fn opened(&self) {
        let waits = || self.0.has(flag::LAYERED) && !self.0.rare(|rare| rare.layers.are_up());
        if self.0.has(flag::OVER | flag::MADE) || waits() {
            return;
        }
        match Failure::catch(|| self.0.lineage.build(self)).flatten() {
            Err(refused) => self.abort_with(refused),
            Ok(_) if self.0.has(flag::OVER) => {} // It was aborted meanwhile.
            Ok(protocol) => {
                self.0.protocol.set(Some(protocol));
                self.0.set(flag::MADE);
                self.0.lineage.count_in();
                self.dispatch(|protocol, cx| protocol.connection_made(cx));
                if let Some(resolver) = self.0.rare_if_any(|rare| rare.on_open.take()) {
                    resolver.callback(self.clone());
                }
            }
        }
    }

    /// The last callback, and the end of everything that belongs to the connection; after the present one,
    /// if the loop was dropped in the middle of a callback.
    pub(crate) fn deliver_lost(&self, reason: Failure) {
        if self.0.has(flag::LOST) {
            return;
        }
        if self.0.has(flag::MADE) && !self.0.is_idle() {
            return self.0.rare(|rare| rare.reason = Some(reason));
        }
        self.0.set(flag::LOST);
        self.0.drop_mailbox();
        self.0.in_flight.set(0);
        let ended = self.0.rare(|rare| {
            let (calls, waits) = (mem::take(&mut rare.calls), mem::take(&mut rare.waits));
            let left = Rare { calls, waits, reason: Some(reason.clone()), ..Rare::default() };
            mem::replace(rare, left)
        });
        contain("what a connection kept", || ended.end(&reason));
        self.dispatch(|protocol, cx| protocol.connection_lost(cx, reason.clone()));
        self.0.leave_seat(&reason);
        contain("a protocol", || drop(self.0.protocol.take()));
        if self.0.has(flag::MADE) {
            self.0.lineage.count_out();
        }
    }
}

impl Rare {
    /// Keeps what is to be cancelled with the connection. Those that have fired are dropped in time.
    fn keep_wait(&mut self, wait: CancelHandle) {
        if self.waits.len() == self.waits.capacity() {
            self.waits.retain(CancelHandle::is_alive);
            self.waits.reserve(self.waits.len());
        }
        self.waits.push(wait);
    }

    /// Stops the timers, tells who waits for the connection to come up, stops the producer, drops the rest.
    fn end(mut self, reason: &Failure) {
        for timer in [self.close_timer.take(), self.layer_timer.take()].into_iter().flatten() {
            let _ = timer.cancel(); // Already run is as good.
        }
        if let Some(resolver) = self.on_open.take() {
            resolver.errback(reason.clone());
        }
        if let Some(registered) = self.producer.take() {
            registered.stop();
        }
    }
}

impl Source for Connection {
    fn event(self: Rc<Self>, event: Event<'_>) -> Flow {
        let transport = Transport(self);
        match event {
            Event::Received(chunk) => return transport.received(chunk),
            Event::Attached(object) => transport.attached(object),
            Event::ReadClosed => transport.read_closed(),
            Event::Opened => transport.prepare(),
            Event::Sent(count) => transport.sent(count),
            Event::Lost(failure) => transport.broke(failure),
            Event::Closed | Event::DatagramReceived(..) | Event::Ready(_) => {}
        }
        Flow::More
    }

    fn ready(self: Rc<Self>) {
        self.clear(flag::QUEUED);
        let transport = Transport(self);
        transport.opened();
        transport.replay();
        if transport.0.has(flag::CALLS) {
            transport.run_calls();
        }
        if transport.0.has(flag::PRODUCER) {
            transport.ask_producer();
        }
        if transport.0.has(flag::ENDED) {
            transport.deliver_lost(transport.0.why_unreachable());
        }
    }

    fn flush(self: Rc<Self>) {
        self.clear(flag::DIRTY);
        Transport(self).flush_now();
    }

    fn abandon(self: Rc<Self>, why: Failure) {
        Transport(self).broke(why);
    }

    fn wind_up(self: Rc<Self>) {
        if self.has(flag::MADE) {
            Transport(self).lose_connection();
        } else {
            Transport(self).abort_with(Failure::stopped());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_one_allocation_of_at_most_160_bytes() {
        let counts_of_the_rc = 2 * size_of::<usize>();
        let size = size_of::<Connection>() + counts_of_the_rc;
        assert!(size <= 160, "{size}");
    }
}
