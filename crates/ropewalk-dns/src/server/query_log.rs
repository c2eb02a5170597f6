//! [`QueryLog`]: a line for each query, written beside the loop.

use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::base::iana::OptRcode;
use ropewalk_core::{Deferred, Failure};

use super::query::{Carrier, Query};
use crate::wire_name::Shown;

/// A line for each query: the time in seconds, who asks, how, the name, class and type asked for, the flags that are set (RD,
/// DO, CD), and what was answered.
///
/// `1800000000.250 192.0.2.1:4321 udp www.example.org. IN A +rd+do NOERROR`
///
/// Lines are collected while those before are being written. A cheap handle.
///
/// # Limits
/// 1 MiB of lines wait; those that come then are dropped, and how many they were is a line of its own.
#[derive(Clone)]
pub struct QueryLog(Rc<Inner>);

struct Inner {
    lines: RefCell<String>,
    dropped: Cell<u64>,
    is_writing: Cell<bool>,
    write: Box<dyn Fn(String) -> Deferred<()>>,
    calendar: fn() -> SystemTime,
}

/// Lines that wait: ten thousand of them.
const WAITING_BYTES_MAX: usize = 1 << 20;

impl QueryLog {
    /// Writes by `write`, which is given whole lines and fires when they are written; it is called once at a time. `calendar`
    /// tells the time.
    pub fn new(
        write: impl Fn(String) -> Deferred<()> + 'static,
        calendar: fn() -> SystemTime,
    ) -> Self {
        Self(Rc::new(Inner {
            lines: RefCell::default(),
            dropped: Cell::new(0),
            is_writing: Cell::new(false),
            write: Box::new(write),
            calendar,
        }))
    }

    /// How many lines have been dropped and not been written of.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.get()
    }

    /// Notes a query; `rcode` is `None` if it got no answer yet, or none at all.
    pub(super) fn note(&self, query: &Query<'_>, rcode: Option<OptRcode>) {
        let mut lines = self.0.lines.borrow_mut();
        if lines.len() >= WAITING_BYTES_MAX {
            return self.0.dropped.set(self.0.dropped.get() + 1);
        }
        let time = (self.0.calendar)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let carrier = match query.origin().carrier {
            Carrier::Datagram => "udp",
            Carrier::Stream => "tcp",
        };
        let flags = [
            (query.recursion_desired(), "+rd"),
            (query.dnssec_ok(), "+do"),
            (query.checking_disabled(), "+cd"),
        ];
        let flags: String = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect();
        // A string takes it.
        let _ = write!(lines, "{}.{:03} ", time.as_secs(), time.subsec_millis());
        let _ = write!(lines, "{} {carrier} {} ", query.origin().peer, Shown(query.name()));
        let _ = write!(lines, "{} {} {}", query.class(), query.rtype(), or_dash(&flags));
        let _ = match rcode {
            Some(OptRcode::NOERROR) => writeln!(lines, " NOERROR"),
            Some(rcode) => writeln!(lines, " {rcode}"),
            None => writeln!(lines, " -"),
        };
        drop(lines);
        self.write();
    }

    fn write(&self) {
        if self.0.is_writing.get() || self.0.lines.borrow().is_empty() {
            return;
        }
        self.0.is_writing.set(true);
        let mut lines = self.0.lines.take();
        match self.0.dropped.take() {
            0 => {}
            dropped => lines += &format!("# {dropped} lines were dropped\n"),
        }
        let log = self.clone();
        drop((self.0.write)(lines).add_both(move |written: Result<(), Failure>| {
            if let Err(failure) = written {
                tracing::warn!(target: "ropewalk::dns", "query log: {failure}");
            }
            log.0.is_writing.set(false);
            log.write();
        }));
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

impl std::fmt::Debug for QueryLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QueryLog({} bytes wait)", self.0.lines.borrow().len())
    }
}
