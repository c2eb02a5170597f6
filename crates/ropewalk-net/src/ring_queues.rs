//! [`RingQueues`]: the two queues of an io_uring, and the system call that stands between them.
//!
//! With `DEFER_TASKRUN` the kernel does its part of the work inside our calls for completions, and only there. What is
//! put into the queue of submissions waits for the next call, unless the queue is full.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use io_uring::{IoUring, Submitter, cqueue, squeue, types};
use rustix::io::Errno;

pub(crate) struct RingQueues(RefCell<IoUring>);

/// `IORING_ENTER_GETEVENTS`: the kernel is to do its part, even if there is nothing to wait for.
const GET_EVENTS: u32 = 1;

impl RingQueues {
    /// Fails if the kernel or a container refuses, or if completions could get lost.
    pub(crate) fn new(submissions: u32, completions: u32) -> io::Result<Self> {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_defer_taskrun().setup_submit_all().setup_clamp();
        let ring = builder.setup_cqsize(completions).build(submissions)?;
        if !(ring.params().is_feature_nodrop() && ring.params().is_feature_ext_arg()) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Self(RefCell::new(ring)))
    }

    /// Registers something with the ring.
    pub(crate) fn register<R>(&self, f: impl FnOnce(&Submitter<'_>) -> R) -> R {
        f(&self.0.borrow().submitter())
    }

    /// Puts a request into the queue, which is submitted with the next wait, or now if it is full.
    ///
    /// # Safety
    /// The memory that the request points to stays until the kernel is done with it.
    pub(crate) unsafe fn push(&self, entry: &squeue::Entry) -> io::Result<()> {
        let mut ring = self.0.borrow_mut();
        // SAFETY: by the contract.
        while unsafe { ring.submission().push(entry) }.is_err() {
            passing(ring.submit())?;
        }
        Ok(())
    }

    /// Submits what was asked, without waiting.
    pub(crate) fn submit(&self) -> io::Result<()> {
        passing(self.0.borrow().submit())
    }

    /// Submits what was asked and waits. Even a wait of no time lets the kernel do its part.
    pub(crate) fn enter(&self, timeout: Option<Duration>) -> io::Result<()> {
        let mut ring = self.0.borrow_mut();
        let timeout = if ring.completion().is_empty() { timeout } else { Some(Duration::ZERO) };
        passing(match timeout {
            None => ring.submit_and_wait(1),
            Some(Duration::ZERO) => {
                let asked = u32::try_from(ring.submission().len()).unwrap_or(u32::MAX);
                // SAFETY: there is no argument. The kernel is told to wait for nothing, which takes no timer.
                unsafe { ring.submitter().enter::<()>(asked, 0, GET_EVENTS, None) }
            }
            Some(timeout) => {
                let timeout = types::Timespec::from(timeout);
                let arguments = types::SubmitArgs::new().timespec(&timeout);
                ring.submitter().submit_with_args(1, &arguments)
            }
        })
    }

    /// The next thing that is done.
    pub(crate) fn next(&self) -> Option<cqueue::Entry> {
        self.0.borrow_mut().completion().next()
    }

    /// Whether there is something that is done.
    pub(crate) fn is_filled(&self) -> bool {
        !self.0.borrow_mut().completion().is_empty()
    }

    /// Whether more was done than the queue has room for: the kernel keeps it until the next wait.
    #[cfg(test)]
    pub(crate) fn overflows(&self) -> bool {
        self.0.borrow_mut().submission().cq_overflow()
    }
}

/// After some errors the next wait goes on: a signal, the time is over, or completions are to be taken first.
fn passing(entered: io::Result<usize>) -> io::Result<()> {
    let passing = [Errno::INTR, Errno::TIME, Errno::BUSY, Errno::AGAIN].map(Errno::raw_os_error);
    match entered {
        Err(error) if !error.raw_os_error().is_some_and(|code| passing.contains(&code)) => {
            Err(error)
        }
        _ => Ok(()),
    }
}
