//! [`DateLine`]: the `Date` that every answer has (RFC 9110 section 6.6.1), written once a second.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use ropewalk_core::Time;

/// Where the time of day comes from: the heart only counts nanoseconds.
pub(crate) type WallClock = fn() -> SystemTime;

/// The line as it is on the wire.
type Line = [u8; 37];

pub(crate) struct DateLine {
    clock: WallClock,
    line: Cell<Line>,
    written_at: Cell<Option<Time>>,
}

const PREFIX: &[u8] = b"Date: ";
const EMPTY: Line = *b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

impl DateLine {
    pub(crate) fn new(clock: WallClock) -> Self {
        Self { clock, line: Cell::new(EMPTY), written_at: Cell::new(None) }
    }

    /// Appends the line, which is at most a second old by the reactor's clock.
    pub(crate) fn put(&self, out: &mut Vec<u8>, now: Time) {
        let is_fresh =
            self.written_at.get().is_some_and(|then| now.since(then) < Duration::from_secs(1));
        if !is_fresh {
            let mut line = EMPTY;
            let text = httpdate::fmt_http_date((self.clock)());
            line[PREFIX.len()..PREFIX.len() + text.len()].copy_from_slice(text.as_bytes());
            self.line.set(line);
            self.written_at.set(Some(now));
        }
        out.extend_from_slice(&self.line.get());
    }
}
