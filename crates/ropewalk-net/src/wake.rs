//! [`Wake`]: an eventfd that ends a wait from another thread.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use ropewalk_core::Notify;
use rustix::event::{EventfdFlags, eventfd};

/// An eventfd: readable from a [`notify`](Notify::notify) until [`drain`](Wake::drain).
pub(crate) struct Wake(OwnedFd);

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?))
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    pub(crate) fn drain(&self) {
        // Nothing to read means that nobody has written: as good.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl Notify for Wake {
    fn notify(&self) {
        // It can only fail when the counter is full: then it is readable already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }
}
