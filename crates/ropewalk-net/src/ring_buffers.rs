//! [`RingBuffers`]: the memory that an io_uring receives into, and the ring by which it is handed over.
//!
//! The kernel takes a buffer when bytes have come, not before: an idle connection has none. Its number comes with
//! the completion; once the bytes are delivered, in the same turn, it goes back.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;

/// The number of the one group of buffers of a ring.
pub(crate) const GROUP: u16 = 0;

/// What one buffer takes in: more than most messages. All of them together are what one connection may get in a
/// turn, at the worst.
const BYTES: u32 = 2 * 1024;
const STEP: usize = BYTES as usize;

const PAGE: usize = 4096;

/// Some buffers, and the ring of those that are free.
pub(crate) struct RingBuffers {
    entries: NonNull<u8>,
    memory: NonNull<u8>,
    count: u16,
    /// The kernel reads entries up to here, modulo `count`.
    tail: u16,
}

impl RingBuffers {
    /// `count` buffers, a power of two, registered and all free.
    pub(crate) fn register(submitter: &Submitter<'_>, count: u16) -> io::Result<Self> {
        let entries = allocate(entries_layout(count)?)?;
        let memory = allocate(memory_layout(count)?)?;
        let mut buffers = Self { entries, memory, count, tail: 0 };
        // SAFETY: there are `count` entries, aligned to a page and zeroed. They are freed in `drop`, which is
        // called by the owner after the kernel has let go of them (see `Ring`'s `drop`).
        unsafe {
            let address = entries.as_ptr() as u64;
            submitter.register_buf_ring_with_flags(address, count, GROUP, 0)?;
        }
        (0..count).for_each(|number| buffers.give_back(number));
        Ok(buffers)
    }

    /// The first `len` bytes of a buffer that the kernel has filled.
    ///
    /// # Safety
    /// `number` came with a completion and has not been given back since, and no other slice of it is alive.
    pub(crate) unsafe fn filled<'a>(&self, number: u16, len: usize) -> &'a mut [u8] {
        assert!(number < self.count && len <= STEP, "the kernel names a buffer that there is not");
        // SAFETY: it lies inside `memory`, which is initialised; by the contract the kernel does not write it
        // and nobody else looks at it.
        unsafe {
            let start = self.memory.as_ptr().add(usize::from(number) * STEP);
            std::slice::from_raw_parts_mut(start, len)
        }
    }

    /// Gives a buffer to the kernel, which may fill it from now on.
    pub(crate) fn give_back(&mut self, number: u16) {
        assert!(number < self.count, "there is no such buffer");
        let first = self.entries.as_ptr().cast::<BufRingEntry>();
        // SAFETY: the index is below `count`. The kernel does not read this entry before the tail says so, and
        // never writes any; the tail lies in the first entry, where it is read by the kernel only.
        unsafe {
            let entry = &mut *first.add(usize::from(self.tail % self.count));
            entry.set_addr(self.memory.as_ptr().add(usize::from(number) * STEP) as u64);
            entry.set_len(BYTES);
            entry.set_bid(number);
            self.tail = self.tail.wrapping_add(1);
            let tail = BufRingEntry::tail(first).cast::<AtomicU16>();
            (*tail).store(self.tail, Ordering::Release);
        }
    }
}

impl Drop for RingBuffers {
    fn drop(&mut self) {
        for (start, layout) in
            [(self.entries, entries_layout(self.count)), (self.memory, memory_layout(self.count))]
        {
            if let Ok(layout) = layout {
                // SAFETY: allocated with this layout, and not used by anybody any more.
                unsafe { dealloc(start.as_ptr(), layout) };
            }
        }
    }
}

fn entries_layout(count: u16) -> io::Result<Layout> {
    Layout::from_size_align(size_of::<BufRingEntry>() * usize::from(count), PAGE)
        .map_err(io::Error::other)
}

fn memory_layout(count: u16) -> io::Result<Layout> {
    Layout::from_size_align(STEP * usize::from(count), PAGE).map_err(io::Error::other)
}

fn allocate(layout: Layout) -> io::Result<NonNull<u8>> {
    assert!(layout.size() > 0, "there is at least one buffer");
    // SAFETY: the size is not zero.
    let start = unsafe { alloc_zeroed(layout) };
    NonNull::new(start).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}
