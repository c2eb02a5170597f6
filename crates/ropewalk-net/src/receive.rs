//! The reading half of the [readiness driver](crate::readiness): accepting, receiving, connecting.

use std::any::Any;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{OwnedFd, RawFd};
use std::time::Duration;

use ropewalk_core::{Chunk, Event, Failure, Flow, Sink, SlotId};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, accept_with, recv, recvmsg,
};

use crate::poller::Poller;
use crate::readiness::Readiness;
use crate::row::{Accepted, Extra, Glance, Kind, Row, borrow_fd, flag};

/// The one buffer that all connections of a reactor are read into: as much as one system call usually has.
pub(crate) const READ_BYTES: usize = 64 * 1024;
/// What one connection may read in a turn before it goes to the back of the line.
const READ_BUDGET_BYTES: usize = 4 * READ_BYTES;
/// A turn that brings less than this is no longer much for a poller that receives itself.
const MUCH_BYTES: usize = 4 * 1024;
/// Connections accepted on one port in a turn: those that are there already must not wait for a flood.
const ACCEPTS_MAX: usize = 128;
/// Open files received with one read.
pub(crate) const FILES_MAX: usize = 64;

/// Whether a row is read on.
pub(crate) enum Next {
    /// Perhaps there is more.
    Read,
    /// There is no more at the moment, or it is not wanted, or there will never be more.
    Wait,
    /// There is more, but others are due first.
    Later,
}

impl<P: Poller> Readiness<P> {
    /// Reads what there is for a stream, within its budget.
    pub(crate) fn receive(&self, sink: &dyn Sink, id: SlotId) {
        if let Some(row) = self.row(id, |row| row.glance()) {
            self.receive_from(sink, id, row);
        }
    }

    /// As [`receive`](Self::receive), for a row that has just been looked at.
    pub(crate) fn receive_from(&self, sink: &dyn Sink, id: SlotId, row: Glance) {
        // Where the poller receives, two would get the bytes out of order.
        if !row.reads() || row.is_completed::<P>() {
            return;
        }
        let mut buffer = self.buffer.take();
        let mut budget = READ_BUDGET_BYTES;
        loop {
            if buffer.len() < READ_BYTES {
                buffer.resize(READ_BYTES, 0); // It is new, or was stolen.
            }
            let next = match self.read(sink, id, row, &mut buffer) {
                Ok(0) => self.read_end(sink, id),
                Ok(count) => {
                    budget = budget.saturating_sub(count);
                    let flow =
                        sink.event(id, Event::Received(Chunk::from_buffer(&mut buffer, count)));
                    self.after_read(id, flow, count == READ_BYTES, budget)
                }
                Err(error) => self.read_failed(sink, id, error),
            };
            match next {
                Next::Read => {}
                Next::Later => break self.do_again(id),
                Next::Wait => break,
            }
        }
        self.buffer.set(buffer);
        if row.has(flag::LEFT) && READ_BUDGET_BYTES - budget < MUCH_BYTES {
            self.take_back(id);
        }
    }

    /// A connection that brings little again may be received by the poller, unless there is more to be read here.
    fn take_back(&self, id: SlotId) {
        let unread = flag::READABLE | flag::HUNG_UP | flag::ENDED;
        let is_calm = self.row(id, |row| {
            let is_calm = row.has(flag::LEFT) && !row.has(unread);
            if is_calm {
                row.clear(flag::LEFT);
            }
            is_calm
        });
        if is_calm == Some(true) {
            self.poller.take_back(id);
            self.update_interest(id);
        }
    }

    /// One system call. The open files that came along with the bytes are delivered before them.
    fn read(
        &self,
        sink: &dyn Sink,
        id: SlotId,
        row: Glance,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        match row.kind {
            // A little less work for the system than a read.
            Kind::Stream => return Ok(recv(borrow_fd(row.fd), buffer, RecvFlags::empty())?.0),
            Kind::UnixStream => {}
            _ => return Ok(rustix::io::read(borrow_fd(row.fd), buffer)?),
        }
        let (count, files) = read_with_files(row.fd, buffer)?;
        for file in files {
            sink.event(id, Event::Attached(Box::new(file) as Box<dyn Any>));
        }
        Ok(count)
    }

    /// What follows a read that gave something. The row may be gone, or another's, by now.
    fn after_read(&self, id: SlotId, flow: Flow, filled: bool, budget: usize) -> Next {
        self.row(id, |row| {
            if flow == Flow::Enough || !row.reads() {
                return Next::Wait; // `READABLE` stays: whoever lets it receive again has it looked at.
            }
            // A short read is the end of what there is, unless the news of more has passed already.
            if !filled && !row.has(flag::HUNG_UP | flag::ALWAYS_READY) {
                row.clear(flag::READABLE);
                return Next::Wait;
            }
            if budget == 0 { Next::Later } else { Next::Read }
        })
        .unwrap_or(Next::Wait)
    }

    pub(crate) fn read_end(&self, sink: &dyn Sink, id: SlotId) -> Next {
        self.row(id, |row| row.set(flag::ENDED));
        self.update_interest(id);
        sink.event(id, Event::ReadClosed);
        Next::Wait
    }

    pub(crate) fn read_failed(&self, sink: &dyn Sink, id: SlotId, error: io::Error) -> Next {
        match error.kind() {
            io::ErrorKind::WouldBlock => {
                self.row(id, |row| row.clear(flag::READABLE));
                return Next::Wait;
            }
            io::ErrorKind::Interrupted => return Next::Read,
            _ => {}
        }
        // A terminal whose other side is gone says this instead of an end.
        if error.raw_os_error() == Some(Errno::IO.raw_os_error())
            && self.row(id, |row| row.kind) == Some(Kind::Pipe)
        {
            return self.read_end(sink, id);
        }
        self.row(id, |row| row.set(flag::ENDED));
        self.say_lost(sink, id, Failure::from(error));
        Next::Wait
    }

    /// The first news of a socket that connects.
    pub(crate) fn finish_connecting(&self, sink: &dyn Sink, id: SlotId) {
        let Some(fd) = self.row(id, |row| {
            row.clear(flag::CONNECTING);
            row.raw()
        }) else {
            return;
        };
        match rustix::net::sockopt::socket_error(borrow_fd(fd)) {
            Ok(Ok(())) => {
                self.update_interest(id);
                sink.event(id, Event::Opened);
            }
            Ok(Err(error)) | Err(error) => {
                self.say_lost(sink, id, Failure::from(io::Error::from(error)));
            }
        }
    }

    /// Accepts what waits, up to the turn's share.
    pub(crate) fn accept_all(&self, sink: &dyn Sink, id: SlotId) {
        for _ in 0..ACCEPTS_MAX {
            let Some((fd, kind, handed)) = self.row(id, |row| {
                let handed = row.extra.as_mut().and_then(|extra| extra.accepted.pop_front());
                (row.raw(), row.kind, handed)
            }) else {
                return;
            };
            if let Some(handed) = handed {
                if let Err(error) = self.welcome(sink, id, kind, handed) {
                    return self.starve(id, &error);
                }
                continue;
            }
            if P::completes(kind) {
                return;
            }
            match accept_with(borrow_fd(fd), SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(fd) => {
                    let Some(accepted) = self.hand_over(id, fd) else { continue };
                    if let Err(error) = self.welcome(sink, id, kind, accepted) {
                        return self.starve(id, &error);
                    }
                }
                Err(Errno::AGAIN) => return,
                Err(error) => {
                    let error = error.into();
                    if !is_passed_over(&error) {
                        return self.starve(id, &error);
                    }
                }
            }
        }
        self.do_again(id);
    }

    /// A connection that was just accepted, unless it is another worker's.
    pub(crate) fn hand_over(&self, listener: SlotId, fd: OwnedFd) -> Option<Accepted> {
        match self.row(listener, |row| row.extra.as_ref()?.hand_over.clone()).flatten() {
            Some(hand_over) => hand_over.place(fd),
            None => Some(Accepted { fd, on_close: None }),
        }
    }

    /// Makes a connection of what was accepted; fails if the poller cannot take it, which ends it.
    pub(crate) fn welcome(
        &self,
        sink: &dyn Sink,
        port: SlotId,
        listener: Kind,
        accepted: Accepted,
    ) -> io::Result<()> {
        let Some(id) = sink.accept(port) else { return Ok(()) };
        let kind = if listener == Kind::UnixListener { Kind::UnixStream } else { Kind::Stream };
        let extra = accepted
            .on_close
            .map(|on_close| Box::new(Extra { on_close: Some(on_close), ..Extra::default() }));
        let fd = Some(accepted.fd);
        let row = Row { fd, kind, flags: flag::RECEIVING, extra, ..Row::default() };
        let installed = self.install(id, row);
        sink.event(id, if installed.is_ok() { Event::Opened } else { Event::Closed });
        installed
    }
}

/// Whether the next connection can be accepted after this error: the peer is gone again, or a signal came. The others
/// are nearly always a want of descriptors, and would come again at once.
pub(crate) fn is_passed_over(error: &io::Error) -> bool {
    let passed = [Errno::CONNABORTED, Errno::INTR, Errno::PROTO].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| passed.contains(&code))
}

/// Ends a connection that was accepted for a port that is closed: by a reset, as the system ends those that it has
/// queued.
pub(crate) fn turn_away(fd: OwnedFd) {
    let _ = rustix::net::sockopt::set_socket_linger(&fd, Some(Duration::ZERO));
}

fn read_with_files(fd: RawFd, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let slices = &mut [IoSliceMut::new(buffer)];
    let received = recvmsg(borrow_fd(fd), slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            files.extend(rights);
        }
    }
    Ok((received.bytes, files))
}
