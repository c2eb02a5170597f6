//! [`Producer`] and [`Consumer`]: so that nobody is given more than they can take.
//!
//! A producer is registered with a consumer (usually a [`Transport`](crate::Transport)) and is told when to
//! produce. A **push** producer writes as it likes until it is paused at the consumer's high watermark, and
//! is resumed at its low one. A **pull** producer writes once each time it is resumed, which happens whenever
//! everything before has been sent. A [`Transport`](crate::Transport) is itself a push producer of what it
//! receives: registering one connection's transport with another's makes a proxy with back-pressure.

use std::rc::Rc;

use bytes::Bytes;

use crate::ConnectionLimits;

/// Something that writes to a [`Consumer`] and can be told to wait.
///
/// The consumer asks only in the reactor's ready phase, never from inside a write.
pub trait Producer: 'static {
    /// Produce: for a push producer until paused, for a pull producer one piece.
    fn resume_producing(&self);

    /// A push producer is to stop until it is resumed. Never called on a pull producer.
    fn pause_producing(&self);

    /// The consumer is gone: nothing more will be asked for.
    fn stop_producing(&self);
}

/// How a [`Producer`] works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Streaming {
    /// It writes on its own account until it is paused.
    Push,
    /// It writes one piece each time it is resumed.
    Pull,
}

/// Something that takes bytes and says when it has enough.
pub trait Consumer {
    /// Takes bytes.
    fn write_bytes(&self, bytes: Bytes);

    /// From now on asks `producer`. A pull producer is first resumed in the next ready phase.
    ///
    /// # Errors
    /// `Local` if there is a producer already; `ConnectionDone` if the consumer is gone, and the producer has
    /// then been stopped.
    fn register_producer(
        &self,
        producer: Rc<dyn Producer>,
        streaming: Streaming,
    ) -> Result<(), crate::Failure>;

    /// The producer has nothing more; what was asked to happen after it (`lose_connection`) now happens.
    fn unregister_producer(&self);
}

/// A producer as its consumer knows it.
pub(crate) struct Registered {
    producer: Rc<dyn Producer>,
    streaming: Streaming,
    paused: bool,
}

impl Registered {
    pub(crate) fn new(producer: Rc<dyn Producer>, streaming: Streaming) -> Self {
        Self { producer, streaming, paused: false }
    }

    /// Whether it is to be told something, with so many bytes waiting to be sent.
    pub(crate) fn waits(&self, buffered: usize, limits: &ConnectionLimits) -> bool {
        match (self.streaming, self.paused) {
            (Streaming::Pull, _) => buffered == 0,
            (Streaming::Push, false) => buffered > limits.write_high_watermark,
            (Streaming::Push, true) => buffered <= limits.write_low_watermark,
        }
    }

    /// What tells it so; to be called with nothing borrowed.
    pub(crate) fn ask(&mut self) -> impl FnOnce() + use<> {
        self.paused = self.streaming == Streaming::Push && !self.paused;
        let (producer, pause) = (self.producer.clone(), self.paused);
        move || if pause { producer.pause_producing() } else { producer.resume_producing() }
    }

    pub(crate) fn stop(self) {
        self.producer.stop_producing();
    }
}
