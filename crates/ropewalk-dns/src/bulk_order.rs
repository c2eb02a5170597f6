//! [`InOrder`]: results in the order in which they were asked for.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use domain::base::iana::OptRcode;

use crate::bulk::{Finished, Outcome};

/// Lookups from the first that is not finished on.
#[derive(Default)]
pub(crate) struct InOrder {
    /// The number of the first.
    first: u64,
    waiting: VecDeque<Option<Kept>>,
}

/// What became of one that waits for others.
struct Kept {
    address: IpAddr,
    outcome: KeptOutcome,
    took: Duration,
    tries: u32,
}

enum KeptOutcome {
    Names(Box<str>),
    NoSuchName,
    NoData,
    Failed(OptRcode),
    TimedOut,
    Unreachable,
}

impl InOrder {
    /// How many have begun since the first that is not finished.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// One begins; they are numbered from 0.
    pub(crate) fn begin(&mut self, number: u64) {
        debug_assert_eq!(number, self.first + self.waiting.len() as u64);
        self.waiting.push_back(None);
    }

    /// One is finished; `tell` is told of all that it was the last to be waited for.
    pub(crate) fn finish(
        &mut self,
        number: u64,
        finished: &Finished<'_>,
        mut tell: impl FnMut(&Finished<'_>),
    ) {
        let place = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        if place > 0 {
            if let Some(waiting) = self.waiting.get_mut(place) {
                *waiting = Some(Kept::new(finished));
            }
            return;
        }
        tell(finished);
        self.waiting.pop_front();
        self.first += 1;
        while let Some(kept) = self.waiting.pop_front_if(|kept| kept.is_some()) {
            self.first += 1;
            if let Some(kept) = kept {
                kept.tell(&mut tell);
            }
        }
    }
}

impl Kept {
    fn new(finished: &Finished<'_>) -> Self {
        let outcome = match finished.outcome {
            Outcome::Names(names) => KeptOutcome::Names(names.into()),
            Outcome::NoSuchName => KeptOutcome::NoSuchName,
            Outcome::NoData => KeptOutcome::NoData,
            Outcome::Failed(rcode) => KeptOutcome::Failed(rcode),
            Outcome::TimedOut => KeptOutcome::TimedOut,
            Outcome::Unreachable => KeptOutcome::Unreachable,
        };
        let Finished { address, took, tries, .. } = *finished;
        Self { address, outcome, took, tries }
    }

    fn tell(&self, tell: &mut impl FnMut(&Finished<'_>)) {
        let outcome = match &self.outcome {
            KeptOutcome::Names(names) => Outcome::Names(names),
            KeptOutcome::NoSuchName => Outcome::NoSuchName,
            KeptOutcome::NoData => Outcome::NoData,
            KeptOutcome::Failed(rcode) => Outcome::Failed(*rcode),
            KeptOutcome::TimedOut => Outcome::TimedOut,
            KeptOutcome::Unreachable => Outcome::Unreachable,
        };
        let Self { address, took, tries, .. } = *self;
        tell(&Finished { address, outcome, took, tries });
    }
}
