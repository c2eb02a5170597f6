//! [`RingBuffers`]: the memory that an io_uring receives into, and the ring by which it is handed over.
//!
//! The kernel takes a buffer when bytes have come, not before: an idle connection has none. Its number comes with
//! the completion; once the bytes are delivered, in the same turn, it goes back. There is a group of buffers for
//! streams, and one of larger ones for datagrams, which come whole or not at all.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;

/// What the kernel asks of the entries.
const PAGE: usize = 4096;
/// Enough for what messages have in them. With more, the allocator would have to touch the memory to clear it.
const WORDS: usize = 16;

/// Some buffers, and the ring of those that are free.
pub(crate) struct RingBuffers {
    entries: NonNull<u8>,
    memory: NonNull<u8>,
    kind: BufferGroup,
    /// The kernel reads entries up to here, modulo their number.
    tail: Cell<u16>,
}

/// What the kernel knows a group of buffers by, and how it is cut.
#[derive(Clone, Copy)]
pub(crate) struct BufferGroup {
    pub(crate) number: u16,
    /// A power of two.
    pub(crate) count: u16,
    /// Of one buffer. Memory that was never filled is not there yet.
    pub(crate) bytes: u32,
}

impl RingBuffers {
    /// Buffers that are registered and all free.
    pub(crate) fn register(submitter: &Submitter<'_>, kind: BufferGroup) -> io::Result<Self> {
        let entries = allocate(kind.entries_layout()?)?;
        let memory = allocate(kind.memory_layout()?)?;
        let buffers = Self { entries, memory, kind, tail: Cell::new(0) };
        // SAFETY: there are `count` entries, aligned to a page and zeroed. They are freed in `drop`, which is
        // called by the owner after the kernel has let go of them (see `Ring`'s `drop`).
        unsafe {
            let address = entries.as_ptr() as u64;
            submitter.register_buf_ring_with_flags(address, kind.count, kind.number, 0)?;
        }
        (0..kind.count).for_each(|number| buffers.give_back(number));
        Ok(buffers)
    }

    pub(crate) fn count(&self) -> usize {
        usize::from(self.kind.count)
    }

    /// Has the kernel let go of them: from then on it cannot choose one.
    pub(crate) fn unregister(&self, submitter: &Submitter<'_>) -> io::Result<()> {
        submitter.unregister_buf_ring(self.kind.number)
    }

    /// The first `len` bytes of a buffer that the kernel has filled.
    ///
    /// # Safety
    /// `number` came with a completion and has not been given back since, and no other slice of it is alive.
    #[allow(clippy::mut_from_ref, reason = "each buffer is lent once, by the contract")]
    pub(crate) unsafe fn filled(&self, number: u16, len: usize) -> &mut [u8] {
        let is_one = number < self.kind.count && len <= self.kind.bytes as usize;
        assert!(is_one, "the kernel names a buffer that there is not");
        // SAFETY: it lies inside `memory`, which is initialised; by the contract the kernel does not write it
        // and nobody else looks at it.
        unsafe { std::slice::from_raw_parts_mut(self.start_of(number), len) }
    }

    /// Gives a buffer to the kernel, which may fill it from now on.
    pub(crate) fn give_back(&self, number: u16) {
        assert!(number < self.kind.count, "there is no such buffer");
        let first = self.entries.as_ptr().cast::<BufRingEntry>();
        let tail = self.tail.get();
        // SAFETY: the index is below `count`. The kernel does not read this entry before the tail says so, and
        // never writes any; the tail lies in the first entry, where it is read by the kernel only.
        unsafe {
            let entry = &mut *first.add(usize::from(tail % self.kind.count));
            entry.set_addr(self.start_of(number) as u64);
            entry.set_len(self.kind.bytes);
            entry.set_bid(number);
            self.tail.set(tail.wrapping_add(1));
            let tail = BufRingEntry::tail(first).cast::<AtomicU16>();
            (*tail).store(self.tail.get(), Ordering::Release);
        }
    }

    fn start_of(&self, number: u16) -> *mut u8 {
        let offset = usize::from(number) * self.kind.bytes as usize;
        // SAFETY: the callers have made sure that there is such a buffer, and `memory` is for all of them.
        unsafe { self.memory.as_ptr().add(offset) }
    }
}

impl Drop for RingBuffers {
    fn drop(&mut self) {
        for (start, layout) in
            [(self.entries, self.kind.entries_layout()), (self.memory, self.kind.memory_layout())]
        {
            if let Ok(layout) = layout {
                // SAFETY: allocated with this layout, and not used by anybody any more.
                unsafe { dealloc(start.as_ptr(), layout) };
            }
        }
    }
}

impl BufferGroup {
    fn entries_layout(self) -> io::Result<Layout> {
        let bytes = size_of::<BufRingEntry>() * usize::from(self.count);
        Layout::from_size_align(bytes, PAGE).map_err(io::Error::other)
    }

    fn memory_layout(self) -> io::Result<Layout> {
        let bytes = self.bytes as usize * usize::from(self.count);
        Layout::from_size_align(bytes, WORDS).map_err(io::Error::other)
    }
}

fn allocate(layout: Layout) -> io::Result<NonNull<u8>> {
    assert!(layout.size() > 0, "there is at least one buffer");
    // SAFETY: the size is not zero.
    let start = unsafe { alloc_zeroed(layout) };
    NonNull::new(start).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}
