//! [`NameServer`]: one server, how it is asked, and what was learnt of it.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::Time;

use super::limits::{FIRST_TIMEOUT, MANGLED_MAX, NO_EDNS_FOR, REST, TIMEOUT_MAX, TIMEOUT_MIN};
use super::stream::Stream;

/// How a server is asked.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub enum Via {
    /// By datagrams, and over TCP what is too long for one or may be forged.
    Udp,
    /// Over TCP only.
    Tcp,
    /// Over TLS only (RFC 7858).
    Tls {
        /// What the server must prove to be; `None`: its address.
        name: Option<String>,
    },
}

/// One server: its address, how it is asked, and what was learnt of it by asking.
///
/// What was learnt is shared by all who hold it: keep one for each address and way.
pub struct NameServer {
    address: SocketAddr,
    via: Via,
    /// The time that answers take, and by how much it varies (RFC 6298); zero before the first.
    round_trip: Cell<Duration>,
    variation: Cell<Duration>,
    failures: Cell<u32>,
    rests_until: Cell<Time>,
    plain_until: Cell<Time>,
    mangled: Cell<u8>,
    pub(super) stream: OnceCell<Stream>,
}

/// Failures in a row that make the wait for a server longer: 2⁵ times its time is as much as there is.
const DOUBLINGS_MAX: u32 = 5;

impl NameServer {
    /// The server at `address`, of which nothing is known.
    pub fn new(address: SocketAddr, via: Via) -> Rc<Self> {
        Rc::new(Self {
            address,
            via,
            round_trip: Cell::default(),
            variation: Cell::default(),
            failures: Cell::new(0),
            rests_until: Cell::new(Time::START),
            plain_until: Cell::new(Time::START),
            mangled: Cell::new(0),
            stream: OnceCell::new(),
        })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it is asked.
    pub fn via(&self) -> &Via {
        &self.via
    }

    /// How long its answers take, smoothed; `None` before the first.
    pub fn round_trip(&self) -> Option<Duration> {
        Some(self.round_trip.get()).filter(|time| !time.is_zero())
    }

    /// Tries in a row that it has not answered.
    pub fn failures(&self) -> u32 {
        self.failures.get()
    }

    /// How long to wait for its answer before asking again: by how long it has taken (RFC 6298), twice that after
    /// each failure, between 50 ms and 6 s. 400 ms for one that has not answered yet.
    pub fn timeout(&self) -> Duration {
        let once = match self.round_trip() {
            Some(time) => time + self.variation.get() * 4,
            None => FIRST_TIMEOUT,
        };
        let doublings = self.failures.get().min(DOUBLINGS_MAX);
        in_steps((once.max(TIMEOUT_MIN) * (1 << doublings)).min(TIMEOUT_MAX))
    }

    /// Whether it is to be asked without EDNS, as it did not understand it.
    pub fn is_plain(&self, now: Time) -> bool {
        now < self.plain_until.get()
    }

    /// Whether it is to be asked in plain letters, as it changes their case.
    pub fn mangles_case(&self) -> bool {
        self.mangled.get() >= MANGLED_MAX
    }

    pub(super) fn answered(&self, after: Duration) {
        let (before, variation) = (self.round_trip.get(), self.variation.get());
        let after = after.max(Duration::from_micros(1)); // Zero is "not yet".
        if before.is_zero() {
            self.round_trip.set(after);
            self.variation.set(after / 2);
        } else {
            self.variation.set((variation * 3 + before.abs_diff(after)) / 4);
            self.round_trip.set((before * 7 + after) / 8);
        }
        self.failures.set(0);
    }

    /// Whether it has failed lately, so that others are to be asked first.
    pub fn is_resting(&self, now: Time) -> bool {
        self.failures.get() > 0 && now < self.rests_until.get()
    }

    pub(super) fn failed(&self, now: Time) {
        self.failures.set(self.failures.get().saturating_add(1));
        self.rests_until.set(now + REST);
    }

    pub(super) fn note_plain(&self, now: Time) {
        self.plain_until.set(now + NO_EDNS_FOR);
    }

    pub(super) fn note_mangled(&self) {
        self.mangled.set(self.mangled.get().saturating_add(1));
    }
}

/// Rounded up to one of four steps between powers of two of a millisecond, so that many servers share few timeouts.
fn in_steps(time: Duration) -> Duration {
    let millis = u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
    let step = (millis.next_power_of_two() / 8).max(1);
    Duration::from_millis(millis.div_ceil(step) * step)
}

/// `192.0.2.1:53`, with `by TCP` or `by TLS` where it is not asked by datagrams.
impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.via {
            Via::Udp => write!(f, "{}", self.address),
            Via::Tcp => write!(f, "{} by TCP", self.address),
            Via::Tls { name: None } => write!(f, "{} by TLS", self.address),
            Via::Tls { name: Some(name) } => write!(f, "{} by TLS as {name}", self.address),
        }
    }
}

impl fmt::Debug for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, failures) = (self.round_trip.get(), self.failures.get());
        write!(f, "NameServer({self}: {time:?}, {failures} failures)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Rc<NameServer> {
        NameServer::new("192.0.2.1:53".parse().expect("an address"), Via::Udp)
    }

    #[test]
    fn the_timeout_follows_what_answers_take() {
        let server = server();
        assert_eq!((server.round_trip(), server.timeout()), (None, Duration::from_millis(448)));
        (0..50).for_each(|_| server.answered(Duration::from_millis(100)));
        assert_eq!(server.round_trip(), Some(Duration::from_millis(100)));
        assert_eq!(server.timeout(), Duration::from_millis(112));
        (0..3).for_each(|_| server.failed(Time::START));
        assert_eq!((server.failures(), server.timeout()), (3, Duration::from_millis(896)));
        (0..100).for_each(|_| server.failed(Time::START));
        assert_eq!(server.timeout(), Duration::from_millis(3584));
        server.answered(Duration::from_secs(60));
        assert_eq!((server.failures(), server.timeout()), (0, Duration::from_millis(6144)));
    }

    #[test]
    fn answers_in_no_time_are_answers() {
        let server = server();
        server.answered(Duration::ZERO);
        assert_eq!(server.timeout(), Duration::from_millis(56));
    }
}
