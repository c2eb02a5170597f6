//! [`Layer`]: a transformation below a transport's mailbox.
//!
//! TLS, compression, a rate limit and an idle timeout are layers. They stand between the wire and the mailbox
//! of one connection, so the [`Transport`](crate::Transport) and all its clones stay what they are when one
//! is put in, and a [`Protocol`](crate::Protocol) never knows. Layers stack: bytes from the wire go up
//! through them in order, bytes from the mailbox go down.
//!
//! A layer does no I/O and reads no clock. It is fed bytes and the time, and what it wants to happen it puts
//! into the [`LayerIo`].

use crate::{BufferPool, Chunk, Failure, OutQueue, Time};

/// One transformation in a connection's stack.
///
/// Any `Err` ends the connection at once, and is the reason its protocol gets in `connection_lost`. What the layer
/// sent down before it (an alert) still leaves; a layer that says nothing aborts the connection.
///
/// # Ordering
/// `inbound` and `outbound` are called in the order the bytes come; `inbound_closed` after the last
/// `inbound`; `close` once, after the last plaintext has been taken by `outbound`.
pub trait Layer: 'static {
    /// Bytes came from below. What they turn into goes up by [`LayerIo::deliver`], and answers go down by
    /// [`LayerIo::send`].
    ///
    /// # Errors
    /// The peer broke a rule.
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure>;

    /// The peer sends no more. By default that is handed on with [`LayerIo::close_inbound`].
    ///
    /// # Errors
    /// It should have sent more (a TLS connection cut short).
    fn inbound_closed(&mut self, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.close_inbound();
        Ok(())
    }

    /// Takes bytes from above out of `from`; what they turn into goes down by [`LayerIo::send_queue`] or
    /// [`LayerIo::send`]. It may leave some for later. Called at every flush, also with nothing new, and once
    /// right after the layer is put in, so that it can speak first.
    ///
    /// # Errors
    /// The layer cannot go on.
    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure>;

    /// Whether what is above may begin. Until every layer of a new connection is up (a handshake is done), its
    /// factory is not asked for a protocol, and nothing is delivered; asked after every other call.
    fn is_up(&self) -> bool {
        true
    }

    /// This side sends no more: the layer says its goodbye, if it has one.
    fn close(&mut self, io: &mut LayerIo<'_>) {
        let _ = io;
    }

    /// Whether the peer is to be heard for a while after the goodbye, before the connection is closed by
    /// `lose_connection`; asked after every other call. What a peer sends to a closed end costs it what it has not
    /// read yet. A layer that waits has a deadline.
    fn lingers(&self) -> bool {
        false
    }

    /// When it next wants [`deadline_reached`](Self::deadline_reached); asked after every other call.
    fn next_deadline(&self) -> Option<Time> {
        None
    }

    /// Its deadline has come. `outbound` is called after it.
    ///
    /// # Errors
    /// It waited too long.
    fn deadline_reached(&mut self, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        let _ = io;
        Ok(())
    }
}

/// What a [`Layer`] can make happen while one of its methods runs.
pub struct LayerIo<'a> {
    pub(crate) now: Time,
    pub(crate) up: &'a mut Vec<u8>,
    pub(crate) down: &'a mut OutQueue,
    pub(crate) pool: &'a BufferPool,
    pub(crate) inbound_closed: &'a mut bool,
    pub(crate) holds_reading: &'a mut bool,
}

impl LayerIo<'_> {
    /// This turn's time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Passes bytes up, to the next layer or the protocol.
    pub fn deliver(&mut self, bytes: &[u8]) {
        self.up.extend_from_slice(bytes);
    }

    /// Passes bytes down, to the next layer or the wire.
    pub fn send(&mut self, bytes: &[u8]) {
        self.down.push(bytes, self.pool);
    }

    /// Passes everything in `queue` down as it is.
    pub fn send_queue(&mut self, queue: &mut OutQueue) {
        self.down.append(queue);
    }

    /// Passes the first `count` bytes of `queue` down as they are; all of them if there are fewer.
    pub fn send_some(&mut self, queue: &mut OutQueue, count: usize) {
        let mut left = count;
        while left > 0 && !queue.is_empty() {
            for object in queue.take_attachments() {
                self.down.push_attachment(object);
            }
            let step = left.min(queue.first().len());
            self.down.push(&queue.first()[..step], self.pool);
            queue.advance(step);
            left -= step;
        }
    }

    /// Nothing more comes up from this layer: the protocol's reading half is closed.
    pub fn close_inbound(&mut self) {
        *self.inbound_closed = true;
    }

    /// Asks that nothing be read from the wire while `hold` is set. Bytes that are on their way already still
    /// come; a layer that holds keeps them itself.
    pub fn hold_reading(&mut self, hold: bool) {
        *self.holds_reading = hold;
    }
}
