//! [`HttpProtocol`]: one connection of a server.
//!
//! One request at a time: the next head is looked at when the last answer is finished and the body before it
//! is read. So answers cannot overtake each other, a pipelining client is served as fast as one that waits, and
//! what it sends ahead is held in one bounded buffer. Answers that are given within the callback gather in
//! the transport's mailbox and leave together.
//!
//! | state | waits for | until |
//! |---|---|---|
//! | `Fresh` | the first byte | `first_byte_timeout` |
//! | `Head` | the rest of a head | `head_timeout` |
//! | `Busy` | a body, the answer | `body_timeout` and `body_rate_min`; the answer is the user's business |
//! | `Idle` | the next request | `idle_timeout` |
//! | `Lingering` | the client to read the last answer | `linger_timeout` |

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use memchr::memchr;
use ropewalk_core::{Chunk, Cx, DelayedCall, Failure, FailureKind, Protocol, Time};

use crate::drain::drained;
use crate::exchange::{Exchange, client_left, flag};
use crate::incoming::Incoming;
use crate::lines::HeadEnd;
use crate::message_length::MessageLength;
use crate::request_head::{Terms, can_begin};
use crate::site::Site;
use crate::{HttpError, Request};

/// One connection of an [`HttpFactory`](crate::HttpFactory).
pub struct HttpProtocol {
    site: Rc<Site>,
    exchange: Option<Rc<Exchange>>,
    /// The body that is being received.
    incoming: Option<Box<Incoming>>,
    unread: Option<Box<Unread>>,
    timer: Option<DelayedCall>,
    deadline: Time,
    head_end: HeadEnd,
    seat: u32,
    state: State,
    /// The client sends no more.
    is_half_closed: bool,
    /// The next request waits until the answers before it are sent.
    is_draining_writes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Fresh,
    Head,
    Busy,
    Idle,
    Lingering,
    /// Lost, or another protocol's.
    Over,
}

/// Bytes that came and were not used yet: a part of a head, or requests that wait for the one before them.
#[derive(Default)]
struct Unread {
    bytes: Vec<u8>,
    start: usize,
}

/// With more than this waiting to be sent the next pipelined request waits: much less than what a connection
/// may buffer, so that small requests for large things cannot pass that limit.
const ANSWERS_BYTES_MAX: usize = 256 << 10;

impl HttpProtocol {
    pub(crate) fn new(site: Rc<Site>) -> Self {
        Self {
            site,
            exchange: None,
            incoming: None,
            unread: None,
            timer: None,
            deadline: Time::NEVER,
            head_end: HeadEnd::default(),
            seat: u32::MAX,
            state: State::Fresh,
            is_half_closed: false,
            is_draining_writes: false,
        }
    }

    /// An answer was finished from outside, or there is room for the next: goes on with what was left.
    pub(crate) fn resume(&mut self, cx: &mut Cx<'_>) {
        let mut unread = self.unread.take().unwrap_or_default();
        unread.start += self.work(cx, &unread.bytes[unread.start..]);
        if unread.start < unread.bytes.len() {
            self.unread = Some(unread);
        }
        if !self.is_holding() && !self.is_body_held() && self.state != State::Over {
            cx.transport().resume_producing();
        }
        self.end_if_half_closed(cx);
    }

    /// What came behind the request that hands the connection over.
    pub(crate) fn take_unread(&mut self) -> Bytes {
        self.leave();
        let unread = self.unread.take().unwrap_or_default();
        Bytes::from(unread.bytes).slice(unread.start..)
    }

    /// No more requests after the one under way.
    pub(crate) fn drain(&mut self, cx: &mut Cx<'_>) {
        match self.state {
            State::Fresh | State::Idle if self.unread.is_none() => self.lose(cx),
            State::Busy => {
                if let Some(exchange) = &self.exchange {
                    exchange.reply.borrow_mut().closes = true;
                }
            }
            _ => {}
        }
    }

    /// Not even that one.
    pub(crate) fn drain_now(&mut self, cx: &mut Cx<'_>) {
        let waiting = self.exchange.clone().filter(|exchange| exchange.is_unsent());
        match waiting {
            Some(exchange) => {
                exchange.reply.borrow_mut().closes = true;
                exchange.fail_with(StatusCode::SERVICE_UNAVAILABLE);
            }
            None if self.exchange.is_some() || cx.transport().buffered() > 0 => {
                cx.transport().abort_with(Failure::new(
                    FailureKind::Timeout,
                    "the answer was not sent before the server stopped",
                ));
            }
            None => self.lose(cx),
        }
    }

    /// Works through `bytes`, which follow what was worked through before; gives how many it has used.
    fn work(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        loop {
            let goes_on = match self.state {
                State::Busy => self.go_on(cx, &mut rest),
                State::Lingering => {
                    rest = &[];
                    false
                }
                State::Over => false,
                State::Fresh | State::Head | State::Idle => self.read_head(cx, &mut rest),
            };
            if !goes_on {
                return bytes.len() - rest.len();
            }
        }
    }

    /// Reads a head out of `rest` and begins the exchange; `false` if there is none yet.
    fn read_head(&mut self, cx: &mut Cx<'_>, rest: &mut &[u8]) -> bool {
        if rest.is_empty() || self.waits_for_room(cx) {
            return false;
        }
        match self.find_head(cx, rest) {
            Ok(None) => return false,
            Ok(Some(head)) => match self.begin(cx, head) {
                Ok(()) => return true,
                Err(error) => self.refuse(cx, error),
            },
            Err(error) => self.refuse(cx, error),
        }
        true
    }

    fn find_head<'a>(
        &mut self,
        cx: &mut Cx<'_>,
        rest: &mut &'a [u8],
    ) -> Result<Option<&'a [u8]>, HttpError> {
        let bytes_max = self.site.limits.head_bytes();
        let found = self.head_end.find(rest)?;
        if found.unwrap_or(rest.len()) > bytes_max {
            let in_first_line = memchr(b'\n', &rest[..bytes_max]).is_none();
            return Err(if in_first_line {
                HttpError::TargetTooLong
            } else {
                HttpError::HeadTooLarge
            });
        }
        let Some(len) = found else {
            if self.state != State::Head {
                self.state = State::Head;
                self.expect(cx, self.site.limits.head_timeout);
                can_begin(rest)?; // What is no HTTP at all is told so at once.
            }
            return Ok(None);
        };
        self.head_end = HeadEnd::default();
        let (head, behind) = rest.split_at(len);
        *rest = behind;
        Ok(Some(head))
    }

    /// Has the request of `head` answered.
    fn begin(&mut self, cx: &mut Cx<'_>, head: &[u8]) -> Result<(), HttpError> {
        let (mut exchange, mut read) = (self.site.exchange(), self.site.head());
        let (fresh, fresh_head) = Rc::get_mut(&mut exchange)
            .zip(Rc::get_mut(&mut read))
            .expect("what is out of the stock is nobody else's");
        let (terms, length) = fresh_head.parse(head, &self.site.limits)?;
        fresh.begin(&self.site, cx.transport(), terms);
        if self.is_half_closed {
            fresh.set(flag::CLIENT_LEFT); // Nobody says so later.
        }
        self.incoming = self.begin_body(cx, &exchange, length)?.map(Box::new);
        self.state = State::Busy;
        self.exchange = Some(exchange.clone());
        exchange.set(flag::IN_CALL);
        let request = Request::new(exchange.clone(), Some(read));
        // The request that a panic drops is answered with 500 by its drop.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.site.respond(request))) {
            let failure = Failure::from_panic(&*panic);
            let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            tracing::error!(target: "ropewalk::http", "answering {line}: {failure}");
        }
        exchange.unset(flag::IN_CALL);
        match &self.incoming {
            Some(incoming) => self.expect_until(cx, incoming.deadline(&self.site.limits)),
            None if !exchange.has(flag::FINISHED) => self.expect_nothing(),
            None => {}
        }
        Ok(())
    }

    fn begin_body(
        &self,
        cx: &Cx<'_>,
        exchange: &Rc<Exchange>,
        length: MessageLength,
    ) -> Result<Option<Incoming>, HttpError> {
        let begun = Incoming::begin(length, cx.transport(), &self.site.limits)?;
        let Some((incoming, body)) = begun else { return Ok(None) };
        if exchange.terms.expects_continue {
            let exchange = Rc::downgrade(exchange);
            body.on_first_read(move || {
                if let Some(exchange) = exchange.upgrade().filter(|exchange| exchange.is_unsent()) {
                    exchange.set(flag::CONTINUED);
                    exchange.inform(StatusCode::CONTINUE, &HeaderMap::new());
                }
            });
        }
        exchange.rare(|rare| (rare.body, rare.pipe) = (Some(body), Some(incoming.pipe())));
        Ok(Some(incoming))
    }

    /// Takes what belongs to the exchange under way; `true` when it is over.
    fn go_on(&mut self, cx: &mut Cx<'_>, rest: &mut &[u8]) -> bool {
        let Some(exchange) = self.exchange.clone() else { return false };
        if let Some(incoming) = &mut self.incoming {
            exchange.set(flag::IN_CALL);
            let fed = incoming.feed(rest);
            exchange.unset(flag::IN_CALL);
            match fed {
                Err(error) => {
                    self.body_failed(cx, error);
                    return true;
                }
                Ok(true) => {
                    self.incoming = None;
                    self.expect_nothing();
                }
                Ok(false) if !exchange.has(flag::FINISHED) => return false,
                Ok(false)
                    if incoming.is_worth_reading(&self.site.limits)
                        && !exchange.waits_for_continue() =>
                {
                    return false;
                }
                Ok(false) => {
                    self.linger(cx);
                    return true;
                }
            }
        }
        if !exchange.has(flag::FINISHED) || exchange.has(flag::UPGRADED) {
            return false;
        }
        self.end_exchange(cx, exchange, !rest.is_empty());
        true
    }

    fn end_exchange(&mut self, cx: &mut Cx<'_>, exchange: Rc<Exchange>, has_more: bool) {
        self.exchange = None;
        let closes = exchange.reply.borrow().closes;
        self.site.recycle(exchange);
        if !closes && !self.site.is_draining() {
            self.state = State::Idle;
            return self.expect(cx, self.site.limits.idle_timeout);
        }
        if has_more { self.linger(cx) } else { self.lose(cx) }
    }

    /// A head was wrong: says so, and reads no more.
    fn refuse(&mut self, cx: &mut Cx<'_>, error: HttpError) {
        tracing::debug!(target: "ropewalk::http", "a request is refused: {error}");
        let mut exchange = self.site.exchange();
        if let Some(fresh) = Rc::get_mut(&mut exchange) {
            // Whatever was parsed of it, the answer is that to a plain request.
            fresh.begin(&self.site, cx.transport(), Terms::default());
        }
        exchange.set(flag::IN_CALL);
        exchange.reply.borrow_mut().closes = true;
        exchange.fail_with(error.status());
        self.linger(cx);
    }

    /// A body was wrong, or too long, or too slow.
    fn body_failed(&mut self, cx: &mut Cx<'_>, error: HttpError) {
        let Some(exchange) = self.exchange.clone() else { return };
        if let Some(incoming) = self.incoming.take() {
            exchange.set(flag::IN_CALL);
            exchange.reply.borrow_mut().closes = true;
            if exchange.is_unsent() {
                exchange.fail_with(error.status());
            }
            incoming.fail(error);
            exchange.unset(flag::IN_CALL);
        }
        if exchange.has(flag::FINISHED) {
            self.linger(cx);
        } else {
            cx.transport().abort_with(error.into_failure()); // The answer has begun.
        }
    }

    /// Ends the sending half, and reads on for a while: a connection that is closed with bytes unread is reset,
    /// and the reset may overtake the answer (RFC 9112 section 9.6).
    fn linger(&mut self, cx: &mut Cx<'_>) {
        self.state = State::Lingering;
        self.exchange = None;
        if let Some(incoming) = self.incoming.take() {
            incoming.fail(HttpError::Truncated);
        }
        self.unread = None;
        cx.transport().resume_producing();
        cx.transport().lose_write_connection();
        self.expect(cx, self.site.limits.linger_timeout);
        if self.is_half_closed {
            self.lose(cx);
        }
    }

    fn lose(&mut self, cx: &mut Cx<'_>) {
        self.state = State::Over;
        self.expect_nothing();
        cx.transport().lose_connection();
    }

    /// Holds the next request back while too many answers wait to be sent.
    fn waits_for_room(&mut self, cx: &mut Cx<'_>) -> bool {
        if !self.is_draining_writes && cx.transport().buffered() > ANSWERS_BYTES_MAX {
            self.is_draining_writes = true;
            let room = drained(cx.transport(), self.site.limits.send_timeout);
            cx.when(room, |this: &mut Self, cx, _| {
                this.is_draining_writes = false;
                this.resume(cx);
            });
        }
        self.is_draining_writes
    }

    /// Whether more was sent ahead than may be. A head that is still coming is bound by its own limit.
    fn is_holding(&self) -> bool {
        if self.state == State::Head {
            return false;
        }
        let held = self.unread.as_ref().map_or(0, |unread| unread.bytes.len() - unread.start);
        held > self.site.limits.pipelined_bytes_max
    }

    fn is_body_held(&self) -> bool {
        self.incoming.as_ref().is_some_and(|incoming| incoming.is_held())
    }

    /// A client that sends no more is done once it has been answered.
    fn end_if_half_closed(&mut self, cx: &mut Cx<'_>) {
        let is_waiting = matches!(self.state, State::Fresh | State::Head | State::Idle);
        if self.is_half_closed && is_waiting && !self.is_draining_writes {
            self.lose(cx);
        }
    }

    fn leave(&mut self) {
        self.state = State::Over;
        self.expect_nothing();
        self.site.leave(self.seat);
        self.seat = u32::MAX;
    }
}

/// Time: one timer, which is set anew only for an earlier deadline and otherwise looked at when it goes off.
impl HttpProtocol {
    fn expect(&mut self, cx: &mut Cx<'_>, within: Duration) {
        self.expect_until(cx, cx.now() + within);
    }

    fn expect_until(&mut self, cx: &mut Cx<'_>, deadline: Time) {
        self.deadline = deadline;
        let is_soon_enough =
            |timer: &DelayedCall| timer.time().is_some_and(|time| time <= deadline);
        if !self.timer.as_ref().is_some_and(is_soon_enough) {
            self.start_timer(cx, deadline);
        }
    }

    fn expect_nothing(&mut self) {
        self.deadline = Time::NEVER;
        if let Some(timer) = self.timer.take() {
            let _ = timer.cancel(); // Already run is as good.
        }
    }

    fn start_timer(&mut self, cx: &mut Cx<'_>, deadline: Time) {
        let this = cx.protocol_ref::<Self>();
        let timer = cx.reactor().call_at(deadline, move || {
            drop(this.call(|this, cx| this.time_passed(cx)).add_errback(|_| ())); // Lost: nothing to end.
        });
        if let Some(before) = self.timer.replace(timer) {
            let _ = before.cancel(); // Already run is as good.
        }
    }

    fn time_passed(&mut self, cx: &mut Cx<'_>) {
        self.timer = None;
        if cx.now() < self.deadline {
            if self.deadline < Time::NEVER {
                self.start_timer(cx, self.deadline);
            }
            return;
        }
        match self.state {
            State::Fresh => self.lose(cx),
            // The last answer is still being taken, and whoever takes nothing is found by its sending.
            State::Idle if cx.transport().buffered() > 0 => self.wait_for_slow_reader(cx),
            State::Idle => self.lose(cx),
            State::Head => self.refuse(cx, HttpError::TooSlow),
            State::Busy => self.body_is_late(cx),
            State::Lingering => self.lose(cx),
            State::Over => {}
        }
    }

    fn wait_for_slow_reader(&mut self, cx: &mut Cx<'_>) {
        self.deadline = Time::NEVER;
        let sent = drained(cx.transport(), self.site.limits.send_timeout);
        cx.when(sent, |this: &mut Self, cx, _| {
            if this.state == State::Idle {
                this.expect(cx, this.site.limits.idle_timeout);
            }
        });
    }

    fn body_is_late(&mut self, cx: &mut Cx<'_>) {
        let Some(incoming) = &mut self.incoming else { return };
        let waits = self.exchange.as_ref().is_some_and(|exchange| exchange.waits_for_continue());
        if incoming.was_held() || waits {
            incoming.excuse(cx.now());
        }
        let deadline = incoming.deadline(&self.site.limits);
        if deadline > cx.now() {
            self.expect_until(cx, deadline);
        } else {
            self.body_failed(cx, HttpError::TooSlow);
        }
    }
}

impl Protocol for HttpProtocol {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.seat = self.site.enter(cx.transport());
        self.expect(cx, self.site.limits.first_byte_timeout);
    }

    fn chunk_received(&mut self, cx: &mut Cx<'_>, chunk: Chunk<'_>) {
        if self.state == State::Over {
            return;
        }
        if let Some(unread) = &mut self.unread {
            unread.bytes.drain(..mem::take(&mut unread.start));
            unread.bytes.extend_from_slice(chunk.as_slice());
            self.resume(cx);
        } else {
            let used = self.work(cx, chunk.as_slice());
            if used < chunk.len() && self.state != State::Lingering {
                let bytes = chunk.as_slice()[used..].to_vec();
                self.unread = Some(Box::new(Unread { bytes, start: 0 }));
            }
        }
        if self.is_holding() {
            cx.transport().pause_producing();
        }
    }

    fn read_connection_lost(&mut self, cx: &mut Cx<'_>) {
        self.is_half_closed = true;
        match self.state {
            State::Busy => {
                if self.incoming.is_some() {
                    return self.body_failed(cx, HttpError::Truncated);
                }
                if let Some(exchange) = &self.exchange {
                    exchange.client_left(&client_left());
                }
            }
            State::Lingering => self.lose(cx),
            _ => self.end_if_half_closed(cx),
        }
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        self.leave();
        if let Some(incoming) = self.incoming.take() {
            incoming.lost(reason.clone());
        }
        if let Some(exchange) = self.exchange.take() {
            exchange.lost(&reason);
        }
    }
}
