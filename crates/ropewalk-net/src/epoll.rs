//! [`Epoll`]: the poller where io_uring is refused, and what io_uring itself polls by.
//!
//! Facts about epoll that explain the code: a descriptor registered edge-triggered for reading and writing
//! needs no other call in its life, and closing it takes it out of the set; a short read is the end of what
//! is there, unless the event said that the peer hung up, since that edge has then passed already; a regular
//! file is refused (`EPERM`), as it is always ready; a hang-up is reported whatever was asked for, so a watch
//! that pauses leaves the set; an epoll set is itself a descriptor that is readable when
//! something in it is ready, which is how a guest is hosted: the next deadline (a timerfd) and the wake-up
//! (an eventfd) are in the set too.

use std::cell::{Cell, RefCell};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::{Notify, SlotId, Time, Wait};
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use crate::poller::{Completion, EVENTS_MAX, Interest, Polled, Poller};
use crate::wake::Wake;

pub(crate) struct Epoll {
    set: OwnedFd,
    wake: Arc<Wake>,
    /// Only a guest has one.
    timer: RefCell<Option<OwnedFd>>,
    /// When the timer goes off, so that it is set again only if that changes.
    timer_at: Cell<Time>,
    buffer: RefCell<Vec<MaybeUninit<epoll::Event>>>,
}

/// Slots that are not in the reactor's table: the eventfd and the timerfd.
const WAKE: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;
const SILENT: u64 = u64::MAX - 2;

impl Poller for Epoll {
    const NAME: &'static str = "epoll";
    const EDGE: bool = true;

    fn new() -> io::Result<Self> {
        let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wake = Arc::new(Wake::new()?);
        let data = epoll::EventData::new_u64(WAKE);
        epoll::add(&set, borrow(wake.raw()), data, epoll::EventFlags::IN)?;
        Ok(Self {
            set,
            wake,
            timer: RefCell::new(None),
            timer_at: Cell::new(Time::NEVER),
            buffer: RefCell::new(vec![MaybeUninit::uninit(); EVENTS_MAX]),
        })
    }

    fn add(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        epoll::add(&self.set, borrow(fd), data_of(id), flags_of(interest))?;
        if interest.is_pause() {
            epoll::delete(&self.set, borrow(fd))?;
        }
        Ok(())
    }

    fn modify(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        let modified = if interest.is_pause() {
            epoll::delete(&self.set, borrow(fd))
        } else {
            epoll::modify(&self.set, borrow(fd), data_of(id), flags_of(interest))
        };
        match modified {
            Err(Errno::NOENT) if interest.is_pause() => Ok(()),
            Err(Errno::NOENT) if interest.is_watch() => self.add(fd, id, interest),
            other => Ok(other?),
        }
    }

    fn remove(&self, fd: RawFd, _: SlotId, closes: bool) -> bool {
        if !closes {
            // A descriptor that its owner has closed already is out of the set.
            let _ = epoll::delete(&self.set, borrow(fd));
        }
        false
    }

    fn wait(&self, timeout: Option<Duration>, events: &mut Vec<Polled>) -> io::Result<()> {
        let timeout = timeout.map(timespec);
        let mut buffer = self.buffer.borrow_mut();
        let (ready, _) = match epoll::wait(&self.set, &mut buffer[..], timeout.as_ref()) {
            Err(Errno::INTR) => return Ok(()),
            other => other?,
        };
        for event in ready {
            match event.data.u64() {
                WAKE => self.wake.drain(),
                TIMER => self.drain_timer(),
                SILENT => {}
                data => events.push(polled(data, event.flags)),
            }
        }
        Ok(())
    }

    fn waker(&self) -> Arc<Wake> {
        self.wake.clone()
    }

    fn park(&self, until: Wait, now: Time) {
        match until {
            Wait::No => self.wake.notify(),
            Wait::Until(time) => self.set_timer(time, now),
            Wait::Forever => self.set_timer(Time::NEVER, now),
        }
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.set.as_fd())
    }
}

impl Epoll {
    /// Adds a descriptor whose readiness makes the set readable and is no event: its owner drains it.
    pub(crate) fn add_silent(&self, fd: RawFd) -> io::Result<()> {
        let data = epoll::EventData::new_u64(SILENT);
        Ok(epoll::add(&self.set, borrow(fd), data, epoll::EventFlags::IN)?)
    }

    fn set_timer(&self, at: Time, now: Time) {
        if self.timer_at.replace(at) == at {
            return;
        }
        if let Err(error) = self.try_set_timer(at, now) {
            tracing::error!(target: "ropewalk::net", "the guest's timerfd cannot be set: {error}");
        }
    }

    fn try_set_timer(&self, at: Time, now: Time) -> io::Result<()> {
        let mut timer = self.timer.borrow_mut();
        if timer.is_none() {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let made = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            let data = epoll::EventData::new_u64(TIMER);
            epoll::add(&self.set, &made, data, epoll::EventFlags::IN)?;
            *timer = Some(made);
        }
        // A time of zero would disarm it; one that is past is as soon as can be.
        let value = match at {
            Time::NEVER => timespec(Duration::ZERO),
            at => timespec(at.since(now).max(Duration::from_nanos(1))),
        };
        let once = Itimerspec { it_interval: timespec(Duration::ZERO), it_value: value };
        if let Some(timer) = &*timer {
            timerfd_settime(timer, TimerfdTimerFlags::empty(), &once)?;
        }
        Ok(())
    }

    fn drain_timer(&self) {
        self.timer_at.set(Time::NEVER);
        if let Some(timer) = &*self.timer.borrow() {
            let _ = rustix::io::read(timer, &mut [0; 8]); // Nothing to read: it was set anew meanwhile.
        }
    }
}

fn data_of(id: SlotId) -> epoll::EventData {
    epoll::EventData::new_u64(u64::from(id.generation) << 32 | u64::from(id.slot))
}

fn flags_of(interest: Interest) -> epoll::EventFlags {
    use epoll::EventFlags as Flags;
    if !interest.is_watch() {
        return Flags::IN | Flags::OUT | Flags::RDHUP | Flags::ET;
    }
    let read = if interest.read { Flags::IN | Flags::RDHUP } else { Flags::empty() };
    let write = if interest.write { Flags::OUT } else { Flags::empty() };
    read | write
}

fn polled(data: u64, flags: epoll::EventFlags) -> Polled {
    use epoll::EventFlags as Flags;
    let [s0, s1, s2, s3, g0, g1, g2, g3] = data.to_le_bytes();
    let id = SlotId {
        slot: u32::from_le_bytes([s0, s1, s2, s3]),
        generation: u32::from_le_bytes([g0, g1, g2, g3]),
    };
    let hung_up = flags.intersects(Flags::HUP | Flags::RDHUP | Flags::ERR);
    Polled {
        id,
        readable: hung_up || flags.contains(Flags::IN),
        writable: flags.intersects(Flags::OUT | Flags::ERR | Flags::HUP),
        hung_up,
        error: flags.contains(Flags::ERR),
        completion: Completion::None,
    }
}

pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec::try_from(duration).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}

/// A descriptor as rustix wants it.
fn borrow<'a>(fd: RawFd) -> BorrowedFd<'a> {
    crate::row::borrow_fd(fd)
}
