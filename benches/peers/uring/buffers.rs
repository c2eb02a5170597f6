//! [`Buffers`]: the memory that the kernel receives into, and the ring by which it is handed over.
//!
//! The kernel takes a buffer from the ring when bytes have come, not before: an idle connection has none. We get
//! its number with the completion, send from it, and put it back.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::{IoUring, types::BufRingEntry};

/// The buffers there are (a power of two).
const COUNT: u16 = 4096;
/// What one takes in.
const BYTES: u32 = 2048;
/// From one buffer to the next. Not a power of two, or the first lines of all would share a few sets of the
/// processor's cache.
const STRIDE: usize = BYTES as usize + 64;
/// The number of our one group of buffers.
pub(crate) const GROUP: u16 = 0;

/// All of them.
pub(crate) struct Buffers {
    /// A page-aligned array of [`COUNT`], shared with the kernel until the process ends.
    ring: NonNull<BufRingEntry>,
    /// [`COUNT`] times [`STRIDE`] bytes, never freed.
    memory: NonNull<u8>,
    /// The kernel reads entries up to here, modulo [`COUNT`].
    tail: u16,
    /// Those that the kernel has and has not filled.
    free: u16,
}

impl Buffers {
    /// Registers them with `ring`, all free.
    pub(crate) fn register(ring: &IoUring) -> io::Result<Self> {
        let entries = allocate(size_of::<BufRingEntry>() * usize::from(COUNT)).cast();
        let memory = allocate(STRIDE * usize::from(COUNT));
        // SAFETY: the entries are page-aligned, zeroed, as many as we say, and never freed.
        unsafe {
            let address = entries.as_ptr() as u64;
            ring.submitter().register_buf_ring_with_flags(address, COUNT, GROUP, 0)?;
        }
        let mut buffers = Self { ring: entries, memory, tail: 0, free: 0 };
        (0..COUNT).for_each(|number| buffers.put_back(number));
        Ok(buffers)
    }

    /// Where the buffer begins.
    pub(crate) fn start(&self, number: u16) -> *const u8 {
        self.memory.as_ptr().wrapping_add(usize::from(number) * STRIDE)
    }

    /// Notes that the kernel has filled one.
    pub(crate) fn taken(&mut self) {
        self.free -= 1;
    }

    /// Whether a receive would find one.
    pub(crate) fn are_there(&self) -> bool {
        self.free > 0
    }

    /// Gives a buffer to the kernel, which may fill it from now on.
    pub(crate) fn put_back(&mut self, number: u16) {
        self.free += 1;
        let address = self.start(number) as u64;
        // SAFETY: the index is below COUNT; the kernel does not read this entry before the tail says so, nor
        // write it at any time. The tail lies in the first entry, where the kernel, too, only reads it.
        unsafe {
            let entry = &mut *self.ring.as_ptr().add(usize::from(self.tail % COUNT));
            entry.set_addr(address);
            entry.set_len(BYTES);
            entry.set_bid(number);
            self.tail = self.tail.wrapping_add(1);
            let tail = BufRingEntry::tail(self.ring.as_ptr());
            (*tail.cast::<AtomicU16>()).store(self.tail, Ordering::Release);
        }
    }
}

/// Page-aligned memory that is never freed, and already there: touched now, it is not counted later as the
/// memory of the first connections.
fn allocate(bytes: usize) -> NonNull<u8> {
    let layout = Layout::from_size_align(bytes, 4096).expect("a size that fits");
    // SAFETY: the size is not zero; what is written lies inside.
    unsafe {
        let Some(start) = NonNull::new(alloc_zeroed(layout)) else { handle_alloc_error(layout) };
        (0..bytes).step_by(4096).for_each(|at| start.as_ptr().add(at).write_volatile(0));
        start
    }
}
