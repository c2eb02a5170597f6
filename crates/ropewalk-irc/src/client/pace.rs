//! [`Pace`]: how much may be sent how soon, as a bucket of tokens.

use std::time::Duration;

use ropewalk_core::Time;

/// So much at once, then one per interval.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    interval: Duration,
    /// As time: a whole bucket.
    burst: Duration,
    /// When the bucket is full again.
    full_at: Time,
}

impl Pace {
    pub(crate) fn new(burst: u32, interval: Duration) -> Self {
        Self { interval, burst: interval.saturating_mul(burst.max(1)), full_at: Time::START }
    }

    /// How long until the next may go.
    pub(crate) fn wait(&self, now: Time) -> Duration {
        let full_at = self.full_at.max(now) + self.interval;
        full_at.since(now).saturating_sub(self.burst)
    }

    /// One goes. Those that go before they may make the next wait longer.
    pub(crate) fn spend(&mut self, now: Time) {
        self.full_at = self.full_at.max(now) + self.interval;
    }

    /// One goes if it may.
    pub(crate) fn take(&mut self, now: Time) -> bool {
        let may = self.wait(now).is_zero();
        if may {
            self.spend(now);
        }
        may
    }
}
