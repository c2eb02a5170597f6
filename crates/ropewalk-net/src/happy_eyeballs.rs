//! Happy eyeballs (RFC 8305): connecting to a name with several addresses.
//!
//! The addresses are tried in order, the families taking turns; each attempt has a quarter of a second before
//! the next one begins beside it, and the first that is up wins. So a dead IPv6 path costs 250 ms, not a
//! time-out.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Deferred, DelayedCall, Failure, FailureKind, Reactor, Resolver, Transport};

/// RFC 8305 section 5: the Connection Attempt Delay, as recommended.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Addresses tried for one name: no honest name has more, and a false one must not make a scanner of us.
const ADDRESSES_MAX: usize = 16;

type Begin = Box<dyn Fn(IpAddr) -> Deferred<Transport>>;

/// The attempts to connect to one name.
pub(crate) struct Attempts {
    reactor: Reactor,
    begin: Begin,
    waiting: RefCell<VecDeque<IpAddr>>,
    under_way: RefCell<Vec<(IpAddr, Deferred<()>)>>,
    next: RefCell<Option<DelayedCall>>,
    winner: Cell<Option<Resolver<Transport>>>,
    first_failure: RefCell<Option<Failure>>,
}

impl Attempts {
    /// Begins with the first address. Cancelling cancels all attempts.
    pub(crate) fn start(
        reactor: &Reactor,
        addresses: Vec<IpAddr>,
        begin: impl Fn(IpAddr) -> Deferred<Transport> + 'static,
    ) -> Deferred<Transport> {
        if let [only] = addresses[..] {
            return begin(only);
        }
        let attempts = Rc::new(Self {
            reactor: reactor.clone(),
            begin: Box::new(begin),
            waiting: RefCell::new(addresses.into_iter().take(ADDRESSES_MAX).collect()),
            under_way: RefCell::default(),
            next: RefCell::default(),
            winner: Cell::default(),
            first_failure: RefCell::default(),
        });
        let cancelled = Rc::downgrade(&attempts);
        let (winner, connected) = Deferred::with_canceller(move || {
            if let Some(attempts) = cancelled.upgrade() {
                attempts.give_up();
            }
        });
        attempts.winner.set(Some(winner));
        attempts.try_next();
        connected
    }

    /// Begins the next attempt, and the time until the one after it.
    fn try_next(self: &Rc<Self>) {
        self.stop_clock();
        let Some(address) = self.waiting.borrow_mut().pop_front() else { return self.none_left() };
        if !self.waiting.borrow().is_empty() {
            let attempts = self.clone();
            let call = self.reactor.call_later(ATTEMPT_DELAY, move || attempts.try_next());
            self.next.replace(Some(call));
        }
        let attempts = self.clone();
        let ended = (self.begin)(address).add_both(move |result| attempts.ended(address, result));
        if !ended.is_fired() {
            self.under_way.borrow_mut().push((address, ended));
        }
    }

    fn ended(self: &Rc<Self>, address: IpAddr, result: Result<Transport, Failure>) {
        self.under_way.borrow_mut().retain(|(other, _)| *other != address);
        match result {
            Ok(transport) => match self.winner.take() {
                Some(winner) => {
                    self.give_up();
                    winner.callback(transport);
                }
                None => transport.abort_connection(),
            },
            Err(failure) => {
                self.first_failure.borrow_mut().get_or_insert(failure);
                // RFC 8305 section 5: a failed attempt makes room for the next at once.
                if !self.waiting.borrow().is_empty() {
                    self.try_next();
                } else {
                    self.none_left();
                }
            }
        }
    }

    fn none_left(&self) {
        if !self.under_way.borrow().is_empty() {
            return;
        }
        let why = self
            .first_failure
            .take()
            .unwrap_or_else(|| Failure::new(FailureKind::Local, "the name has no addresses"));
        if let Some(winner) = self.winner.take() {
            winner.errback(why);
        }
    }

    /// Ends all attempts that are under way.
    fn give_up(&self) {
        self.stop_clock();
        self.waiting.take();
        let under_way = self.under_way.take();
        under_way.into_iter().for_each(|(_, attempt)| attempt.cancel());
    }

    fn stop_clock(&self) {
        if let Some(call) = self.next.take() {
            let _ = call.cancel(); // It is the one that is running.
        }
    }
}

/// RFC 8305 section 4: the families take turns, beginning with that of the first address. One that is there
/// twice is tried once.
pub(crate) fn interleave(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut seen = HashSet::new();
    addresses.retain(|address| seen.insert(*address));
    let Some(first) = addresses.first().map(IpAddr::is_ipv6) else { return addresses };
    let (preferred, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let mut result = Vec::new();
    let (mut preferred, mut others) = (preferred.into_iter(), others.into_iter());
    loop {
        let (one, other) = (preferred.next(), others.next());
        if one.is_none() && other.is_none() {
            return result;
        }
        result.extend(one);
        result.extend(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns() {
        let parse =
            |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        let mixed = parse(&["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"]);
        let turns = parse(&["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]);
        assert_eq!(interleave(mixed), turns);
        assert!(interleave(Vec::new()).is_empty());
        assert_eq!(interleave(parse(&["::1", "::2", "::1"])), parse(&["::1", "::2"]));
    }
}
