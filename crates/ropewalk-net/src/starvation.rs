//! Listeners that cannot accept, for want of descriptors: they pause, and try again after a while.

use std::io;
use std::time::Duration;

use ropewalk_core::{Driver, SlotId, Time};
use rustix::io::Errno;

use crate::poller::Poller;
use crate::readiness::Readiness;
use crate::row::flag;

/// How long a starved listener waits, unless a descriptor of ours is closed before: long enough that it costs
/// nothing, short enough that nobody gives up.
const STARVED_RETRY: Duration = Duration::from_millis(100);

/// That accepting pauses is said once in this time: a server at its limit pauses and resumes with every
/// connection that comes and goes.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

impl<P: Poller> Readiness<P> {
    /// A listener has no descriptors to accept with, or none that the poller can take. A level-triggered poller
    /// must not say again and again that there is somebody to accept.
    pub(crate) fn starve(&self, id: SlotId, error: &io::Error) {
        self.row(id, |row| row.set(flag::STARVED));
        self.update_interest(id);
        let mut starved = self.starved.borrow_mut();
        if starved.is_empty() {
            self.retry_at.set(self.now() + STARVED_RETRY);
        }
        if !starved.contains(&id) {
            starved.push(id);
        }
        drop(starved);
        self.complain(error);
    }

    /// Says that accepting pauses, unless it has been said a short while ago.
    fn complain(&self, error: &io::Error) {
        let now = self.now();
        let said = self.complained_at.get();
        if said.is_some_and(|said| now.since(said) < COMPLAINT_INTERVAL) {
            return;
        }
        self.complained_at.set(Some(now));
        let limited = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
        let advice = match error.raw_os_error() {
            Some(code) if limited.contains(&code) => {
                "; raise the limit on open files, or limit the connections"
            }
            _ => "",
        };
        tracing::warn!(target: "ropewalk::net", "accepting pauses: {error}{advice}");
    }

    /// Lets starved listeners try again.
    pub(crate) fn feed_starved(&self) {
        self.retry_at.set(Time::NEVER);
        for id in self.starved.take() {
            self.row(id, |row| row.clear(flag::STARVED));
            self.update_interest(id);
            self.do_again(id);
        }
    }
}
