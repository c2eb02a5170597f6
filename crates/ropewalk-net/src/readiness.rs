//! [`Readiness`]: the driver over epoll, io_uring, poll and select.
//!
//! It turns *ready* into *done*: it reads into one shared buffer and delivers the bytes, writes what the heart
//! gives it, and keeps what the system does not take until it does. See [`ropewalk_core::Driver`] for the
//! contract. This file is the driver's state and the round of one delivery; reading and accepting are in
//! `receive.rs`, what io_uring has read and accepted in `completions.rs`, writing is in `transmit.rs`, datagrams are in `datagrams.rs`, listeners that
//! cannot accept are in `starvation.rs`, and what sockets it is given in `sockets.rs`.
//!
//! No `RefCell` is borrowed while the sink is called: a descriptor's number is read out of its row, and the
//! row is looked at again after each call.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ropewalk_core::{
    Address, Close, Datagram, Driver, Event, Failure, FailureKind, Notify, OutQueue,
    Readiness as Ready, Sink, SlotId, Time, Wait,
};

use rustix::net::{Shutdown, shutdown};

use crate::datagram_batch::{Inbox, Outbox};
use crate::poller::{Completion, EVENTS_MAX, Interest, Polled, Poller};
use crate::row::{Glance, Kind, Row, borrow_fd, flag};
use crate::socket_address;

pub(crate) struct Readiness<P> {
    pub(crate) poller: P,
    rows: RefCell<Vec<Row>>,
    polled: Cell<Vec<Polled>>,
    /// Rows with more to do than they did.
    again: RefCell<VecDeque<SlotId>>,
    pub(crate) closed: RefCell<Vec<SlotId>>,
    /// Descriptors of closed rows that the poller may not have told the system to forget yet: their numbers must
    /// not be used again before the next wait.
    lingering: RefCell<Vec<OwnedFd>>,
    pub(crate) buffer: Cell<Vec<u8>>,
    /// Made by the first datagram.
    pub(crate) inbox: Cell<Option<Box<Inbox>>>,
    pub(crate) outbox: Cell<Outbox>,
    /// Listeners that could not accept for want of descriptors, and when to try again.
    pub(crate) starved: RefCell<Vec<SlotId>>,
    pub(crate) retry_at: Cell<Time>,
    /// Where the next share of what a level-triggered poller says begins.
    share_from: Cell<usize>,
    /// When it was last said that accepting pauses.
    pub(crate) complained_at: Cell<Option<Time>>,
    /// A host waits for this driver's descriptor.
    parked: Cell<bool>,
    began: Instant,
}

/// What the system's calls for waiting can take.
const WAIT_MAX: Duration = Duration::from_secs(20 * 24 * 3600);

impl<P: Poller> Readiness<P> {
    pub(crate) fn new() -> io::Result<Self> {
        P::new().map(Self::over)
    }

    pub(crate) fn over(poller: P) -> Self {
        Self {
            poller,
            rows: RefCell::default(),
            polled: Cell::default(),
            again: RefCell::default(),
            closed: RefCell::default(),
            lingering: RefCell::default(),
            buffer: Cell::default(),
            inbox: Cell::default(),
            outbox: Cell::default(),
            starved: RefCell::default(),
            retry_at: Cell::new(Time::NEVER),
            share_from: Cell::new(0),
            complained_at: Cell::new(None),
            parked: Cell::new(false),
            began: Instant::now(),
        }
    }

    /// Works on a row, if it is still that slot's. `f` must not call out.
    pub(crate) fn row<R>(&self, id: SlotId, f: impl FnOnce(&mut Row) -> R) -> Option<R> {
        self.rows.borrow_mut().get_mut(id.slot as usize).filter(|row| row.is(id)).map(f)
    }

    /// Fills a slot's row and lets the poller know the descriptors.
    pub(crate) fn install(&self, id: SlotId, mut row: Row) -> io::Result<()> {
        row.generation = id.generation;
        let (fd, fd_out) = (row.raw(), row.raw_out());
        if !row.has(flag::ALWAYS_READY) && !self.register(fd, id, &row)? {
            row.set(flag::ALWAYS_READY | flag::READABLE);
        }
        if fd_out != fd
            && let Err(error) = self.register(fd_out, id, &row)
        {
            self.poller.remove(fd, id, false);
            return Err(error);
        }
        let begins = row.has(flag::OPENING | flag::READABLE);
        let mut rows = self.rows.borrow_mut();
        let place = id.slot as usize;
        if rows.len() <= place {
            rows.resize_with(place + 1, Row::default);
        }
        rows[place] = row;
        drop(rows);
        if begins {
            self.do_again(id);
        }
        Ok(())
    }

    /// Lets the poller know one descriptor of a row; false if it is a file: always ready, so that there is
    /// nothing to wait for.
    fn register(&self, fd: RawFd, id: SlotId, row: &Row) -> io::Result<bool> {
        match self.poller.add(fd, id, self.interest(row, fd)) {
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied && row.kind == Kind::Pipe =>
            {
                Ok(false)
            }
            other => other.map(|()| true),
        }
    }

    /// What `fd`, one of a row's, is to be waited for.
    fn interest(&self, row: &Row, fd: RawFd) -> Interest {
        let kind = row.kind;
        if kind == Kind::Watch {
            let (read, write) = (row.has(flag::RECEIVING), row.has(flag::WANTS_WRITE));
            return Interest { read, write, kind };
        }
        let unwanted = flag::ENDED | flag::CONNECTING | flag::STARVED;
        let read = fd == row.raw() && row.has(flag::RECEIVING) && !row.has(unwanted);
        let write = fd == row.raw_out() && row.is_blocked() && !row.has(flag::SENDING);
        Interest { read, write, kind }
    }

    /// Tells a poller that is level-triggered, or that completes, what is wanted now.
    pub(crate) fn update_interest(&self, id: SlotId) {
        let wanted = self.row(id, |row| {
            let [fd, fd_out] = [row.raw(), row.raw_out()].map(|fd| (fd, self.interest(row, fd)));
            let known = !row.has(flag::ALWAYS_READY);
            [known.then_some(fd), (fd != fd_out).then_some(fd_out)]
        });
        for (fd, interest) in wanted.into_iter().flatten().flatten() {
            if P::EDGE && !interest.is_watch() && !P::completes(interest.kind) {
                continue;
            }
            if let Err(error) = self.poller.modify(fd, id, interest) {
                tracing::error!(target: "ropewalk::net", "{} cannot change descriptor {fd}: {error}", P::NAME);
            }
        }
    }

    /// Gives a row another round in the next delivery.
    pub(crate) fn do_again(&self, id: SlotId) {
        if self.row(id, |row| row.replace(flag::AGAIN)) == Some(false) {
            self.again.borrow_mut().push_back(id);
            self.tell_host();
        }
    }

    /// There is something to deliver: a host that was told to wait for events must not.
    fn tell_host(&self) {
        if self.parked.replace(false) {
            self.poller.park(Wait::No, self.now());
        }
    }

    /// Says once that a connection is lost.
    pub(crate) fn say_lost(&self, sink: &dyn Sink, id: SlotId, failure: Failure) {
        if self.row(id, |row| row.replace(flag::LOST)) == Some(false) {
            sink.event(id, Event::Lost(failure));
        }
    }

    fn has_backlog(&self) -> bool {
        !self.again.borrow().is_empty() || !self.closed.borrow().is_empty()
    }

    /// When to stop waiting, for the driver's own sake.
    fn limit_wait(&self, until: Wait) -> Wait {
        match until {
            _ if self.has_backlog() => Wait::No,
            Wait::Until(time) => Wait::Until(time.min(self.retry_at.get())),
            Wait::Forever if self.retry_at.get() != Time::NEVER => Wait::Until(self.retry_at.get()),
            other => other,
        }
    }

    /// Leaves one turn's share of what is ready. A level-triggered poller says everything at once, and serving
    /// all of that in a turn would need the memory for all of it. What is left over it says again; the share
    /// moves on, so that everybody gets a turn.
    fn take_share(&self, polled: &mut Vec<Polled>) {
        if P::EDGE || polled.len() <= EVENTS_MAX {
            return;
        }
        let first = self.share_from.get() % polled.len();
        polled.rotate_left(first);
        polled.truncate(EVENTS_MAX);
        self.share_from.set(first + EVENTS_MAX);
    }

    /// One descriptor is ready.
    fn serve(&self, sink: &dyn Sink, polled: Polled) {
        let id = polled.id;
        if !matches!(polled.completion, Completion::None) {
            return self.serve_completion(sink, id, polled.completion);
        }
        let news = if polled.readable { flag::READABLE } else { 0 }
            | if polled.hung_up { flag::HUNG_UP } else { 0 };
        let look = |row: &mut Row| {
            row.set(news);
            if polled.readable && P::completes(row.kind) {
                row.set(flag::LEFT);
            }
            row.glance()
        };
        let Some(mut row) = self.row(id, look) else { return };
        if row.has(flag::OPENING) {
            self.say_opened(sink, id);
            let Some(opened) = self.row(id, look) else { return };
            row = opened;
        }
        match row.kind {
            Kind::Stream | Kind::UnixStream | Kind::Pipe => self.serve_stream(sink, &polled, row),
            Kind::Watch => self.serve_watch(sink, &polled),
            Kind::Listener | Kind::UnixListener => self.accept_all(sink, id),
            Kind::Datagram => {
                self.take_socket_error(sink, id, polled.error);
                self.receive_datagrams(sink, id);
                self.send_blocked_datagrams(sink, id);
            }
            Kind::BarePort | Kind::Free => {}
        }
    }

    /// Says that something is up which was so from the beginning, before anything else is said of it.
    pub(crate) fn say_opened(&self, sink: &dyn Sink, id: SlotId) {
        let opening = self.row(id, |row| {
            let opening = row.has(flag::OPENING);
            row.clear(flag::OPENING);
            opening
        });
        if opening == Some(true) {
            sink.event(id, Event::Opened);
        }
    }

    /// Says why sending failed, if it did.
    pub(crate) fn say_send_failure(&self, sink: &dyn Sink, id: SlotId) {
        if let Some(failure) = self.take_send_failure(id) {
            self.say_lost(sink, id, failure);
        }
    }

    fn serve_watch(&self, sink: &dyn Sink, polled: &Polled) {
        let &Polled { id, readable, writable, .. } = polled;
        let fd = self.row(id, |row| row.raw()).filter(|_| polled.error);
        if let Some(fd) = fd.filter(|fd| rustix::io::fcntl_getfd(borrow_fd(*fd)).is_err()) {
            let why = format!("descriptor {fd} was closed while it was watched");
            return self.say_lost(sink, id, Failure::new(FailureKind::Local, why));
        }
        sink.event(id, Event::Ready(Ready { readable, writable }));
    }

    fn serve_stream(&self, sink: &dyn Sink, polled: &Polled, row: Glance) {
        let id = polled.id;
        // One that has another round to come anyway is read in that: it gets one share a turn.
        let reads = !row.has(flag::AGAIN);
        if row.blocked && polled.writable {
            if row.has(flag::CONNECTING) {
                self.finish_connecting(sink, id);
            }
            self.send_blocked(sink, id);
            if reads {
                self.receive(sink, id);
            }
        } else if polled.readable && reads {
            self.receive_from(sink, id, row);
        }
        if polled.error && !row.reads() {
            // Nobody reads, so nobody would see it.
            self.take_socket_error(sink, id, true);
        }
        if polled.readable && P::completes(row.kind) {
            self.say_send_failure(sink, id);
        }
    }

    /// A row that asked for another round.
    fn serve_again(&self, sink: &dyn Sink, id: SlotId) {
        let Some(kind) = self.row(id, |row| {
            row.clear(flag::AGAIN);
            row.kind
        }) else {
            return;
        };
        self.say_opened(sink, id);
        match kind {
            Kind::Listener | Kind::UnixListener => self.accept_all(sink, id),
            Kind::Datagram => {
                self.receive_datagrams(sink, id);
                if let Some(failure) = self.take_send_failure(id) {
                    sink.event(id, Event::Lost(failure));
                }
            }
            Kind::Stream | Kind::UnixStream | Kind::Pipe => {
                self.receive(sink, id);
                self.fail_to_send(sink, id);
            }
            Kind::Watch | Kind::BarePort | Kind::Free => {}
        }
    }

    /// If sending failed, says so, after what the peer said before: the poller may have to end receiving that first.
    fn fail_to_send(&self, sink: &dyn Sink, id: SlotId) {
        let has_failed = |row: &mut Row| row.extra.as_ref()?.send_failure.as_ref().map(drop);
        if self.row(id, has_failed).flatten().is_none() {
            return;
        }
        if self.row(id, |row| row.reads() && row.is_completed::<P>()) == Some(true) {
            if !self.poller.leave(id) {
                return; // It says that the rest is left, and so does this then.
            }
            self.row(id, |row| row.set(flag::LEFT));
            self.receive(sink, id);
        }
        self.say_send_failure(sink, id);
    }

    fn take_send_failure(&self, id: SlotId) -> Option<Failure> {
        self.row(id, |row| row.extra.as_mut()?.send_failure.take()).flatten()
    }

    /// Reports an error that the system keeps for the socket, if there is one.
    fn take_socket_error(&self, sink: &dyn Sink, id: SlotId, asked: bool) {
        if !asked {
            return;
        }
        let Some((fd, kind)) = self.row(id, |row| (row.raw(), row.kind)) else { return };
        let error = rustix::net::sockopt::socket_error(borrow_fd(fd));
        if let Ok(Err(error)) = error {
            let failure = Failure::from(io::Error::from(error));
            if kind == Kind::Datagram {
                sink.event(id, Event::Lost(failure));
            } else {
                self.say_lost(sink, id, failure);
            }
        }
    }
}

impl<P: Poller> Driver for Readiness<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn now(&self) -> Time {
        Time::START + self.began.elapsed()
    }

    fn wait(&self, until: Wait) -> Result<(), Failure> {
        self.parked.set(false);
        let timeout = match self.limit_wait(until) {
            Wait::No => Some(Duration::ZERO),
            Wait::Until(time) => Some(time.since(self.now()).min(WAIT_MAX)),
            Wait::Forever => None,
        };
        let mut polled = self.polled.take();
        let waited = self.poller.wait(timeout, &mut polled);
        self.lingering.take(); // What was asked of them is said now.
        self.take_share(&mut polled);
        self.polled.set(polled);
        waited.map_err(|error| {
            Failure::from_error(FailureKind::System, error).context(format!("wait by {}", P::NAME))
        })
    }

    fn deliver(&self, sink: &dyn Sink) {
        if self.retry_at.get() != Time::NEVER && self.retry_at.get() <= self.now() {
            self.feed_starved();
        }
        let mut polled = self.polled.take();
        let again = self.again.borrow().len();
        polled.drain(..).for_each(|polled| self.serve(sink, polled));
        self.polled.set(polled);
        for _ in 0..again {
            let Some(id) = self.again.borrow_mut().pop_front() else { break };
            self.serve_again(sink, id);
        }
        for id in self.closed.take() {
            sink.event(id, Event::Closed);
        }
    }

    fn send(&self, id: SlotId, out: &mut OutQueue) -> usize {
        self.transmit(id, out)
    }

    fn set_receiving(&self, id: SlotId, on: bool) {
        let Some(readable) = self.row(id, |row| {
            if on {
                row.set(flag::RECEIVING)
            } else {
                row.clear(flag::RECEIVING)
            }
            row.has(flag::READABLE)
        }) else {
            return;
        };
        self.update_interest(id);
        if on && readable {
            self.do_again(id);
        }
    }

    fn close_write(&self, id: SlotId) {
        let blocked = self.row(id, |row| {
            row.set(flag::CLOSE_WRITE);
            row.is_blocked()
        });
        if blocked == Some(false) {
            self.shut_write(id);
        }
    }

    fn close(&self, id: SlotId, how: Close) {
        let closed = self.row(id, |row| {
            if how == Close::Abort && row.kind == Kind::Stream && !row.has(flag::CONNECTING) {
                // So that the peer gets a reset; if that cannot be asked for, it gets an end.
                let fd = borrow_fd(row.raw());
                let _ = rustix::net::sockopt::set_socket_linger(fd, Some(Duration::ZERO));
            }
            let shared = row.has(flag::SHARED);
            if shared && matches!(row.kind, Kind::Stream | Kind::UnixStream) {
                // It stays open elsewhere, and the peer would wait for ever.
                let _ = shutdown(borrow_fd(row.raw()), Shutdown::Both);
            }
            let closes = row.fd.is_some() && !shared;
            let mut later = false;
            if row.raw_out() != row.raw() {
                later |= self.poller.remove(row.raw_out(), id, closes);
            }
            if !row.has(flag::ALWAYS_READY) {
                later |= self.poller.remove(row.raw(), id, closes);
            }
            (std::mem::take(row), later)
        });
        let Some((mut row, later)) = closed else { return };
        // Before the descriptors are closed: a socket's file is still known to be its own.
        if let Some(on_close) = row.extra.as_mut().and_then(|extra| extra.on_close.take()) {
            on_close();
        }
        if later {
            self.lingering.borrow_mut().extend(row.fd.take());
        } else {
            self.closed.borrow_mut().push(id);
        }
        drop(row);
        self.tell_host();
        if self.retry_at.get() != Time::NEVER {
            self.feed_starved();
        }
    }

    fn send_datagrams(&self, id: SlotId, queue: &mut Vec<Datagram>) -> usize {
        self.transmit_datagrams(id, queue)
    }

    fn peer(&self, id: SlotId) -> Option<Address> {
        socket_address::peer(self.row(id, |row| row.raw())?)
    }

    fn host(&self, id: SlotId) -> Option<Address> {
        socket_address::host(self.row(id, |row| row.raw())?)
    }

    fn notifier(&self) -> Arc<dyn Notify> {
        self.poller.waker()
    }

    fn park(&self, until: Wait) {
        let until = self.limit_wait(until);
        self.parked.set(until != Wait::No);
        self.poller.park(until, self.now());
    }

    fn finish(&self) {
        self.poller.finish();
        self.lingering.take();
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.poller.as_fd()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::poll::Poll;

    #[test]
    fn everybody_gets_a_turn_however_many_are_ready() {
        let driver = Readiness::<Poll>::new().unwrap();
        let ready = |slot| {
            let id = SlotId { slot, generation: 0 };
            Polled { readable: true, ..Polled::completed(id, Completion::None) }
        };
        let mut served = BTreeSet::new();
        for _ in 0..3 {
            let mut polled: Vec<_> = (0..1300).map(ready).collect();
            driver.take_share(&mut polled);
            assert_eq!(polled.len(), EVENTS_MAX);
            served.extend(polled.iter().map(|polled| polled.id.slot));
        }
        assert_eq!(served.len(), 1300);
    }
}
