//! [`Request`]: what a server is asked, and the handle by which it answers.

use std::fmt;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::sync::LazyLock;
use std::task::Poll;

use bytes::Bytes;
use http::header::UPGRADE;
use http::{HeaderMap, HeaderName, Method, Response, StatusCode, Uri, Version};
use ropewalk_core::{
    Address, Consumer, Cx, Deferred, Failure, FailureKind, Producer, Protocol, Streaming, Transport,
};

use crate::content::{Kind, Stream};
use crate::drain::drained;
use crate::exchange::{Exchange, flag};
use crate::request_head::RequestHead;
use crate::server::HttpProtocol;
use crate::{Body, Content, Filter, target};

/// A request that came in, and the way to answer it.
///
/// It is a handle: it may be answered at once, or kept and answered later from anywhere on the reactor's
/// thread. The answer is either given whole, by [`respond`](Self::respond) or [`finish_with`](Self::finish_with), or
/// in pieces: [`set_status`](Self::set_status), [`set_header`](Self::set_header), [`write`](Self::write) as often as
/// wanted, [`finish`](Self::finish).
///
/// # Ordering
/// The next request of the same connection comes when this one's answer is finished and its body is read.
///
/// # Cancellation
/// When the last clone is dropped unfinished, the client gets a 500, or sees the connection break off if a part
/// of the answer is on its way. When the client goes away first, [`notify_finish`](Self::notify_finish) says so,
/// and what is written goes nowhere.
///
/// # Example: an answer that comes later
/// ```
/// use std::time::Duration;
/// use ropewalk_http::{HttpFactory, Request};
/// let factory = HttpFactory::new(|request: Request| {
///     let reactor = request.transport().reactor().clone();
///     reactor.call_later(Duration::from_secs(1), move || request.finish_with("good morning"));
/// });
/// # let _: &dyn ropewalk_core::AnyFactory = &factory;
/// ```
pub struct Request {
    exchange: Rc<Exchange>,
    /// `None` when it is forgotten.
    head: Option<Rc<RequestHead>>,
}

impl Request {
    pub(crate) fn new(exchange: Rc<Exchange>, head: Option<Rc<RequestHead>>) -> Self {
        exchange.handles.set(exchange.handles.get() + 1);
        Self { exchange, head }
    }

    /// Forgets the target and the header fields, which this handle gives as empty from now on: for a request that waits
    /// long for its answer. A browser sends some 700 bytes of them; they are freed when no clone and no
    /// [`WeakRequest`] has them any more. What answers before this one have left to be used again is freed, too.
    pub fn forget_head(&mut self) {
        self.head = None;
        self.exchange.reply.borrow_mut().shrink();
    }

    /// The same for those who only watch, and would not have it answered for their sake.
    pub fn downgrade(&self) -> WeakRequest {
        WeakRequest { exchange: Rc::downgrade(&self.exchange), head: self.head.clone() }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.exchange.terms.method
    }

    /// The version that the client speaks: 1.0 or 1.1.
    pub fn version(&self) -> Version {
        self.exchange.terms.version
    }

    /// The target as it stood in the request line: mostly a path and a query, in the four forms of RFC 9112
    /// section 3.2.
    pub fn target(&self) -> &str {
        self.head.as_ref().map_or("", |head| head.target())
    }

    /// The path, still percent-encoded; `*` and `host:port` are given as they are.
    pub fn path(&self) -> &str {
        let target = target::path_and_query(self.target());
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// What stands behind the first `?`, still percent-encoded.
    pub fn query(&self) -> Option<&str> {
        target::path_and_query(self.target()).split_once('?').map(|(_, query)| query)
    }

    /// The target as a [`Uri`].
    ///
    /// # Errors
    /// If it has bytes that the `http` crate does not take in a URI.
    pub fn uri(&self) -> Result<Uri, http::uri::InvalidUri> {
        self.target().parse()
    }

    /// The value of the first header field of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.head.as_ref()?.field(name)
    }

    /// The same as text; `None` as well if it is not UTF-8.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.header(name)?).ok()
    }

    /// All header fields. The map is made when it is first asked for.
    pub fn headers(&self) -> &HeaderMap {
        static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        self.head.as_ref().map_or(&*NONE, |head| head.map())
    }

    /// The authority that was asked for: of the target if it has one, else `Host`.
    pub fn authority(&self) -> Option<&str> {
        target::absolute_authority(self.target()).or_else(|| self.header_text("host"))
    }

    /// The connection. What is written to it here is not framed: for those who take it over.
    pub fn transport(&self) -> &Transport {
        self.exchange.transport()
    }

    /// Who asks.
    pub fn peer(&self) -> Address {
        self.transport().peer()
    }

    /// The body; empty if there is none, or if it was taken before.
    ///
    /// A client that waits for `100 Continue` gets it when the body is first read (RFC 9110 section 10.1.1).
    pub fn take_body(&self) -> Body {
        self.exchange.rare(|rare| rare.body.take()).unwrap_or_else(Body::empty)
    }

    /// The status of the answer; 200 unless it is set.
    pub fn status(&self) -> StatusCode {
        self.exchange.reply.borrow().status
    }

    /// Sets the status. Of no effect once the head is sent.
    pub fn set_status(&self, status: StatusCode) {
        if self.exchange.is_unsent() {
            self.exchange.reply.borrow_mut().status = status;
        }
    }

    /// Sets a header field of the answer, in place of those that have its name. Of no effect once the head is
    /// sent.
    ///
    /// CR, LF and NUL in the value become spaces. `Content-Length` is heeded, and the body held to it;
    /// `Connection: close` loses the connection after the answer; `Transfer-Encoding` is ignored: how a body is
    /// framed is not the caller's business.
    pub fn set_header(&self, name: HeaderName, value: impl AsRef<[u8]>) {
        if self.exchange.is_unsent() {
            let mut reply = self.exchange.reply.borrow_mut();
            reply.remove(&name);
            reply.append(&name, value.as_ref());
        }
    }

    /// Adds a header field beside those that have its name.
    pub fn append_header(&self, name: HeaderName, value: impl AsRef<[u8]>) {
        if self.exchange.is_unsent() {
            self.exchange.reply.borrow_mut().append(&name, value.as_ref());
        }
    }

    /// The value that a header field of the answer was set to.
    pub fn reply_header(&self, name: &HeaderName) -> Option<Vec<u8>> {
        self.exchange.reply.borrow().get(name).map(<[u8]>::to_vec)
    }

    /// Whether the head of the answer has been sent.
    pub fn is_begun(&self) -> bool {
        !self.exchange.is_unsent()
    }

    /// Whether the answer is complete.
    pub fn is_finished(&self) -> bool {
        self.exchange.has(flag::FINISHED)
    }

    /// Whether the client has gone away, or at least has sent its last byte.
    pub fn is_client_gone(&self) -> bool {
        self.exchange.has(flag::CLIENT_LEFT)
    }

    /// Bytes of the body that the answer has so far.
    pub fn body_bytes(&self) -> u64 {
        self.exchange.reply.borrow().body_bytes
    }

    /// Sends an informational answer before the real one, such as 103 Early Hints (RFC 8297). Of no effect on
    /// a client of HTTP/1.0.
    pub fn inform(&self, status: StatusCode, fields: &HeaderMap) {
        self.exchange.inform(status, fields);
    }

    /// Sends the head, now and not with the first piece of the body.
    pub fn flush_head(&self) {
        self.exchange.write(b"");
    }

    /// Sends a piece of the body, and the head before the first. Without a `Content-Length` it is chunked.
    pub fn write(&self, data: &[u8]) {
        if !data.is_empty() {
            self.exchange.write(data);
        }
    }

    /// The same, without copying what is long.
    pub fn write_bytes(&self, data: impl Into<Bytes>) {
        self.exchange.write_bytes(data.into());
    }

    /// Ends the answer. Of no effect if it has ended.
    pub fn finish(&self) {
        self.exchange.finish(Bytes::new(), None);
    }

    /// Sends the whole body, or the last piece of it, and ends the answer. Of no effect if it has ended.
    pub fn finish_with(&self, last: impl Into<Bytes>) {
        self.exchange.finish(last.into(), None);
    }

    /// Ends the answer with header fields behind the body, if it is chunked.
    pub fn finish_with_trailers(&self, trailers: &HeaderMap) {
        self.exchange.finish(Bytes::new(), Some(trailers));
    }

    /// Gives the whole answer. A streamed body is sent as fast as the client takes it.
    ///
    /// A stream that fails breaks the connection off, so that the client does not take a part for the whole.
    pub fn respond<C: Into<Content>>(&self, response: Response<C>) {
        let (head, content) = response.into_parts();
        if !self.exchange.is_unsent() {
            return;
        }
        self.set_status(head.status);
        {
            let mut reply = self.exchange.reply.borrow_mut();
            head.headers.iter().for_each(|(name, value)| reply.append(name, value.as_bytes()));
        }
        self.respond_with(content);
    }

    /// Gives the whole body, behind the status and the fields that were set.
    pub fn respond_with(&self, content: impl Into<Content>) {
        match content.into().0 {
            Kind::Bytes(bytes) => self.exchange.finish(bytes, None),
            Kind::Stream(stream) => self.send_stream(stream),
        }
    }

    fn send_stream(&self, stream: Stream) {
        if !self.exchange.is_unsent() {
            return;
        }
        if let Some(length) = http_body::Body::size_hint(&*stream).exact() {
            self.exchange.reply.borrow_mut().announce(length);
        }
        if self.has_no_body() {
            // Nothing of it is sent, so nothing would ever be waited for: a large file would be read in one turn.
            self.flush_head();
            return self.finish();
        }
        let pump = self.transport().reactor().spawn(pump(self.clone(), stream));
        // A failure has broken the connection off already, and a cancellation comes from its loss.
        let pump = pump.add_errback(|_| ());
        self.cancel_when_lost(pump);
    }

    /// Whether the answer has no body, whatever is given for one: then nothing of it is read.
    fn has_no_body(&self) -> bool {
        *self.method() == Method::HEAD
            || matches!(self.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }

    /// Answers with a status and its name as plain text, over whatever was set before; breaks off an answer
    /// that has begun.
    pub fn fail(&self, status: StatusCode) {
        if self.exchange.is_unsent() {
            self.exchange.fail_with(status);
        } else {
            self.exchange.abort(Failure::abandoned());
        }
    }

    /// Breaks off: the connection is lost at once.
    pub fn abort(&self, why: Failure) {
        self.exchange.abort(why);
    }

    /// Cancels `work` if the connection is lost before the answer is complete: what works on an answer that
    /// nobody can be given.
    pub fn cancel_when_lost(&self, work: Deferred<()>) {
        if self.exchange.has(flag::LOST) {
            work.cancel();
        } else if !work.is_fired() {
            self.exchange.rare(|rare| rare.work.push(work));
        }
    }

    /// Has the answer pass through `filter`, which is asked when its head is sent. The last one that is set
    /// before that is the one.
    pub fn set_filter(&self, filter: impl Filter) {
        if self.exchange.is_unsent() {
            drop(self.exchange.rare(|rare| rare.filter.replace(Box::new(filter))));
        }
    }

    /// Fires when the answer is complete: handed to the connection, not yet at the client.
    ///
    /// # Errors
    /// With why, when the client has gone away before. One that only says that it sends no more is taken for
    /// one that has left, as browsers do it; it can be answered all the same.
    pub fn notify_finish(&self) -> Deferred<()> {
        self.exchange.notify_finish()
    }

    /// Fires when there is room for more: everything written has been taken by the system, or little of it is
    /// left. What a loop that writes a long body waits for after each piece.
    ///
    /// # Errors
    /// As cancelled when the client leaves meanwhile ([`Request::notify_finish`] says why; one that takes nothing
    /// for `send_timeout` is made to), as abandoned when the answer is finished meanwhile, and `Local` if somebody
    /// waits already.
    pub fn drained(&self) -> Deferred<()> {
        if self.exchange.has(flag::LOST) {
            return Deferred::fail(crate::exchange::client_left());
        }
        let site = self.exchange.site();
        if self.transport().buffered() <= site.limits.body_buffer_bytes_max {
            return Deferred::succeed(());
        }
        self.exchange.set(flag::PRODUCED);
        // Whoever waits is most often ended with its request, and does not look: that is no error to be logged.
        drained(self.transport(), site.limits.send_timeout).add_errback(|failure| {
            Err(if failure.is(FailureKind::ConnectionDone) {
                Failure::cancelled()
            } else {
                failure
            })
        })
    }

    /// Has what is written from here on be the whole answer, its head included, as it is: for what comes from
    /// a program that speaks HTTP itself. The connection is lost behind it. Of no effect once the head is sent.
    pub fn begin_raw(&self) {
        self.exchange.begin_raw();
    }

    /// Answers with 101 and hands the connection to another protocol, which gets what the client has sent
    /// behind its request (RFC 9110 section 7.8). Of no effect once the head is sent, and while the body of the
    /// request is still coming.
    pub fn upgrade(&self, to: &str, new: impl Protocol) {
        if self.exchange.upgraded(StatusCode::SWITCHING_PROTOCOLS, &[(UPGRADE, to)]) {
            self.switch(new);
        }
    }

    /// Answers a `CONNECT` with 200 and hands the connection to another protocol (RFC 9110 section 9.3.6). Of no
    /// effect when [`upgrade`](Self::upgrade) would have none.
    pub fn connect_tunnel(&self, new: impl Protocol) {
        if self.exchange.upgraded(StatusCode::OK, &[]) {
            self.switch(new);
        }
    }

    fn switch(&self, new: impl Protocol) {
        let connection = self.transport().protocol_ref::<HttpProtocol>();
        let switched = connection.call(|protocol: &mut HttpProtocol, cx: &mut Cx<'_>| {
            let rest = protocol.take_unread();
            cx.switch_protocol(new, rest);
            cx.transport().resume_producing();
        });
        drop(switched.add_errback(|_| ())); // Lost meanwhile: then there is nothing to hand over.
    }
}

/// Frames of a body that are sent in one turn, if they come as fast and there is room for them: a body of frames that
/// are small, or empty, must not hold up all other connections.
const FRAMES_MAX: usize = 256;

/// Sends a body frame by frame, as fast as the client takes it.
async fn pump(request: Request, mut stream: Stream) -> Result<(), Failure> {
    let mut trailers = None;
    let mut frames = 0;
    loop {
        frames += 1;
        if frames % FRAMES_MAX == 0 {
            next_turn().await;
        }
        if request.exchange.sends_files()
            && let Some(range) = stream.as_mut().next_range()
        {
            request.exchange.write_file(range);
            request.drained().await?;
            continue;
        }
        let Some(frame) = poll_fn(|cx| stream.as_mut().poll_frame(cx)).await else { break };
        let frame = frame.inspect_err(|failure| request.abort(failure.clone()))?;
        match frame.into_data() {
            Ok(data) => {
                request.write_bytes(data);
                request.drained().await?;
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        if request.is_finished() {
            return Ok(());
        }
    }
    request.exchange.finish(Bytes::new(), trailers.as_ref());
    Ok(())
}

/// Lets all others have their turn.
async fn next_turn() {
    let mut is_next = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_next, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A [`Request`] that does not count: whoever holds only this has forgotten it. For those who watch. It keeps what was
/// asked for, to tell of it.
#[derive(Clone)]
pub struct WeakRequest {
    exchange: Weak<Exchange>,
    head: Option<Rc<RequestHead>>,
}

impl WeakRequest {
    /// The request, while somebody has it, and in what [`Request::notify_finish`] calls.
    pub fn upgrade(&self) -> Option<Request> {
        Some(Request::new(self.exchange.upgrade()?, self.head.clone()))
    }
}

impl Clone for Request {
    fn clone(&self) -> Self {
        Self::new(self.exchange.clone(), self.head.clone())
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let left = self.exchange.handles.get() - 1;
        self.exchange.handles.set(left);
        if left == 0 && !self.exchange.has(flag::FINISHED | flag::LOST) {
            self.exchange.abandoned(self.target());
        }
        if let Some(head) = self.head.take().filter(|_| left == 0) {
            self.exchange.site().recycle_head(head);
        }
    }
}

/// What is produced into it is the answer's body.
impl Consumer for Request {
    fn write_bytes(&self, bytes: Bytes) {
        Self::write_bytes(self, bytes);
    }

    fn register_producer(
        &self,
        producer: Rc<dyn Producer>,
        streaming: Streaming,
    ) -> Result<(), Failure> {
        self.exchange.set(flag::PRODUCED);
        self.transport().register_producer(producer, streaming)
    }

    fn unregister_producer(&self) {
        self.transport().unregister_producer();
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.method(), self.target(), self.version())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use ropewalk_testing::Conversation;

    use super::*;
    use crate::HttpFactory;

    #[test]
    fn a_head_that_all_have_forgotten_is_freed() {
        let kept = Rc::new(RefCell::new(None));
        let keeping = kept.clone();
        let server = Conversation::new(HttpFactory::new(move |request: Request| {
            keeping.replace(Some(request));
        }));
        server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut request = kept.take().expect("it was kept");
        let head = Rc::downgrade(request.head.as_ref().expect("it has one"));
        request.forget_head();
        assert_eq!(head.strong_count(), 0);
        request.finish();
    }
}
