//! [`Exchange`]: one request and its answer, as the connection and the [`Request`](crate::Request)s that
//! users hold share it.
//!
//! It may outlive its connection, in the hands of a user who has not noticed yet; then what is written goes
//! nowhere.

use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, StatusCode};
use ropewalk_core::{
    Consumer, Deferred, Failure, FailureKind, FileRange, Resolver, Time, Transport,
};

use crate::Body;
use crate::body::Pipe;
use crate::encode::{put_fields, put_status_line};
use crate::filter::{Filter, ReplyHead};
use crate::reply::{Asked, Reply};
use crate::request_head::Terms;
use crate::server::HttpProtocol;
use crate::site::Site;

pub(crate) struct Exchange {
    /// `None` in the spare ones that wait for a request.
    transport: Option<Transport>,
    /// `None` in the spare ones, too: they are the site's.
    site: Option<Rc<Site>>,
    pub(crate) terms: Terms,
    pub(crate) reply: RefCell<Reply>,
    flags: Cell<u8>,
    /// How many `Request`s there are.
    pub(crate) handles: Cell<u32>,
    rare: Cell<Option<Box<Rare>>>,
}

/// What few requests need.
#[derive(Default)]
pub(crate) struct Rare {
    pub(crate) body: Option<Body>,
    /// What the connection fills of it.
    pub(crate) pipe: Option<Rc<Pipe>>,
    waiting: Vec<Resolver<()>>,
    /// What works on the answer, and is of no use without the connection.
    pub(crate) work: Vec<Deferred<()>>,
    pub(crate) filter: Option<Box<dyn Filter>>,
}

/// The states of an exchange that are yes or no.
pub(crate) mod flag {
    /// The connection is calling the responder, and looks itself at what has become of it.
    pub(crate) const IN_CALL: u8 = 1;
    pub(crate) const FINISHED: u8 = 1 << 1;
    /// The client has sent its last byte, or the connection is lost.
    pub(crate) const CLIENT_LEFT: u8 = 1 << 2;
    /// The connection is another protocol's from here on.
    pub(crate) const UPGRADED: u8 = 1 << 3;
    /// The connection is lost: what is written goes nowhere.
    pub(crate) const LOST: u8 = 1 << 4;
    /// The client need not wait for `100 Continue` any more.
    pub(crate) const CONTINUED: u8 = 1 << 5;
    /// Something was registered to produce the answer, or to wait for room.
    pub(crate) const PRODUCED: u8 = 1 << 6;
}

/// What a kept-alive connection's next request may use again; a longer buffer is given back.
pub(crate) const KEPT_BYTES_MAX: usize = 2048;
/// A body shorter than this is sent in one piece with its head.
const COPIED_BYTES_MAX: usize = 1024;

impl Exchange {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            transport: None,
            site: None,
            terms: Terms::default(),
            reply: RefCell::default(),
            flags: Cell::new(0),
            handles: Cell::new(0),
            rare: Cell::new(None),
        })
    }

    /// Makes it the next request of this connection.
    pub(crate) fn begin(&mut self, site: &Rc<Site>, transport: &Transport, terms: Terms) {
        self.terms = terms;
        self.site = Some(site.clone());
        self.transport = Some(transport.clone());
    }

    /// Forgets the request, for the next one.
    pub(crate) fn clear(&mut self) {
        self.transport = None;
        self.site = None;
        self.reply.get_mut().clear(KEPT_BYTES_MAX);
        self.flags.set(0);
        self.rare.take();
    }

    /// # Panics
    /// In a spare one, which nobody has a handle to.
    pub(crate) fn site(&self) -> &Rc<Site> {
        self.site.as_ref().expect("an exchange that was begun has a site")
    }

    /// # Panics
    /// In a spare one, which nobody has a handle to.
    pub(crate) fn transport(&self) -> &Transport {
        self.transport.as_ref().expect("an exchange that was begun has a transport")
    }

    pub(crate) fn has(&self, flags: u8) -> bool {
        self.flags.get() & flags != 0
    }

    pub(crate) fn set(&self, flags: u8) {
        self.flags.set(self.flags.get() | flags);
    }

    pub(crate) fn unset(&self, flags: u8) {
        self.flags.set(self.flags.get() & !flags);
    }

    /// What `f` does may not come back here, nor run what is not ours.
    pub(crate) fn rare<R>(&self, f: impl FnOnce(&mut Rare) -> R) -> R {
        let mut rare = self.rare.take().unwrap_or_default();
        let result = f(&mut rare);
        self.rare.set(Some(rare));
        result
    }

    fn rare_if_any<R: Default>(&self, f: impl FnOnce(&mut Rare) -> R) -> R {
        let Some(mut rare) = self.rare.take() else { return R::default() };
        let result = f(&mut rare);
        self.rare.set(Some(rare));
        result
    }

    pub(crate) fn now(&self) -> Time {
        self.transport().reactor().now()
    }

    /// Whether an answer can still be begun.
    pub(crate) fn is_unsent(&self) -> bool {
        self.reply.borrow().is_unsent() && !self.has(flag::FINISHED)
    }

    /// Sends an informational answer before the real one (RFC 9110 section 15.2).
    pub(crate) fn inform(&self, status: StatusCode, fields: &HeaderMap) {
        if self.is_unsent() && self.terms.version == http::Version::HTTP_11 {
            let mut out = Vec::new();
            put_status_line(&mut out, status);
            put_fields(&mut out, fields);
            out.extend_from_slice(b"\r\n");
            self.transport().write(&out);
        }
    }

    /// Whether the client holds its body back until it is told to go on.
    pub(crate) fn waits_for_continue(&self) -> bool {
        self.terms.expects_continue && !self.has(flag::CONTINUED)
    }

    /// Sends a piece of the body, and the head before the first.
    pub(crate) fn write(&self, data: &[u8]) {
        match self.filtered(data, false) {
            Some(filtered) => self.put(&filtered),
            None => self.put(data),
        }
    }

    fn put(&self, data: &[u8]) {
        self.compose(|exchange, reply, out| {
            exchange.head_first(reply, out, None);
            let (count, end) = reply.frame(out, data.len());
            out.extend_from_slice(&data[..count]);
            out.extend_from_slice(end);
        });
    }

    /// The same, without copying what is long.
    pub(crate) fn write_bytes(&self, mut data: Bytes) {
        if self.has(flag::LOST | flag::FINISHED) {
            return;
        }
        if let Some(filtered) = self.filtered(&data, false) {
            data = filtered.into();
        }
        if data.len() < COPIED_BYTES_MAX {
            return self.put(&data);
        }
        let mut end: &[u8] = b"";
        self.compose(|exchange, reply, out| {
            exchange.head_first(reply, out, None);
            let count;
            (count, end) = reply.frame(out, data.len());
            data.truncate(count);
        });
        if !data.is_empty() {
            self.transport().write_bytes(data);
            self.transport().write(end);
        }
    }

    /// Whether nobody has to see the bytes of the body: neither a filter nor a layer.
    pub(crate) fn sends_files(&self) -> bool {
        self.transport().sends_files() && !self.rare_if_any(|rare| rare.filter.is_some())
    }

    /// Sends a piece of the body that lies in a file, if that [can be](Self::sends_files).
    pub(crate) fn write_file(&self, mut range: FileRange) {
        if self.has(flag::LOST | flag::FINISHED) {
            return;
        }
        let mut end: &[u8] = b"";
        self.compose(|exchange, reply, out| {
            exchange.head_first(reply, out, None);
            (range.len, end) = reply.frame(out, range.len);
        });
        self.transport().write_file(range);
        self.transport().write(end);
    }

    /// Sends the whole body, or the last piece of it, and ends the answer.
    pub(crate) fn finish(&self, last: Bytes, trailers: Option<&HeaderMap>) {
        if self.has(flag::FINISHED) {
            return;
        }
        let last = self.filtered(&last, true).map_or(last, Bytes::from);
        if last.len() >= COPIED_BYTES_MAX {
            if self.reply.borrow().is_unsent() {
                self.compose(|exchange, reply, out| {
                    exchange.head_first(reply, out, Some(last.len() as u64));
                });
            }
            self.write_bytes(last);
            return self.finish(Bytes::new(), trailers);
        }
        let mut is_whole = true;
        self.compose(|exchange, reply, out| {
            exchange.head_first(reply, out, Some(last.len() as u64));
            let (count, end) = reply.frame(out, last.len());
            out.extend_from_slice(&last[..count]);
            out.extend_from_slice(end);
            is_whole = reply.put_end(out, trailers);
        });
        if !is_whole {
            self.transport().abort_with(Failure::new(
                FailureKind::Local,
                "the answer is shorter than its Content-Length",
            ));
        }
        self.over();
    }

    /// Breaks the answer off: the client must not take what it has for all of it.
    pub(crate) fn abort(&self, why: Failure) {
        if !self.has(flag::FINISHED) {
            self.transport().abort_with(why);
        }
    }

    /// The last handle to a request for `target` was dropped with no end of the answer.
    #[cold]
    pub(crate) fn abandoned(&self, target: &str) {
        if self.has(flag::CLIENT_LEFT) && self.is_unsent() {
            self.reply.borrow_mut().closes = true;
            return self.over();
        }
        tracing::error!(target: "ropewalk::http", "a request for {target} was dropped unanswered");
        if self.is_unsent() {
            self.fail_with(StatusCode::INTERNAL_SERVER_ERROR);
        } else {
            self.abort(Failure::abandoned());
        }
    }

    /// Answers with a status and its name, over whatever was set before.
    pub(crate) fn fail_with(&self, status: StatusCode) {
        {
            let mut reply = self.reply.borrow_mut();
            let closes = reply.closes;
            reply.clear(KEPT_BYTES_MAX);
            (reply.status, reply.closes) = (status, closes);
            reply.append(&http::header::CONTENT_TYPE, b"text/plain; charset=utf-8");
        }
        let text = format!("{status}\n");
        self.finish(text.into(), None);
    }

    pub(crate) fn begin_raw(&self) {
        if self.is_unsent() {
            drop(self.rare_if_any(|rare| rare.filter.take())); // It would look at the head, and here is none.
            self.reply.borrow_mut().begin_raw();
        }
    }

    /// Hands the connection to another protocol, behind the head that `status` and the fields make.
    pub(crate) fn upgraded(&self, status: StatusCode, fields: &[(HeaderName, &str)]) -> bool {
        // The bytes of a body that is still coming would be the other protocol's (RFC 9110 section 7.8).
        let is_incomplete =
            self.rare_if_any(|rare| rare.pipe.as_ref().is_some_and(|pipe| !pipe.has_ended()));
        if !self.is_unsent() || self.has(flag::LOST) || is_incomplete {
            return false;
        }
        self.compose(|exchange, reply, out| {
            reply.status = status;
            for (name, value) in fields {
                reply.append(name, value.as_bytes());
            }
            reply.put_switch(out, &exchange.asked());
        });
        self.set(flag::UPGRADED);
        self.over();
        true
    }

    /// The answer is complete.
    fn over(&self) {
        self.set(flag::FINISHED);
        // A body that was not taken is one that nobody wants.
        drop(self.rare_if_any(|rare| rare.body.take()));
        if self.has(flag::PRODUCED) && !self.has(flag::LOST) {
            self.transport().unregister_producer(); // The next answer has another.
        }
        let waiting = self.take_waiting();
        waiting.into_iter().for_each(|resolver| resolver.callback(()));
        if !self.has(flag::IN_CALL | flag::LOST) {
            let connection = self.transport().protocol_ref::<HttpProtocol>();
            // One that is lost meanwhile has nothing to go on with.
            drop(connection.call(|protocol, cx| protocol.resume(cx)).add_errback(|_| ()));
        }
    }

    /// Fires when the answer is complete; fails when the client has left before.
    pub(crate) fn notify_finish(&self) -> Deferred<()> {
        if self.has(flag::CLIENT_LEFT) {
            return Deferred::fail(client_left());
        }
        if self.has(flag::FINISHED) {
            return Deferred::succeed(());
        }
        let (resolver, finished) = Deferred::new();
        self.rare(|rare| rare.waiting.push(resolver));
        finished
    }

    /// The client has sent its last byte, which most say by going away.
    pub(crate) fn client_left(&self, why: &Failure) {
        if !self.has(flag::CLIENT_LEFT | flag::FINISHED) {
            self.set(flag::CLIENT_LEFT);
            self.take_waiting().into_iter().for_each(|resolver| resolver.errback(why.clone()));
        }
    }

    /// The connection is lost.
    pub(crate) fn lost(&self, why: &Failure) {
        self.set(flag::LOST);
        self.client_left(why);
        let work = self.rare_if_any(|rare| mem::take(&mut rare.work));
        work.iter().for_each(Deferred::cancel);
    }

    fn take_waiting(&self) -> Vec<Resolver<()>> {
        self.rare_if_any(|rare| mem::take(&mut rare.waiting))
    }

    /// Writes what `f` composes, in one piece.
    fn compose(&self, f: impl FnOnce(&Self, &mut Reply, &mut Vec<u8>)) {
        if self.has(flag::LOST | flag::FINISHED) {
            return;
        }
        let mut out = self.site().scratch.take();
        out.clear();
        f(self, &mut self.reply.borrow_mut(), &mut out);
        self.transport().write(&out);
        self.site().scratch.replace(out);
    }

    /// What becomes of a piece of the body in the filter, if there is one and it wants this answer.
    fn filtered(&self, data: &[u8], is_last: bool) -> Option<Vec<u8>> {
        let mut filter = self.rare_if_any(|rare| rare.filter.take())?;
        if self.is_unsent() {
            let length = is_last.then_some(data.len() as u64);
            let mut reply = self.reply.borrow_mut();
            let length = reply.declared().or(length);
            if !filter.begin(&self.terms.method, &mut ReplyHead(&mut reply), length) {
                return None;
            }
            reply.remove(&CONTENT_LENGTH);
        }
        let mut out = Vec::new();
        filter.write(data, &mut out);
        if is_last {
            filter.finish(&mut out);
        } else {
            self.rare(|rare| rare.filter = Some(filter));
        }
        Some(out)
    }

    fn head_first(&self, reply: &mut Reply, out: &mut Vec<u8>, announced: Option<u64>) {
        if reply.is_unsent() {
            // One that gets this instead of 100 may send the body or not, and nobody could tell that from its
            // next request (RFC 9110 section 10.1.1).
            let is_unclear = self.waits_for_continue();
            reply.closes |= !self.terms.keep_alive || self.site().is_draining() || is_unclear;
            reply.put_head(out, &self.asked(), announced);
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            method: &self.terms.method,
            version: self.terms.version,
            date: &self.site().date,
            now: self.now(),
        }
    }
}

pub(crate) fn client_left() -> Failure {
    Failure::new(FailureKind::ConnectionDone, "the client has left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_waits_is_small() {
        // With the two counts of its Rc, what the allocator gives as 160: thousands of these wait.
        assert!(size_of::<Exchange>() <= 136);
        assert!(size_of::<HttpProtocol>() <= 88);
    }
}
