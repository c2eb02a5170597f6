//! [`OutQueue`]: bytes on their way out, and the [`BufferPool`] that small writes are gathered in.
//!
//! A queue has two parts. Small writes are copied together into its *tail*, one buffer out of the reactor's
//! pool, so that many of them leave in one system call. Large writes that the caller gives away stay where
//! they are, as *segments* before the tail. A queue that has drained owns nothing: its tail goes back to the
//! pool. A stream's out-of-band objects (an open file that rides along with the bytes, say) keep their place
//! between the bytes as attachments.

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::mem;

use bytes::{Buf, Bytes};

use crate::FileRange;

/// Bytes on their way out, in order.
#[derive(Default)]
pub struct OutQueue {
    #[allow(clippy::box_collection, reason = "every idle connection pays for it: 8 bytes, not 32")]
    segments: Option<Box<VecDeque<Segment>>>,
    tail: Vec<u8>,
    /// How much of the tail has left already.
    tail_start: usize,
    len: usize,
}

/// One piece of an [`OutQueue`], as a driver takes it.
#[non_exhaustive]
pub enum Segment {
    /// Bytes.
    Bytes(Bytes),
    /// Bytes that lie in a file.
    File(FileRange),
    /// An object that goes with the byte after it, such as an open file on a UNIX socket.
    Attachment(Box<dyn Any>),
}

impl Segment {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(range) => range.len,
            Self::Attachment(_) => 0,
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::File(range) => {
                (range.offset, range.len) = (range.offset + count as u64, range.len - count)
            }
            Self::Attachment(_) => {}
        }
    }
}

/// Given-away bytes shorter than this are copied into the tail: one copy is cheaper than one more piece.
pub(crate) const COPIED_BYTES_MAX: usize = 1024;

impl OutQueue {
    /// An empty queue, which owns nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes wait here.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no bytes wait here. An attachment alone does not count: it leaves with the byte after it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a copy of `bytes`; the first into a buffer out of `pool`.
    #[inline]
    pub fn push(&mut self, bytes: &[u8], pool: &BufferPool) {
        if bytes.is_empty() {
            return;
        }
        if self.tail.capacity() == 0 {
            self.tail = pool.take(bytes.len());
        }
        self.tail.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Appends `bytes` without copying them, unless they are few.
    pub fn push_bytes(&mut self, bytes: Bytes, pool: &BufferPool) {
        if bytes.len() < COPIED_BYTES_MAX {
            return self.push(&bytes, pool);
        }
        self.len += bytes.len();
        self.seal_tail();
        self.push_segment(Segment::Bytes(bytes));
    }

    /// Appends bytes that lie in a file.
    pub fn push_file(&mut self, range: FileRange) {
        if range.len > 0 {
            self.len += range.len;
            self.seal_tail();
            self.push_segment(Segment::File(range));
        }
    }

    /// Appends an object that goes with the next byte appended.
    pub fn push_attachment(&mut self, object: Box<dyn Any>) {
        self.seal_tail();
        self.push_segment(Segment::Attachment(object));
    }

    /// How many attachments wait for the next byte that is appended.
    pub(crate) fn attachments_at_end(&self) -> usize {
        if !self.tail.is_empty() {
            return 0;
        }
        let from_the_end = self.segments.as_deref().into_iter().flat_map(|list| list.iter().rev());
        from_the_end.take_while(|segment| matches!(segment, Segment::Attachment(_))).count()
    }

    /// Takes the attachments away that wait for the next byte that is appended.
    pub(crate) fn split_off_attachments(&mut self) -> Self {
        let count = self.attachments_at_end();
        let segments = self.segments.as_deref_mut().filter(|_| count > 0);
        let segments = segments.map(|list| Box::new(list.split_off(list.len() - count)));
        self.drop_spent_list();
        Self { segments, ..Self::default() }
    }

    /// Moves everything in `other` behind what is here.
    pub fn append(&mut self, other: &mut Self) {
        if other.is_bare() {
            return;
        }
        if self.is_bare() {
            return mem::swap(self, other);
        }
        self.seal_tail();
        if let Some(segments) = other.segments.take() {
            self.segments.get_or_insert_default().extend(*segments);
        }
        self.len += other.len;
        self.tail = mem::take(&mut other.tail);
        self.tail_start = mem::take(&mut other.tail_start);
        other.len = 0;
    }

    /// Puts what is left in it before what `other` has by now.
    pub(crate) fn put_before(mut self, other: &mut Self, pool: &BufferPool) {
        self.release(pool);
        if !self.is_bare() {
            self.append(other);
            *other = self;
        }
    }

    /// The first bytes that lie together; empty if there are none, or an attachment or a file comes before them.
    pub fn first(&self) -> &[u8] {
        match self.segments.as_deref().and_then(VecDeque::front) {
            Some(Segment::Bytes(bytes)) => bytes,
            Some(Segment::Attachment(_) | Segment::File(_)) => &[],
            None => &self.tail[self.tail_start..],
        }
    }

    /// The part of a file that comes first, if one does.
    pub fn first_file(&self) -> Option<&FileRange> {
        match self.segments.as_deref()?.front()? {
            Segment::File(range) => Some(range),
            _ => None,
        }
    }

    /// All there is, if it is small writes only: what a plain send takes.
    #[inline]
    pub fn only(&self) -> Option<&[u8]> {
        self.segments.is_none().then(|| &self.tail[self.tail_start..])
    }

    /// Fills `slices` with the pieces up to the next attachment or file, for a vectored write; gives their number.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let segments = self.segments.as_deref().into_iter().flatten();
        let mut count = 0;
        for segment in segments {
            let Segment::Bytes(bytes) = segment else { return count };
            if count == slices.len() {
                return count;
            }
            slices[count] = IoSlice::new(bytes);
            count += 1;
        }
        if count < slices.len() && self.tail_start < self.tail.len() {
            slices[count] = IoSlice::new(&self.tail[self.tail_start..]);
            count += 1;
        }
        count
    }

    /// Takes the attachments that stand before the next byte.
    pub fn take_attachments(&mut self) -> Vec<Box<dyn Any>> {
        let is_attachment = |segment: &Segment| matches!(segment, Segment::Attachment(_));
        let mut taken = Vec::new();
        while self.segments.as_deref().and_then(VecDeque::front).is_some_and(is_attachment) {
            if let Some(Segment::Attachment(object)) = self.take_segment() {
                taken.push(object);
            }
        }
        taken
    }

    /// The next `count` bytes have left.
    ///
    /// # Panics
    /// If there are fewer, or an attachment stands between them.
    #[inline]
    pub fn advance(&mut self, count: usize) {
        self.len -= count;
        if self.segments.is_none() {
            self.tail_start += count;
        } else {
            self.advance_segments(count);
        }
    }

    fn advance_segments(&mut self, count: usize) {
        let mut left = count;
        while left > 0 {
            let first = self.segments.as_deref_mut().and_then(VecDeque::front_mut);
            let Some(segment) = first.filter(|segment| segment.len() > 0) else {
                self.tail_start += left;
                assert!(self.tail_start <= self.tail.len(), "only queued bytes can have left");
                break;
            };
            let step = left.min(segment.len());
            segment.advance(step);
            left -= step;
            if segment.len() == 0 {
                self.segments.as_deref_mut().map(VecDeque::pop_front);
            }
        }
        self.drop_spent_list();
    }

    /// Takes the first piece away whole, for a driver that keeps it until it is sent.
    pub fn take_segment(&mut self) -> Option<Segment> {
        if self.segments.is_none() {
            self.seal_tail();
        }
        let segment = self.segments.as_deref_mut().and_then(VecDeque::pop_front)?;
        self.len -= segment.len();
        self.drop_spent_list();
        Some(segment)
    }

    /// Gives the tail back to `pool` if everything has left.
    #[inline]
    pub fn release(&mut self, pool: &BufferPool) {
        if self.len == 0 && self.tail.capacity() != 0 {
            self.tail_start = 0;
            pool.give_back(mem::take(&mut self.tail));
        }
    }

    /// Drops everything.
    pub fn clear(&mut self, pool: &BufferPool) {
        self.segments = None;
        self.len = 0;
        self.release(pool);
    }

    /// Whether it owns nothing at all.
    fn is_bare(&self) -> bool {
        self.segments.is_none() && self.tail.capacity() == 0
    }

    /// Makes the tail a segment, so that something can stand behind it.
    fn seal_tail(&mut self) {
        let start = mem::take(&mut self.tail_start);
        let tail = mem::take(&mut self.tail);
        if start < tail.len() {
            self.push_segment(Segment::Bytes(Bytes::from(tail).slice(start..)));
        }
    }

    fn push_segment(&mut self, segment: Segment) {
        self.segments.get_or_insert_default().push_back(segment);
    }

    fn drop_spent_list(&mut self) {
        if self.segments.as_deref().is_some_and(VecDeque::is_empty) {
            self.segments = None;
        }
    }
}

/// Spare buffers of one reactor, so that a write in steady state allocates nothing.
#[derive(Default)]
pub struct BufferPool(RefCell<Spare>);

#[derive(Default)]
struct Spare {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

/// A new buffer has room for this much: an answer or two of most protocols.
const BUFFER_BYTES: usize = 512;
/// A buffer that grew past this is not kept: one large answer must not hold memory for ever.
const KEPT_BUFFER_BYTES_MAX: usize = 16 * 1024;
/// All that are kept together: as many as thousands of connections fill in one turn with an answer each.
const KEPT_BYTES_MAX: usize = 4 << 20;

impl BufferPool {
    /// An empty buffer with room for at least `room` bytes.
    #[inline]
    pub fn take(&self, room: usize) -> Vec<u8> {
        let spare = &mut *self.0.borrow_mut();
        match spare.buffers.pop() {
            Some(buffer) => {
                spare.bytes -= buffer.capacity();
                buffer
            }
            None => Vec::with_capacity(room.max(BUFFER_BYTES)),
        }
    }

    /// Keeps `buffer` for the next [`take`](Self::take), or drops it if it is too large or one too many.
    #[inline]
    pub fn give_back(&self, mut buffer: Vec<u8>) {
        let spare = &mut *self.0.borrow_mut();
        let bytes = spare.bytes + buffer.capacity();
        if buffer.capacity() <= KEPT_BUFFER_BYTES_MAX && bytes <= KEPT_BYTES_MAX {
            spare.bytes = bytes;
            buffer.clear();
            spare.buffers.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut OutQueue, step: usize) -> Vec<u8> {
        let mut drained = Vec::new();
        while !queue.is_empty() {
            queue.take_attachments();
            let count = step.min(queue.first().len());
            drained.extend_from_slice(&queue.first()[..count]);
            queue.advance(count);
        }
        drained
    }

    #[test]
    fn a_part_of_a_file_is_counted_and_advanced() {
        let pool = BufferPool::default();
        let file = std::sync::Arc::new(std::fs::File::open("/dev/null").unwrap());
        let mut queue = OutQueue::new();
        queue.push(b"ab", &pool);
        queue.push_file(FileRange { file: file.clone(), offset: 5, len: 10 });
        queue.push_file(FileRange { file, offset: 5, len: 0 });
        queue.push(b"cd", &pool);
        assert_eq!((queue.len(), queue.first(), queue.only()), (14, &b"ab"[..], None));
        let mut slices = [IoSlice::new(b""); 4];
        assert_eq!(queue.slices(&mut slices), 1, "up to the file");
        queue.advance(5);
        let range = queue.first_file().unwrap();
        assert_eq!((range.offset, range.len, queue.first()), (8, 7, &b""[..]));
        let Some(Segment::File(range)) = queue.take_segment() else { panic!("it is the first") };
        assert_eq!((range.len, queue.len(), queue.first()), (7, 2, &b"cd"[..]));
    }

    #[test]
    fn bytes_leave_in_the_order_of_the_writes() {
        let pool = BufferPool::default();
        for step in [1, 3, 1000, 5000] {
            let mut queue = OutQueue::new();
            queue.push(b"one", &pool);
            queue.push_bytes(Bytes::from(vec![b'x'; 2000]), &pool);
            queue.push_bytes(Bytes::from_static(b"two"), &pool);
            queue.push_attachment(Box::new(1));
            queue.push(b"three", &pool);
            assert_eq!(queue.len(), 2011);
            let expected = [&b"one"[..], &[b'x'; 2000], b"two", b"three"].concat();
            assert_eq!(drain(&mut queue, step), expected, "in steps of {step}");
        }
    }

    #[test]
    fn slices_stop_before_an_attachment() {
        let pool = BufferPool::default();
        let mut queue = OutQueue::new();
        queue.push(b"a", &pool);
        queue.push_attachment(Box::new(1));
        queue.push(b"b", &pool);
        let mut slices = [IoSlice::new(&[]); 4];
        assert_eq!(queue.slices(&mut slices), 1);
        queue.advance(1);
        assert!(queue.first().is_empty());
        assert_eq!(queue.take_attachments().len(), 1);
        assert_eq!(queue.first(), b"b");
    }

    #[test]
    fn appending_keeps_the_order_and_empties_the_other() {
        let pool = BufferPool::default();
        let (mut queue, mut other) = (OutQueue::new(), OutQueue::new());
        queue.push(b"ab", &pool);
        queue.advance(1);
        other.push_bytes(Bytes::from(vec![b'y'; 1500]), &pool);
        other.push(b"z", &pool);
        queue.append(&mut other);
        assert!(other.is_empty());
        assert_eq!(drain(&mut queue, 7), [&b"b"[..], &[b'y'; 1500], b"z"].concat());
    }

    #[test]
    fn attachments_are_counted_up_to_the_byte_before_them() {
        let pool = BufferPool::default();
        let mut queue = OutQueue::new();
        queue.push_attachment(Box::new(1));
        queue.push(b"a", &pool);
        assert_eq!(queue.attachments_at_end(), 0);
        queue.push_attachment(Box::new(2));
        queue.push_attachment(Box::new(3));
        assert_eq!(queue.attachments_at_end(), 2);
    }

    #[test]
    fn a_drained_queue_owns_nothing() {
        let pool = BufferPool::default();
        let mut queue = OutQueue::new();
        queue.push(b"ab", &pool);
        queue.push_bytes(Bytes::from(vec![b'y'; 1500]), &pool);
        queue.push(b"cd", &pool);
        drain(&mut queue, 4096);
        queue.release(&pool);
        assert!(queue.is_bare());
        assert_eq!(pool.0.borrow().buffers.len(), 1);
    }

    #[test]
    fn a_pool_keeps_no_more_than_it_may() {
        let pool = BufferPool::default();
        let buffers: Vec<_> = (0..20_000).map(|_| pool.take(0)).collect();
        buffers.into_iter().for_each(|buffer| pool.give_back(buffer));
        assert_eq!(pool.0.borrow().buffers.len(), KEPT_BYTES_MAX / BUFFER_BYTES);
        pool.take(0);
        pool.give_back(Vec::with_capacity(KEPT_BUFFER_BYTES_MAX + 1));
        assert_eq!(pool.0.borrow().buffers.len(), KEPT_BYTES_MAX / BUFFER_BYTES - 1);
    }

    #[test]
    fn pieces_are_taken_whole_and_in_order() {
        let pool = BufferPool::default();
        let mut queue = OutQueue::new();
        queue.push(b"head", &pool);
        queue.push_bytes(Bytes::from(vec![b'y'; 1500]), &pool);
        queue.push(b"tail", &pool);
        let mut lengths = Vec::new();
        while let Some(Segment::Bytes(bytes)) = queue.take_segment() {
            lengths.push(bytes.len());
        }
        assert_eq!((lengths, queue.len()), (vec![4, 1500, 4], 0));
    }
}
