//! What the [`Ring`] asks of the kernel: the requests of a slot, and how they are taken back.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use io_uring::{opcode, squeue, types};
use ropewalk_core::SlotId;
use rustix::event::PollFlags;

use crate::poller::{Interest, Poller};
use crate::ring::{DATAGRAM_GROUP, Forms, NOBODY, OTHERS, Ring, STREAM_GROUP};
use crate::ring_reads::{self, FileRead};
use crate::ring_slot::{Left, REQUESTS, Request, RingSlot, user_data};
use crate::row::Kind;

const IN: u32 = PollFlags::IN.bits() as u32;
const OUT: u32 = PollFlags::OUT.bits() as u32;
/// Errors, hang-ups and the peer's end are reported in any case.
const HANG_UP: u32 = 0;

impl Ring {
    /// Asks for what is wanted of a slot and has not been asked yet.
    pub(crate) fn ask_all(
        &self,
        place: u32,
        slot: &mut RingSlot,
        interest: Interest,
    ) -> io::Result<()> {
        let fd = types::Fd(slot.fd);
        slot.wants = interest.read;
        self.ask_receive(place, slot)?;
        if interest.write && !slot.is_armed(Request::Room) {
            self.ask(place, slot, Request::Room, opcode::PollAdd::new(fd, OUT).build())?;
        }
        if slot.kind.is_stream() && !slot.is_armed(Request::HangUp) {
            let poll = opcode::PollAdd::new(fd, HANG_UP).multi(true).build();
            self.ask(place, slot, Request::HangUp, poll)?;
        }
        Ok(())
    }

    pub(crate) fn ask_receive(&self, place: u32, slot: &mut RingSlot) -> io::Result<()> {
        let receives = slot.wants && !slot.hungry && matches!(slot.left, Left::No | Left::Polled);
        match (receives, slot.is_armed(Request::Receive)) {
            (true, false) => {
                let fd = types::Fd(slot.fd);
                let receive = match slot.left {
                    Left::Polled => opcode::PollAdd::new(fd, IN).multi(true).build(),
                    _ => self.receive(fd, slot.kind),
                };
                self.ask(place, slot, Request::Receive, receive)
            }
            (false, true) => self.cancel(place, slot, Request::Receive),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_hungry(&self) -> bool {
        !self.hungry.borrow().is_empty()
    }

    /// Buffers are back.
    pub(crate) fn feed_hungry(&self) -> io::Result<()> {
        if !self.is_hungry() {
            return Ok(());
        }
        let (mut hungry, mut slots) = (self.hungry.borrow_mut(), self.slots.borrow_mut());
        let count = hungry.len().min(self.streams.count());
        for id in hungry.drain(..count) {
            if let Some(slot) = slots.get_mut(id.slot as usize).filter(|slot| slot.is(id)) {
                slot.hungry = false;
                self.ask_receive(id.slot, slot)?;
            }
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

    /// Sends a copy of `bytes` with the next wait; false if there is no room for it.
    pub(crate) fn ask_send(&self, id: SlotId, bytes: &[u8]) -> bool {
        #[allow(clippy::cast_possible_truncation, reason = "RingSends takes 512 at most")]
        let len = bytes.len() as u32;
        let mut slots = self.slots.borrow_mut();
        let slot = slots.get_mut(id.slot as usize).filter(|slot| slot.is(id));
        let Some(slot) = slot.filter(|slot| !slot.closing) else { return false };
        let Some((number, start)) = self.sends.borrow_mut().begin(bytes) else { return false };
        slot.begin_send();
        self.in_flight.set(self.in_flight.get() + 1);
        let send = opcode::Send::new(types::Fd(slot.fd), start, len)
            .flags(libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT);
        let name = user_data(id.slot, Request::Send, number);
        // That it cannot be said means that the ring is broken, which the next wait says.
        let _ = self.push(send.build().user_data(name));
        true
    }

    /// Reads a part of a file with the next wait; `None` if too many are read, or the ring is broken.
    pub(crate) fn ask_read(&self, file: &Arc<File>, offset: u64, len: usize) -> Option<FileRead> {
        let (number, start, len, read) = self.reads.borrow_mut().begin(file, len)?;
        let entry = opcode::Read::new(types::Fd(file.as_raw_fd()), start, len).offset(offset);
        if self.push(entry.build().user_data(ring_reads::user_data(number))).is_err() {
            self.reads.borrow_mut().finish(number, 0);
            return None;
        }
        self.in_flight.set(self.in_flight.get() + 1);
        Some(read)
    }

    /// Takes a request back. Its last completion is still to come.
    pub(crate) fn cancel(
        &self,
        place: u32,
        slot: &mut RingSlot,
        request: Request,
    ) -> io::Result<()> {
        let Some(number) = slot.disarm(request) else { return Ok(()) };
        let cancel = opcode::AsyncCancel::new(user_data(place, request, number)).build();
        self.push(cancel.flags(squeue::Flags::SKIP_SUCCESS).user_data(NOBODY))
    }

    pub(crate) fn cancel_all(&self, place: u32, slot: &mut RingSlot) {
        slot.wants = false;
        for request in REQUESTS {
            // That it cannot be said means that the ring is broken, which the next wait says.
            let _ = self.cancel(place, slot, request);
        }
    }

    /// Has the kernel say when one of the others is ready. It says so once, and is asked again before each wait: what
    /// is ready still is said again.
    pub(crate) fn poll_others(&self) -> io::Result<()> {
        let Some(others) = self.others.as_fd().filter(|_| !self.polls_others.get()) else {
            return Ok(());
        };
        let ready = PollFlags::IN.bits().into();
        let poll = opcode::PollAdd::new(types::Fd(others.as_raw_fd()), ready).build();
        self.polls_others.set(true);
        self.push(poll.user_data(OTHERS))
    }

    fn push(&self, entry: squeue::Entry) -> io::Result<()> {
        // SAFETY: requests point to the forms, to what is to be sent and to what is read into, which live as long as the
        // ring and are not touched before the completion; and the buffers are registered.
        unsafe { self.queues.push(&entry)? };
        // What a host asks outside of a turn may be what it waits for.
        if self.parked.get() { self.queues.submit() } else { Ok(()) }
    }
}
