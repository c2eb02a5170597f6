//! [`RingSlot`]: what the ring knows of one slot: which requests the kernel has for it.
//!
//! A request that was taken back says so by a last completion, and may have said more before it. So each has a number,
//! and a slot that is closed stays reserved until the last completion of all its requests.

use std::os::fd::RawFd;

use ropewalk_core::SlotId;

use crate::row::Kind;

#[derive(Clone, Default)]
pub(crate) struct RingSlot {
    pub(crate) generation: u32,
    pub(crate) fd: RawFd,
    pub(crate) kind: Kind,
    /// It is closed, but for what is in flight.
    pub(crate) closing: bool,
    pub(crate) left: Left,
    /// Buffers in a row that were filled to their ends.
    pub(crate) full: u8,
    /// What comes is wanted.
    pub(crate) wants: bool,
    /// There was no buffer to receive into, and it waits for one.
    pub(crate) hungry: bool,
    armed: [Armed; 4],
    /// Requests of each kind whose last completion has not come.
    in_flight: [u16; 4],
}

/// Whether what comes is left to the driver to be read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Left {
    /// The kernel receives.
    #[default]
    No,
    /// It is to end that first. These flags of poll(2) are known, or it is only that much comes.
    Soon(u32),
    /// Much comes, and the kernel says when.
    Polled,
    /// The connection is broken or at its end: all that will ever come is there.
    Over,
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
pub(crate) enum Request {
    /// Connections of a listener, or bytes or messages of another socket: as they come.
    Receive = 0,
    /// That the connection is broken or at its end, whenever that becomes so.
    HangUp = 1,
    /// Room to write, once.
    Room = 2,
    /// Bytes to send, by the number that [`RingSends`](crate::ring_sends::RingSends) has given them. It is never taken back.
    Send = 3,
}

pub(crate) const REQUESTS: [Request; 4] =
    [Request::Receive, Request::HangUp, Request::Room, Request::Send];

impl RingSlot {
    pub(crate) fn new(id: SlotId, fd: RawFd, kind: Kind) -> Self {
        Self { generation: id.generation, fd, kind, ..Self::default() }
    }

    pub(crate) fn is(&self, id: SlotId) -> bool {
        self.kind != Kind::Free && self.generation == id.generation
    }

    pub(crate) fn is_armed(&self, request: Request) -> bool {
        self.armed[request as usize].is
    }

    /// A new request; gives its number.
    pub(crate) fn arm(&mut self, request: Request) -> u16 {
        let armed = &mut self.armed[request as usize];
        *armed = Armed { is: true, number: armed.number.wrapping_add(1) };
        self.in_flight[request as usize] += 1;
        armed.number
    }

    /// Bytes are about to be sent.
    pub(crate) fn begin_send(&mut self) {
        self.in_flight[Request::Send as usize] += 1;
    }

    /// The number of the request that is to be taken back, if there is one.
    pub(crate) fn disarm(&mut self, request: Request) -> Option<u16> {
        let armed = &mut self.armed[request as usize];
        std::mem::take(&mut armed.is).then_some(armed.number)
    }

    /// A request has said something, the last if it `ends`; whether it is the one that is armed.
    pub(crate) fn complete(&mut self, request: Request, number: u16, ends: bool) -> bool {
        let armed = &mut self.armed[request as usize];
        let is_armed = armed.is && armed.number == number;
        if ends {
            self.in_flight[request as usize] -= 1;
            armed.is &= !is_armed;
        }
        is_armed
    }

    /// Whether the kernel has nothing more to say.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight == [0; 4]
    }

    /// The flags with which the rest is left, once the kernel has ended to receive: before, bytes would come out of
    /// order.
    pub(crate) fn leave(&mut self) -> Option<u32> {
        match self.left {
            Left::Soon(flags) if self.in_flight[Request::Receive as usize] == 0 => {
                self.left = if flags == 0 { Left::Polled } else { Left::Over };
                Some(flags)
            }
            _ => None,
        }
    }
}

/// What a request of a slot is called in the queues.
pub(crate) fn user_data(place: u32, request: Request, number: u16) -> u64 {
    u64::from(place) | (request as u64) << 32 | u64::from(number) << 40
}

/// The place, the request and its number; `None` if it is no slot's.
pub(crate) fn parts_of(user_data: u64) -> Option<(u32, Request, u16)> {
    let [s0, s1, s2, s3, request, n0, n1, _] = user_data.to_le_bytes();
    let request = *REQUESTS.get(usize::from(request))?;
    Some((u32::from_le_bytes([s0, s1, s2, s3]), request, u16::from_le_bytes([n0, n1])))
}
