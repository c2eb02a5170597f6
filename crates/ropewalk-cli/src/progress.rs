//! [`Progress`]: a bar on the terminal for what takes longer than a moment.

use std::io::{self, Write};
use std::time::Duration;

use ropewalk::{Reactor, Time};

/// How far something has come, and how fast.
pub(crate) struct Progress {
    reactor: Reactor,
    unit: Unit,
    total: Option<u64>,
    done: u64,
    /// What was done before, and says nothing of the speed.
    already: u64,
    began: Time,
    shown_at: Option<Time>,
    shows: bool,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Lookups,
}

/// Nobody wants to see a bar for what is over at once.
const QUIET_FOR: Duration = Duration::from_millis(500);
/// As often as one can read it.
const EVERY: Duration = Duration::from_millis(100);
const BAR_CELLS: u64 = 30;

impl Progress {
    pub(crate) fn new(
        reactor: &Reactor,
        unit: Unit,
        total: Option<u64>,
        already: u64,
        shows: bool,
    ) -> Self {
        let began = reactor.now();
        Self {
            reactor: reactor.clone(),
            unit,
            total,
            done: already,
            already,
            began,
            shown_at: None,
            shows,
        }
    }

    pub(crate) fn advance(&mut self, by: usize) {
        self.done += by as u64;
        let now = self.reactor.now();
        let is_due = self.shown_at.is_none_or(|then| now.since(then) >= EVERY);
        if self.shows && is_due && now.since(self.began) >= QUIET_FOR {
            self.shown_at = Some(now);
            self.show(now);
        }
    }

    /// Shows the end, and leaves the line.
    pub(crate) fn finish(&mut self) {
        if self.shown_at.is_some() {
            self.show(self.reactor.now());
            let _ = writeln!(io::stderr()); // A terminal that is gone needs no progress.
        }
    }

    fn show(&self, now: Time) {
        let _ = write!(io::stderr(), "\r\x1b[K{}", self.line(now.since(self.began)));
    }

    fn line(&self, took: Duration) -> String {
        let seconds = took.as_secs_f64().max(0.001);
        let rate = (self.done - self.already) as f64 / seconds;
        let speed = match self.unit {
            Unit::Bytes => format!("{:.1} MB, {:.1} MB/s", self.done as f64 / 1e6, rate / 1e6),
            Unit::Lookups => format!("{} addresses, {rate:.0}/s", self.done),
        };
        let Some(total) = self.total.filter(|total| *total > 0) else { return speed };
        let full = (self.done * BAR_CELLS / total).min(BAR_CELLS);
        let bar: String = (0..BAR_CELLS).map(|cell| if cell < full { '#' } else { '.' }).collect();
        let left = total.saturating_sub(self.done) as f64 / rate.max(1.0);
        let percent = self.done * 100 / total;
        format!("[{bar}] {percent:3} % {speed}, {left:.0} s left")
    }
}
