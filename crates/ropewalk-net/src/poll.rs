//! [`Poll`]: `poll(2)`, for systems and sandboxes without epoll. Its cost grows with the number of
//! descriptors, idle ones too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::SlotId;
use rustix::event::{PollFd, PollFlags, poll};

use crate::epoll::timespec;
use crate::poller::{Completion, Interest, Polled, Poller};
use crate::row::borrow_fd;
use crate::wake::Wake;

pub(crate) struct Poll {
    wake: Arc<Wake>,
    wanted: RefCell<BTreeMap<RawFd, Wanted>>,
}

struct Wanted {
    id: SlotId,
    interest: Interest,
    /// It has hung up, and that was said while nothing was wanted of it: poll would say it again and again.
    hung_up: bool,
}

impl Poller for Poll {
    const NAME: &'static str = "poll";
    const EDGE: bool = false;

    fn new() -> io::Result<Self> {
        Ok(Self { wake: Arc::new(Wake::new()?), wanted: RefCell::default() })
    }

    fn add(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        self.wanted.borrow_mut().insert(fd, Wanted { id, interest, hung_up: false });
        Ok(())
    }

    fn modify(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        self.add(fd, id, interest)
    }

    fn remove(&self, fd: RawFd, _: SlotId, _: bool) -> bool {
        self.wanted.borrow_mut().remove(&fd);
        false
    }

    fn wait(&self, timeout: Option<Duration>, events: &mut Vec<Polled>) -> io::Result<()> {
        let mut wanted = self.wanted.borrow_mut();
        let mut asked: Vec<_> = wanted.iter_mut().filter(|(_, wanted)| wanted.is_asked()).collect();
        let to_poll = |(fd, wanted): &(&RawFd, &mut Wanted)| {
            PollFd::from_borrowed_fd(borrow_fd(**fd), flags_of(wanted.interest))
        };
        let mut fds: Vec<_> = asked.iter().map(to_poll).collect();
        fds.push(PollFd::from_borrowed_fd(borrow_fd(self.wake.raw()), PollFlags::IN));
        match poll(&mut fds, timeout.map(timespec).as_ref()) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            other => other?,
        };
        if fds.pop().is_some_and(|wake| !wake.revents().is_empty()) {
            self.wake.drain();
        }
        for ((_, wanted), fd) in asked.iter_mut().zip(&fds) {
            if !fd.revents().is_empty() {
                wanted.hung_up = wanted.is_quiet();
                events.push(ready(wanted.id, fd.revents()));
            }
        }
        Ok(())
    }

    fn waker(&self) -> Arc<Wake> {
        self.wake.clone()
    }
}

impl Wanted {
    fn is_quiet(&self) -> bool {
        !self.interest.read && !self.interest.write
    }

    /// Of what is quiet a hang-up is heard, once; a watch that pauses hears nothing.
    fn is_asked(&self) -> bool {
        !self.is_quiet() || !(self.hung_up || self.interest.is_pause())
    }
}

fn flags_of(interest: Interest) -> PollFlags {
    let read = if interest.read { PollFlags::IN | PollFlags::RDHUP } else { PollFlags::empty() };
    let write = if interest.write { PollFlags::OUT } else { PollFlags::empty() };
    read | write
}

fn ready(id: SlotId, flags: PollFlags) -> Polled {
    let error = flags.intersects(PollFlags::ERR | PollFlags::NVAL);
    let hung_up = error || flags.intersects(PollFlags::HUP | PollFlags::RDHUP);
    Polled {
        id,
        readable: hung_up || flags.contains(PollFlags::IN),
        writable: error || flags.intersects(PollFlags::OUT | PollFlags::HUP),
        hung_up,
        error,
        completion: Completion::None,
    }
}
