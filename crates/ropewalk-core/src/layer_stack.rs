//! [`LayerStack`]: the layers of one connection, and the queues between them.
//!
//! Level 0 lies on the wire. Each level owns the queue *above* it, of what it has not taken yet; what the lowest
//! gives goes to the wire. Putting a layer in is a barrier: what was written before is put below the new level,
//! and leaves as it was.

use crate::{BufferPool, Chunk, Failure, Layer, LayerIo, OutQueue, Time};

#[derive(Default)]
pub(crate) struct LayerStack {
    levels: Vec<Level>,
    wire: OutQueue,
}

struct Level {
    layer: Box<dyn Layer>,
    above: OutQueue,
    inbound_closed: bool,
    holds_reading: bool,
    said_goodbye: bool,
}

/// What came out at the top while the stack ran.
pub(crate) struct Surfaced<'a> {
    now: Time,
    pool: &'a BufferPool,
    pub(crate) delivered: Vec<u8>,
    pub(crate) closed: bool,
}

impl<'a> Surfaced<'a> {
    pub(crate) fn new(now: Time, pool: &'a BufferPool) -> Self {
        Self { now, pool, delivered: Vec::new(), closed: false }
    }
}

impl LayerStack {
    /// Puts a layer on top; `before` is what was written before it.
    pub(crate) fn push(&mut self, layer: Box<dyn Layer>, before: &mut OutQueue) {
        self.top().append(before);
        self.levels.push(Level {
            layer,
            above: OutQueue::new(),
            inbound_closed: false,
            holds_reading: false,
            said_goodbye: false,
        });
    }

    /// Whether what is above them may begin.
    pub(crate) fn are_up(&self) -> bool {
        self.levels.iter().all(|level| level.layer.is_up())
    }

    /// Whether one wants to hear more before the connection is closed.
    pub(crate) fn linger(&self) -> bool {
        self.levels.iter().any(|level| level.layer.lingers())
    }

    /// Puts what was put in meanwhile on top of what was there.
    pub(crate) fn merge(&mut self, mut newer: Self) {
        self.top().append(&mut newer.wire);
        self.levels.append(&mut newer.levels);
    }

    /// Bytes that come to level `at` from below.
    pub(crate) fn inbound(
        &mut self,
        at: usize,
        chunk: Chunk<'_>,
        surfaced: &mut Surfaced<'_>,
    ) -> Result<(), Failure> {
        if at == self.levels.len() {
            surfaced.delivered.extend_from_slice(chunk.as_slice());
            return Ok(());
        }
        self.run(at, surfaced, |layer, _, io| layer.inbound(chunk, io))
    }

    /// Level `at` gets no more from below.
    pub(crate) fn inbound_closed(
        &mut self,
        at: usize,
        surfaced: &mut Surfaced<'_>,
    ) -> Result<(), Failure> {
        if at == self.levels.len() {
            surfaced.closed = true;
            return Ok(());
        }
        self.run(at, surfaced, |layer, _, io| layer.inbound_closed(io))
    }

    /// Passes what is in the mailbox, and in the queues between, downwards.
    pub(crate) fn outbound(
        &mut self,
        mailbox: &mut OutQueue,
        surfaced: &mut Surfaced<'_>,
    ) -> Result<(), Failure> {
        self.top().append(mailbox);
        let mut downwards = (0..self.levels.len()).rev();
        downwards
            .try_for_each(|at| self.run(at, surfaced, |layer, from, io| layer.outbound(from, io)))
    }

    /// Each layer says its goodbye, from the top; true if one had something to say.
    pub(crate) fn close(&mut self, surfaced: &mut Surfaced<'_>) -> Result<bool, Failure> {
        for at in (0..self.levels.len()).rev() {
            if std::mem::replace(&mut self.levels[at].said_goodbye, true) {
                continue;
            }
            self.run(at, surfaced, |layer, _, io| {
                layer.close(io);
                Ok(())
            })?;
            if at > 0 {
                self.run(at - 1, surfaced, |layer, from, io| layer.outbound(from, io))?;
            }
        }
        Ok(self.buffered() > 0)
    }

    /// Tells the layers whose deadline has come.
    pub(crate) fn deadline_reached(&mut self, surfaced: &mut Surfaced<'_>) -> Result<(), Failure> {
        for at in 0..self.levels.len() {
            let deadline = self.levels[at].layer.next_deadline();
            if deadline.is_some_and(|deadline| deadline <= surfaced.now) {
                self.run(at, surfaced, |layer, _, io| layer.deadline_reached(io))?;
            }
        }
        Ok(())
    }

    /// What goes to the wire.
    pub(crate) fn wire(&mut self) -> &mut OutQueue {
        &mut self.wire
    }

    /// Bytes in the queues between the layers and to the wire.
    pub(crate) fn buffered(&self) -> usize {
        self.wire.len() + self.levels.iter().map(|level| level.above.len()).sum::<usize>()
    }

    /// How many attachments wait for the next byte that comes from above.
    pub(crate) fn attachments_at_end(&self) -> usize {
        let mut count = 0;
        for queue in self.levels.iter().rev().map(|level| &level.above).chain([&self.wire]) {
            count += queue.attachments_at_end();
            if !queue.is_empty() {
                break;
            }
        }
        count
    }

    /// Whether a layer asks that nothing be read.
    pub(crate) fn holds_reading(&self) -> bool {
        self.levels.iter().any(|level| level.holds_reading)
    }

    /// The earliest deadline of all layers.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.levels.iter().filter_map(|level| level.layer.next_deadline()).min()
    }

    pub(crate) fn release(&mut self, pool: &BufferPool) {
        self.wire.release(pool);
        self.levels.iter_mut().for_each(|level| level.above.release(pool));
    }

    /// Where what comes from the mailbox goes.
    fn top(&mut self) -> &mut OutQueue {
        self.levels.last_mut().map_or(&mut self.wire, |level| &mut level.above)
    }

    /// Calls one layer, and passes on what it delivered to the one above it.
    fn run(
        &mut self,
        at: usize,
        surfaced: &mut Surfaced<'_>,
        call: impl FnOnce(&mut dyn Layer, &mut OutQueue, &mut LayerIo<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (lower, upper) = self.levels.split_at_mut(at);
        let level = &mut upper[0];
        let mut up = surfaced.pool.take(0);
        let was_closed = level.inbound_closed;
        let mut io = LayerIo {
            now: surfaced.now,
            up: &mut up,
            down: lower.last_mut().map_or(&mut self.wire, |below| &mut below.above),
            pool: surfaced.pool,
            inbound_closed: &mut level.inbound_closed,
            holds_reading: &mut level.holds_reading,
        };
        call(&mut *level.layer, &mut level.above, &mut io)?;
        let closes = level.inbound_closed && !was_closed;
        if !up.is_empty() {
            let len = up.len();
            self.inbound(at + 1, Chunk::from_buffer(&mut up, len), surfaced)?;
        }
        surfaced.pool.give_back(up);
        if closes { self.inbound_closed(at + 1, surfaced) } else { Ok(()) }
    }
}
