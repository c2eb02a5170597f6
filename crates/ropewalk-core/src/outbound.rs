//! What goes out over a [`Connection`], and how it ends.
//!
//! The methods of a transport only append and mark the connection dirty. The flush, last phase of a turn,
//! passes the mailbox through the layers, hands it to the driver once, and then does what was asked to happen
//! when everything is sent: ask a producer for more, close the writing half, close the connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::connection::{Connection, Rare, flag};
use crate::{Close, Failure, FailureKind, OutQueue, Transport};

impl Connection {
    /// Something was appended to the mailbox.
    pub(crate) fn written(self: &Rc<Self>) {
        self.mark_dirty();
        let max = self.lineage.limits().write_bytes_max;
        if self.buffered() > max {
            return self.abort_with(Failure::new(
                FailureKind::Limit,
                format!("more than {max} bytes wait to be sent (write_bytes_max): the peer does not read"),
            ));
        }
        if self.has(flag::PRODUCER) {
            self.queue_producer();
        }
    }

    /// Bytes written and not yet sent.
    pub(crate) fn buffered(&self) -> usize {
        let mailbox = self.out.borrow().len() + self.in_flight.get();
        if self.has(flag::LAYERED) {
            mailbox + self.rare_if_any(|rare| rare.layers.buffered())
        } else {
            mailbox
        }
    }

    /// Whether `write` still has a meaning.
    pub(crate) fn takes_writes(&self) -> bool {
        let flags = self.flags.get();
        let closing = flags & (flag::CLOSING | flag::WRITE_CLOSING) != 0;
        flags & (flag::OVER | flag::WRITE_CLOSED) == 0 && (!closing || flags & flag::PRODUCER != 0)
    }

    /// Ends the connection at the next flush, whatever is not sent; the first reason holds.
    pub(crate) fn abort_with(self: &Rc<Self>, reason: Failure) {
        if self.has(flag::OVER) {
            return;
        }
        self.set(flag::ABORTED);
        self.rare(|rare| rare.reason = Some(reason));
        self.mark_dirty();
        self.drop_mailbox();
    }

    /// Drops what was written, which is in no cell meanwhile: some of it may be the user's.
    pub(crate) fn drop_mailbox(&self) {
        self.out.take().clear(&self.reactor.0.pool);
    }

    pub(crate) fn sent(self: &Rc<Self>, count: usize) {
        self.in_flight.set(self.in_flight.get().saturating_sub(count));
        let flags = self.flags.get();
        if self.in_flight.get() == 0
            && flags & (flag::CLOSING | flag::WRITE_CLOSING | flag::LAYERED) != 0
        {
            self.mark_dirty();
        }
        if flags & flag::PRODUCER != 0 {
            if let Some(timer) = self.rare_if_any(|rare| rare.close_timer.clone()) {
                let _ = timer.reset(self.lineage.limits().close_timeout); // Already run is as good.
            }
            self.queue_producer();
        }
    }

    pub(crate) fn flush_now(transport: &Transport) {
        let this = &transport.0;
        if !this.has(!flag::PLAIN) {
            return this.send_plain();
        }
        if this.has(flag::ENDED | flag::LOST) {
            return;
        }
        if this.has(flag::LAYERED) && (!this.has(flag::ABORTED) || this.has(flag::LAST_WORDS)) {
            Self::pass_layers(transport);
        }
        if this.has(flag::ABORTED) {
            return this.end_aborted();
        }
        this.arm();
        this.send();
        let flags = this.flags.get();
        if flags & (flag::CLOSING | flag::WRITE_CLOSING | flag::PRODUCER) != 0 {
            this.after_sending(transport);
        } else if flags & flag::READ_CLOSED != 0 && flags & flag::WRITE_CLOSED != 0 {
            this.end(Close::Clean);
        }
    }

    /// Tells the driver whether to receive, if that has changed or if it stopped because it was answered
    /// `Enough`: the reason for that may be gone already.
    fn arm(&self) {
        let wanted = self.wants_to_receive();
        if wanted == self.has(flag::DISARMED) || self.has(flag::TOLD_ENOUGH) {
            self.clear(flag::DISARMED | flag::TOLD_ENOUGH);
            self.set(if wanted { 0 } else { flag::DISARMED });
            self.reactor.driver().set_receiving(self.id, wanted);
        }
    }

    fn pass_layers(transport: &Transport) {
        let this = &transport.0;
        this.through_layers_in_flush(|layers, surfaced| {
            let mut mailbox = this.out.take();
            let ran = layers.outbound(&mut mailbox, surfaced);
            // Before the protocol can write, or put in another layer.
            mailbox.put_before(&mut this.out.borrow_mut(), &this.reactor.0.pool);
            ran
        });
    }

    /// Hands the driver what is for the wire.
    fn send(&self) {
        if !self.has(flag::LAYERED) {
            return self.send_plain();
        }
        let pool = &self.reactor.0.pool;
        let wire = self.rare_if_any(|rare| rare.layers.wire().map(std::mem::take));
        let left = self.hand_over(wire.unwrap_or_default());
        self.rare_if_any(|rare| {
            if let Some(wire) = rare.layers.wire() {
                left.put_before(wire, pool);
            }
            rare.layers.release(pool);
        });
    }

    /// Hands the driver what is in the mailbox.
    fn send_plain(&self) {
        let mut out = self.out.borrow_mut();
        if out.only().is_some() {
            // Copies only: in sending them nothing of the user's is dropped, which might write.
            if !out.is_empty() {
                let kept = self.reactor.driver().send(self.id, &mut out);
                self.in_flight.set(self.in_flight.get() + kept);
                out.release(&self.reactor.0.pool);
            }
            return;
        }
        drop(out);
        if !self.out.borrow().is_empty() {
            let left = self.hand_over(self.out.take());
            left.put_before(&mut self.out.borrow_mut(), &self.reactor.0.pool);
        }
    }

    /// Gives all bytes of `queue` to the driver. It is in no cell meanwhile: bytes that have been sent are
    /// dropped, and their owner may be the user's.
    fn hand_over(&self, mut queue: OutQueue) -> OutQueue {
        if !queue.is_empty() {
            let kept = self.reactor.driver().send(self.id, &mut queue);
            self.in_flight.set(self.in_flight.get() + kept);
        }
        queue
    }

    /// What was asked to happen once everything is sent, if it is.
    fn after_sending(self: &Rc<Self>, transport: &Transport) {
        if self.has(flag::PRODUCER) {
            self.limit_producing(transport);
            return self.queue_producer();
        }
        if self.buffered() > 0 {
            return self.limit_closing(transport);
        }
        if self.has(flag::LAYERED) && self.say_goodbye() {
            self.send();
            if self.buffered() > 0 {
                return self.limit_closing(transport);
            }
        }
        if self.has(flag::CLOSING) {
            if !self.rare_if_any(|rare| rare.layers.linger()) || self.has(flag::READ_CLOSED) {
                self.end(Close::Clean);
            }
            return;
        }
        if !self.has(flag::WRITE_CLOSED) {
            self.set(flag::WRITE_CLOSED);
            self.reactor.driver().close_write(self.id);
        }
        if self.has(flag::READ_CLOSED) {
            self.end(Close::Clean);
        }
    }

    /// Lets each layer say its goodbye, once.
    fn say_goodbye(self: &Rc<Self>) -> bool {
        let mut said = false;
        self.through_layers_in_flush(|layers, surfaced| {
            said = layers.close(surfaced)?;
            Ok(())
        });
        said
    }

    /// While a producer finishes, the time that closing may take is that without a byte sent: there may be
    /// much to say to a peer that reads slowly, but nothing to one that does not read.
    fn limit_producing(&self, transport: &Transport) {
        if self.buffered() > 0 {
            self.limit_closing(transport);
        } else if let Some(timer) = self.rare_if_any(|rare| rare.close_timer.take()) {
            let _ = timer.cancel(); // Already run is as good.
        }
    }

    /// Begins the time that `lose_connection` may take.
    fn limit_closing(&self, transport: &Transport) {
        let timed = self.rare_if_any(|rare| rare.close_timer.is_some());
        if timed || !self.has(flag::CLOSING) {
            return;
        }
        let allowed = self.lineage.limits().close_timeout;
        let weak = transport.downgrade();
        let timer = self.reactor.call_later(allowed, move || {
            if let Some(transport) = weak.upgrade() {
                transport.0.abort_with(Failure::new(
                    FailureKind::Timeout,
                    format!("what was written could not be sent in {allowed:?} (close_timeout)"),
                ));
            }
        });
        self.rare(|rare| rare.close_timer = Some(timer));
    }

    /// Closes the connection; `connection_lost` comes in the ready phase.
    pub(crate) fn end(self: &Rc<Self>, how: Close) {
        self.set(flag::ENDED);
        self.reactor.driver().close(self.id, how);
        self.rare(|rare| {
            rare.reason.get_or_insert_with(Failure::connection_done);
        });
        self.queue_ready();
    }

    fn end_aborted(self: &Rc<Self>) {
        let speaks = self.has(flag::LAST_WORDS)
            && self.rare(|rare| rare.layers.wire().is_some_and(|wire| !wire.is_empty()));
        if speaks {
            self.send();
        }
        self.end(if speaks { Close::Clean } else { Close::Abort });
    }

    /// Gets the producer asked in the next ready phase, if there is something to ask it.
    pub(crate) fn queue_producer(self: &Rc<Self>) {
        let (buffered, limits) = (self.buffered(), self.lineage.limits());
        let asks = self.rare_if_any(|rare| {
            rare.producer
                .as_ref()
                .is_some_and(|registered| registered.wants(buffered, limits).is_some())
        });
        if asks && !self.has(flag::OVER) {
            self.queue_ready();
        }
    }

    pub(crate) fn ask_producer(transport: &Transport) {
        let this = &transport.0;
        let (buffered, limits) = (this.buffered(), this.lineage.limits());
        let asked =
            this.rare_if_any(|rare: &mut Rare| rare.producer.as_mut()?.take_word(buffered, limits));
        let Some(ask) = asked.filter(|_| !this.has(flag::OVER)) else { return };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(ask)) {
            this.abort_with(Failure::from_panic(&*panic));
        }
        this.queue_producer(); // A pull producer that wrote nothing is asked again.
    }
}
