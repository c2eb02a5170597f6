//! [`Pace`]: how many lookups may be under way, and how fast they may follow each other.

use std::time::Duration;

use ropewalk_core::Time;

/// How fast lookups may begin.
///
/// It begins with a few, and allows one more for each answer, up to what was asked for: a server that is sent ten
/// thousand queries at once loses most of them.
pub(crate) struct Pace {
    concurrency: usize,
    allowed: usize,
    rate: Option<Rate>,
}

/// A bucket of what may be sent.
struct Rate {
    per_second: f64,
    allowance: f64,
    filled_at: Time,
}

/// So many at first: what any socket's buffer holds.
const FIRST: usize = 100;
/// The bucket holds as much as comes in that time; then it is looked at again.
const TICK: Duration = Duration::from_millis(10);

impl Pace {
    pub(crate) fn new(concurrency: usize, rate: Option<u32>, now: Time) -> Self {
        let rate = rate.map(|per_second| Rate {
            per_second: f64::from(per_second.max(1)),
            allowance: 1.0,
            filled_at: now,
        });
        Self { concurrency, allowed: concurrency.min(FIRST), rate }
    }

    /// How long to wait before another may begin, with so many under way: zero until one of them has ended.
    pub(crate) fn wait(&mut self, in_flight: usize, now: Time) -> Option<Duration> {
        if in_flight >= self.allowed {
            return Some(Duration::ZERO);
        }
        let rate = self.rate.as_mut()?;
        let filled = now.since(rate.filled_at).as_secs_f64() * rate.per_second;
        let full = (rate.per_second * TICK.as_secs_f64()).max(1.0);
        rate.allowance = (rate.allowance + filled).min(full);
        rate.filled_at = now;
        let missing = 1.0 - rate.allowance;
        (missing > 1e-6).then(|| {
            Duration::from_secs_f64(missing / rate.per_second)
                .max(TICK.min(Duration::from_secs_f64(1.0 / rate.per_second)))
        })
    }

    /// A query was sent; again ones, too, are taken from what may be sent.
    pub(crate) fn sent(&mut self) {
        if let Some(rate) = &mut self.rate {
            rate.allowance -= 1.0;
        }
    }

    pub(crate) fn answered(&mut self) {
        self.allowed = (self.allowed + 1).min(self.concurrency);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_are_under_way_with_each_answer() {
        let mut pace = Pace::new(103, None, Time::START);
        assert_eq!(pace.wait(99, Time::START), None);
        assert_eq!(pace.wait(100, Time::START), Some(Duration::ZERO));
        (0..10).for_each(|_| pace.answered());
        assert_eq!(pace.wait(102, Time::START), None);
        assert_eq!(pace.wait(103, Time::START), Some(Duration::ZERO));
        assert_eq!(Pace::new(5, None, Time::START).wait(5, Time::START), Some(Duration::ZERO));
    }

    #[test]
    fn a_rate_is_kept() {
        for rate in [1, 7, 100, 5000] {
            let (mut pace, mut now, mut sent) =
                (Pace::new(1000, Some(rate), Time::START), Time::START, 0);
            while now < Time::START + Duration::from_secs(10) {
                match pace.wait(0, now) {
                    None => {
                        pace.sent();
                        sent += 1;
                    }
                    Some(after) => now += after,
                }
            }
            assert!((i64::from(sent) - i64::from(rate) * 10).abs() <= 2, "{sent} at {rate}");
        }
    }
}
