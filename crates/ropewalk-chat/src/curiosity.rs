//! [`Curiosity`]: how fast one person may ask.
//!
//! What others hear is counted by the network. Questions are heard by nobody, but to answer them takes time: a list of
//! ten thousand names, a page from a file. As in the network, a bucket is kept as a single moment: when it is full again.

use std::cell::Cell;
use std::time::Duration;

use ropewalk_core::Time;

/// What one person has asked of late.
#[derive(Debug, Default)]
pub(crate) struct Curiosity {
    full_at: Cell<Time>,
}

/// One question each, in the long run: faster than anybody reads the answers.
const INTERVAL: Duration = Duration::from_millis(250);
/// So many may come at once: a page that was loaded again asks for what it had of all its rooms.
const BURST: u32 = 40;

impl Curiosity {
    /// Whether one more question is to be answered.
    pub(crate) fn may_ask(&self, now: Time) -> bool {
        let full_at = self.full_at.get().max(now) + INTERVAL;
        let may = full_at.since(now) <= INTERVAL * BURST;
        if may {
            self.full_at.set(full_at);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_each_interval() {
        let (curiosity, mut now) = (Curiosity::default(), Time::START);
        assert!((0..BURST).all(|_| curiosity.may_ask(now)));
        assert!(!curiosity.may_ask(now));
        for _ in 0..9 {
            now += INTERVAL;
            assert!(curiosity.may_ask(now));
            assert!(!curiosity.may_ask(now));
        }
    }
}
