//! What goes out over a [`Transport`], and how its connection ends.
//!
//! The methods of a transport only append and mark the connection dirty. The flush, last phase of a turn,
//! passes the mailbox through the layers, hands it to the driver once, and then does what was asked to happen
//! when everything is sent: ask a producer for more, close the writing half, close the connection.

use std::cell::RefMut;
use std::mem;

use crate::connection::{Connection, flag};
use crate::layer_stack::{LayerStack, Surfaced};
use crate::{Close, Failure, FailureKind, OutQueue, Transport};

/// What a burst of one turn may have beyond `write_bytes_max` before a send is tried: as much as the system's buffer
/// of one socket takes at once (Linux's largest by default, `tcp_wmem`).
const BURST_BYTES_MAX: usize = 4 << 20;

impl Connection {
    /// Bytes written and not yet sent.
    pub(crate) fn buffered(&self) -> usize {
        self.out.borrow().len() + self.waiting()
    }

    /// Of those, the ones that were there when a send was last tried.
    #[inline]
    fn waiting(&self) -> usize {
        if self.has(flag::LAYERED) {
            self.in_flight.get() + self.rare_if_any(|rare| rare.layers.buffered())
        } else {
            self.in_flight.get()
        }
    }

    /// How many attachments wait for the next byte that is written, here or on their way through the layers.
    pub(crate) fn attachments_waiting(&self) -> usize {
        let out = self.out.borrow();
        let in_layers =
            if out.is_empty() { self.rare_if_any(|r| r.layers.attachments_at_end()) } else { 0 };
        out.attachments_at_end() + in_layers
    }

    /// Whether `write` still has a meaning.
    pub(crate) fn takes_writes(&self) -> bool {
        let flags = self.flags.get();
        let closing = flags & (flag::CLOSING | flag::WRITE_CLOSING) != 0;
        flags & (flag::OVER | flag::WRITE_CLOSED) == 0 && (!closing || flags & flag::PRODUCER != 0)
    }

    /// Drops what was written, which is in no cell meanwhile: some of it may be the user's.
    pub(crate) fn drop_mailbox(&self) {
        self.out.take().clear(&self.reactor.0.pool);
    }

    /// Hands the driver what is for the wire.
    #[inline]
    fn send(&self) {
        let mut out = self.out.borrow_mut();
        if self.has(flag::LAYERED) || out.only().is_none() {
            drop(out);
            self.send_pieces();
        } else if !out.is_empty() {
            // Copies only: nothing of the user's is dropped in sending them.
            let kept = self.reactor.driver().send(self.id, &mut out);
            self.in_flight.set(self.in_flight.get() + kept);
            out.release(&self.reactor.0.pool);
        }
    }

    /// The queue is in no cell meanwhile: bytes that have been sent are dropped, and their owner may be the user's.
    #[inline(never)] // So that the short way of most sends is short.
    fn send_pieces(&self) {
        let pool = &self.reactor.0.pool;
        if !self.has(flag::LAYERED) {
            let left = self.hand_over(self.out.take());
            return left.put_before(&mut self.out.borrow_mut(), pool);
        }
        let queue = self.rare(|rare| mem::take(rare.layers.wire()));
        let left = self.hand_over(queue);
        self.rare(|rare| {
            left.put_before(rare.layers.wire(), pool);
            rare.layers.release(pool);
        });
    }

    /// Gives what is not to be sent yet: attachments stay here until the byte that they go with has come, so that
    /// they can be counted.
    fn hand_over(&self, mut queue: OutQueue) -> OutQueue {
        let mut early = queue.split_off_attachments();
        if !queue.is_empty() {
            let kept = self.reactor.driver().send(self.id, &mut queue);
            self.in_flight.set(self.in_flight.get() + kept);
        }
        queue.append(&mut early);
        queue
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
}

impl Transport {
    /// So many bytes were appended to the mailbox.
    #[inline]
    pub(crate) fn written(&self, count: usize, out: RefMut<'_, OutQueue>) {
        let buffered = out.len() + self.0.in_flight.get();
        drop(out);
        self.mark_dirty();
        let is_plain = !self.0.has(flag::LAYERED | flag::PRODUCER);
        if !is_plain || buffered > self.0.lineage.limits().write_bytes_max {
            self.written_with_care(count);
        }
    }

    /// Whether the peer reads is seen when the bytes are sent: until then a burst of small writes may pass the
    /// limit, unless something waits already.
    #[inline(never)]
    fn written_with_care(&self, count: usize) {
        let max = self.0.lineage.limits().write_bytes_max;
        let may_burst = count <= max && self.0.waiting() == 0;
        if self.0.buffered() > if may_burst { max.saturating_add(BURST_BYTES_MAX) } else { max } {
            return self.abort_for_limit();
        }
        if self.0.has(flag::PRODUCER) {
            self.queue_producer();
        }
    }

    #[cold]
    fn abort_for_limit(&self) {
        let max = self.0.lineage.limits().write_bytes_max;
        let why = format!(
            "more than {max} bytes wait to be sent (write_bytes_max): the peer does not read"
        );
        self.abort_with(Failure::new(FailureKind::Limit, why));
    }

    pub(crate) fn sent(&self, count: usize) {
        self.0.in_flight.set(self.0.in_flight.get().saturating_sub(count));
        let awaited = flag::CLOSING | flag::WRITE_CLOSING | flag::LAYERED;
        if self.0.in_flight.get() == 0 && self.0.has(awaited) {
            self.mark_dirty();
        }
        if self.0.has(flag::PRODUCER) {
            if let Some(timer) = self.0.rare_if_any(|rare| rare.close_timer.clone()) {
                let _ = timer.reset(self.0.lineage.limits().close_timeout); // Already run is as good.
            }
            self.queue_producer();
        }
    }

    #[inline]
    pub(crate) fn flush_now(&self) {
        if !self.0.has(!flag::PLAIN) {
            self.send();
        } else if !self.0.has(flag::ENDED | flag::LOST) {
            self.flush_with_care();
        }
    }

    #[inline(never)]
    fn flush_with_care(&self) {
        if self.0.has(flag::LAYERED) && (!self.0.has(flag::ABORTED) || self.0.has(flag::LAST_WORDS))
        {
            self.through_layers_in_flush(|layers, surfaced| {
                layers.outbound(&mut self.0.out.take(), surfaced)
            });
        }
        if self.0.has(flag::ABORTED) {
            return self.end_aborted();
        }
        self.0.arm();
        self.send();
        if self.0.has(flag::ENDED) {
            return;
        }
        if self.0.has(flag::CLOSING | flag::WRITE_CLOSING | flag::PRODUCER) {
            self.after_sending();
        } else if self.0.has(flag::READ_CLOSED) && self.0.has(flag::WRITE_CLOSED) {
            self.end(Close::Clean);
        }
    }

    /// Hands the driver what is for the wire. If too much of it has to wait, that is the end.
    #[inline]
    fn send(&self) {
        self.0.send();
        if self.0.waiting() > self.0.lineage.limits().write_bytes_max {
            self.abort_for_limit();
            self.end(Close::Abort);
        }
    }

    /// What comes out at the top waits for the ready phase.
    fn through_layers_in_flush(
        &self,
        run: impl FnOnce(&mut LayerStack, &mut Surfaced<'_>) -> Result<(), Failure>,
    ) {
        self.0.set(flag::FLUSHING);
        self.through_layers(run);
        self.0.clear(flag::FLUSHING);
    }

    /// What was asked to happen once everything is sent, if it is.
    fn after_sending(&self) {
        if self.0.has(flag::PRODUCER) {
            self.limit_producing();
            return self.queue_producer();
        }
        if self.0.has(flag::LAYERED) && self.0.buffered() == 0 && self.say_goodbye() {
            self.0.send();
        }
        if self.0.buffered() > 0 {
            return self.limit_closing();
        }
        if self.0.has(flag::CLOSING) {
            if !self.0.rare_if_any(|rare| rare.layers.linger()) || self.0.has(flag::READ_CLOSED) {
                self.end(Close::Clean);
            }
            return;
        }
        if !self.0.has(flag::WRITE_CLOSED) {
            self.0.set(flag::WRITE_CLOSED);
            self.0.reactor.driver().close_write(self.0.id);
        }
        if self.0.has(flag::READ_CLOSED) {
            self.end(Close::Clean);
        }
    }

    /// Lets each layer say its goodbye, once.
    fn say_goodbye(&self) -> bool {
        let mut said = false;
        self.through_layers_in_flush(|layers, surfaced| {
            said = layers.close(surfaced)?;
            Ok(())
        });
        said
    }

    /// While a producer finishes, the time that closing may take is that without a byte sent: there may be
    /// much to say to a peer that reads slowly, but nothing to one that does not read.
    fn limit_producing(&self) {
        if self.0.buffered() > 0 {
            self.limit_closing();
        } else if let Some(timer) = self.0.rare_if_any(|rare| rare.close_timer.take()) {
            let _ = timer.cancel(); // Already run is as good.
        }
    }

    /// Begins the time that `lose_connection` may take.
    fn limit_closing(&self) {
        let timed = self.0.rare_if_any(|rare| rare.close_timer.is_some());
        if timed || !self.0.has(flag::CLOSING) {
            return;
        }
        let allowed = self.0.lineage.limits().close_timeout;
        let weak = self.downgrade();
        let timer = self.0.reactor.call_later(allowed, move || {
            if let Some(transport) = weak.upgrade() {
                let why =
                    format!("what was written could not be sent in {allowed:?} (close_timeout)");
                transport.abort_with(Failure::new(FailureKind::Timeout, why));
            }
        });
        self.0.rare(|rare| rare.close_timer = Some(timer));
    }

    /// Closes the connection; `connection_lost` comes in the ready phase.
    pub(crate) fn end(&self, how: Close) {
        self.0.set(flag::ENDED);
        self.0.reactor.driver().close(self.0.id, how);
        self.0.rare(|rare| {
            rare.reason.get_or_insert_with(Failure::connection_done);
        });
        self.queue_ready();
    }

    fn end_aborted(&self) {
        let speaks =
            self.0.has(flag::LAST_WORDS) && self.0.rare(|rare| !rare.layers.wire().is_empty());
        if speaks {
            self.0.send();
        }
        self.end(if speaks { Close::Clean } else { Close::Abort });
    }

    /// Gets the producer asked in the next ready phase, if there is something to ask it.
    pub(crate) fn queue_producer(&self) {
        if self.producer_waits() && !self.0.has(flag::OVER) {
            self.queue_ready();
        }
    }

    fn producer_waits(&self) -> bool {
        let (buffered, limits) = (self.0.buffered(), self.0.lineage.limits());
        self.0.rare_if_any(|rare| rare.producer.as_ref().is_some_and(|p| p.waits(buffered, limits)))
    }

    pub(crate) fn ask_producer(&self) {
        if self.0.has(flag::OVER) || !self.producer_waits() {
            return;
        }
        let Some(ask) = self.0.rare_if_any(|rare| rare.producer.as_mut().map(|p| p.ask())) else {
            return;
        };
        if let Err(panic) = Failure::catch(ask) {
            self.abort_with(panic);
        }
        self.queue_producer(); // A pull producer that wrote nothing is asked again.
    }
}
