//! [`Ring`]: the poller over io_uring.
//!
//! The kernel accepts connections and receives by itself: one multishot request for each socket brings what comes as
//! completions, in buffers of the [ring of buffers](crate::ring_buffers), and no system call is made for it but the one
//! that waits. What there is no such request for (pipes, a terminal, watched descriptors, the wake-up) is in an epoll
//! set, which the ring polls.
//!
//! Facts that explain the code. With `DEFER_TASKRUN` the kernel does its part of the work inside our wait, so bytes come
//! in order and nothing happens between two waits. A request that was cancelled says so by a last completion, and
//! until then the slot's number must not be used again. A multishot request that has no buffer, or no room for its
//! completion, ends, and is armed again. One that has emptied a socket waits to be woken, and was woken already if the
//! connection broke behind what it read: so each connection has a poll for that as well, for its whole life; when
//! that fires, the kernel's receiving is ended and what is left is read. A connection that brings much is read, too, as
//! long as it does: the buffers are too small for that, and larger ones would not stay in the processor's cache.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use io_uring::cqueue;
use ropewalk_core::{SlotId, Time, Wait};
use rustix::event::PollFlags;
use rustix::io::Errno;

use crate::epoll::Epoll;
use crate::poller::{Completion, EVENTS_MAX, Filled, Interest, Message, Polled, Poller};
use crate::receive::{READ_BYTES, turn_away};
use crate::ring_buffers::{BufferGroup, RingBuffers};
use crate::ring_guest::RingGuest;
use crate::ring_message::MessageForm;
use crate::ring_queues::RingQueues;
use crate::ring_reads::{self, FileRead, Reads};
use crate::ring_sends::{RingSends, Sends};
use crate::ring_slot::{Left, Request, RingSlot, parts_of};
use crate::row::Kind;
use crate::wake::Wake;

pub(crate) struct Ring {
    pub(crate) queues: ManuallyDrop<RingQueues>,
    pub(crate) streams: ManuallyDrop<RingBuffers>,
    /// There from the first datagram socket on.
    datagrams: ManuallyDrop<OnceCell<RingBuffers>>,
    pub(crate) forms: Box<Forms>,
    pub(crate) sends: ManuallyDrop<Sends>,
    pub(crate) reads: ManuallyDrop<Reads>,
    /// What the last wait brought.
    pub(crate) taken: Cell<usize>,
    pub(crate) slots: RefCell<Vec<RingSlot>>,
    /// Those that found no buffer to receive into. As many as there are buffers ask again before each wait: were it all
    /// at once, most of them would find none again.
    pub(crate) hungry: RefCell<VecDeque<SlotId>>,
    /// Requests of slots whose last completion has not come, and reads of files.
    pub(crate) in_flight: Cell<usize>,
    /// What is only polled.
    pub(crate) others: Epoll,
    /// The kernel has a poll of `others` that has not fired.
    pub(crate) polls_others: Cell<bool>,
    guest: OnceCell<RingGuest>,
    /// A host waits for the guest's descriptor.
    pub(crate) parked: Cell<bool>,
}

/// What messages are received by, where requests can point to it.
pub(crate) struct Forms {
    pub(crate) stream: MessageForm,
    pub(crate) datagram: MessageForm,
}

/// The sizes of a ring.
pub(crate) struct Sizes {
    /// Entries of the submission queue. When a turn has more to say, it says it in several calls.
    pub(crate) submissions: u32,
    /// Room for what happens between two waits; the kernel keeps what is more, and ends multishot requests. It also
    /// sizes the kernel's table of what can be cancelled, which is slow when it is crowded.
    pub(crate) completions: u32,
    /// Buffers for streams.
    pub(crate) buffers: u16,
}

const SIZES: Sizes = Sizes { submissions: 512, completions: 8192, buffers: 256 };

/// What a buffer for streams takes in: more than most messages, and so little that all buffers, which are used in turn,
/// stay in the processor's cache. Of one connection the kernel fills at most 64 in a turn, 32 each time it looks.
const STREAM_BYTES: u32 = 4 * 1024;
/// After so many buffers in a row that were filled, what comes is much: it is read in larger pieces than these.
const FULL_MAX: u8 = 3;
/// If a wait brought so much, what is sent goes with the next one; less is not worth the copy.
const CROWD_MIN: usize = 16;
/// Buffers for datagrams, of all sockets together: what comes for some sockets of a resolver between two turns. With too few,
/// the sockets' own buffers overflow (with 32, a million lookups took half as long again). Memory that no datagram has
/// needed costs nothing.
const DATAGRAMS: u16 = 256;
/// The largest datagram that is received, and what comes with it.
#[allow(clippy::cast_possible_truncation, reason = "less than 70,000")]
const DATAGRAM_BYTES: u32 = READ_BYTES as u32 + 4096;

pub(crate) const STREAM_GROUP: u16 = 0;
pub(crate) const DATAGRAM_GROUP: u16 = 1;

/// `user_data` that is no slot's: the poll of the others, and what nobody waits for.
pub(crate) const OTHERS: u64 = u64::MAX;
pub(crate) const NOBODY: u64 = u64::MAX - 1;

/// What a poll says of a peer that sends no more.
const ENDED: u32 = PollFlags::RDHUP.bits() as u32;

/// The longest that the end waits for one more completion: none takes as long.
const FINISH_PATIENCE: Duration = Duration::from_millis(100);

impl Poller for Ring {
    const NAME: &'static str = "uring";
    const EDGE: bool = true;

    fn new() -> io::Result<Self> {
        Self::with_sizes(&SIZES)
    }

    fn completes(kind: Kind) -> bool {
        kind.is_stream() || kind.is_listener() || kind == Kind::Datagram
    }

    fn add(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        if !Self::completes(interest.kind) {
            return self.others.add(fd, id, interest);
        }
        if interest.kind == Kind::Datagram {
            self.have_datagram_buffers()?;
        }
        let mut slots = self.slots.borrow_mut();
        let place = id.slot as usize;
        if slots.len() <= place {
            slots.resize(place + 1, RingSlot::default());
        }
        slots[place] = RingSlot::new(id, fd, interest.kind);
        self.ask_all(id.slot, &mut slots[place], interest)
    }

    fn modify(&self, fd: RawFd, id: SlotId, interest: Interest) -> io::Result<()> {
        if !Self::completes(interest.kind) {
            return self.others.modify(fd, id, interest);
        }
        let mut slots = self.slots.borrow_mut();
        match slots.get_mut(id.slot as usize).filter(|slot| slot.is(id)) {
            Some(slot) => self.ask_all(id.slot, slot, interest),
            None => Ok(()),
        }
    }

    fn remove(&self, fd: RawFd, id: SlotId, closes: bool) -> bool {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(id.slot as usize).filter(|slot| slot.is(id)) else {
            return self.others.remove(fd, id, closes);
        };
        self.cancel_all(id.slot, slot);
        if slot.is_idle() {
            *slot = RingSlot::default();
            return false;
        }
        slot.closing = true;
        true
    }

    fn wait(&self, timeout: Option<Duration>, events: &mut Vec<Polled>) -> io::Result<()> {
        self.parked.set(false);
        self.poll_others()?;
        self.feed_hungry()?;
        if let Some(guest) = self.guest.get() {
            guest.drain()?; // Before: what is signalled from now on may be for the next turn.
        }
        self.queues.enter(if self.is_hungry() { Some(Duration::ZERO) } else { timeout })?;
        self.take(events)?;
        if !self.polls_others.get() || self.guest.get().is_some() {
            self.others.wait(Some(Duration::ZERO), events)?;
        }
        Ok(())
    }

    fn waker(&self) -> Arc<Wake> {
        self.others.waker()
    }

    fn park(&self, until: Wait, now: Time) {
        let Some(guest) = self.guest.get() else { return };
        // The kernel signals the first piece of work after a wait; so there is to be none left over, of what was
        // asked in this turn either.
        let asked = self
            .poll_others()
            .and_then(|()| self.feed_hungry())
            .and_then(|()| guest.drain())
            .and_then(|()| self.queues.enter(Some(Duration::ZERO)));
        if let Err(error) = asked {
            tracing::error!(target: "ropewalk::net", "the ring takes no requests: {error}");
        }
        self.parked.set(true);
        let is_ready = self.queues.is_filled() || self.is_hungry();
        guest.park(if is_ready { Wait::No } else { until }, now);
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        if self.guest.get().is_none() {
            match RingGuest::new(&self.queues, self.others.as_fd()?) {
                Ok(guest) => drop(self.guest.set(guest)),
                Err(error) => {
                    tracing::error!(target: "ropewalk::net", "the ring cannot be a guest: {error}");
                    return None;
                }
            }
        }
        self.guest.get()?.as_fd()
    }

    fn deliver_bytes(&self, filled: Filled, f: impl FnOnce(&mut [u8])) {
        let Some(buffers) = self.group(filled.group) else { return };
        // SAFETY: `filled` came with a completion, and is given back below, where it ends.
        f(unsafe { buffers.filled(filled.buffer, filled.len as usize) });
        buffers.give_back(filled.buffer);
    }

    fn deliver_message(&self, filled: Filled, f: impl FnOnce(Message<'_>)) {
        let form = match filled.group {
            STREAM_GROUP => &self.forms.stream,
            _ => &self.forms.datagram,
        };
        self.deliver_bytes(filled, |buffer| match form.read(buffer) {
            Ok(message) => f(message),
            Err(error) => {
                tracing::error!(target: "ropewalk::net", "the kernel's message: {error}");
            }
        });
    }

    fn send_later(&self, id: SlotId, bytes: &[u8]) -> bool {
        self.taken.get() >= CROWD_MIN && self.ask_send(id, bytes)
    }

    fn read_file(&self, file: &Arc<File>, offset: u64, len: usize) -> Option<FileRead> {
        self.ask_read(file, offset, len)
    }

    fn leave(&self, id: SlotId) -> bool {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(id.slot as usize).filter(|slot| slot.is(id)) else {
            return true;
        };
        if slot.left == Left::No {
            slot.left = Left::Soon(0);
            // That it cannot be said means that the ring is broken, which the next wait says.
            let _ = self.cancel(id.slot, slot, Request::Receive);
        }
        slot.leave();
        matches!(slot.left, Left::Polled | Left::Over)
    }

    fn take_back(&self, id: SlotId) {
        let mut slots = self.slots.borrow_mut();
        let slot = slots.get_mut(id.slot as usize).filter(|slot| slot.is(id));
        if let Some(slot) = slot.filter(|slot| slot.left == Left::Polled) {
            // That it cannot be said means that the ring is broken, which the next wait says.
            let _ = self.cancel(id.slot, slot, Request::Receive);
            (slot.left, slot.full) = (Left::No, 0);
        }
    }

    fn finish(&self) {
        let mut slots = self.slots.borrow_mut();
        for (place, slot) in (0..).zip(slots.iter_mut()) {
            self.cancel_all(place, slot);
            slot.closing = !slot.is_idle();
        }
        drop(slots);
        let mut left = usize::MAX;
        while self.in_flight.get() < left && self.in_flight.get() > 0 {
            left = self.in_flight.get();
            let ended = self.queues.enter(Some(FINISH_PATIENCE));
            if ended.and_then(|()| self.take(&mut Vec::new())).is_err() {
                return; // The ring is broken, and closes with its descriptor.
            }
        }
    }
}

impl Ring {
    pub(crate) fn with_sizes(sizes: &Sizes) -> io::Result<Self> {
        let queues = RingQueues::new(sizes.submissions, sizes.completions)?;
        let (number, count, bytes) = (STREAM_GROUP, sizes.buffers, STREAM_BYTES);
        let streams = queues
            .register(|ring| RingBuffers::register(ring, BufferGroup { number, count, bytes }))?;
        let forms =
            Forms { stream: MessageForm::with_files(), datagram: MessageForm::with_sender() };
        Ok(Self {
            queues: ManuallyDrop::new(queues),
            streams: ManuallyDrop::new(streams),
            datagrams: ManuallyDrop::default(),
            forms: Box::new(forms),
            sends: ManuallyDrop::new(RefCell::new(RingSends::new())),
            reads: ManuallyDrop::default(),
            taken: Cell::new(0),
            slots: RefCell::default(),
            hungry: RefCell::default(),
            in_flight: Cell::new(0),
            others: Epoll::new()?,
            polls_others: Cell::new(false),
            guest: OnceCell::new(),
            parked: Cell::new(false),
        })
    }

    #[cfg(test)]
    pub(crate) fn overflows(&self) -> bool {
        self.queues.overflows()
    }

    fn have_datagram_buffers(&self) -> io::Result<()> {
        if self.datagrams.get().is_none() {
            let (number, count, bytes) = (DATAGRAM_GROUP, DATAGRAMS, DATAGRAM_BYTES);
            let group = BufferGroup { number, count, bytes };
            let made = self.queues.register(|ring| RingBuffers::register(ring, group))?;
            let _ = self.datagrams.set(made);
        }
        Ok(())
    }

    fn group(&self, number: u16) -> Option<&RingBuffers> {
        if number == STREAM_GROUP { Some(&self.streams) } else { self.datagrams.get() }
    }

    /// Takes what is done, up to a turn's share.
    fn take(&self, events: &mut Vec<Polled>) -> io::Result<()> {
        self.taken.set(0);
        for taken in 1..=EVENTS_MAX {
            let Some(entry) = self.queues.next() else { break };
            self.taken.set(taken);
            match parts_of(entry.user_data()) {
                Some(parts) => self.complete(&entry, parts, events)?,
                None if entry.user_data() == OTHERS => self.polls_others.set(false),
                None => self.file_read(&entry),
            }
        }
        Ok(())
    }

    /// A part of a file is read, if it is that.
    fn file_read(&self, entry: &cqueue::Entry) {
        let Some(number) = ring_reads::number_of(entry.user_data()) else { return };
        self.in_flight.set(self.in_flight.get() - 1);
        let waker = self.reads.borrow_mut().finish(number, entry.result());
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn complete(
        &self,
        entry: &cqueue::Entry,
        (place, request, number): (u32, Request, u16),
        events: &mut Vec<Polled>,
    ) -> io::Result<()> {
        let mut slots = self.slots.borrow_mut();
        let slot = &mut slots[place as usize];
        let id = SlotId { slot: place, generation: slot.generation };
        let ends = !cqueue::more(entry.flags());
        let is_armed = slot.complete(request, number, ends);
        if ends {
            self.in_flight.set(self.in_flight.get() - 1);
        }
        let sent = (request == Request::Send)
            .then(|| self.sends.borrow_mut().finish(number, entry.result()));
        if slot.closing {
            if request == Request::Receive {
                self.discard(self.received(slot.kind, entry));
            }
            if slot.is_idle() {
                *slot = RingSlot::default();
                events.push(Polled::completed(id, Completion::Released));
            }
            return Ok(());
        }
        match request {
            Request::Receive => self.receive_completed(id, slot, entry, events)?,
            Request::Room if is_armed => events.push(Polled::writable(id)),
            Request::HangUp if is_armed => self.hang_up_completed(id, slot, entry, events)?,
            Request::Room | Request::HangUp => {}
            Request::Send => events.extend(sent.map(|sent| Polled::completed(id, sent))),
        }
        if let Some(flags) = slot.leave() {
            events.push(readable(id, flags));
            self.ask_receive(place, slot)?;
        }
        Ok(())
    }

    fn receive_completed(
        &self,
        id: SlotId,
        slot: &mut RingSlot,
        entry: &cqueue::Entry,
        events: &mut Vec<Polled>,
    ) -> io::Result<()> {
        let (result, buffer) = (entry.result(), cqueue::buffer_select(entry.flags()));
        if result > 0 && buffer.is_none() && !slot.kind.is_listener() {
            // It was a poll; the kernel may receive again meanwhile.
            if slot.left == Left::Polled {
                events.push(readable(id, result.unsigned_abs()));
            }
            return Ok(());
        }
        if result == -Errno::NOBUFS.raw_os_error() {
            slot.hungry = true;
            self.hungry.borrow_mut().push_back(id);
            return Ok(());
        }
        events.push(Polled::completed(id, self.received(slot.kind, entry)));
        let is_full = slot.kind.is_stream() && result.unsigned_abs() == STREAM_BYTES;
        slot.full = if is_full { slot.full.saturating_add(1) } else { 0 };
        if slot.full == FULL_MAX && slot.left == Left::No {
            slot.left = Left::Soon(0);
            self.cancel(id.slot, slot, Request::Receive)?;
        }
        Ok(())
    }

    fn hang_up_completed(
        &self,
        id: SlotId,
        slot: &mut RingSlot,
        entry: &cqueue::Entry,
        events: &mut Vec<Polled>,
    ) -> io::Result<()> {
        let Ok(flags @ 1..) = u32::try_from(entry.result()) else { return Ok(()) };
        match slot.left {
            // The kernel tells a TCP receive of the peer's end behind what it reads, a UNIX socket's not.
            Left::No if slot.kind == Kind::Stream && flags == ENDED => Ok(()),
            Left::No | Left::Soon(_) => {
                slot.left = Left::Soon(flags);
                self.cancel(id.slot, slot, Request::Receive)
            }
            Left::Polled | Left::Over => {
                events.push(readable(id, flags));
                Ok(())
            }
        }
    }

    /// What a request that receives has done.
    fn received(&self, kind: Kind, entry: &cqueue::Entry) -> Completion {
        let (result, ends) = (entry.result(), !cqueue::more(entry.flags()));
        if kind.is_listener() && result >= 0 {
            // SAFETY: the kernel has just opened it for us, and says so once.
            return Completion::Accepted { fd: unsafe { OwnedFd::from_raw_fd(result) }, ends };
        }
        if let Some(buffer) = cqueue::buffer_select(entry.flags()) {
            let group = if kind == Kind::Datagram { DATAGRAM_GROUP } else { STREAM_GROUP };
            let filled = Filled { group, buffer, len: result.max(0).unsigned_abs() };
            match kind {
                _ if result <= 0 => self.deliver_bytes(filled, |_| ()),
                Kind::Stream => return Completion::Received { filled, ends },
                _ => return Completion::Message { filled, ends },
            }
        }
        // What was stopped is armed again, if it is to be.
        let stops = [Errno::CANCELED, Errno::INTR].map(Errno::raw_os_error);
        match -result {
            0 => Completion::Ended,
            error if stops.contains(&error) => Completion::Stopped,
            error => Completion::Failed(error),
        }
    }

    /// What came for a slot that is closed meanwhile.
    fn discard(&self, completion: Completion) {
        match completion {
            Completion::Accepted { fd, .. } => turn_away(fd),
            Completion::Received { filled, .. } => self.deliver_bytes(filled, |_| ()),
            Completion::Message { filled, .. } => self.deliver_message(filled, |_| ()),
            _ => {}
        }
    }
}

/// What comes is left to be read.
fn readable(id: SlotId, flags: u32) -> Polled {
    let has = |wanted: PollFlags| flags & u32::from(wanted.bits()) != 0;
    let error = has(PollFlags::ERR | PollFlags::NVAL);
    let hung_up = error || has(PollFlags::HUP | PollFlags::RDHUP);
    let writable = error || has(PollFlags::HUP);
    Polled { readable: true, hung_up, error, writable, ..Polled::writable(id) }
}

/// Lets the kernel go before the memory: once the buffers are taken back it cannot fill one, since its part of
/// the work is done in our calls only.
impl Drop for Ring {
    fn drop(&mut self) {
        self.finish();
        let datagrams = self.datagrams.get();
        let streams_left = self.queues.register(|ring| self.streams.unregister(ring));
        let datagrams_left = self.queues.register(|ring| datagrams.map(|d| d.unregister(ring)));
        // SAFETY: none is used again. What the kernel did not give back stays allocated for ever.
        unsafe {
            ManuallyDrop::drop(&mut self.queues);
            if self.in_flight.get() == 0 {
                ManuallyDrop::drop(&mut self.sends);
                ManuallyDrop::drop(&mut self.reads);
            }
            if streams_left.is_ok() {
                ManuallyDrop::drop(&mut self.streams);
            }
            if datagrams_left.is_none_or(|left| left.is_ok()) {
                ManuallyDrop::drop(&mut self.datagrams);
            }
        }
    }
}
