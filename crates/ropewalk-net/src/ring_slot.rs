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
    pub(crate) hang_up: HangUp,
    armed: [Armed; 3],
    /// Requests of each kind whose last completion has not come.
    in_flight: [u16; 3],
}

/// Whether the connection is broken or at its end.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum HangUp {
    #[default]
    Unheard,
    /// It is, as these flags of poll(2) say; what the kernel receives is still to end.
    Heard(u32),
    /// That has been said.
    Said,
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
}

pub(crate) const REQUESTS: [Request; 3] = [Request::Receive, Request::HangUp, Request::Room];

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
        self.in_flight == [0; 3]
    }

    /// A hang-up that may be said now: what the kernel receives is in order, so it is said when that has ended.
    pub(crate) fn take_hang_up(&mut self) -> Option<u32> {
        match self.hang_up {
            HangUp::Heard(flags) if self.in_flight[Request::Receive as usize] == 0 => {
                self.hang_up = HangUp::Said;
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
