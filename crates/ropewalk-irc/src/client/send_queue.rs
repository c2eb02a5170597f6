//! [`SendQueue`]: lines that wait until the server takes them for no flood.

use std::collections::VecDeque;
use std::time::Duration;

use ropewalk_core::{Failure, FailureKind, Time};

use super::options::ClientLimits;
use super::pace::Pace;

/// What waits, in order.
pub(crate) struct SendQueue {
    waiting: VecDeque<Queued>,
    pace: Pace,
    lines_max: usize,
    lines: usize,
}

/// Lines that leave together.
pub(crate) struct Queued {
    /// Encoded.
    pub(crate) bytes: Vec<u8>,
    /// How many they are.
    pub(crate) lines: usize,
    /// The request that they make.
    pub(crate) request: Option<u64>,
}

/// What comes next.
pub(crate) enum Next {
    Send(Queued),
    Wait(Duration),
    Nothing,
}

impl SendQueue {
    pub(crate) fn new(limits: &ClientLimits) -> Self {
        Self {
            waiting: VecDeque::new(),
            pace: Pace::new(limits.line_burst, limits.line_interval),
            lines_max: limits.queued_lines_max,
            lines: 0,
        }
    }

    /// For what has [room](Self::check_room).
    pub(crate) fn push(&mut self, queued: Queued) {
        self.lines += queued.lines;
        self.waiting.push_back(queued);
    }

    /// Whether so many lines more may wait.
    ///
    /// # Errors
    /// `Limit`: too many do.
    pub(crate) fn check_room(&self, lines: usize) -> Result<(), Failure> {
        if self.lines + lines <= self.lines_max {
            return Ok(());
        }
        let why = format!("{} lines wait to be sent already (queued_lines_max)", self.lines);
        Err(Failure::new(FailureKind::Limit, why))
    }

    pub(crate) fn next(&mut self, now: Time) -> Next {
        let wait = self.pace.wait(now);
        match self.waiting.front() {
            None => Next::Nothing,
            Some(_) if !wait.is_zero() => Next::Wait(wait),
            Some(first) => {
                let lines = first.lines;
                (0..lines).for_each(|_| self.pace.spend(now));
                self.lines -= lines;
                self.waiting.pop_front().map_or(Next::Nothing, Next::Send)
            }
        }
    }

    /// Takes back what a request would have sent.
    pub(crate) fn forget(&mut self, request: u64) -> bool {
        let Some(at) = self.waiting.iter().position(|queued| queued.request == Some(request))
        else {
            return false;
        };
        let queued = self.waiting.remove(at);
        self.lines -= queued.map_or(0, |queued| queued.lines);
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.lines
    }
}
