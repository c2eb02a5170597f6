//! [`Ring`]: the poller over io_uring.
//!
//! TCP connections are received by the kernel: one multishot receive for each brings bytes as completions, in
//! buffers of the one [ring of buffers](crate::ring_buffers), and no system call is made for them but the one
//! that waits. All else (listeners, datagrams, UNIX sockets, pipes, watched descriptors, room to write) is polled by
//! the ring and goes the way of epoll.
//!
//! Facts that explain the code: with `DEFER_TASKRUN` the kernel does its part of the work inside our wait, so
//! bytes come in order and nothing happens between two waits; a request that was cancelled says so by a last
//! completion, and until then the slot's number must not be used again; a multishot request that has no buffer,
//! or no room for its completion, ends, and is armed again.

use std::cell::{OnceCell, RefCell};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use ropewalk_core::{SlotId, Time, Wait};
use rustix::event::{EventfdFlags, PollFlags, eventfd};
use rustix::fs::FileType;
use rustix::io::Errno;

use crate::epoll::Epoll;
use crate::poller::{Completion, EVENTS_MAX, Interest, Polled, Poller};
use crate::ring_buffers::{GROUP, RingBuffers};
use crate::row::borrow_fd;
use crate::wake::Wake;

pub(crate) struct Ring {
    ring: ManuallyDrop<RefCell<IoUring>>,
    buffers: ManuallyDrop<RefCell<RingBuffers>>,
    slots: RefCell<Vec<Slot>>,
    /// Watches that have said what they are ready for, to be asked again.
    watches: RefCell<Vec<u32>>,
    wake: Arc<Wake>,
    guest: OnceCell<Guest>,
}

/// What a host loop watches: a set with the eventfd that the ring writes to, and a timer.
struct Guest {
    set: Epoll,
    eventfd: OwnedFd,
}

/// Entries of the submission queue. When a turn has more to say, it says it in several calls.
const SUBMISSIONS: u32 = 512;
/// Room for what happens between two waits; the kernel keeps what is more.
const COMPLETIONS: u32 = 4 * SUBMISSIONS;
/// Buffers to receive into: as many as there are events in a turn. A receive that finds none waits for the next.
const BUFFERS: u16 = 512;
const _: () = assert!(BUFFERS as usize == EVENTS_MAX);

/// What the ring knows of a slot.
#[derive(Clone, Default)]
struct Slot {
    generation: u32,
    /// Requests whose last completion has not come.
    in_flight: u16,
    /// It is closed, but for that.
    closing: bool,
    /// What a watch waits for.
    watch: Option<Interest>,
    /// It is received here, and not polled for that.
    bytes: bool,
    fds: [RawFd; 2],
    armed: [Armed; 4],
}

/// The newest request of its kind.
#[derive(Clone, Copy, Default)]
struct Armed {
    is: bool,
    /// Tells it from those before.
    number: u16,
}

/// What is asked of the kernel for a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Request {
    Receive = 0,
    /// The descriptor that is read, for all its readiness.
    Poll = 1,
    /// A second one, that is written.
    PollOut = 2,
    /// Room to write, once.
    Room = 3,
}

const REQUESTS: [Request; 4] = [Request::Receive, Request::Poll, Request::PollOut, Request::Room];

/// `user_data` that is no slot's: the eventfd, and what nobody waits for.
const WAKE: u64 = u64::MAX;
const NOBODY: u64 = u64::MAX - 1;

impl Poller for Ring {
    const NAME: &'static str = "uring";
    const EDGE: bool = true;
    const COMPLETES: bool = true;

    fn new() -> io::Result<Self> {
        Self::with_buffers(BUFFERS)
    }

    fn add(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        if !interest.bytes && is_always_ready(fd)? {
            return Err(io::ErrorKind::PermissionDenied.into()); // As epoll has it.
        }
        let mut slots = self.slots.borrow_mut();
        let place = id.slot as usize;
        if slots.len() <= place {
            slots.resize(place + 1, Slot::default());
        }
        let slot = &mut slots[place];
        if slot.generation != id.generation || slot.fds == [0, 0] {
            let (generation, bytes) = (id.generation, interest.bytes);
            *slot = Slot { generation, bytes, fds: [fd, -1], ..Slot::default() };
        } else if slot.fds[0] != fd {
            slot.fds[1] = fd;
        }
        drop(slots);
        self.modify(fd, id, interest)
    }

    fn modify(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(id.slot as usize) else { return Ok(()) };
        if interest.watch {
            let before = slot.watch.replace(interest);
            if before != Some(interest) || !slot.is_armed(Request::Poll) {
                self.cancel(id.slot, slot, Request::Poll)?;
                self.ask_watch(id.slot, slot, interest)?;
            }
            return Ok(());
        }
        if !interest.bytes {
            let request = if slot.fds[0] == fd { Request::Poll } else { Request::PollOut };
            let poll = opcode::PollAdd::new(types::Fd(fd), ALL | EDGE_TRIGGERED).multi(true);
            return if slot.is_armed(request) {
                Ok(())
            } else {
                self.ask(id.slot, slot, request, poll.build())
            };
        }
        match (interest.read, slot.is_armed(Request::Receive)) {
            (true, false) => {
                let receive = opcode::RecvMulti::new(types::Fd(fd), GROUP).build();
                self.ask(id.slot, slot, Request::Receive, receive)?;
            }
            (false, true) => self.cancel(id.slot, slot, Request::Receive)?,
            _ => {}
        }
        if interest.write && !slot.is_armed(Request::Room) {
            let room = opcode::PollAdd::new(types::Fd(fd), OUT).build();
            self.ask(id.slot, slot, Request::Room, room)?;
        }
        if !interest.read && !interest.write && !slot.is_armed(Request::Poll) {
            // Errors are always reported: a connection that is paused hears of a reset.
            let errors = opcode::PollAdd::new(types::Fd(fd), 0).build();
            self.ask(id.slot, slot, Request::Poll, errors)?;
        }
        Ok(())
    }

    fn remove(&self, fd: RawFd, id: SlotId, _: bool) -> bool {
        let mut slots = self.slots.borrow_mut();
        let slot = slots.get_mut(id.slot as usize).filter(|slot| slot.generation == id.generation);
        let Some(slot) = slot else { return false };
        let is_second = slot.fds[1] == fd && slot.fds[0] != fd;
        for request in REQUESTS {
            if !is_second || request == Request::PollOut {
                // That it cannot be said means that the ring is broken, which the next wait says.
                let _ = self.cancel(id.slot, slot, request);
            }
        }
        if !is_second {
            slot.watch = None;
            slot.closing = slot.in_flight > 0;
        }
        slot.closing
    }

    fn wait(&self, timeout: Option<Duration>, events: &mut Vec<Polled>) -> io::Result<()> {
        self.ask_watches()?;
        if let Some(guest) = self.guest.get() {
            // Before: what is signalled from now on may be for the next turn.
            self.wake.drain();
            guest.drain()?;
        }
        self.enter(timeout)?;
        let mut taken = 0;
        while taken < EVENTS_MAX {
            let Some(entry) = self.ring.borrow_mut().completion().next() else { break };
            taken += 1;
            self.complete(&entry, events)?;
        }
        Ok(())
    }

    fn waker(&self) -> Arc<Wake> {
        self.wake.clone()
    }

    fn park(&self, until: Wait, now: Time) {
        let Some(guest) = self.guest.get() else { return };
        // The kernel signals the first piece of work after a wait; so there is to be none left over, of what was
        // asked in this turn either.
        let asked = self
            .ask_watches()
            .and_then(|()| guest.drain())
            .and_then(|()| self.enter(Some(Duration::ZERO)));
        let is_filled = !self.ring.borrow_mut().completion().is_empty();
        if let Err(error) = asked {
            tracing::error!(target: "ropewalk::net", "the ring takes no requests: {error}");
        }
        guest.set.park(if is_filled { Wait::No } else { until }, now);
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        if self.guest.get().is_none() {
            match self.be_guest() {
                Ok(guest) => drop(self.guest.set(guest)),
                Err(error) => {
                    tracing::error!(target: "ropewalk::net", "the ring cannot be a guest: {error}");
                    return None;
                }
            }
        }
        self.guest.get()?.set.as_fd()
    }

    fn deliver_bytes(&self, buffer: u16, len: usize, f: impl FnOnce(&mut [u8])) {
        // SAFETY: a completion names a buffer once, and it is given back only below.
        f(unsafe { self.buffers.borrow().filled(buffer, len) });
        self.buffers.borrow_mut().give_back(buffer);
    }
}

const ALL: u32 = (PollFlags::IN.bits() | PollFlags::OUT.bits() | PollFlags::RDHUP.bits()) as u32;
const OUT: u32 = PollFlags::OUT.bits() as u32;
/// `EPOLLET`.
const EDGE_TRIGGERED: u32 = 1 << 31;

impl Ring {
    pub(crate) fn with_buffers(count: u16) -> io::Result<Self> {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_defer_taskrun().setup_submit_all().setup_clamp();
        let ring = builder.setup_cqsize(COMPLETIONS).build(SUBMISSIONS)?;
        if !(ring.params().is_feature_nodrop() && ring.params().is_feature_ext_arg()) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let buffers = RingBuffers::register(&ring.submitter(), count)?;
        let made = Self {
            ring: ManuallyDrop::new(RefCell::new(ring)),
            buffers: ManuallyDrop::new(RefCell::new(buffers)),
            slots: RefCell::default(),
            watches: RefCell::default(),
            wake: Arc::new(Wake::new()?),
            guest: OnceCell::new(),
        };
        made.watch_wake()?;
        made.submit()?;
        Ok(made)
    }

    fn watch_wake(&self) -> io::Result<()> {
        let poll = opcode::PollAdd::new(types::Fd(self.wake.raw()), PollFlags::IN.bits().into());
        self.push(poll.multi(true).build().user_data(WAKE))
    }

    fn be_guest(&self) -> io::Result<Guest> {
        let guest = Guest {
            set: Epoll::new()?,
            eventfd: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
        };
        guest.set.add_silent(guest.eventfd.as_raw_fd())?;
        // The kernel may signal late what one eventfd has to say of another.
        guest.set.add_silent(self.wake.raw())?;
        self.ring.borrow().submitter().register_eventfd(guest.eventfd.as_raw_fd())?;
        Ok(guest)
    }

    /// Asks the kernel something for a slot.
    fn ask(
        &self,
        place: u32,
        slot: &mut Slot,
        request: Request,
        entry: squeue::Entry,
    ) -> io::Result<()> {
        let armed = &mut slot.armed[request as usize];
        *armed = Armed { is: true, number: armed.number.wrapping_add(1) };
        slot.in_flight += 1;
        self.push(entry.user_data(user_data(place, request, armed.number)))
    }

    /// A level-triggered watch: what it is ready for is said once, and asked again before the next wait.
    fn ask_watch(&self, place: u32, slot: &mut Slot, interest: Interest) -> io::Result<()> {
        if interest.is_pause() {
            return Ok(());
        }
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN | PollFlags::RDHUP, interest.read);
        flags.set(PollFlags::OUT, interest.write);
        let poll = opcode::PollAdd::new(types::Fd(slot.fds[0]), flags.bits().into());
        self.ask(place, slot, Request::Poll, poll.build())
    }

    fn ask_watches(&self) -> io::Result<()> {
        let mut slots = self.slots.borrow_mut();
        for place in self.watches.take() {
            let slot = &mut slots[place as usize];
            if let Some(interest) = slot.watch.filter(|_| !slot.is_armed(Request::Poll)) {
                self.ask_watch(place, slot, interest)?;
            }
        }
        Ok(())
    }

    /// Takes a request back. Its last completion is still to come.
    fn cancel(&self, place: u32, slot: &mut Slot, request: Request) -> io::Result<()> {
        let armed = &mut slot.armed[request as usize];
        if !std::mem::take(&mut armed.is) {
            return Ok(());
        }
        let cancelled = user_data(place, request, armed.number);
        self.push(opcode::AsyncCancel::new(cancelled).build().user_data(NOBODY))
    }

    /// Puts a request into the queue, which is submitted with the next wait, or now if it is full.
    fn push(&self, entry: squeue::Entry) -> io::Result<()> {
        let mut ring = self.ring.borrow_mut();
        // SAFETY: the requests point to no memory of ours; the buffers are registered.
        while unsafe { ring.submission().push(&entry) }.is_err() {
            match ring.submit() {
                Err(error) if !is_passing(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn submit(&self) -> io::Result<()> {
        match self.ring.borrow().submit() {
            Err(error) if !is_passing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Submits what was asked and waits. Even a wait of no time lets the kernel do its part.
    fn enter(&self, timeout: Option<Duration>) -> io::Result<()> {
        let mut ring = self.ring.borrow_mut();
        let timeout = if ring.completion().is_empty() { timeout } else { Some(Duration::ZERO) };
        let entered = match timeout {
            None => ring.submit_and_wait(1),
            Some(timeout) => {
                let timeout = types::Timespec::from(timeout);
                let arguments = types::SubmitArgs::new().timespec(&timeout);
                ring.submitter().submit_with_args(1, &arguments)
            }
        };
        match entered {
            Err(error) if !is_passing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn complete(&self, entry: &cqueue::Entry, events: &mut Vec<Polled>) -> io::Result<()> {
        let ends = !cqueue::more(entry.flags());
        match entry.user_data() {
            NOBODY => return Ok(()),
            WAKE => {
                self.wake.drain();
                return if ends { self.watch_wake() } else { Ok(()) };
            }
            _ => {}
        }
        let (place, request, number) = parts_of(entry.user_data());
        let mut slots = self.slots.borrow_mut();
        let slot = &mut slots[place as usize];
        let id = SlotId { slot: place, generation: slot.generation };
        let armed = &mut slot.armed[request as usize];
        let is_wanted = armed.is && armed.number == number;
        if ends {
            slot.in_flight -= 1;
            armed.is &= !is_wanted;
        }
        let buffer = cqueue::buffer_select(entry.flags());
        if slot.closing {
            if let Some(buffer) = buffer {
                self.buffers.borrow_mut().give_back(buffer);
            }
            if slot.in_flight == 0 {
                *slot = Slot::default();
                events.push(Polled::completed(id, Completion::Released));
            }
            return Ok(());
        }
        let result = entry.result();
        match (request, buffer) {
            (Request::Receive, Some(buffer)) if result > 0 => {
                let len = result.unsigned_abs();
                events.push(Polled::completed(id, Completion::Received { buffer, len, ends }));
            }
            (Request::Receive, buffer) => {
                if let Some(buffer) = buffer {
                    self.buffers.borrow_mut().give_back(buffer);
                }
                // What was stopped is armed again, if it is to be.
                let stops = [Errno::CANCELED, Errno::NOBUFS, Errno::INTR].map(Errno::raw_os_error);
                let completion = match -result {
                    0 => Completion::Ended,
                    error if stops.contains(&error) => Completion::Stopped,
                    error => Completion::Failed(error),
                };
                events.push(Polled::completed(id, completion));
            }
            _ if !is_wanted || result < 0 => {}
            _ => {
                if slot.watch.is_some() {
                    self.watches.borrow_mut().push(place);
                } else if ends && request != Request::Room && !slot.bytes {
                    // The kernel had no room for more.
                    let poll = opcode::PollAdd::new(
                        types::Fd(slot.fds[usize::from(request == Request::PollOut)]),
                        ALL | EDGE_TRIGGERED,
                    );
                    self.ask(place, slot, request, poll.multi(true).build())?;
                }
                events.push(polled(id, result.unsigned_abs()));
            }
        }
        Ok(())
    }
}

impl Slot {
    fn is_armed(&self, request: Request) -> bool {
        self.armed[request as usize].is
    }
}

impl Guest {
    fn drain(&self) -> io::Result<()> {
        // Nothing to read means that nobody has written: as good.
        let _ = rustix::io::read(&self.eventfd, &mut [0; 8]);
        self.set.wait(Some(Duration::ZERO), &mut Vec::new())
    }
}

/// Lets the kernel go before the memory: once the buffers are taken back it cannot fill one, since its part of
/// the work is done in our calls only.
impl Drop for Ring {
    fn drop(&mut self) {
        let taken_back = self.ring.borrow().submitter().unregister_buf_ring(GROUP);
        // SAFETY: neither is used again. Buffers that the kernel did not give back stay allocated for ever.
        unsafe {
            ManuallyDrop::drop(&mut self.ring);
            if taken_back.is_ok() {
                ManuallyDrop::drop(&mut self.buffers);
            }
        }
    }
}

/// Whether it is a file, which there is no waiting for.
fn is_always_ready(fd: RawFd) -> io::Result<bool> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(borrow_fd(fd))?.st_mode);
    Ok(matches!(kind, FileType::RegularFile | FileType::Directory))
}

/// An error after which the next wait goes on: a signal, the time is over, or completions are to be taken first.
fn is_passing(error: &io::Error) -> bool {
    let passing = [Errno::INTR, Errno::TIME, Errno::BUSY, Errno::AGAIN];
    error.raw_os_error().is_some_and(|code| passing.map(Errno::raw_os_error).contains(&code))
}

fn user_data(place: u32, request: Request, number: u16) -> u64 {
    u64::from(place) | (request as u64) << 32 | u64::from(number) << 40
}

fn parts_of(user_data: u64) -> (u32, Request, u16) {
    let [s0, s1, s2, s3, request, n0, n1, _] = user_data.to_le_bytes();
    let request = REQUESTS[usize::from(request & 3)];
    (u32::from_le_bytes([s0, s1, s2, s3]), request, u16::from_le_bytes([n0, n1]))
}

fn polled(id: SlotId, mask: u32) -> Polled {
    let has = |flags: PollFlags| mask & u32::from(flags.bits()) != 0;
    let error = has(PollFlags::ERR | PollFlags::NVAL);
    let hung_up = error || has(PollFlags::HUP | PollFlags::RDHUP);
    Polled {
        id,
        readable: hung_up || has(PollFlags::IN),
        writable: error || has(PollFlags::OUT | PollFlags::HUP),
        hung_up,
        error,
        completion: Completion::None,
    }
}
