//! [`FileBody`]: parts of a file as a message's body, read while it is sent.

use std::collections::VecDeque;
use std::future::{Future, IntoFuture};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use ropewalk_core::{Awaiting, Failure, FailureKind, FileRange};
use ropewalk_http::FileStream;
use ropewalk_net::File;

/// Bytes read at a time: what a socket takes at once, mostly, and little enough that the allocator has them at hand.
const PIECE_BYTES: u64 = 64 << 10;
/// Bytes sent at a time from where they lie, in one turn: some hundred microseconds of the system's time.
const RANGE_BYTES: u64 = 512 << 10;

/// Pieces of a file, with other bytes between them.
pub(crate) struct FileBody {
    file: File,
    pieces: VecDeque<Piece>,
    reading: Option<Awaiting<Bytes>>,
}

pub(crate) enum Piece {
    Bytes(Bytes),
    Range(Range<u64>),
}

impl FileBody {
    pub(crate) fn new(file: File, pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self { file, pieces: pieces.into_iter().collect(), reading: None }
    }

    /// So many bytes of the part under way are sent.
    fn advance(&mut self, count: usize) {
        if let Some(Piece::Range(range)) = self.pieces.front_mut() {
            range.start += count as u64;
            if range.start >= range.end {
                self.pieces.pop_front();
            }
        }
    }

    /// A piece of the file is here, which may be shorter than was asked for.
    fn has_read(&mut self, read: Result<Bytes, Failure>) -> Result<Bytes, Failure> {
        let bytes = read?;
        if bytes.is_empty() {
            return Err(Failure::new(
                FailureKind::System,
                "the file became shorter while it was sent",
            ));
        }
        self.advance(bytes.len());
        Ok(bytes)
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if self.reading.is_none() {
            let range = match self.pieces.front_mut() {
                None => return Poll::Ready(None),
                Some(Piece::Bytes(bytes)) => {
                    let bytes = std::mem::take(bytes);
                    self.pieces.pop_front();
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Piece::Range(range)) => range.clone(),
            };
            let len = usize::try_from((range.end - range.start).min(PIECE_BYTES)).unwrap_or(0);
            self.reading = Some(self.file.read_at(range.start, len).into_future());
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let read = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        Poll::Ready(Some(self.has_read(read).map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(Piece::len).sum())
    }
}

impl FileStream for FileBody {
    fn next_range(mut self: Pin<&mut Self>) -> Option<FileRange> {
        let Some(Piece::Range(range)) = self.pieces.front().filter(|_| self.reading.is_none())
        else {
            return None;
        };
        let len = usize::try_from((range.end - range.start).min(RANGE_BYTES)).ok()?;
        let part = self.file.cached_range(range.start, len)?;
        self.advance(part.len);
        Some(part)
    }
}

impl Piece {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Range(range) => range.end - range.start,
        }
    }
}
