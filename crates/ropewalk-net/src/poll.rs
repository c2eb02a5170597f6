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
    wanted: RefCell<BTreeMap<RawFd, (SlotId, Interest)>>,
}

impl Poller for Poll {
    const NAME: &'static str = "poll";
    const EDGE: bool = false;

    fn new() -> io::Result<Self> {
        Ok(Self { wake: Arc::new(Wake::new()?), wanted: RefCell::default() })
    }

    fn add(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        self.wanted.borrow_mut().insert(fd, (id, interest));
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
        let wanted = self.wanted.borrow();
        // One that nothing is wanted of is left out: poll would report its hang-up again and again.
        let mut polled: Vec<_> = wanted
            .iter()
            .filter(|(_, (_, interest))| interest.read || interest.write)
            .map(|(fd, (id, interest))| {
                (*id, PollFd::from_borrowed_fd(borrow_fd(*fd), flags_of(*interest)))
            })
            .collect();
        let (ids, mut fds): (Vec<_>, Vec<_>) = polled.drain(..).unzip();
        fds.push(PollFd::from_borrowed_fd(borrow_fd(self.wake.raw()), PollFlags::IN));
        match poll(&mut fds, timeout.map(timespec).as_ref()) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            other => other?,
        };
        if fds.pop().is_some_and(|wake| !wake.revents().is_empty()) {
            self.wake.drain();
        }
        for (id, fd) in ids.into_iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty()) {
            events.push(ready(id, fd.revents()));
        }
        Ok(())
    }

    fn waker(&self) -> Arc<Wake> {
        self.wake.clone()
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
