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
//! that fires, the kernel's receiving is ended and what is left is read.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use io_uring::{cqueue, opcode, squeue, types};
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
use crate::ring_slot::{HangUp, REQUESTS, Request, RingSlot, parts_of, user_data};
use crate::row::Kind;
use crate::wake::Wake;

pub(crate) struct Ring {
    queues: ManuallyDrop<RingQueues>,
    streams: ManuallyDrop<RingBuffers>,
    /// There from the first datagram socket on.
    datagrams: ManuallyDrop<OnceCell<RingBuffers>>,
    forms: Box<Forms>,
    slots: RefCell<Vec<RingSlot>>,
    /// Requests of slots whose last completion has not come.
    in_flight: Cell<usize>,
    /// What is only polled.
    others: Epoll,
    /// The kernel has a poll of `others` that has not fired.
    polls_others: Cell<bool>,
    guest: OnceCell<RingGuest>,
    /// A host waits for the guest's descriptor.
    parked: Cell<bool>,
}

/// What messages are received by, where requests can point to it.
struct Forms {
    stream: MessageForm,
    datagram: MessageForm,
}

/// The sizes of a ring.
pub(crate) struct Sizes {
    /// Entries of the submission queue. When a turn has more to say, it says it in several calls.
    pub(crate) submissions: u32,
    /// Room for what happens between two waits; the kernel keeps what is more, and ends multishot requests. It also
    /// sizes the kernel's table of what can be cancelled, which is slow when it is crowded.
    pub(crate) completions: u32,
    /// Buffers for streams. A receive that finds none waits for the next turn.
    pub(crate) buffers: u16,
}

const SIZES: Sizes = Sizes { submissions: 512, completions: 8192, buffers: 512 };
const _: () = assert!(SIZES.buffers as usize == EVENTS_MAX);

/// What a buffer for streams takes in: more than most messages. All of them together are what one connection may get in
/// a turn, at the worst.
const STREAM_BYTES: u32 = 2 * 1024;
/// Datagrams that can come in a turn; a receive that finds no buffer waits for the next.
const DATAGRAMS: u16 = 128;
/// The largest datagram that is received, and what comes with it.
#[allow(clippy::cast_possible_truncation, reason = "less than 70,000")]
const DATAGRAM_BYTES: u32 = READ_BYTES as u32 + 4096;

const STREAM_GROUP: u16 = 0;
const DATAGRAM_GROUP: u16 = 1;

/// `user_data` that is no slot's: the poll of the others, and what nobody waits for.
const OTHERS: u64 = u64::MAX;
const NOBODY: u64 = u64::MAX - 1;

const OUT: u32 = PollFlags::OUT.bits() as u32;
/// Errors, hang-ups and the peer's end are reported in any case.
const HANG_UP: u32 = 0;
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
        if let Some(guest) = self.guest.get() {
            guest.drain()?; // Before: what is signalled from now on may be for the next turn.
        }
        self.queues.enter(timeout)?;
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
            .and_then(|()| guest.drain())
            .and_then(|()| self.queues.enter(Some(Duration::ZERO)));
        if let Err(error) = asked {
            tracing::error!(target: "ropewalk::net", "the ring takes no requests: {error}");
        }
        self.parked.set(true);
        guest.park(if self.queues.is_filled() { Wait::No } else { until }, now);
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
            slots: RefCell::default(),
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

    /// Asks for what is wanted of a slot and has not been asked yet.
    fn ask_all(&self, place: u32, slot: &mut RingSlot, interest: Interest) -> io::Result<()> {
        let fd = types::Fd(slot.fd);
        let receives = interest.read && slot.hang_up == HangUp::Unheard;
        match (receives, slot.is_armed(Request::Receive)) {
            (true, false) => {
                self.ask(place, slot, Request::Receive, self.receive(fd, slot.kind))?;
            }
            (false, true) => self.cancel(place, slot, Request::Receive)?,
            _ => {}
        }
        if interest.write && !slot.is_armed(Request::Room) {
            self.ask(place, slot, Request::Room, opcode::PollAdd::new(fd, OUT).build())?;
        }
        if slot.kind.is_stream() && !slot.is_armed(Request::HangUp) {
            let poll = opcode::PollAdd::new(fd, HANG_UP).multi(true).build();
            self.ask(place, slot, Request::HangUp, poll)?;
        }
        Ok(())
    }

    /// The request that brings what comes on such a socket.
    fn receive(&self, fd: types::Fd, kind: Kind) -> squeue::Entry {
        #[allow(clippy::cast_sign_loss, reason = "a flag")]
        const CLOSE_ON_EXEC: u32 = libc::MSG_CMSG_CLOEXEC as u32;
        let Forms { stream, datagram } = &*self.forms;
        match kind {
            Kind::Listener | Kind::UnixListener => {
                let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
                opcode::AcceptMulti::new(fd).flags(flags).build()
            }
            Kind::UnixStream => opcode::RecvMsgMulti::new(fd, stream.as_ptr(), STREAM_GROUP)
                .flags(CLOSE_ON_EXEC)
                .build(),
            Kind::Datagram => {
                opcode::RecvMsgMulti::new(fd, datagram.as_ptr(), DATAGRAM_GROUP).build()
            }
            _ => opcode::RecvMulti::new(fd, STREAM_GROUP).build(),
        }
    }

    fn ask(
        &self,
        place: u32,
        slot: &mut RingSlot,
        request: Request,
        entry: squeue::Entry,
    ) -> io::Result<()> {
        let number = slot.arm(request);
        self.in_flight.set(self.in_flight.get() + 1);
        self.push(entry.user_data(user_data(place, request, number)))
    }

    /// Takes a request back. Its last completion is still to come.
    fn cancel(&self, place: u32, slot: &mut RingSlot, request: Request) -> io::Result<()> {
        let Some(number) = slot.disarm(request) else { return Ok(()) };
        let cancel = opcode::AsyncCancel::new(user_data(place, request, number)).build();
        self.push(cancel.flags(squeue::Flags::SKIP_SUCCESS).user_data(NOBODY))
    }

    fn cancel_all(&self, place: u32, slot: &mut RingSlot) {
        for request in REQUESTS {
            // That it cannot be said means that the ring is broken, which the next wait says.
            let _ = self.cancel(place, slot, request);
        }
    }

    /// Has the kernel say when one of the others is ready. It says so once, and is asked again before each wait: what
    /// is ready still is said again.
    fn poll_others(&self) -> io::Result<()> {
        let Some(others) = self.others.as_fd().filter(|_| !self.polls_others.get()) else {
            return Ok(());
        };
        let ready = PollFlags::IN.bits().into();
        let poll = opcode::PollAdd::new(types::Fd(others.as_raw_fd()), ready).build();
        self.polls_others.set(true);
        self.push(poll.user_data(OTHERS))
    }

    fn push(&self, entry: squeue::Entry) -> io::Result<()> {
        // SAFETY: requests point to the forms, which live as long as the ring, and the buffers are registered.
        unsafe { self.queues.push(&entry)? };
        // What a host asks outside of a turn may be what it waits for.
        if self.parked.get() { self.queues.submit() } else { Ok(()) }
    }

    /// Takes what is done, up to a turn's share.
    fn take(&self, events: &mut Vec<Polled>) -> io::Result<()> {
        for _ in 0..EVENTS_MAX {
            let Some(entry) = self.queues.next() else { break };
            match parts_of(entry.user_data()) {
                Some(parts) => self.complete(&entry, parts, events)?,
                None if entry.user_data() == OTHERS => self.polls_others.set(false),
                None => {}
            }
        }
        Ok(())
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
            Request::Receive => {
                events.push(Polled::completed(id, self.received(slot.kind, entry)));
            }
            Request::Room if is_armed => events.push(Polled::writable(id)),
            // The kernel tells a TCP receive of the peer's end behind what it reads, a UNIX socket's not.
            Request::HangUp
                if slot.kind == Kind::Stream && entry.result().unsigned_abs() == ENDED => {}
            Request::HangUp if is_armed && entry.result() > 0 => {
                slot.hang_up = HangUp::Heard(entry.result().unsigned_abs());
                self.cancel(place, slot, Request::Receive)?;
            }
            Request::Room | Request::HangUp => {}
        }
        if let Some(flags) = slot.take_hang_up() {
            events.push(hung_up(id, flags));
        }
        Ok(())
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
        let stops = [Errno::CANCELED, Errno::NOBUFS, Errno::INTR].map(Errno::raw_os_error);
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

fn hung_up(id: SlotId, flags: u32) -> Polled {
    let has = |wanted: PollFlags| flags & u32::from(wanted.bits()) != 0;
    let error = has(PollFlags::ERR | PollFlags::NVAL);
    Polled {
        readable: true,
        hung_up: true,
        error,
        writable: error || has(PollFlags::HUP),
        ..Polled::writable(id)
    }
}

/// Lets the kernel go before the memory: once the buffers are taken back it cannot fill one, since its part of
/// the work is done in our calls only.
impl Drop for Ring {
    fn drop(&mut self) {
        self.finish();
        let datagrams = self.datagrams.get();
        let streams_left = self.queues.register(|ring| self.streams.unregister(ring));
        let datagrams_left = self.queues.register(|ring| datagrams.map(|d| d.unregister(ring)));
        // SAFETY: none is used again. Buffers that the kernel did not give back stay allocated for ever.
        unsafe {
            ManuallyDrop::drop(&mut self.queues);
            if streams_left.is_ok() {
                ManuallyDrop::drop(&mut self.streams);
            }
            if datagrams_left.is_none_or(|left| left.is_ok()) {
                ManuallyDrop::drop(&mut self.datagrams);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::rc::Rc;

    use ropewalk_core::{Cx, Loop, Protocol};

    use super::*;
    use crate::{NetDriver, TcpServerEndpoint, readiness::Readiness};

    struct Echo;

    impl Protocol for Echo {
        fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
            cx.transport().write(data);
        }
    }

    /// Far more than a queue of eight takes.
    const CROWD: usize = 64;

    #[test]
    fn more_is_done_at_once_than_the_queue_has_room_for() {
        let sizes = Sizes { submissions: 4, completions: 8, buffers: 16 };
        let Ok(ring) = Ring::with_sizes(&sizes) else { return };
        let driver = Rc::new(Readiness::over(ring));
        let main_loop = Loop::new(NetDriver::over(driver.clone()));
        let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
        let port = main_loop.run_until(main_loop.reactor().listen(&server, || Echo)).unwrap();
        let host = port.host().ip().unwrap();
        let mut clients: Vec<_> = (0..CROWD).map(|_| TcpStream::connect(host).unwrap()).collect();
        clients.iter_mut().for_each(|client| client.set_nonblocking(true).unwrap());
        let mut overflowed = 0;
        for round in 0..20 {
            clients.iter_mut().for_each(|client| client.write_all(&[round]).unwrap());
            let mut silent: Vec<_> = clients.iter_mut().collect();
            while !silent.is_empty() {
                main_loop.turn(Wait::No).unwrap().unwrap();
                overflowed += usize::from(driver.poller.overflows());
                let is_heard = |client: &mut &mut TcpStream| {
                    let mut byte = [0];
                    client.read(&mut byte).is_ok_and(|count| (count, byte) == (1, [round]))
                };
                silent.retain_mut(|client| !is_heard(client));
            }
        }
        assert!(overflowed > 0, "the queue was never full");
        drop(clients);
        while port.live() > 0 {
            main_loop.turn(Wait::No).unwrap().unwrap();
        }
    }
}
