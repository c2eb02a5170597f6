//! [`Chunk`]: bytes that arrived, lent to whoever looks at them first.
//!
//! A reactor reads every connection into one shared buffer, so that an idle connection owns none. A chunk is
//! the exclusive use of the filled part of that buffer for the length of one callback: it can be read,
//! changed in place (a decryption needs no second buffer), or kept. Keeping is cheap exactly when copying
//! would be dear: a buffer that is mostly full is *stolen*, and the driver makes itself a new one.

use std::mem;

use bytes::Bytes;

/// The exclusive use of some bytes that arrived.
pub struct Chunk<'a>(Place<'a>);

enum Place<'a> {
    /// The first `end` bytes of a buffer that may be stolen, less the `start` bytes used up already.
    Buffer { buffer: &'a mut Vec<u8>, start: usize, end: usize },
    /// Memory that stays where it is (a ring of the kernel's, a part of another chunk).
    Lent(&'a mut [u8]),
}

impl<'a> Chunk<'a> {
    /// The first `len` bytes of `buffer`; [`into_bytes`](Self::into_bytes) may leave `buffer` empty.
    ///
    /// # Panics
    /// If `buffer` is shorter than `len`.
    #[inline]
    pub fn from_buffer(buffer: &'a mut Vec<u8>, len: usize) -> Self {
        assert!(len <= buffer.len(), "a chunk lies within its buffer");
        Self(Place::Buffer { buffer, start: 0, end: len })
    }

    /// Bytes that can be read and changed but not taken away.
    pub fn lent(bytes: &'a mut [u8]) -> Self {
        Self(Place::Lent(bytes))
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Place::Buffer { buffer, start, end } => &buffer[*start..*end],
            Place::Lent(bytes) => bytes,
        }
    }

    /// The bytes, to be changed in place.
    #[allow(clippy::should_implement_trait, reason = "it goes with as_slice")]
    pub fn as_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Place::Buffer { buffer, start, end } => &mut buffer[*start..*end],
            Place::Lent(bytes) => bytes,
        }
    }

    /// How many bytes there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Passes over the first `count` bytes, or over all of them if there are fewer.
    pub fn advance(&mut self, count: usize) {
        let count = count.min(self.len());
        match &mut self.0 {
            Place::Buffer { start, .. } => *start += count,
            Place::Lent(bytes) => *bytes = &mut mem::take(bytes)[count..],
        }
    }

    /// The bytes, to be kept: the buffer itself if it is at least half full, else a copy.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Place::Buffer { buffer, start, end } if end - start >= buffer.capacity() / 2 => {
                let mut stolen = mem::take(buffer);
                stolen.truncate(end);
                Bytes::from(stolen).slice(start..)
            }
            Place::Buffer { buffer, start, end } => Bytes::copy_from_slice(&buffer[start..end]),
            Place::Lent(bytes) => Bytes::copy_from_slice(bytes),
        }
    }
}

impl AsRef<[u8]> for Chunk<'_> {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mostly_full_buffer_is_stolen_and_a_mostly_empty_one_is_copied() {
        let mut buffer = vec![7; 100];
        let kept = Chunk::from_buffer(&mut buffer, 10).into_bytes();
        assert_eq!((kept.len(), buffer.len()), (10, 100));
        let mut chunk = Chunk::from_buffer(&mut buffer, 90);
        chunk.advance(1);
        let at = chunk.as_slice().as_ptr();
        let kept = chunk.into_bytes();
        assert_eq!((kept.as_ptr(), kept.len(), buffer.len()), (at, 89, 0));
    }

    #[test]
    fn a_chunk_is_changed_in_place() {
        let mut bytes = *b"abc";
        let mut chunk = Chunk::lent(&mut bytes);
        chunk.advance(1);
        chunk.as_mut()[0] = b'B';
        assert_eq!((chunk.as_slice(), chunk.len()), (&b"Bc"[..], 2));
        chunk.advance(9);
        assert!(chunk.is_empty());
        assert_eq!(&bytes, b"aBc");
    }
}
