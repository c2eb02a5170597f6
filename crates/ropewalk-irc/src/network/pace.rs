//! [`Pace`]: how fast one user may go on.
//!
//! A bucket that holds some messages and fills with time, kept as a single moment: when it will be full again.
//! Each message moves that moment on by one interval; it may not be further away than the whole bucket.

use std::time::Duration;

use ropewalk_core::Time;

use super::Refusal;

/// What one user has used of an allowance: so many at once, and one each interval in the long run.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    full_at: Time,
    warned: bool,
}

impl Pace {
    /// One more message.
    ///
    /// # Errors
    /// `TooFast` the first time it is one too many, `Flooding` from then on, until the bucket has been full.
    pub(crate) fn step(
        &mut self,
        now: Time,
        interval: Duration,
        burst: u32,
    ) -> Result<(), Refusal> {
        if self.full_at <= now {
            *self = Self { full_at: now, warned: false };
        }
        let full_at = self.full_at + interval;
        if full_at.since(now) <= interval * burst {
            self.full_at = full_at;
            return Ok(());
        }
        if std::mem::replace(&mut self.warned, true) {
            return Err(Refusal::Flooding);
        }
        Err(Refusal::TooFast)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn step(pace: &mut Pace, now: Time) -> Result<(), Refusal> {
        pace.step(now, SECOND, 3)
    }

    #[test]
    fn a_burst_and_then_one_each_interval() {
        let (mut pace, mut now) = (Pace::default(), Time::START);
        for _ in 0..3 {
            assert_eq!(step(&mut pace, now), Ok(()));
        }
        for _ in 0..10 {
            now += SECOND;
            assert_eq!(step(&mut pace, now), Ok(()));
        }
        assert_eq!(step(&mut pace, now), Err(Refusal::TooFast));
    }

    #[test]
    fn one_warning_and_then_it_is_flooding() {
        let (mut pace, now) = (Pace::default(), Time::START);
        let said: Vec<_> = (0..5).map(|_| step(&mut pace, now)).collect();
        assert_eq!(said[2..], [Ok(()), Err(Refusal::TooFast), Err(Refusal::Flooding)]);
    }

    #[test]
    fn a_warning_is_forgotten_after_a_rest() {
        let (mut pace, now) = (Pace::default(), Time::START);
        let said: Vec<_> = (0..4).map(|_| step(&mut pace, now)).collect();
        assert_eq!(said[3], Err(Refusal::TooFast));
        let later = now + SECOND * 3;
        (0..3).for_each(|_| assert_eq!(step(&mut pace, later), Ok(())));
        assert_eq!(step(&mut pace, later), Err(Refusal::TooFast));
    }
}
