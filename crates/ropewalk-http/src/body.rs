//! [`Body`]: the bytes of a message as they come in, for the one who reads them.
//!
//! Between a connection and the reader stands a bounded queue: when it is full the connection is told to stop
//! receiving, and the peer is held back by TCP. So a slow reader costs `body_buffer_bytes_max` and what the
//! reactor reads at once, however long the body is.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::inflate::Inflate;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use ropewalk_core::{Deferred, Failure, FailureKind, Resolver, Transport, WeakTransport};

/// The body of a message that is being received, from its first byte to its trailer.
///
/// Read it piece by piece with [`next`](Self::next), whole with [`collect`](Self::collect), or as an
/// [`http_body::Body`]; by one reader, in one of these ways at a time.
///
/// # Errors
/// A body that breaks off fails its reader: with what was wrong with it (`Peer`, `Limit`, `Timeout`), or with
/// why the connection was lost.
///
/// # Cancellation
/// Dropping a body that has not ended says that nobody wants the rest. A little of it is read and thrown away;
/// with more to come, a server loses the connection after its answer, and a client at once. A client does so, too,
/// where nobody has said how much is to come.
pub struct Body(Rc<Pipe>);

/// What a connection fills and a [`Body`] empties.
pub(crate) struct Pipe(RefCell<State>);

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    queued_bytes: usize,
    queued_bytes_max: usize,
    /// Bytes not yet taken out, if it is known.
    remaining: Option<u64>,
    end: Option<Result<Option<HeaderMap>, Failure>>,
    reader: Reader,
    is_abandoned: bool,
    /// Whose bytes these are; to be paused and resumed.
    source: Option<WeakTransport>,
    is_paused: bool,
    /// It was, since somebody last asked.
    was_paused: bool,
    on_first_read: Option<Box<dyn FnOnce()>>,
    on_abandoned: Option<Box<dyn FnOnce()>>,
    inflate: Option<Box<Inflate>>,
}

/// Who waits for the next piece, and how.
#[derive(Default)]
enum Reader {
    #[default]
    Nobody,
    Next(Resolver<Option<Bytes>>),
    Task(Waker),
    Collecting(Box<Collecting>),
}

struct Collecting {
    bytes: BytesMut,
    bytes_max: usize,
    done: Resolver<Bytes>,
}

impl Body {
    /// A body that has ended already.
    pub fn empty() -> Self {
        let state = State { remaining: Some(0), end: Some(Ok(None)), ..State::default() };
        Self(Rc::new(Pipe(RefCell::new(state))))
    }

    /// A body of the connection behind `source`, and the end that the connection fills.
    pub(crate) fn of(
        source: &Transport,
        remaining: Option<u64>,
        queued_bytes_max: usize,
    ) -> (Rc<Pipe>, Self) {
        let source = Some(source.downgrade());
        let state = State { remaining, queued_bytes_max, source, ..State::default() };
        let pipe = Rc::new(Pipe(RefCell::new(state)));
        (pipe.clone(), Self(pipe))
    }

    /// The next piece; `None` at the end of the body.
    ///
    /// # Fires
    /// At once if there is a piece already; else within the callback that the bytes come in. A read that comes
    /// before the last one has fired takes its place, and the last one fails as cancelled.
    pub fn next(&self) -> Deferred<Option<Bytes>> {
        self.0.first_read();
        match self.0.take() {
            Some(piece) => Deferred::from_result(piece),
            None => {
                let pipe = Rc::downgrade(&self.0);
                let (resolver, next) = Deferred::with_canceller(move || {
                    drop(pipe.upgrade().map(|pipe| pipe.set_reader(Reader::Nobody)));
                });
                self.read_by(Reader::Next(resolver));
                next
            }
        }
    }

    /// All that has not been read yet.
    ///
    /// # Errors
    /// `Limit` if it is more than `bytes_max`; and as for the whole [`Body`].
    pub fn collect(self, bytes_max: usize) -> Deferred<Bytes> {
        self.0.first_read();
        let pipe = self.0.clone();
        let announced = pipe.0.borrow().remaining;
        if announced.is_some_and(|bytes| bytes > bytes_max as u64) {
            return Deferred::fail(too_long(bytes_max));
        }
        // What waits for the whole keeps the body: dropped here, nobody would want the rest.
        let (done, collected) = Deferred::with_canceller(move || drop(self));
        let bytes = BytesMut::new();
        drop(pipe.set_reader(Reader::Collecting(Box::new(Collecting { bytes, bytes_max, done }))));
        pipe.serve();
        collected
    }

    /// The fields behind a chunked body, once it has ended.
    pub fn trailers(&self) -> Option<HeaderMap> {
        match &self.0.0.borrow().end {
            Some(Ok(trailers)) => trailers.clone(),
            _ => None,
        }
    }

    /// How many bytes are still to be read, if the head has said so.
    pub fn remaining(&self) -> Option<u64> {
        self.0.0.borrow().remaining
    }

    fn read_by(&self, reader: Reader) {
        if let Reader::Next(resolver) = self.0.set_reader(reader) {
            resolver.errback(Failure::cancelled());
        }
    }

    /// Takes the compression off that the head has announced; its length is then no longer known.
    pub(crate) fn inflate_by(&self, inflate: Inflate) {
        let mut state = self.0.0.borrow_mut();
        state.remaining = None;
        state.inflate = Some(Box::new(inflate));
    }

    /// What a client's connection does when it is dropped before its end.
    pub(crate) fn on_abandoned(&self, f: impl FnOnce() + 'static) {
        self.0.0.borrow_mut().on_abandoned = Some(Box::new(f));
    }

    /// What to do when the body is first asked for: let a client that waits for it begin.
    pub(crate) fn on_first_read(&self, f: impl FnOnce() + 'static) {
        self.0.0.borrow_mut().on_first_read = Some(Box::new(f));
    }
}

fn too_long(bytes_max: usize) -> Failure {
    Failure::new(FailureKind::Limit, format!("the body is longer than {bytes_max} bytes"))
}

impl Drop for Body {
    fn drop(&mut self) {
        let mut state = self.0.0.borrow_mut();
        state.is_abandoned = true;
        state.queued_bytes = 0;
        let queue = mem::take(&mut state.queue);
        let hook = state.on_first_read.take();
        let abandoned = state.on_abandoned.take().filter(|_| state.end.is_none());
        let resumed = state.resume();
        drop(state);
        drop((queue, hook));
        resume(resumed);
        if let Some(abandoned) = abandoned {
            abandoned();
        }
    }
}

/// For the connection.
impl Pipe {
    /// A piece came.
    pub(crate) fn push(&self, piece: Bytes) {
        let mut state = self.0.borrow_mut();
        if state.is_abandoned || piece.is_empty() {
            return;
        }
        state.queued_bytes += piece.len();
        state.queue.push_back(piece);
        if state.queued_bytes > state.queued_bytes_max && !state.is_paused && !state.is_collecting()
        {
            state.is_paused = true;
            state.was_paused = true;
            let source = state.source.as_ref().and_then(WeakTransport::upgrade);
            drop(state);
            if let Some(source) = source {
                source.pause_producing();
            }
        } else {
            drop(state);
        }
        self.serve();
    }

    /// The body is complete.
    pub(crate) fn end(&self, trailers: Option<HeaderMap>) {
        self.finish(Ok(trailers));
    }

    /// The body breaks off here.
    pub(crate) fn fail(&self, why: Failure) {
        self.finish(Err(why));
    }

    fn finish(&self, end: Result<Option<HeaderMap>, Failure>) {
        {
            let mut state = self.0.borrow_mut();
            if state.end.is_some() {
                return;
            }
            state.end = Some(end);
        }
        self.serve();
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.borrow().is_abandoned
    }

    /// Whether all of it has come, or it has broken off.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.borrow().end.is_some()
    }

    /// Whether the connection was told to stop receiving.
    pub(crate) fn is_paused(&self) -> bool {
        self.0.borrow().is_paused
    }

    /// Whether it was at any time since this was last asked.
    pub(crate) fn was_paused(&self) -> bool {
        let mut state = self.0.borrow_mut();
        let is_paused = state.is_paused;
        mem::replace(&mut state.was_paused, is_paused)
    }

    /// Gives whoever waits what there is. Nothing is borrowed while they are told.
    fn serve(&self) {
        let reader = self.set_reader(Reader::Nobody);
        match reader {
            Reader::Nobody => {}
            Reader::Task(waker) => waker.wake(),
            Reader::Next(resolver) => match self.take() {
                Some(piece) => resolver.fire(piece),
                None => drop(self.set_reader(Reader::Next(resolver))),
            },
            Reader::Collecting(collecting) => self.collect_on(collecting),
        }
    }

    fn collect_on(&self, mut collecting: Box<Collecting>) {
        loop {
            match self.take() {
                Some(Ok(Some(piece))) => {
                    if collecting.bytes.len() + piece.len() > collecting.bytes_max {
                        let why = too_long(collecting.bytes_max);
                        return collecting.done.errback(why);
                    }
                    collecting.bytes.extend_from_slice(&piece);
                }
                Some(Ok(None)) => {
                    return collecting.done.callback(collecting.bytes.freeze());
                }
                Some(Err(failure)) => return collecting.done.errback(failure),
                None => return drop(self.set_reader(Reader::Collecting(collecting))),
            }
        }
    }

    fn set_reader(&self, reader: Reader) -> Reader {
        mem::replace(&mut self.0.borrow_mut().reader, reader)
    }

    fn first_read(&self) {
        let hook = self.0.borrow_mut().on_first_read.take();
        if let Some(hook) = hook {
            hook();
        }
    }

    /// The next piece, the end, or `None` if neither is there.
    fn take(&self) -> Option<Result<Option<Bytes>, Failure>> {
        let mut state = self.0.borrow_mut();
        let piece = match state.next_piece() {
            Ok(Some(piece)) => piece,
            Ok(None) => return state.at_end(),
            Err(failure) => return Some(Err(failure)),
        };
        let resumed =
            if state.queued_bytes <= state.queued_bytes_max / 2 { state.resume() } else { None };
        drop(state);
        resume(resumed);
        Some(Ok(Some(piece)))
    }
}

impl State {
    fn next_piece(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(mut inflate) = self.inflate.take() else { return Ok(self.pop()) };
        let piece = inflate.next(|| self.pop());
        match &piece {
            Ok(_) => self.inflate = Some(inflate),
            Err(failure) => {
                self.queue.clear();
                self.end = Some(Err(failure.clone())); // Whoever reads on hears it again.
            }
        }
        piece
    }

    fn pop(&mut self) -> Option<Bytes> {
        let piece = self.queue.pop_front()?;
        self.queued_bytes -= piece.len();
        self.remaining = self.remaining.map(|bytes| bytes.saturating_sub(piece.len() as u64));
        Some(piece)
    }

    /// What there is to say once no piece is left.
    fn at_end(&mut self) -> Option<Result<Option<Bytes>, Failure>> {
        match self.end.as_ref()? {
            Err(failure) => Some(Err(failure.clone())),
            Ok(_) => {
                Some(self.inflate.as_ref().map_or(Ok(()), |inflate| inflate.end()).map(|()| None))
            }
        }
    }

    fn is_collecting(&self) -> bool {
        matches!(self.reader, Reader::Collecting(_))
    }

    fn resume(&mut self) -> Option<WeakTransport> {
        if mem::take(&mut self.is_paused) { self.source.clone() } else { None }
    }
}

fn resume(source: Option<WeakTransport>) {
    if let Some(source) = source.and_then(|source| source.upgrade()) {
        source.resume_producing();
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Failure;

    /// The pieces, then the trailer if there is one.
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.0.first_read();
        match self.0.take() {
            Some(Ok(Some(piece))) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            Some(Ok(None)) => {
                let trailers = match &mut self.0.0.borrow_mut().end {
                    Some(Ok(trailers)) => trailers.take(),
                    _ => None,
                };
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
            Some(Err(failure)) => Poll::Ready(Some(Err(failure))),
            None => {
                self.read_by(Reader::Task(cx.waker().clone()));
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let state = self.0.0.borrow();
        state.queue.is_empty() && matches!(state.end, Some(Ok(None)))
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("remaining", &self.remaining()).finish_non_exhaustive()
    }
}
