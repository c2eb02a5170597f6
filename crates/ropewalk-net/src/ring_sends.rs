//! [`RingSends`]: the memory that an io_uring sends from.
//!
//! When many connections have something to say in a turn, it costs less to hand all of that to the kernel with the call
//! that waits than to make a call for each. The bytes are copied, since what they lie in is used again, or moves.

use std::cell::RefCell;

use crate::poller::Completion;

pub(crate) struct RingSends {
    memory: Box<[u8]>,
    /// The last that came back is the next that is used: it is in the processor's cache.
    free: Vec<u16>,
    /// How much each has.
    lens: Box<[u16]>,
}

/// What may be copied: beyond that, a call of its own is worth it.
pub(crate) const SEND_BYTES: usize = 512;
/// More than there are events in a turn of a kernel that does all work at once, by and large.
const SENDS: u16 = 512;

/// The cell is for the owner; the kernel reads what is not free.
pub(crate) type Sends = RefCell<RingSends>;

impl RingSends {
    pub(crate) fn new() -> Self {
        Self {
            memory: vec![0; usize::from(SENDS) * SEND_BYTES].into(),
            free: (0..SENDS).collect(),
            lens: vec![0; usize::from(SENDS)].into(),
        }
    }

    /// Copies at most [`SEND_BYTES`]; gives their number, and where they are until [`finish`](Self::finish).
    pub(crate) fn begin(&mut self, bytes: &[u8]) -> Option<(u16, *const u8)> {
        let len = u16::try_from(bytes.len()).ok().filter(|_| bytes.len() <= SEND_BYTES)?;
        let number = self.free.pop()?;
        let start = usize::from(number) * SEND_BYTES;
        let place = &mut self.memory[start..start + bytes.len()];
        place.copy_from_slice(bytes);
        self.lens[usize::from(number)] = len;
        Some((number, place.as_ptr()))
    }

    /// The kernel is done with it; what it has not sent is given back.
    pub(crate) fn finish(&mut self, number: u16, result: i32) -> Completion {
        let (start, len) = (usize::from(number) * SEND_BYTES, self.lens[usize::from(number)]);
        self.free.push(number);
        let again = [rustix::io::Errno::AGAIN, rustix::io::Errno::INTR].map(|e| -e.raw_os_error());
        let count = match usize::try_from(result) {
            Ok(count) => count.min(usize::from(len)),
            Err(_) if again.contains(&result) => 0,
            Err(_) => return Completion::SendFailed(-result),
        };
        let rest = self.memory[start + count..start + usize::from(len)].to_vec();
        Completion::Sent { count, rest }
    }
}
