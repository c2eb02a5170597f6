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
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use bytes::Bytes;

use crate::layer_stack::LayerStack;
use crate::main_loop::contain;
use crate::producer::Registered;
use crate::protocol_ref::QueuedCall;
use crate::reactor::Ready;
use crate::source::Source;
use crate::{
    Cx, Deferred, DelayedCall, Event, Failure, Flow, Lineage, OutQueue, Protocol, ProtocolRef,
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
    /// What came while the protocol had paused, in order.
    pub(crate) held: VecDeque<Held>,
    pub(crate) held_bytes: usize,
    pub(crate) calls: VecDeque<Box<dyn QueuedCall>>,
    pub(crate) reason: Option<Failure>,
    pub(crate) on_open: Option<Resolver<Transport>>,
    pub(crate) producer: Option<Registered>,
    pub(crate) close_timer: Option<DelayedCall>,
    pub(crate) layer_timer: Option<DelayedCall>,
    /// What `Cx::when` waits for, to be cancelled when the connection is lost.
    waits: Vec<(u64, Deferred<()>)>,
    waits_begun: u64,
    pub(crate) kept: Vec<Box<dyn Any>>,
}

pub(crate) enum Held {
    Bytes(Bytes),
    Attachment(Box<dyn Any>),
    ReadClosed,
}

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

    /// A layer failed: what it sent before still leaves.
    pub(crate) const LAST_WORDS: u32 = 1 << 17;

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

    /// Calls the protocol, unless it is busy or gone: then `None`, as after a panic. The calls that waited for
    /// it follow.
    pub(crate) fn dispatch<R>(
        transport: &Transport,
        f: impl FnOnce(&mut dyn Protocol, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let this = &transport.0;
        let result = Self::call(transport, f);
        if this.has(flag::CALLS) {
            Self::run_calls(transport);
        }
        if this.has(flag::ENDED) && this.reactor.is_over() {
            Self::deliver_lost(transport, this.why_unreachable());
        }
        result
    }

    /// One call of the protocol, whose box is out of its cell for that long.
    fn call<R>(
        transport: &Transport,
        f: impl FnOnce(&mut dyn Protocol, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let this = &transport.0;
        let mut protocol = this.protocol.take()?;
        let mut cx = Cx::new(transport);
        let outcome = catch_unwind(AssertUnwindSafe(|| f(&mut *protocol, &mut cx)));
        this.protocol.set(Some(protocol));
        let panic = outcome.as_ref().err().map(|panic| Failure::from_panic(&**panic));
        if panic.is_some() || cx.is_handed_over() {
            Self::after_callback(transport, cx, panic);
        }
        outcome.ok()
    }

    /// What a callback brought about, beyond what it asked of its transport: its panic, or its successor.
    #[cold]
    fn after_callback(transport: &Transport, mut cx: Cx<'_>, panic: Option<Failure>) {
        let this = &transport.0;
        if let Some(failure) = panic {
            return this.abort_with(failure);
        }
        if let Some((new, rest)) = cx.take_successor().filter(|_| !this.has(flag::OVER)) {
            Self::switch(transport, new, rest);
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        let protocol = self.protocol.take();
        let idle = protocol.is_some();
        self.protocol.set(protocol);
        idle
    }

    fn switch(transport: &Transport, new: Box<dyn Protocol>, rest: Bytes) {
        let this = &transport.0;
        this.leave_seat(&Failure::new(
            crate::FailureKind::Local,
            "the connection was handed to another protocol",
        ));
        let before = this.protocol.replace(Some(new));
        contain("a protocol", || drop(before));
        this.hold_first(rest); // Not from here: with many in one chunk, that would be as deep a stack.
        Self::dispatch(transport, |protocol, cx| protocol.connection_made(cx));
    }

    /// Whoever waits for the protocol that sits here waits in vain.
    pub(crate) fn leave_seat(&self, why: &Failure) {
        self.seat.set(self.seat.get().wrapping_add(1));
        self.clear(flag::CALLS);
        let (calls, waits) = self
            .rare_if_any(|rare| (std::mem::take(&mut rare.calls), std::mem::take(&mut rare.waits)));
        waits.iter().for_each(|(_, wait)| wait.cancel());
        calls.into_iter().for_each(|call| call.fail(why.clone()));
    }

    /// Runs the calls that waited for the protocol to be idle. Those that they make in turn wait for the
    /// ready phase, so that two protocols that keep calling each other do not keep the loop.
    pub(crate) fn run_calls(transport: &Transport) {
        let this = &transport.0;
        if this.has(flag::OVER) || !this.is_idle() {
            return;
        }
        this.clear(flag::CALLS);
        let mut calls = this.rare_if_any(|rare| std::mem::take(&mut rare.calls));
        while let Some(call) = calls.pop_front() {
            let seat = this.seat.get();
            Self::call(transport, |protocol, cx| call.run(protocol, cx));
            if this.has(flag::OVER) || this.seat.get() != seat {
                break;
            }
        }
        for call in calls {
            call.fail(this.why_unreachable());
        }
        if this.has(flag::CALLS) {
            this.queue_ready();
        }
    }

    pub(crate) fn queue_call(&self, call: Box<dyn QueuedCall>) {
        let max = self.lineage.limits().calls_max;
        let refused = self.rare(|rare| {
            if rare.calls.len() >= max {
                return Some(call);
            }
            rare.calls.push_back(call);
            None
        });
        if let Some(call) = refused {
            return call.fail(Failure::new(
                crate::FailureKind::Limit,
                format!("{max} calls wait for this protocol already (calls_max)"),
            ));
        }
        self.set(flag::CALLS);
    }

    /// Why a call cannot reach its protocol.
    pub(crate) fn why_unreachable(&self) -> Failure {
        self.rare_if_any(|rare| rare.reason.clone()).unwrap_or_else(|| {
            Failure::new(crate::FailureKind::ConnectionDone, "the protocol's connection is gone")
        })
    }

    pub(crate) fn wait_for<P: Protocol, T: 'static>(
        transport: &Transport,
        deferred: Deferred<T>,
        f: impl FnOnce(&mut P, &mut Cx<'_>, Result<T, Failure>) + 'static,
    ) {
        let this = &transport.0;
        let target = ProtocolRef::<P>::new(transport);
        let number = this.rare(|rare| {
            rare.waits_begun += 1;
            rare.waits_begun
        });
        let weak = transport.downgrade();
        let wait = deferred.add_both(move |result| {
            if let Some(transport) = weak.upgrade() {
                transport.0.forget_wait(number);
            }
            drop(target.call(move |protocol, cx| f(protocol, cx, result)).add_errback(|_| ()));
        });
        if !wait.is_fired() {
            this.rare(|rare| rare.waits.push((number, wait)));
        }
    }

    fn forget_wait(&self, number: u64) {
        let wait = self.rare_if_any(|rare| {
            let place = rare.waits.iter().position(|(other, _)| *other == number)?;
            Some(rare.waits.swap_remove(place))
        });
        drop(wait);
    }

    /// Gets a turn in the next ready phase.
    pub(crate) fn queue_ready(self: &Rc<Self>) {
        if !self.has(flag::QUEUED) {
            self.set(flag::QUEUED);
            self.reactor.push_ready(Ready::Source(self.clone()));
        }
    }

    /// Gets a turn in the next flush.
    #[inline]
    pub(crate) fn mark_dirty(self: &Rc<Self>) {
        if !self.has(flag::DIRTY) {
            self.set(flag::DIRTY);
            self.reactor.push_dirty(self.clone());
        }
    }

    /// The driver says that it has come up; there may be layers to be put in before the protocol is made.
    fn prepare(transport: &Transport) {
        let prepare = &transport.0.lineage.prepare;
        let prepared = catch_unwind(AssertUnwindSafe(|| prepare(transport)));
        if let Err(panic) = prepared {
            transport.0.abort_with(Failure::from_panic(&*panic));
        }
        Self::opened(transport);
    }

    /// Makes the protocol, once the layers are up.
    fn opened(transport: &Transport) {
        let this = &transport.0;
        if this.has(flag::OVER | flag::MADE)
            || (this.has(flag::LAYERED) && !this.rare(|rare| rare.layers.are_up()))
        {
            return;
        }
        let built = catch_unwind(AssertUnwindSafe(|| this.lineage.build(transport)));
        match built.unwrap_or_else(|panic| Err(Failure::from_panic(&*panic))) {
            Err(refused) => this.abort_with(refused),
            Ok(_) if this.has(flag::OVER) => {} // It was aborted meanwhile.
            Ok(protocol) => {
                this.protocol.set(Some(protocol));
                this.set(flag::MADE);
                this.lineage.count_in();
                Self::dispatch(transport, |protocol, cx| protocol.connection_made(cx));
                if let Some(resolver) = this.rare_if_any(|rare| rare.on_open.take()) {
                    resolver.callback(transport.clone());
                }
            }
        }
    }

    /// The last callback, and the end of everything that belongs to the connection; after the present one,
    /// if the loop was dropped in the middle of a callback.
    pub(crate) fn deliver_lost(transport: &Transport, reason: Failure) {
        let this = &transport.0;
        if this.has(flag::LOST) {
            return;
        }
        if this.has(flag::MADE) && !this.is_idle() {
            return this.rare(|rare| rare.reason = Some(reason));
        }
        this.set(flag::LOST);
        let rare = this.rare.take();
        this.rare(|rare| rare.reason = Some(reason.clone()));
        this.drop_mailbox();
        this.in_flight.set(0);
        if let Some(mut rare) = rare {
            this.rare(|fresh| {
                fresh.calls = std::mem::take(&mut rare.calls);
                fresh.waits = std::mem::take(&mut rare.waits);
            });
            contain("what a connection kept", || rare.end(&reason));
        }
        Self::dispatch(transport, |protocol, cx| protocol.connection_lost(cx, reason.clone()));
        this.leave_seat(&reason);
        contain("a protocol", || drop(this.protocol.take()));
        if this.has(flag::MADE) {
            this.lineage.count_out();
        }
    }
}

impl Rare {
    /// Stops the timers, tells who waits for the connection to come up, stops the producer, drops the rest.
    fn end(mut self: Box<Self>, reason: &Failure) {
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
            Event::Received(chunk) => return Self::received(&transport, chunk),
            Event::Attached(object) => Self::attached(&transport, object),
            Event::ReadClosed => Self::read_closed(&transport),
            Event::Opened => Self::prepare(&transport),
            Event::Sent(count) => transport.0.sent(count),
            Event::Lost(failure) => Self::broke(&transport, failure),
            Event::Closed | Event::DatagramReceived(..) | Event::Ready(_) => {}
        }
        Flow::More
    }

    fn ready(self: Rc<Self>) {
        self.clear(flag::QUEUED);
        let transport = Transport(self);
        Self::opened(&transport);
        Self::replay(&transport);
        if transport.0.has(flag::CALLS) {
            Self::run_calls(&transport);
        }
        if transport.0.has(flag::PRODUCER) {
            Self::ask_producer(&transport);
        }
        if transport.0.has(flag::ENDED) {
            let reason = transport.0.rare_if_any(|rare| rare.reason.clone());
            Self::deliver_lost(&transport, reason.unwrap_or_else(Failure::connection_done));
        }
    }

    fn flush(self: Rc<Self>) {
        self.clear(flag::DIRTY);
        Self::flush_now(&Transport(self));
    }

    fn abandon(self: Rc<Self>, why: Failure) {
        Self::broke(&Transport(self), why);
    }

    fn wind_up(self: Rc<Self>) {
        if self.has(flag::MADE) {
            Transport(self).lose_connection();
        } else {
            self.abort_with(Failure::stopped());
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
