//! [`Deadlines`]: when tries are given up, for tens of thousands of them.
//!
//! Nearly all of them have one of a few timeouts, so there is a queue for each timeout, in which the first is due
//! first. A try that is answered stays in its queue until it has come to the front.

use std::collections::VecDeque;
use std::time::Duration;

use ropewalk_core::Time;

use crate::slab::Key;

/// Which of many tries is due next.
#[derive(Default)]
pub(crate) struct Deadlines {
    lanes: Vec<Lane>,
}

/// Those with one timeout.
struct Lane {
    after: Duration,
    waiting: VecDeque<(Time, Key)>,
}

impl Deadlines {
    /// `key` is due `after` from `now`.
    pub(crate) fn push(&mut self, now: Time, after: Duration, key: Key) {
        let due = (now + after, key);
        match self.lanes.iter_mut().find(|lane| lane.after == after) {
            Some(lane) => lane.waiting.push_back(due),
            None => self.lanes.push(Lane { after, waiting: VecDeque::from([due]) }),
        }
    }

    /// The first that is due by `now`, taken out.
    pub(crate) fn pop_due(&mut self, now: Time, is_live: impl Fn(Key) -> bool) -> Option<Key> {
        self.prune(is_live);
        let due = self.lanes.iter_mut().min_by_key(|lane| lane.first_time())?;
        due.waiting.pop_front_if(|(time, _)| *time <= now).map(|(_, key)| key)
    }

    /// When the first is due.
    pub(crate) fn next(&mut self, is_live: impl Fn(Key) -> bool) -> Time {
        self.prune(is_live);
        self.lanes.iter().map(Lane::first_time).min().unwrap_or(Time::NEVER)
    }

    /// Forgets those at the front that are over, and timeouts that nobody has.
    fn prune(&mut self, is_live: impl Fn(Key) -> bool) {
        self.lanes.retain_mut(|lane| {
            while lane.waiting.pop_front_if(|(_, key)| !is_live(*key)).is_some() {}
            !lane.waiting.is_empty()
        });
    }
}

impl Lane {
    fn first_time(&self) -> Time {
        self.waiting.front().map_or(Time::NEVER, |(time, _)| *time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slab::Slab;

    #[test]
    fn the_first_due_comes_first_whatever_its_timeout() {
        let (mut slab, mut deadlines) = (Slab::default(), Deadlines::default());
        let at = |seconds| Time::START + Duration::from_secs(seconds);
        for (start, timeout) in [(0, 5), (1, 5), (2, 1), (3, 5), (4, 1)] {
            let key = slab.insert((start, timeout));
            deadlines.push(at(start), Duration::from_secs(timeout), key);
        }
        let answered = slab.iter().find(|(_, value)| **value == (0, 5)).expect("it is there").0;
        slab.remove(answered);
        assert_eq!(deadlines.next(|key| slab.get(key).is_some()), at(3));
        let mut due = Vec::new();
        while let Some(key) = deadlines.pop_due(at(7), |key| slab.get(key).is_some()) {
            due.push(slab.remove(key).expect("it is live"));
        }
        assert_eq!(due, [(2, 1), (4, 1), (1, 5)]);
        assert_eq!(deadlines.next(|key| slab.get(key).is_some()), at(8));
        assert_eq!(deadlines.next(|_| false), Time::NEVER);
        assert!(deadlines.lanes.is_empty());
    }
}
