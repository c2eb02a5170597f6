//! [`LayerStack`]: the layers of one connection, and the queues between them.
//!
//! Level 0 lies on the wire. Each level owns the queue *below* it; the queue above the topmost is the
//! transport's mailbox. So putting a layer in is a barrier by construction: what was written before lies
//! below the new level and leaves as it was.

use crate::{BufferPool, Chunk, Failure, Layer, LayerIo, OutQueue, Time};

#[derive(Default)]
pub(crate) struct LayerStack(Vec<Level>);

struct Level {
    layer: Box<dyn Layer>,
    below: OutQueue,
    /// What came before it was put in, and is for it.
    rest: Rest,
    inbound_closed: bool,
    holds_reading: bool,
    said_goodbye: bool,
}

/// What came before a layer was put in, and did not pass it yet.
#[derive(Default)]
pub(crate) struct Rest {
    pub(crate) bytes: Vec<u8>,
    pub(crate) closed: bool,
}

/// What came out at the top while the stack ran.
pub(crate) struct Surfaced<'a> {
    pub(crate) now: Time,
    pub(crate) pool: &'a BufferPool,
    pub(crate) delivered: Vec<u8>,
    pub(crate) closed: bool,
}

impl<'a> Surfaced<'a> {
    pub(crate) fn new(now: Time, pool: &'a BufferPool) -> Self {
        Self { now, pool, delivered: Vec::new(), closed: false }
    }
}

impl LayerStack {
    /// Puts a layer on top; `before` is what was written before it, `rest` what came.
    pub(crate) fn push(&mut self, layer: Box<dyn Layer>, before: OutQueue, rest: Rest) {
        self.0.push(Level {
            layer,
            below: before,
            rest,
            inbound_closed: false,
            holds_reading: false,
            said_goodbye: false,
        });
    }

    /// Whether what is above them may begin.
    pub(crate) fn are_up(&self) -> bool {
        self.0.iter().all(|level| level.layer.is_up())
    }

    /// Whether one wants to hear more before the connection is closed.
    pub(crate) fn linger(&self) -> bool {
        self.0.iter().any(|level| level.layer.lingers())
    }

    /// Puts what was put in meanwhile on top of what was there.
    pub(crate) fn merge(&mut self, newer: Self) {
        self.0.extend(newer.0);
    }

    /// Whether something waits that came before a layer was put in.
    pub(crate) fn has_rest(&self) -> bool {
        self.0.iter().any(|level| !level.rest.bytes.is_empty() || level.rest.closed)
    }

    /// Gives each layer what came before it was put in. What is for a higher one came first.
    pub(crate) fn feed_rest(&mut self, surfaced: &mut Surfaced<'_>) -> Result<(), Failure> {
        for at in (0..self.0.len()).rev() {
            let Rest { mut bytes, closed } = std::mem::take(&mut self.0[at].rest);
            if !bytes.is_empty() {
                let len = bytes.len();
                self.inbound(at, Chunk::from_buffer(&mut bytes, len), surfaced)?;
            }
            if closed {
                self.inbound_closed(at, surfaced)?;
            }
        }
        Ok(())
    }

    /// Bytes that come to level `at` from below.
    pub(crate) fn inbound(
        &mut self,
        at: usize,
        chunk: Chunk<'_>,
        surfaced: &mut Surfaced<'_>,
    ) -> Result<(), Failure> {
        if at == self.0.len() {
            surfaced.delivered.extend_from_slice(chunk.as_slice());
            return Ok(());
        }
        self.run(at, surfaced, |layer, io| layer.inbound(chunk, io))
    }

    /// Level `at` gets no more from below.
    pub(crate) fn inbound_closed(
        &mut self,
        at: usize,
        surfaced: &mut Surfaced<'_>,
    ) -> Result<(), Failure> {
        if at == self.0.len() {
            surfaced.closed = true;
            return Ok(());
        }
        self.run(at, surfaced, |layer, io| layer.inbound_closed(io))
    }

    /// Passes what is in the mailbox, and in the queues between, downwards.
    pub(crate) fn outbound(
        &mut self,
        mailbox: &mut OutQueue,
        surfaced: &mut Surfaced<'_>,
    ) -> Result<(), Failure> {
        for at in (0..self.0.len()).rev() {
            let mut from = std::mem::take(match self.0.get_mut(at + 1) {
                Some(above) => &mut above.below,
                None => &mut *mailbox,
            });
            let ran = self.run(at, surfaced, |layer, io| layer.outbound(&mut from, io));
            *(match self.0.get_mut(at + 1) {
                Some(above) => &mut above.below,
                None => &mut *mailbox,
            }) = from;
            ran?;
        }
        Ok(())
    }

    /// Each layer says its goodbye, from the top; true if one had something to say.
    pub(crate) fn close(&mut self, surfaced: &mut Surfaced<'_>) -> Result<bool, Failure> {
        for at in (0..self.0.len()).rev() {
            if std::mem::replace(&mut self.0[at].said_goodbye, true) {
                continue;
            }
            self.run(at, surfaced, |layer, io| {
                layer.close(io);
                Ok(())
            })?;
            if at > 0 {
                let mut from = std::mem::take(&mut self.0[at].below);
                self.run(at - 1, surfaced, |layer, io| layer.outbound(&mut from, io))?;
                self.0[at].below = from;
            }
        }
        Ok(self.buffered() > 0)
    }

    /// Tells the layers whose deadline has come.
    pub(crate) fn deadline_reached(&mut self, surfaced: &mut Surfaced<'_>) -> Result<(), Failure> {
        for at in 0..self.0.len() {
            if self.0[at].layer.next_deadline().is_some_and(|deadline| deadline <= surfaced.now) {
                self.run(at, surfaced, |layer, io| layer.deadline_reached(io))?;
            }
        }
        Ok(())
    }

    /// What goes to the wire.
    pub(crate) fn wire(&mut self) -> Option<&mut OutQueue> {
        self.0.first_mut().map(|level| &mut level.below)
    }

    /// Bytes in the queues between the layers and to the wire.
    pub(crate) fn buffered(&self) -> usize {
        self.0.iter().map(|level| level.below.len()).sum()
    }

    /// Whether a layer asks that nothing be read.
    pub(crate) fn holds_reading(&self) -> bool {
        self.0.iter().any(|level| level.holds_reading)
    }

    /// The earliest deadline of all layers.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.0.iter().filter_map(|level| level.layer.next_deadline()).min()
    }

    pub(crate) fn release(&mut self, pool: &BufferPool) {
        self.0.iter_mut().for_each(|level| level.below.release(pool));
    }

    /// Calls one layer, and passes on what it delivered to the one above it.
    fn run(
        &mut self,
        at: usize,
        surfaced: &mut Surfaced<'_>,
        call: impl FnOnce(&mut dyn Layer, &mut LayerIo<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let level = &mut self.0[at];
        let mut up = surfaced.pool.take(0);
        let was_closed = level.inbound_closed;
        let mut io = LayerIo {
            now: surfaced.now,
            up: &mut up,
            down: &mut level.below,
            pool: surfaced.pool,
            inbound_closed: &mut level.inbound_closed,
            holds_reading: &mut level.holds_reading,
        };
        call(&mut *level.layer, &mut io)?;
        let closes = level.inbound_closed && !was_closed;
        if !up.is_empty() {
            let len = up.len();
            self.inbound(at + 1, Chunk::from_buffer(&mut up, len), surfaced)?;
        }
        surfaced.pool.give_back(up);
        if closes { self.inbound_closed(at + 1, surfaced) } else { Ok(()) }
    }
}
