//! [`RateLimit`]: a layer that slows a connection down, and [`Bucket`], what it draws from.
//!
//! A bucket fills with so many bytes a second and holds no more than a burst; each byte that passes takes one
//! out. Connections may have a bucket each, or share one.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Chunk, Failure, Layer, LayerIo, OutQueue, Time};

/// An allowance of bytes. Clones share it.
#[derive(Clone, Debug)]
pub struct Bucket(Rc<State>);

#[derive(Debug)]
struct State {
    bytes_per_second: u64,
    burst_bytes: u64,
    /// What is in it, in billionths of a byte, at the moment `at`.
    level: Cell<u128>,
    at: Cell<Option<Time>>,
}

const NANOS: u128 = 1_000_000_000;

impl Bucket {
    /// An allowance of `bytes_per_second`, with at most `burst_bytes` at a time; it begins full.
    ///
    /// # Panics
    /// If either is zero: nothing would ever pass.
    pub fn new(bytes_per_second: u64, burst_bytes: u64) -> Self {
        assert!(bytes_per_second > 0 && burst_bytes > 0, "a bucket lets something pass");
        let level = Cell::new(u128::from(burst_bytes) * NANOS);
        Self(Rc::new(State { bytes_per_second, burst_bytes, level, at: Cell::new(None) }))
    }

    /// How many of `wanted` bytes may pass now; they are taken out.
    fn take(&self, wanted: usize, now: Time) -> usize {
        let state = &self.0;
        let passed = now.since(state.at.replace(Some(now)).unwrap_or(now)).as_nanos();
        let full = u128::from(state.burst_bytes) * NANOS;
        let level = (state.level.get() + passed * u128::from(state.bytes_per_second)).min(full);
        let allowed = usize::try_from(level / NANOS).unwrap_or(usize::MAX).min(wanted);
        state.level.set(level - allowed as u128 * NANOS);
        allowed
    }

    /// When so many of the `waiting` bytes may pass that it is worth the while.
    fn refilled(&self, now: Time, waiting: usize) -> Time {
        let state = &self.0;
        let useful = state.useful_bytes().min(waiting as u64);
        let missing = (u128::from(useful) * NANOS).saturating_sub(state.level.get());
        let nanos = missing.div_ceil(u128::from(state.bytes_per_second));
        now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl State {
    /// What is waited for before a slowed connection goes on, if so much waits: about a packet. Of a fast one
    /// what a millisecond brings, so that it does not keep the loop; of a slow one what a tenth of a second
    /// brings, so that it does not seem dead.
    fn useful_bytes(&self) -> u64 {
        let (fast, slow) = (self.bytes_per_second / 1000, self.bytes_per_second / 10);
        PACKET_BYTES.max(fast).min(slow).clamp(1, self.burst_bytes)
    }
}

const PACKET_BYTES: u64 = 1400;

/// Slows a connection down to what its buckets allow, each way. Nothing is dropped: what may not pass yet
/// waits, on the way in by not reading on, on the way out in the transport's mailbox, where watermarks and
/// limits see it.
///
/// # Example: 10 kB/s to each client, whatever they send
/// ```
/// use ropewalk_core::Protocol;
/// use ropewalk_framing::{Bucket, RateLimit, with_layer};
///
/// struct Download;
/// impl Protocol for Download {}
///
/// let factory = with_layer(|| Download, || RateLimit::new(None, Some(Bucket::new(10_000, 20_000))));
/// # let _: &dyn ropewalk_core::AnyFactory = &factory;
/// ```
#[derive(Debug)]
pub struct RateLimit {
    inbound: Option<Bucket>,
    outbound: Option<Bucket>,
    /// What came and may not pass yet.
    held: Vec<u8>,
    held_end: bool,
    in_at: Option<Time>,
    out_at: Option<Time>,
}

impl RateLimit {
    /// Draws from `inbound` for what comes and from `outbound` for what goes; `None` is no limit.
    pub fn new(inbound: Option<Bucket>, outbound: Option<Bucket>) -> Self {
        let (in_at, out_at) = (None, None);
        Self { inbound, outbound, held: Vec::new(), held_end: false, in_at, out_at }
    }

    /// Passes up what is held, as much as may pass.
    fn release(&mut self, io: &mut LayerIo<'_>) {
        let now = io.now();
        let allowed = match &self.inbound {
            Some(bucket) => bucket.take(self.held.len(), now),
            None => self.held.len(),
        };
        io.deliver(&self.held[..allowed]);
        self.held.drain(..allowed);
        let left = self.held.len();
        let waits = left > 0;
        self.in_at = self.inbound.as_ref().filter(|_| waits).map(|it| it.refilled(now, left));
        io.hold_reading(waits);
        if !waits {
            self.held = Vec::new();
            if std::mem::take(&mut self.held_end) {
                io.close_inbound();
            }
        }
    }
}

impl Layer for RateLimit {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.held.extend_from_slice(chunk.as_slice());
        self.release(io);
        Ok(())
    }

    fn inbound_closed(&mut self, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        self.held_end = true;
        self.release(io);
        Ok(())
    }

    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        let now = io.now();
        let allowed = match &self.outbound {
            Some(bucket) => bucket.take(from.len(), now),
            None => from.len(),
        };
        if allowed == from.len() {
            io.send_queue(from);
        } else {
            io.send_some(from, allowed);
        }
        let left = from.len();
        self.out_at = self.outbound.as_ref().filter(|_| left > 0).map(|it| it.refilled(now, left));
        Ok(())
    }

    fn next_deadline(&self) -> Option<Time> {
        [self.in_at, self.out_at].into_iter().flatten().min()
    }

    fn deadline_reached(&mut self, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        if self.in_at.is_some_and(|at| at <= io.now()) {
            self.release(io);
        }
        // What waits to go out goes in the flush that follows, which finds the next deadline, too.
        self.out_at = self.out_at.filter(|at| *at > io.now());
        Ok(())
    }
}
