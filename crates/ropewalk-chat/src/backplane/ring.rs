//! [`Ring`]: the last letters that were numbered, for who has missed some.

use std::collections::VecDeque;

use bytes::Bytes;

/// Letters by number, the oldest first; those before are gone.
#[derive(Default)]
pub(crate) struct Ring {
    letters: VecDeque<Bytes>,
    bytes: usize,
    last: u64,
}

/// Letters that are kept: at a thousand a second, more than a restart of a NATS server takes.
const LETTERS_MAX: usize = 50_000;
/// And bytes of them.
const BYTES_MAX: usize = 32 << 20;
/// As many are sent at once to who asks; who has missed more asks again.
pub(crate) const ANSWER_MAX: u64 = 2_000;

impl Ring {
    /// The number of the last one.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Keeps the next.
    pub(crate) fn push(&mut self, letter: Bytes) {
        self.last += 1;
        self.bytes += letter.len();
        self.letters.push_back(letter);
        while self.letters.len() > LETTERS_MAX || self.bytes > BYTES_MAX {
            let Some(first) = self.letters.pop_front() else { return };
            self.bytes -= first.len();
        }
    }

    /// Those from `first` to `last`, as many as are sent at once; `None` if the first of them is gone.
    pub(crate) fn from(&self, first: u64, last: u64) -> Option<Vec<Bytes>> {
        let oldest = self.last + 1 - self.letters.len() as u64;
        let end = last.min(self.last).min(first.saturating_add(ANSWER_MAX - 1));
        if first < oldest {
            return None;
        }
        let place = |number: u64| usize::try_from(number - oldest).unwrap_or(usize::MAX);
        if first > end {
            return Some(Vec::new());
        }
        Some(self.letters.range(place(first)..=place(end)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_there_until_it_is_too_old() {
        let mut ring = Ring::default();
        assert_eq!(ring.from(1, 9), Some(vec![]));
        for number in 1..=5u64 {
            ring.push(number.to_string().into());
        }
        assert_eq!(ring.from(2, 3), Some(vec!["2".into(), "3".into()]));
        assert_eq!(ring.from(5, u64::MAX), Some(vec!["5".into()]));
        assert_eq!(ring.from(6, 7), Some(vec![]));
        assert_eq!(ring.from(3, 2), Some(vec![]));
        assert_eq!(ring.from(0, 2), None);
        ring.push(vec![b'x'; BYTES_MAX - 2].into());
        assert_eq!((ring.from(3, 5), ring.last()), (None, 6));
        assert_eq!(ring.from(4, 4), Some(vec!["4".into()]));
    }

    #[test]
    fn no_more_is_sent_at_once_than_a_connection_takes() {
        let mut ring = Ring::default();
        (0..LETTERS_MAX + 10).for_each(|_| ring.push("x".into()));
        assert_eq!(ring.from(10, u64::MAX), None);
        assert_eq!(ring.from(11, u64::MAX).map(|letters| letters.len() as u64), Some(ANSWER_MAX));
    }
}
