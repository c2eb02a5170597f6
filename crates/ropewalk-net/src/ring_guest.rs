//! [`RingGuest`]: what a host loop watches when the reactor is over io_uring.
//!
//! The descriptor of a `DEFER_TASKRUN` ring never wakes a host, and the kernel does not pass on what one eventfd has to
//! say to another one. So the host's descriptor is an epoll set with an eventfd that the ring signals, a timer, and
//! the set of what the ring itself only polls, with the wake-up in it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use ropewalk_core::{Time, Wait};
use rustix::event::{EventfdFlags, eventfd};

use crate::epoll::Epoll;
use crate::poller::Poller;
use crate::ring_queues::RingQueues;

pub(crate) struct RingGuest {
    set: Epoll,
    eventfd: OwnedFd,
}

impl RingGuest {
    pub(crate) fn new(queues: &RingQueues, others: BorrowedFd<'_>) -> io::Result<Self> {
        let eventfd = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let guest = Self { set: Epoll::new()?, eventfd };
        guest.set.add_silent(guest.eventfd.as_raw_fd())?;
        guest.set.add_silent(others.as_raw_fd())?;
        queues.register(|submitter| submitter.register_eventfd(guest.eventfd.as_raw_fd()))?;
        Ok(guest)
    }

    /// Whatever was signalled is about to be looked at.
    pub(crate) fn drain(&self) -> io::Result<()> {
        // Nothing to read means that nobody has written: as good.
        let _ = rustix::io::read(&self.eventfd, &mut [0; 8]);
        self.set.wait(Some(Duration::ZERO), &mut Vec::new())
    }

    pub(crate) fn park(&self, until: Wait, now: Time) {
        self.set.park(until, now);
    }

    pub(crate) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.set.as_fd()
    }
}
