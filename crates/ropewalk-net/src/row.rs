//! [`Row`]: what the readiness driver knows of one slot, in at most 32 bytes.
//!
//! What only few slots need (bytes that the system would not take at once, a second descriptor) is in a box
//! that is there while it is needed.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

use ropewalk_core::{Datagram, OutQueue, SlotId};

use crate::poller::Poller;
use crate::shared_port::HandOver;

#[derive(Default)]
pub(crate) struct Row {
    pub(crate) fd: Option<OwnedFd>,
    pub(crate) generation: u32,
    pub(crate) kind: Kind,
    pub(crate) flags: u16,
    pub(crate) extra: Option<Box<Extra>>,
}

/// What a slot is, which says how it is read and written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Kind {
    #[default]
    Free,
    /// A socket that sends and receives bytes.
    Stream,
    /// The same, and open files ride along with the bytes.
    UnixStream,
    /// A pipe, terminal or file: one descriptor to read, another in `Extra` to write.
    Pipe,
    Listener,
    UnixListener,
    /// A port without a descriptor.
    BarePort,
    Datagram,
    /// A descriptor of the user's own.
    Watch,
}

impl Kind {
    pub(crate) fn is_stream(self) -> bool {
        matches!(self, Self::Stream | Self::UnixStream)
    }

    pub(crate) fn is_listener(self) -> bool {
        matches!(self, Self::Listener | Self::UnixListener)
    }
}

/// A copy of what a delivery needs to know of a row, so that the rows are not borrowed meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Glance {
    pub(crate) fd: RawFd,
    pub(crate) kind: Kind,
    pub(crate) flags: u16,
    pub(crate) blocked: bool,
}

impl Glance {
    pub(crate) fn has(self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    pub(crate) fn reads(self) -> bool {
        flag::reads(self.flags)
    }

    pub(crate) fn is_completed<P: Poller>(self) -> bool {
        is_completed::<P>(self.kind, self.flags)
    }
}

fn is_completed<P: Poller>(kind: Kind, flags: u16) -> bool {
    P::completes(kind) && flags & flag::LEFT == 0
}

#[derive(Default)]
pub(crate) struct Extra {
    /// What the system would not take at once.
    pub(crate) blocked: OutQueue,
    pub(crate) datagrams: VecDeque<Datagram>,
    /// Where a `Pipe` writes.
    pub(crate) write_fd: Option<OwnedFd>,
    /// The user's descriptor, of a `Watch`; and what it is watched for.
    pub(crate) watched: Option<RawFd>,
    /// Why sending failed: to be reported once what has come is read.
    pub(crate) send_failure: Option<ropewalk_core::Failure>,
    /// Done when the slot is closed: the socket's file removed, a terminal's flags restored.
    pub(crate) on_close: Option<Box<dyn FnOnce()>>,
    /// Of a listener whose connections are shared out among workers: who says whose each is.
    pub(crate) hand_over: Option<Rc<HandOver>>,
    /// Connections that other workers have accepted for this one.
    pub(crate) accepted: VecDeque<Accepted>,
}

/// A connection that was accepted.
pub(crate) struct Accepted {
    pub(crate) fd: OwnedFd,
    /// Done when it is closed.
    pub(crate) on_close: Option<Box<dyn FnOnce() + Send>>,
}

/// The flags of a row.
pub(crate) mod flag {
    /// The heart wants what comes.
    pub(crate) const RECEIVING: u16 = 1;
    /// There may be something to read, and nobody will say so again.
    pub(crate) const READABLE: u16 = 1 << 1;
    /// It has hung up: a short read is not the end.
    pub(crate) const HUNG_UP: u16 = 1 << 2;
    /// The end was read.
    pub(crate) const ENDED: u16 = 1 << 3;
    /// It is in the list of rows with more to do.
    pub(crate) const AGAIN: u16 = 1 << 4;
    /// It connects: the first writability, or an error, says how that went.
    pub(crate) const CONNECTING: u16 = 1 << 5;
    /// It came up without the system having to say so; the heart is to be told.
    pub(crate) const OPENING: u16 = 1 << 6;
    /// The writing half is to be closed once `Extra::blocked` is sent.
    pub(crate) const CLOSE_WRITE: u16 = 1 << 7;
    /// `Event::Lost` has been said.
    pub(crate) const LOST: u16 = 1 << 8;
    /// The user waits for writability (of a `Watch`).
    pub(crate) const WANTS_WRITE: u16 = 1 << 9;
    /// The poller does not know the descriptor that is read: it is a file, always ready, or there is none.
    pub(crate) const ALWAYS_READY: u16 = 1 << 10;
    /// The descriptor may be open elsewhere too: closing it does not take it out of an epoll set.
    pub(crate) const SHARED: u16 = 1 << 11;
    /// A listener that has nothing to accept with, and waits for that.
    pub(crate) const STARVED: u16 = 1 << 12;
    /// A poller that completes has left it to be read.
    pub(crate) const LEFT: u16 = 1 << 13;
    /// The poller has bytes to send, and has not said what became of them.
    pub(crate) const SENDING: u16 = 1 << 14;

    /// Whether the heart wants what can be read, and there can be something.
    pub(crate) fn reads(flags: u16) -> bool {
        flags & (RECEIVING | ENDED | CONNECTING) == RECEIVING
    }
}

impl Row {
    pub(crate) fn reads(&self) -> bool {
        flag::reads(self.flags)
    }

    pub(crate) fn has(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    pub(crate) fn set(&mut self, flags: u16) {
        self.flags |= flags;
    }

    pub(crate) fn clear(&mut self, flags: u16) {
        self.flags &= !flags;
    }

    /// Sets the flag; whether it was set before.
    pub(crate) fn replace(&mut self, flag: u16) -> bool {
        let before = self.has(flag);
        self.set(flag);
        before
    }

    /// Whether the poller receives or accepts for it.
    pub(crate) fn is_completed<P: Poller>(&self) -> bool {
        is_completed::<P>(self.kind, self.flags)
    }

    /// Its descriptor, if it is a socket for bytes on which nothing is under way.
    pub(crate) fn plain_stream(&self) -> Option<RawFd> {
        match (&self.fd, &self.extra) {
            (Some(fd), None)
                if self.kind == Kind::Stream && !self.has(flag::CONNECTING | flag::SENDING) =>
            {
                Some(fd.as_raw_fd())
            }
            _ => None,
        }
    }

    /// What a delivery needs to know.
    pub(crate) fn glance(&self) -> Glance {
        Glance { fd: self.raw(), kind: self.kind, flags: self.flags, blocked: self.is_blocked() }
    }

    pub(crate) fn is(&self, id: SlotId) -> bool {
        self.kind != Kind::Free && self.generation == id.generation
    }

    /// The descriptor that is read and waited for.
    pub(crate) fn raw(&self) -> RawFd {
        let watched = || self.extra.as_ref().and_then(|extra| extra.watched).unwrap_or(-1);
        self.fd.as_ref().map_or_else(watched, AsRawFd::as_raw_fd)
    }

    /// The descriptor that is written.
    pub(crate) fn raw_out(&self) -> RawFd {
        let out = self.extra.as_ref().and_then(|extra| extra.write_fd.as_ref());
        out.map_or_else(|| self.raw(), AsRawFd::as_raw_fd)
    }

    /// Whether nothing can be sent at once.
    pub(crate) fn is_blocked(&self) -> bool {
        self.has(flag::CONNECTING | flag::SENDING)
            || self
                .extra
                .as_ref()
                .is_some_and(|extra| !extra.blocked.is_empty() || !extra.datagrams.is_empty())
    }
}

/// A descriptor by its number, for one system call.
///
/// The driver reads numbers out of its rows so that nothing is borrowed while it calls the heart. In a row,
/// the number is that of a descriptor which the row owns, or which the user has promised to keep open as
/// long as it is watched; a row that is closed has none, and the call fails with EBADF at the worst.
pub(crate) fn borrow_fd<'a>(fd: RawFd) -> BorrowedFd<'a> {
    // -1 is the one number that a `BorrowedFd` must not have; no open descriptor has this one either.
    let fd = if fd < 0 { RawFd::MAX } else { fd };
    // SAFETY: it is not -1; it is used for one system call at once, while the row that it was read from
    // stands (see above).
    unsafe { BorrowedFd::borrow_raw(fd) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_at_most_32_bytes() {
        assert!(size_of::<Row>() <= 32, "{}", size_of::<Row>());
    }
}
