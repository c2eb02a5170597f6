//! [`LineDecoder`]: bytes up to a delimiter, and raw bytes in between.
//!
//! A line's end is found by its last byte: `memchr` finds the candidates, and each is compared with the whole
//! delimiter. Of a line that is not whole, only the bytes that came since are searched, so a peer that sends it
//! byte by byte costs no more than one that does not.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2};
use ropewalk_core::{Failure, FailureKind};

use crate::FrameDecoder;
use crate::carry::Carry;

/// Reads lines, as Twisted's `LineReceiver`; the delimiter is not part of them.
///
/// # Limits
/// A line of over [`line_bytes_max`](Self::line_bytes_max) bytes is a failure of kind
/// [`Limit`](FailureKind::Limit), as soon as that is certain. The connection may be lost then, or the line
/// passed over: [`skip_line`](Self::skip_line).
///
/// # Example: raw bytes after a line
/// ```
/// use ropewalk_framing::{FrameDecoder, LineDecoder};
///
/// let mut decoder = LineDecoder::new();
/// let mut chunk = &b"DATA 5\r\nhelloQUIT\r\n"[..];
/// assert_eq!(decoder.next_frame(&mut chunk)?, Some(&b"DATA 5"[..]));
/// assert_eq!(&decoder.raw(chunk)[..5], b"hello");
/// decoder.consume_raw(&mut chunk, 5);
/// assert_eq!(decoder.next_frame(&mut chunk)?, Some(&b"QUIT"[..]));
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct LineDecoder {
    delimiter: Delimiter,
    /// The longest line that is taken, without its delimiter. 16,384 bytes by default, as in Twisted.
    pub line_bytes_max: usize,
    carry: Carry,
    /// So many of the carried bytes are known to hold no line's end.
    searched: usize,
    skipping: bool,
}

/// What ends a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// A line feed, and a carriage return before it if there is one: what people and their tools type. Sent as
    /// CR LF. Not for protocols that relay lines to others, who may read a bare line feed otherwise (SMTP
    /// smuggling): those take [`CRLF`](Self::CRLF).
    #[default]
    CrlfOrLf,
    /// Exactly these bytes, of which there must be at least one.
    Bytes(&'static [u8]),
}

impl Delimiter {
    /// Carriage return and line feed, both.
    pub const CRLF: Self = Self::Bytes(b"\r\n");

    fn sent(self) -> &'static [u8] {
        match self {
            Self::CrlfOrLf => b"\r\n",
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The longest it can be.
    fn bytes_max(self) -> usize {
        self.sent().len()
    }

    /// The byte that it ends with.
    fn last(self) -> u8 {
        self.sent().last().copied().expect("a delimiter has at least one byte")
    }

    /// Whether `line` ends with it.
    fn ends(self, line: &[u8]) -> bool {
        match self {
            Self::CrlfOrLf => line.ends_with(b"\n"),
            Self::Bytes(bytes) => line.ends_with(bytes),
        }
    }

    /// How many bytes it is long, at the end of this line.
    fn bytes_at_end_of(self, line: &[u8]) -> usize {
        match self {
            Self::CrlfOrLf if !line.ends_with(b"\r\n") => 1,
            _ => self.bytes_max(),
        }
    }

    /// `line`, which ends with it, without it.
    fn strip(self, line: &[u8]) -> &[u8] {
        &line[..line.len() - self.bytes_at_end_of(line)]
    }

    /// Where the first line ends, its delimiter included, if that is past `from`.
    fn find(self, bytes: &[u8], from: usize) -> Option<usize> {
        memchr_iter(self.last(), &bytes[from..])
            .map(|at| from + at + 1)
            .find(|&end| self.ends(&bytes[..end]))
    }
}

impl LineDecoder {
    /// Lines that end with a line feed, with or without a carriage return before it.
    pub fn new() -> Self {
        Self::with_delimiter(Delimiter::default())
    }

    /// Lines that end with `delimiter`.
    ///
    /// # Panics
    /// If that is [`Bytes`](Delimiter::Bytes) of no bytes.
    pub fn with_delimiter(delimiter: Delimiter) -> Self {
        assert!(!delimiter.sent().is_empty(), "a delimiter has at least one byte");
        Self {
            delimiter,
            line_bytes_max: 16_384,
            carry: Carry::default(),
            searched: 0,
            skipping: false,
        }
    }

    /// Appends `line` and the delimiter.
    ///
    /// # Errors
    /// The line contains the delimiter, so it would arrive as two, the second of which somebody may have made
    /// up (with [`CrlfOrLf`](Delimiter::CrlfOrLf), any CR or LF). Nothing was appended.
    pub fn encode(&self, line: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        let before = out.len();
        out.extend_from_slice(line);
        out.extend_from_slice(self.delimiter.sent());
        let splits = match self.delimiter {
            Delimiter::CrlfOrLf => memchr2(b'\r', b'\n', line).is_some(),
            // The end of the line and the beginning of the delimiter may make another.
            Delimiter::Bytes(_) => {
                self.delimiter.find(&out[before..], 0) != Some(out.len() - before)
            }
        };
        if splits {
            out.truncate(before);
            return Err(Failure::new(FailureKind::Local, "a line that contains its delimiter"));
        }
        Ok(())
    }

    /// After a line was too long: passes over it up to its delimiter, holding none of it, and goes on with the
    /// next.
    ///
    /// # Example
    /// ```
    /// use ropewalk_framing::{FrameDecoder, LineDecoder};
    ///
    /// let mut decoder = LineDecoder::new();
    /// decoder.line_bytes_max = 10;
    /// let mut chunk = &b"a line that is too long\nnext\n"[..];
    /// assert!(decoder.next_frame(&mut chunk).is_err());
    /// decoder.skip_line();
    /// assert_eq!(decoder.next_frame(&mut chunk)?, Some(&b"next"[..]));
    /// # Ok::<(), ropewalk_core::Failure>(())
    /// ```
    pub fn skip_line(&mut self) {
        self.skipping = true;
        self.searched = 0;
    }

    /// The bytes that come next, as they are, however many are there: for a mode in which there are no lines.
    ///
    /// They are not used up; call [`consume_raw`](Self::consume_raw), and then this again for more.
    pub fn raw<'a>(&'a self, chunk: &'a [u8]) -> &'a [u8] {
        self.carry.front(chunk)
    }

    /// Uses up the first `count` of the [`raw`](Self::raw) bytes. The others may still be read as lines.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn consume_raw(&mut self, chunk: &mut &[u8], count: usize) {
        assert!(count <= self.raw(chunk).len(), "there are not so many raw bytes");
        self.searched = 0;
        self.carry.discard(chunk, count);
        self.carry.settle();
    }

    /// Takes the bytes that no line has taken; the decoder stands at the beginning of a line then.
    pub(crate) fn take_rest(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.searched = 0;
        std::mem::take(&mut self.carry).into_rest(chunk).into_owned()
    }

    /// Where the next line ends, its delimiter included: in the carried bytes if there are any, else in the
    /// chunk. `None` if it does not end there; all is carried then.
    fn find_end(&mut self, chunk: &mut &[u8]) -> Result<Option<usize>, Failure> {
        self.carry.settle();
        if self.carry.is_empty() {
            let end = self.delimiter.find(chunk, 0);
            self.check(chunk, end)?;
            if end.is_none() {
                self.carry_over(chunk);
            }
            return Ok(end);
        }
        loop {
            let end = self.delimiter.find(self.carry.bytes(), self.searched);
            self.check(self.carry.bytes(), end)?;
            self.searched = self.carry.len();
            if end.is_some() || chunk.is_empty() {
                return Ok(end);
            }
            self.carry_to_possible_end(chunk);
        }
    }

    /// Carries over a chunk in which no line ends. Of a line to be skipped, only what may be half a delimiter.
    fn carry_over(&mut self, chunk: &mut &[u8]) {
        if self.skipping {
            let skipped = chunk.len().saturating_sub(self.delimiter.bytes_max() - 1);
            let _ = chunk.split_off(..skipped);
        }
        self.carry.pull(chunk, chunk.len());
        self.searched = self.carry.len();
    }

    /// Carries over as much as the line may take: to where its delimiter may end, and not past the limit.
    fn carry_to_possible_end(&mut self, chunk: &mut &[u8]) {
        if self.skipping {
            let skipped = self.carry.len().saturating_sub(self.delimiter.bytes_max() - 1);
            self.carry.use_up(skipped);
            self.carry.settle();
            self.searched = self.carry.len();
        }
        let end = memchr(self.delimiter.last(), chunk).map_or(chunk.len(), |at| at + 1);
        let allowed = self.unfinished_max().saturating_add(1).saturating_sub(self.carry.len());
        self.carry.pull(chunk, end.min(allowed.max(1)));
    }

    /// Whether a line that ends there, or does not end yet, is short enough.
    fn check(&self, line: &[u8], end: Option<usize>) -> Result<(), Failure> {
        let too_long = match end {
            _ if self.skipping => false,
            Some(end) => self.delimiter.strip(&line[..end]).len() > self.line_bytes_max,
            None => line.len() > self.unfinished_max(),
        };
        if too_long {
            let message = format!("a line of over {} bytes", self.line_bytes_max);
            return Err(Failure::new(FailureKind::Limit, message));
        }
        Ok(())
    }

    /// A line of the greatest length may have all but the last byte of its delimiter.
    fn unfinished_max(&self) -> usize {
        self.line_bytes_max.saturating_add(self.delimiter.bytes_max() - 1)
    }
}

impl FrameDecoder for LineDecoder {
    fn next_frame<'a, 'c: 'a>(
        &'a mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<&'a [u8]>, Failure> {
        loop {
            let Some(end) = self.find_end(chunk)? else { return Ok(None) };
            self.searched = 0;
            if !self.skipping {
                let line = self.carry.take(chunk, end);
                return Ok(line.map(|line| self.delimiter.strip(line)));
            }
            self.skipping = false;
            self.carry.discard(chunk, end);
        }
    }

    fn keep(&mut self, rest: &[u8]) {
        self.carry.keep(rest);
    }

    fn held(&self) -> usize {
        self.carry.len()
    }

    fn into_rest(self, chunk: &[u8]) -> Cow<'_, [u8]> {
        self.carry.into_rest(chunk)
    }
}

impl Default for LineDecoder {
    fn default() -> Self {
        Self::new()
    }
}
