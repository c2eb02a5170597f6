//! [`Carry`]: the bytes of a frame that is not whole yet, carried over from one chunk to the next.
//!
//! A carried frame and the chunk after it are never joined but for that frame: only the bytes that it lacks are
//! copied. Bytes that were used stay until the next call, because the frame just given is borrowed from them.

use std::borrow::Cow;

/// Bytes carried over; owns no buffer when there are none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carry {
    bytes: Vec<u8>,
    /// Those before it are used.
    start: usize,
}

impl Carry {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// What comes next in the stream: part of it.
    pub(crate) fn front<'a>(&'a self, chunk: &'a [u8]) -> &'a [u8] {
        if self.is_empty() { chunk } else { self.bytes() }
    }

    /// The next `count` bytes, left where they are; if there are fewer, all are carried over.
    pub(crate) fn peek<'a, 'c: 'a>(
        &'a mut self,
        chunk: &mut &'c [u8],
        count: usize,
    ) -> Option<&'a [u8]> {
        self.settle();
        if self.is_empty() && count <= chunk.len() {
            return Some(&chunk[..count]);
        }
        self.pull(chunk, count.saturating_sub(self.len()));
        self.bytes().get(..count)
    }

    /// The next `count` bytes, used up; if there are fewer, all are carried over.
    pub(crate) fn take<'a, 'c: 'a>(
        &'a mut self,
        chunk: &mut &'c [u8],
        count: usize,
    ) -> Option<&'a [u8]> {
        self.settle();
        if self.is_empty() && count <= chunk.len() {
            return chunk.split_off(..count);
        }
        self.pull(chunk, count.saturating_sub(self.len()));
        if self.len() < count {
            return None;
        }
        Some(self.use_up(count))
    }

    /// Uses up bytes that are carried.
    pub(crate) fn use_up(&mut self, count: usize) -> &[u8] {
        let from = self.start;
        self.start += count;
        &self.bytes[from..self.start]
    }

    /// Uses up bytes, the carried ones first.
    pub(crate) fn discard(&mut self, chunk: &mut &[u8], count: usize) {
        let carried = count.min(self.len());
        self.start += carried;
        let _ = chunk.split_off(..count - carried);
    }

    /// Carries over up to `count` bytes of the chunk.
    pub(crate) fn pull(&mut self, chunk: &mut &[u8], count: usize) {
        let (pulled, rest) = chunk.split_at(count.min(chunk.len()));
        self.bytes.extend_from_slice(pulled);
        *chunk = rest;
    }

    pub(crate) fn keep(&mut self, rest: &[u8]) {
        self.settle();
        self.bytes.extend_from_slice(rest);
    }

    pub(crate) fn into_rest(mut self, chunk: &[u8]) -> Cow<'_, [u8]> {
        if self.is_empty() {
            return Cow::Borrowed(chunk);
        }
        self.bytes.drain(..self.start);
        self.bytes.extend_from_slice(chunk);
        Cow::Owned(self.bytes)
    }

    /// Frees what is used up: the buffer when that is all, and half of it at the least otherwise, so that
    /// moving the rest down costs no more than having filled it.
    pub(crate) fn settle(&mut self) {
        if self.is_empty() {
            self.bytes = Vec::new();
        } else if self.start <= self.bytes.len() / 2 {
            return;
        } else {
            self.bytes.drain(..self.start);
        }
        self.start = 0;
    }
}
