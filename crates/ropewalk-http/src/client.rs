//! [`ClientProtocol`]: one connection of a client, with one request at a time.
//!
//! A client does not pipeline: most servers would answer, but one slow answer would hold up all behind it, and
//! a connection that breaks would leave open which of them were done. More at once are more connections, which
//! the pool counts.

use std::cell::Cell;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, Method, StatusCode, Uri};
use ropewalk_core::{Chunk, Cx, Deferred, DelayedCall, Failure, FailureKind, Protocol, Resolver};

use crate::incoming::Incoming;
use crate::inflate::Inflate;
use crate::lines::HeadEnd;
use crate::message_length::MessageLength;
use crate::pool::Seat;
use crate::response_head::ResponseHead;
use crate::upload;
use crate::{Body, Content, HttpError, HttpLimits, Response};

/// One connection of an [`Agent`](crate::Agent).
pub struct ClientProtocol {
    limits: Rc<HttpLimits>,
    /// Its place in the pool; while it is there, the connection may be used again.
    seat: Seat,
    asked: Option<Asked>,
    /// A body that the server has not said to go on with yet.
    held: Option<Content>,
    /// What sends a streamed body; it may go on while the answer comes.
    upload: Option<Deferred<()>>,
    incoming: Option<Incoming>,
    /// Whether it can be used again once the body under way is complete.
    keeps: bool,
    unread: Vec<u8>,
    head_end: HeadEnd,
    timer: Option<DelayedCall>,
    read_timeout: Duration,
    /// How much of the body had come when the timer last went off.
    heard: u64,
    is_upgraded: bool,
    /// The answer under way is a proxy's, to `CONNECT`.
    is_tunnelling: bool,
}

/// A request whose answer has not begun.
struct Asked {
    method: Method,
    answered: Resolver<Response>,
    informed: Option<Informed>,
    inflates: bool,
    /// Whether any byte of an answer came.
    has_heard: bool,
    head_timeout: Duration,
    /// Bytes that waited to be sent when the timer last went off.
    unsent: Cell<usize>,
}

impl Asked {
    /// Whether the request is still being sent, and the server takes it.
    fn sends_on(&self, cx: &Cx<'_>, is_streamed: bool) -> bool {
        let unsent = cx.transport().buffered();
        is_streamed || unsent < self.unsent.replace(unsent)
    }
}

/// Who is told of informational answers: their status and their fields.
pub type Informed = Rc<dyn Fn(StatusCode, &HeaderMap)>;

/// What a connection is to send, and how long it may take.
pub(crate) struct Order {
    pub(crate) method: Method,
    /// All of the head but the framing of the body.
    pub(crate) head: Vec<u8>,
    pub(crate) content: Content,
    /// How long the body waits for `100 Continue`, if the head asks for one.
    pub(crate) continue_timeout: Option<Duration>,
    pub(crate) informed: Option<Informed>,
    pub(crate) inflates: bool,
    pub(crate) head_timeout: Duration,
    pub(crate) read_timeout: Duration,
}

impl ClientProtocol {
    pub(crate) fn new(limits: Rc<HttpLimits>, seat: Seat) -> Self {
        Self {
            limits,
            seat,
            asked: None,
            held: None,
            upload: None,
            incoming: None,
            keeps: false,
            unread: Vec::new(),
            head_end: HeadEnd::default(),
            timer: None,
            read_timeout: Duration::ZERO,
            heard: 0,
            is_upgraded: false,
            is_tunnelling: false,
        }
    }

    /// Sends a request; fires with the head of its answer. Cancelling it aborts the connection.
    pub(crate) fn ask(&mut self, cx: &mut Cx<'_>, order: Order) -> Deferred<Response> {
        let weak = cx.transport().downgrade();
        let (answered, response) = Deferred::with_canceller(move || {
            if let Some(transport) = weak.upgrade() {
                transport.abort_with(Failure::cancelled());
            }
        });
        upload::send_head(cx.transport(), order.head, &order.content);
        self.asked = Some(Asked {
            method: order.method,
            answered,
            informed: order.informed,
            inflates: order.inflates,
            has_heard: false,
            head_timeout: order.head_timeout,
            unsent: Cell::new(usize::MAX),
        });
        self.read_timeout = order.read_timeout;
        match order.continue_timeout.filter(|_| !order.content.is_empty()) {
            None => self.send_body(cx, order.content),
            Some(within) => {
                self.held = Some(order.content);
                self.expect(cx, within);
            }
        }
        response
    }

    fn send_body(&mut self, cx: &mut Cx<'_>, content: Content) {
        self.upload = upload::send_body(cx.transport(), content, self.limits.send_timeout);
        if let Some(within) = self.asked.as_ref().map(|asked| asked.head_timeout) {
            self.expect(cx, within);
        }
    }

    /// An answer before the answer itself, which is still to come (RFC 9110 section 15.2).
    fn informed(&mut self, cx: &mut Cx<'_>, head: &ResponseHead) {
        if head.status == StatusCode::CONTINUE
            && let Some(content) = self.held.take()
        {
            self.send_body(cx, content);
        }
        if let Some(informed) = self.asked.as_ref().and_then(|asked| asked.informed.clone()) {
            informed(head.status, &head.headers);
        }
    }

    /// Asks a proxy for a tunnel. The connection stays this protocol's: what is asked next goes through it.
    pub(crate) fn ask_for_tunnel(&mut self, cx: &mut Cx<'_>, order: Order) -> Deferred<Response> {
        self.is_tunnelling = true;
        self.ask(cx, order)
    }

    /// What came behind an answer that hands the connection over.
    pub(crate) fn take_unread(&mut self) -> Bytes {
        mem::take(&mut self.unread).into()
    }

    fn work(&mut self, cx: &mut Cx<'_>, bytes: &[u8]) -> Result<(), HttpError> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_upgraded {
            if self.incoming.is_some() {
                self.feed(cx, &mut rest)?;
            } else if self.asked.is_some() {
                let Some(len) = self.find_head(rest)? else { break };
                let (head, behind) = rest.split_at(len);
                rest = behind;
                self.answered(cx, head)?;
            } else {
                return Err(HttpError::StatusLine); // Nothing was asked.
            }
        }
        self.unread = rest.to_vec();
        Ok(())
    }

    fn find_head(&mut self, rest: &[u8]) -> Result<Option<usize>, HttpError> {
        let found = self.head_end.find(rest)?;
        if found.unwrap_or(rest.len()) > self.limits.head_bytes() {
            return Err(HttpError::HeadTooLarge);
        }
        if found.is_some() {
            self.head_end = HeadEnd::default();
        }
        Ok(found)
    }

    /// The head of an answer is here.
    fn answered(&mut self, cx: &mut Cx<'_>, head: &[u8]) -> Result<(), HttpError> {
        let Some(asked) = &self.asked else { return Ok(()) };
        let head = ResponseHead::parse(head, &asked.method, &self.limits)?;
        let is_tunnel = asked.method == Method::CONNECT && head.status.is_success();
        let is_switch = is_tunnel || head.status == StatusCode::SWITCHING_PROTOCOLS;
        if head.status.is_informational() && !is_switch {
            self.informed(cx, &head);
            return Ok(());
        }
        let is_tunnel = is_tunnel && mem::take(&mut self.is_tunnelling);
        let Some(asked) = self.asked.take() else { return Ok(()) };
        self.stop_timer();
        // A body that was announced and not sent: the server could not tell it from the next request.
        self.keeps = head.keep_alive && self.held.take().is_none();
        if !head.status.is_success() && !is_switch {
            self.keeps &= self.has_sent(cx);
            self.stop_upload(); // Refused: the rest of the body is of no use.
        }
        if is_switch && !is_tunnel {
            self.is_upgraded = true;
            cx.transport().pause_producing(); // What comes is for whoever takes it over.
            self.seat.leave();
        }
        let body = self.begin_body(cx, head.length)?;
        let response = self.response(cx, head, body, asked.inflates);
        if self.incoming.is_none() && !self.is_upgraded && !is_tunnel {
            self.over(cx);
        }
        asked.answered.callback(response);
        Ok(())
    }

    fn begin_body(&mut self, cx: &mut Cx<'_>, length: MessageLength) -> Result<Body, HttpError> {
        Ok(match Incoming::begin(length, cx.transport(), &self.limits)? {
            None => Body::empty(),
            Some((incoming, body)) => {
                let this = cx.protocol_ref::<Self>();
                body.on_abandoned(move || {
                    drop(this.call(Self::body_dropped).add_errback(|_| ())); // Lost is as good.
                });
                self.incoming = Some(incoming);
                self.heard = 0;
                self.expect(cx, self.read_timeout);
                body
            }
        })
    }

    fn response(&self, cx: &Cx<'_>, head: ResponseHead, body: Body, inflates: bool) -> Response {
        let mut headers = head.headers;
        let coding = headers.get(CONTENT_ENCODING).filter(|_| inflates && self.incoming.is_some());
        if let Some(inflate) = coding.and_then(|coding| Inflate::for_coding(coding.as_bytes())) {
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
            body.inflate_by(inflate);
        }
        Response {
            status: head.status,
            version: head.version,
            headers,
            body,
            url: Uri::default(),
            upgrade: self.is_upgraded.then(|| crate::response::Upgrade::of(cx.protocol_ref())),
        }
    }

    fn feed(&mut self, cx: &mut Cx<'_>, rest: &mut &[u8]) -> Result<(), HttpError> {
        let Some(incoming) = &mut self.incoming else { return Ok(()) };
        if incoming.feed(rest)? {
            self.incoming = None;
            self.over(cx);
        } else if incoming.is_abandoned() && !incoming.is_worth_reading(&self.limits) {
            self.keeps = false;
            self.incoming = None;
            self.over(cx);
        }
        Ok(())
    }

    /// Nobody reads the body under way any more.
    fn body_dropped(&mut self, cx: &mut Cx<'_>) {
        let is_in_vain = self.incoming.as_ref().is_some_and(|incoming| {
            incoming.is_abandoned() && !incoming.is_soon_over(&self.limits)
        });
        if is_in_vain {
            self.keeps = false;
            self.incoming = None;
            self.over(cx);
        }
    }

    /// The exchange is complete: back to the pool, or away.
    fn over(&mut self, cx: &mut Cx<'_>) {
        self.stop_timer();
        self.keeps &= self.has_sent(cx);
        self.stop_upload();
        if !self.keeps || !self.seat.give_back(cx.protocol_ref()) {
            self.seat.leave();
            return cx.transport().lose_connection();
        }
        self.expect(cx, self.seat.idle_timeout());
    }

    /// The connection is of no more use, for what its peer did.
    fn fail(&mut self, cx: &mut Cx<'_>, why: Failure) {
        self.seat.leave();
        if let Some(incoming) = self.incoming.take() {
            incoming.lost(why.clone());
        }
        if let Some(asked) = self.asked.take() {
            asked.answered.errback(why.clone());
        }
        cx.transport().abort_with(why);
    }

    fn expect(&mut self, cx: &mut Cx<'_>, within: Duration) {
        self.stop_timer();
        let this = cx.protocol_ref::<Self>();
        self.timer = Some(cx.reactor().call_later(within, move || {
            drop(this.call(Self::time_passed).add_errback(|_| ())); // Lost meanwhile is as good.
        }));
    }

    fn time_passed(&mut self, cx: &mut Cx<'_>) {
        self.timer = None;
        if let Some(content) = self.held.take() {
            return self.send_body(cx, content); // Many servers never say it (RFC 9110 section 10.1.1).
        }
        let late = match (&self.asked, &self.incoming) {
            // What is sent as it is made watches its own sending; of what was given whole, some must have gone.
            (Some(asked), _) if !self.has_sent(cx) && asked.sends_on(cx, self.upload.is_some()) => {
                let timeout = asked.head_timeout;
                return self.expect(cx, timeout);
            }
            (Some(_), _) => "the answer did not come in time (head_timeout)",
            // Held back it can send nothing; and what has come shows that it is alive.
            (None, Some(body)) if body.was_held() || body.received() > self.heard => {
                self.heard = body.received();
                return self.expect(cx, self.read_timeout);
            }
            (None, Some(_)) => "the answer's body stalled (read_timeout)",
            (None, None) => {
                self.seat.leave();
                return cx.transport().lose_connection();
            }
        };
        self.fail(cx, Failure::new(FailureKind::Timeout, late));
    }

    /// Whether all of the request is on its way.
    fn has_sent(&self, cx: &Cx<'_>) -> bool {
        cx.transport().buffered() == 0 && self.upload.as_ref().is_none_or(Deferred::is_fired)
    }

    fn stop_upload(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.cancel();
        }
    }

    fn stop_timer(&mut self) {
        if let Some(timer) = self.timer.take() {
            let _ = timer.cancel(); // Already run is as good.
        }
    }
}

impl Protocol for ClientProtocol {
    fn chunk_received(&mut self, cx: &mut Cx<'_>, chunk: Chunk<'_>) {
        if let Some(asked) = &mut self.asked {
            asked.has_heard = true;
        }
        let worked = if self.unread.is_empty() {
            self.work(cx, chunk.as_slice())
        } else {
            let mut bytes = mem::take(&mut self.unread);
            bytes.extend_from_slice(chunk.as_slice());
            self.work(cx, &bytes)
        };
        if let Err(error) = worked {
            self.fail(cx, error.into_failure());
        }
    }

    fn read_connection_lost(&mut self, cx: &mut Cx<'_>) {
        self.keeps = false;
        if let Some(incoming) = &mut self.incoming {
            match incoming.connection_ended() {
                Ok(()) => self.incoming = None,
                Err(error) => return self.fail(cx, error.into_failure()),
            }
        }
        cx.transport().lose_connection();
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        self.seat.leave();
        self.stop_timer();
        self.stop_upload();
        if let Some(incoming) = self.incoming.take() {
            incoming.lost(reason.clone());
        }
        let Some(asked) = self.asked.take() else { return };
        let is_peers = matches!(reason.kind(), FailureKind::ConnectionDone | FailureKind::Peer);
        asked.answered.errback(match asked.has_heard {
            false if is_peers => HttpError::NoAnswer.into_failure(),
            true if is_peers => HttpError::Truncated.into_failure(),
            _ => reason,
        });
    }
}
