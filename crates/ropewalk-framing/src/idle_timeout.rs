//! [`IdleTimeout`]: a layer that ends a connection on which nothing happens.

use std::time::Duration;

use ropewalk_core::{Chunk, Failure, FailureKind, Layer, LayerIo, OutQueue, Time};

/// Aborts its connection with a `Timeout` failure when no byte has come or gone for a while.
///
/// It costs one timer, which is looked at when it goes off and not for each byte.
///
/// # Example: a factory whose connections may be silent for a minute
/// ```
/// use std::time::Duration;
/// use ropewalk_core::Protocol;
/// use ropewalk_framing::{IdleTimeout, with_layer};
///
/// struct Echo;
/// impl Protocol for Echo {}
///
/// let factory = with_layer(|| Echo, || IdleTimeout::new(Duration::from_secs(60)));
/// # let _: &dyn ropewalk_core::AnyFactory = &factory;
/// ```
#[derive(Clone, Debug)]
pub struct IdleTimeout {
    allowed: Duration,
    /// When a byte last moved; at first, when the layer was put in.
    last: Option<Time>,
}

impl IdleTimeout {
    /// `allowed` may pass without a byte in either direction.
    pub fn new(allowed: Duration) -> Self {
        Self { allowed, last: None }
    }
}

impl Layer for IdleTimeout {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.last = Some(io.now());
        io.deliver(chunk.as_slice());
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        if self.last.is_none() || !from.is_empty() {
            self.last = Some(io.now());
        }
        io.send_queue(from);
        Ok(())
    }

    fn next_deadline(&self) -> Option<Time> {
        Some(self.last? + self.allowed)
    }

    fn deadline_reached(&mut self, _: &mut LayerIo<'_>) -> Result<(), Failure> {
        let why = format!("nothing came or went for {:?}", self.allowed);
        Err(Failure::new(FailureKind::Timeout, why))
    }
}
