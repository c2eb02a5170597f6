//! [`Poller`]: what epoll, io_uring, poll and select have in common.
//!
//! A poller says which descriptors are ready; the [readiness driver](crate::readiness) makes deliveries of
//! that. One that is edge-triggered is told of a descriptor once, for everything, and says of each readiness
//! when it begins. One that is level-triggered is told what is wanted at the moment, and says it again until
//! it is taken.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::time::Duration;

use ropewalk_core::{SlotId, Wait};

/// A system call that waits for descriptors to be ready.
pub(crate) trait Poller: Sized + 'static {
    /// What it is called on the command line.
    const NAME: &'static str;
    /// Whether it is edge-triggered; a [`watch`](Interest::watch) is level-triggered all the same.
    const EDGE: bool;
    /// Whether it receives the bytes of TCP connections itself, and says so by [`Completion`]s.
    const COMPLETES: bool = false;

    fn new() -> io::Result<Self>;

    /// From now on waits for `fd`, which stays open until [`remove`](Self::remove).
    fn add(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()>;

    /// Changes what is waited for.
    fn modify(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()>;

    /// Waits for `fd` no more. An edge-triggered poller may leave that to the closing of the descriptor, if
    /// `closes` says that it follows. True if the slot's number is not free before
    /// [`Completion::Released`].
    fn remove(&self, fd: RawFd, id: SlotId, closes: bool) -> bool;

    /// Waits until something is ready, somebody wakes, or the time is over; adds what is ready to `events`.
    fn wait(&self, timeout: Option<Duration>, events: &mut Vec<Polled>) -> io::Result<()>;

    /// Wakes a wait, from any thread, by a write to this.
    fn waker(&self) -> std::sync::Arc<crate::wake::Wake>;

    /// For a guest: makes [`as_fd`](Self::as_fd) readable at that time.
    fn park(&self, until: Wait, now: ropewalk_core::Time) {
        let _ = (until, now);
    }

    /// Lends the bytes of a [`Completion::Received`], whose buffer is given back after that.
    fn deliver_bytes(&self, buffer: u16, len: usize, f: impl FnOnce(&mut [u8])) {
        let _ = (buffer, len, f);
    }

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
    /// The descriptor is the user's own: each wait says again what it is ready for.
    pub(crate) watch: bool,
    /// It is a TCP connection, whose bytes a poller that [`COMPLETES`](Poller::COMPLETES) receives itself.
    pub(crate) bytes: bool,
}

impl Interest {
    /// A watch of nothing, until its user wants something again.
    pub(crate) fn is_pause(self) -> bool {
        self.watch && !self.read && !self.write
    }
}

/// A descriptor that is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Completion {
    /// Nothing: it is ready.
    None,
    /// Bytes came; whether the receiving has ended with that.
    Received { buffer: u16, len: u32, ends: bool },
    /// The peer sends no more.
    Ended,
    /// Receiving failed, by this error of the system.
    Failed(i32),
    /// Receiving has ended for no reason of the connection's.
    Stopped,
    /// All that was asked for a closed slot is over.
    Released,
}

impl Polled {
    pub(crate) fn completed(id: SlotId, completion: Completion) -> Self {
        let (readable, writable, hung_up, error) = (false, false, false, false);
        Self { id, readable, writable, hung_up, error, completion }
    }
}

/// Events served in one turn: enough that a busy reactor waits seldom, few enough that timers are not late.
pub(crate) const EVENTS_MAX: usize = 512;
