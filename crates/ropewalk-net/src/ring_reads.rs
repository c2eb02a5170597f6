//! [`RingReads`]: parts of files that an io_uring reads, and [`FileRead`], which waits for one.
//!
//! A read cannot be taken back, so its memory is the ring's until the kernel is done with it, whether anybody still
//! waits or not.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// The reads that the kernel has.
#[derive(Default)]
pub(crate) struct RingReads {
    in_flight: Vec<Option<InFlight>>,
    free: Vec<u32>,
}

struct InFlight {
    bytes: Vec<u8>,
    /// Open until it is read.
    _file: Arc<File>,
    waiting: Rc<Waiting>,
}

#[derive(Default)]
struct Waiting {
    result: Cell<Option<io::Result<Bytes>>>,
    waker: Cell<Option<Waker>>,
}

/// The bytes of a file, once they are read.
pub(crate) struct FileRead(Rc<Waiting>);

/// The cell is for the owner; the kernel writes to what is in flight.
pub(crate) type Reads = RefCell<RingReads>;

/// Bytes that one read may bring: what the system has in memory already is copied in our call, and that is to be short.
const READ_BYTES_MAX: usize = 64 << 10;
/// Reads at a time, 16 MiB with the longest; a disk has not so many arms. More are for the pool.
const READS_MAX: usize = 256;
/// What reads are called in the queues: in the place of a slot's request.
const READ: u64 = 4;

impl RingReads {
    /// Memory for a read of up to `len` bytes: its number, where it is until [`finish`](Self::finish), how long it is, and
    /// who waits. `None` if too many are under way.
    pub(crate) fn begin(
        &mut self,
        file: &Arc<File>,
        len: usize,
    ) -> Option<(u32, *mut u8, u32, FileRead)> {
        if self.in_flight.len() - self.free.len() >= READS_MAX {
            return None;
        }
        let mut bytes = vec![0; len.min(READ_BYTES_MAX)];
        let (start, len) = (bytes.as_mut_ptr(), u32::try_from(bytes.len()).ok()?);
        let waiting = Rc::<Waiting>::default();
        let read = FileRead(waiting.clone());
        let in_flight = Some(InFlight { bytes, _file: file.clone(), waiting });
        let number = self.free.pop().unwrap_or_else(|| {
            self.in_flight.push(None);
            u32::try_from(self.in_flight.len() - 1).unwrap_or(u32::MAX) // READS_MAX is less.
        });
        self.in_flight[number as usize] = in_flight;
        Some((number, start, len, read))
    }

    /// The kernel is done with it; gives whom to wake.
    pub(crate) fn finish(&mut self, number: u32, result: i32) -> Option<Waker> {
        let done = self.in_flight.get_mut(number as usize).and_then(Option::take)?;
        self.free.push(number);
        let InFlight { mut bytes, waiting, .. } = done;
        waiting.result.set(Some(match usize::try_from(result) {
            Ok(count) => {
                bytes.truncate(count);
                Ok(bytes.into())
            }
            Err(_) => Err(io::Error::from_raw_os_error(-result)),
        }));
        waiting.waker.take()
    }
}

impl Future for FileRead {
    type Output = io::Result<Bytes>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        match self.0.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                self.0.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

/// What a read is called in the queues.
pub(crate) fn user_data(number: u32) -> u64 {
    READ << 32 | u64::from(number)
}

/// The number of a read; `None` if it is none.
pub(crate) fn number_of(user_data: u64) -> Option<u32> {
    u32::try_from(user_data ^ READ << 32).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring_slot::{REQUESTS, parts_of, user_data as slot_data};

    #[test]
    fn a_read_is_called_as_nothing_else_is() {
        for number in [0, 7, u32::MAX] {
            assert_eq!(number_of(user_data(number)), Some(number));
            assert!(parts_of(user_data(number)).is_none());
            for request in REQUESTS {
                assert_eq!(number_of(slot_data(number, request, 0)), None);
            }
        }
        assert_eq!(number_of(crate::ring::OTHERS).or(number_of(crate::ring::NOBODY)), None);
    }

    #[test]
    fn so_many_are_under_way_and_a_number_is_used_again() {
        let file = Arc::new(File::open("/dev/null").unwrap());
        let mut reads = RingReads::default();
        let begun: Vec<_> = (0..READS_MAX).map(|_| reads.begin(&file, 10).unwrap()).collect();
        assert!(reads.begin(&file, 10).is_none());
        assert!(reads.finish(begun[3].0, 0).is_none(), "nobody has waited yet");
        assert!(reads.finish(begun[3].0, 0).is_none(), "and it is done once");
        let (number, _, len, _) = reads.begin(&file, usize::MAX).unwrap();
        assert_eq!((number, len), (begun[3].0, 64 << 10));
    }
}
