//! [`Select`]: `select(2)`, the oldest and the most portable. Descriptors from 1,024 on are refused, as the C
//! library's sets end there.
//!
//! A connection of which nothing is wanted (its protocol has paused, or its peer has ended its half) is in no set, so a
//! reset is not heard before something is wanted again. There is no set for it: an error makes a descriptor readable and
//! writable, which it mostly is anyway, and the third set is for urgent data only.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::SlotId;
use rustix::event::{FdSetElement, FdSetIter, fd_set_insert, fd_set_num_elements, select};

use crate::epoll::timespec;
use crate::poller::{Completion, Interest, Polled, Poller};
use crate::row::borrow_fd;
use crate::wake::Wake;

pub(crate) struct Select {
    wake: Arc<Wake>,
    wanted: RefCell<BTreeMap<RawFd, (SlotId, Interest)>>,
}

/// The size of the C library's `fd_set`.
const FD_SETSIZE: RawFd = 1024;

type FdSet = Vec<FdSetElement>;

impl Poller for Select {
    const NAME: &'static str = "select";
    const EDGE: bool = false;

    fn new() -> io::Result<Self> {
        let wake = Arc::new(Wake::new()?);
        check_range(wake.raw())?;
        Ok(Self { wake, wanted: RefCell::default() })
    }

    fn add(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        check_range(fd)?;
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
        let highest = wanted.keys().next_back().copied().unwrap_or(0).max(self.wake.raw());
        let (mut reads, mut writes) = (empty_set(), empty_set());
        fd_set_insert(&mut reads, self.wake.raw());
        for (fd, (_, interest)) in wanted.iter() {
            if interest.read {
                fd_set_insert(&mut reads, *fd);
            }
            if interest.write {
                fd_set_insert(&mut writes, *fd);
            }
        }
        let timeout = timeout.map(timespec);
        // SAFETY: every descriptor in the sets is below FD_SETSIZE, as the sets are made for. Each is open: a
        // row leaves the poller before its descriptor is closed, and the owner of a watched one has promised
        // the same; one that breaks the promise gets EBADF.
        let waited = unsafe {
            select(highest + 1, Some(&mut reads), Some(&mut writes), None, timeout.as_ref())
        };
        match waited {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(rustix::io::Errno::BADF) => {
                drop(wanted);
                self.drop_bad(events);
                return Ok(());
            }
            other => other?,
        };
        let mut ready: BTreeMap<RawFd, (bool, bool)> = BTreeMap::new();
        FdSetIter::new(&reads).for_each(|fd| ready.entry(fd).or_default().0 = true);
        FdSetIter::new(&writes).for_each(|fd| ready.entry(fd).or_default().1 = true);
        if ready.remove(&self.wake.raw()).is_some() {
            self.wake.drain();
        }
        for (fd, (readable, writable)) in ready {
            if let Some((id, _)) = wanted.get(&fd) {
                // select does not tell a hang-up from data: reading on until there is nothing finds it.
                events.push(Polled {
                    id: *id,
                    readable,
                    writable,
                    hung_up: true,
                    error: false,
                    completion: Completion::None,
                });
            }
        }
        Ok(())
    }

    fn waker(&self) -> Arc<Wake> {
        self.wake.clone()
    }
}

impl Select {
    /// Somebody closed a descriptor that is waited for, and the system says only that: finds which.
    fn drop_bad(&self, events: &mut Vec<Polled>) {
        self.wanted.borrow_mut().retain(|fd, (id, _)| {
            let open = rustix::io::fcntl_getfd(borrow_fd(*fd)).is_ok();
            if !open {
                let ready = Polled {
                    id: *id,
                    readable: true,
                    writable: true,
                    hung_up: true,
                    error: true,
                    completion: Completion::None,
                };
                events.push(ready);
            }
            open
        });
    }
}

fn empty_set() -> FdSet {
    vec![FdSetElement::default(); fd_set_num_elements(FD_SETSIZE as usize, FD_SETSIZE)]
}

fn check_range(fd: RawFd) -> io::Result<()> {
    if (0..FD_SETSIZE).contains(&fd) {
        return Ok(());
    }
    let why =
        format!("select takes descriptors below {FD_SETSIZE}, this is {fd}; use epoll or poll");
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}
