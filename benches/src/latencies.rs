//! [`Latencies`]: how long round trips took, counted in classes of about three per cent.

use std::time::Duration;

/// Each doubling is divided into this many classes (a power of two).
const CLASSES_PER_DOUBLING: u64 = 32;

/// A histogram of durations from 1 ns up. Its size does not grow with what it counts.
#[derive(Debug, Clone)]
pub struct Latencies {
    counts: Vec<u64>,
}

impl Latencies {
    /// An empty one.
    pub fn new() -> Self {
        Self { counts: vec![0; class_of(u64::MAX) + 1] }
    }

    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.counts[class_of(nanos)] += 1;
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The duration that a `share` of them did not exceed: 0.5 is the median. Zero if none was counted.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = self.count() as f64 * share;
        let mut seen = 0;
        for (class, count) in self.counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen as f64 >= wanted {
                return Duration::from_nanos(start_of(class));
            }
        }
        Duration::ZERO
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

/// Small numbers have a class each; above, the leading bits of the number are its class.
fn class_of(nanos: u64) -> usize {
    let shift = nanos.max(CLASSES_PER_DOUBLING).ilog2() - CLASSES_PER_DOUBLING.ilog2();
    let class = u64::from(shift) * CLASSES_PER_DOUBLING + (nanos >> shift);
    usize::try_from(class).expect("there are less than 2,000 classes")
}

/// The least number of the class.
fn start_of(class: usize) -> u64 {
    let class = class as u64;
    let shift = (class / CLASSES_PER_DOUBLING).saturating_sub(1);
    (class - shift * CLASSES_PER_DOUBLING) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_starts_at_or_just_below_its_numbers() {
        for nanos in [0, 1, 31, 32, 63, 64, 65, 1_000, 123_456_789, u64::MAX] {
            let start = start_of(class_of(nanos));
            assert!(start <= nanos && nanos - start <= nanos / CLASSES_PER_DOUBLING, "{nanos}");
        }
    }

    #[test]
    fn quantiles_are_found_by_rank() {
        let mut latencies = Latencies::new();
        (1..=20).for_each(|nanos| latencies.record(Duration::from_nanos(nanos)));
        assert_eq!(latencies.quantile(0.5), Duration::from_nanos(10));
        assert_eq!(latencies.quantile(1.0), Duration::from_nanos(20));
        assert_eq!(Latencies::new().quantile(0.5), Duration::ZERO);
    }
}
