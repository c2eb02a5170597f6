//! [`Poller`]: what epoll, io_uring, poll and select have in common.
//!
//! A poller says which descriptors are ready; the [readiness driver](crate::readiness) makes deliveries of
//! that. One that is edge-triggered is told of a descriptor once, for everything, and says of each readiness
//! when it begins. One that is level-triggered is told what is wanted at the moment, and says it again until
//! it is taken. One that completes has the system do the work, and says what has been done.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::{Address, SlotId, Wait};

use crate::ring_reads::FileRead;
use crate::row::Kind;

/// A system call that waits for descriptors to be ready.
pub(crate) trait Poller: Sized + 'static {
    /// What it is called on the command line.
    const NAME: &'static str;
    /// Whether it is edge-triggered; a [`Watch`](Kind::Watch) is level-triggered all the same.
    const EDGE: bool;

    fn new() -> io::Result<Self>;

    /// Whether it accepts and receives for such a slot itself, and says so by [`Completion`]s. From the first time that
    /// it says that such a slot is readable, it leaves what comes to be read.
    fn completes(kind: Kind) -> bool {
        let _ = kind;
        false
    }

    /// From now on waits for `fd`, which stays open until [`remove`](Self::remove).
    fn add(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()>;

    /// Changes what is waited for.
    fn modify(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()>;

    /// Waits for `fd` no more. An edge-triggered poller may leave that to the closing of the descriptor, if
    /// `closes` says that it follows. True if the slot's number is not free before
    /// [`Completion::Released`], and the descriptor to stay open until the next wait.
    fn remove(&self, fd: RawFd, id: SlotId, closes: bool) -> bool;

    /// Waits until something is ready, somebody wakes, or the time is over; adds what is ready to `events`.
    fn wait(&self, timeout: Option<Duration>, events: &mut Vec<Polled>) -> io::Result<()>;

    /// Wakes a wait, from any thread, by a write to this.
    fn waker(&self) -> Arc<crate::wake::Wake>;

    /// For a guest: makes [`as_fd`](Self::as_fd) readable at that time.
    fn park(&self, until: Wait, now: ropewalk_core::Time) {
        let _ = (until, now);
    }

    /// Lends the bytes of a [`Completion::Received`], whose buffer is given back after that.
    fn deliver_bytes(&self, filled: Filled, f: impl FnOnce(&mut [u8])) {
        let _ = (filled, f);
    }

    /// The same for a [`Completion::Message`].
    fn deliver_message(&self, filled: Filled, f: impl FnOnce(Message<'_>)) {
        let _ = (filled, f);
    }

    /// Takes a copy of bytes to be sent with the next wait, if that costs less than a call of its own. What became of
    /// them is a [`Completion`]; until then nothing else may be sent on the connection.
    fn send_later(&self, id: SlotId, bytes: &[u8]) -> bool {
        let _ = (id, bytes);
        false
    }

    /// Reads up to `len` bytes of a file, perhaps fewer than there are, if it can do that without waiting.
    fn read_file(&self, file: &Arc<File>, offset: u64, len: usize) -> Option<FileRead> {
        let _ = (file, offset, len);
        None
    }

    /// Has it leave what comes on a connection to be read: true if it does so at once; else it says that the slot is
    /// readable when it does.
    fn leave(&self, id: SlotId) -> bool {
        let _ = id;
        true
    }

    /// What it has left to be read on a connection that has not hung up, it may receive again.
    fn take_back(&self, id: SlotId) {
        let _ = id;
    }

    /// Nobody will wait any more: what the system still does for closed slots ends now.
    fn finish(&self) {}

    /// The one descriptor that stands for all.
    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// What a descriptor is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
    /// What it is. Of a [`Watch`](Kind::Watch) each wait says again what it is ready for.
    pub(crate) kind: Kind,
}

impl Interest {
    pub(crate) fn is_watch(self) -> bool {
        self.kind == Kind::Watch
    }

    /// A watch of nothing, until its user wants something again.
    pub(crate) fn is_pause(self) -> bool {
        self.is_watch() && !self.read && !self.write
    }
}

/// A descriptor that is ready.
#[derive(Debug)]
pub(crate) struct Polled {
    pub(crate) id: SlotId,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The peer's half or both are closed, or there is an error: a short read is not the end of it.
    pub(crate) hung_up: bool,
    pub(crate) error: bool,
    /// What a poller that completes has done, in place of all that.
    pub(crate) completion: Completion,
}

/// What has been done for a slot.
#[derive(Debug)]
pub(crate) enum Completion {
    /// Nothing: it is ready.
    None,
    /// Bytes came; whether the receiving has ended with that.
    Received { filled: Filled, ends: bool },
    /// The same, with what came along.
    Message { filled: Filled, ends: bool },
    /// A connection was accepted; whether the accepting has ended with that.
    Accepted { fd: OwnedFd, ends: bool },
    /// So much was sent, and there was no room for the rest.
    Sent { count: usize, rest: Vec<u8> },
    /// Sending failed, by this error of the system.
    SendFailed(i32),
    /// The peer sends no more.
    Ended,
    /// Receiving or accepting failed, by this error of the system.
    Failed(i32),
    /// It has ended for no reason of the slot's.
    Stopped,
    /// All that was asked for a closed slot is over.
    Released,
}

/// A buffer that the system has filled, to be given back once.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) group: u16,
    pub(crate) buffer: u16,
    pub(crate) len: u32,
}

/// Bytes, and what came along.
pub(crate) struct Message<'a> {
    pub(crate) bytes: &'a mut [u8],
    pub(crate) from: Address,
    pub(crate) files: Vec<OwnedFd>,
}

impl Completion {
    /// Whether receiving or accepting has ended, for no reason of the slot's.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Received { ends, .. }
            | Self::Message { ends, .. }
            | Self::Accepted { ends, .. } => *ends,
            Self::Stopped => true,
            _ => false,
        }
    }
}

impl Polled {
    pub(crate) fn completed(id: SlotId, completion: Completion) -> Self {
        let (readable, writable, hung_up, error) = (false, false, false, false);
        Self { id, readable, writable, hung_up, error, completion }
    }

    /// There is room to write, and that is all that is known.
    pub(crate) fn writable(id: SlotId) -> Self {
        Self { writable: true, ..Self::completed(id, Completion::None) }
    }
}

/// Events served in one turn: enough that a busy reactor waits seldom, few enough that timers are not late.
pub(crate) const EVENTS_MAX: usize = 512;
