//! [`EventStream`]: server-sent events, by which a page is told what happens.

use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use ropewalk_core::{Deferred, Failure, FailureKind, LoopingCall};

use crate::Request;

/// A stream of events to a browser's `EventSource`. A clone is the same stream; it ends when the last one is
/// dropped, or by [`close`](Self::close).
///
/// # Limits
/// A client that does not take what is sent is lost when more than 1 MiB waits for it.
///
/// # Example: the resource of a stream
/// ```
/// use std::cell::RefCell;
/// use ropewalk_web::{Answer, EventStream, Request, Resource};
///
/// #[derive(Default)]
/// struct News(RefCell<Vec<EventStream>>);
///
/// impl Resource for News {
///     fn render(&self, request: &Request) -> Answer {
///         let stream = EventStream::begin(request);
///         stream.send("welcome");
///         self.0.borrow_mut().retain(EventStream::is_open);
///         self.0.borrow_mut().push(stream);
///         Answer::NotDoneYet
///     }
/// }
/// ```
#[derive(Clone)]
pub struct EventStream(Rc<Stream>);

struct Stream {
    /// Without its head: many streams may wait for long.
    request: ropewalk_http::Request,
    last_event_id: Option<String>,
    heartbeat: LoopingCall,
}

/// One event.
#[derive(Clone, Default, Debug)]
pub struct ServerEvent {
    /// What a browser gives back as `Last-Event-ID` when it comes again. Default none.
    pub id: Option<String>,
    /// Which listeners it is for. Default none: for `onmessage`.
    pub event: Option<String>,
    /// What it says, of any number of lines.
    pub data: String,
    /// How long a browser is to wait before it comes again. Default none.
    pub retry: Option<Duration>,
}

/// Nothing is sent for so long at the most: proxies end what is silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What may wait for one client.
const WAITING_BYTES_MAX: usize = 1 << 20;

impl EventStream {
    /// Answers `request` with a stream of events; its head is sent at once.
    pub fn begin(request: &Request) -> Self {
        request.set_header(CONTENT_TYPE, "text/event-stream");
        request.set_header(CACHE_CONTROL, "no-store");
        request.flush_head();
        let last_event_id = request.header_text("last-event-id").map(str::to_owned);
        let mut request = request.clone().into_inner();
        request.forget_head();
        let beating = request.clone();
        let heartbeat = LoopingCall::new(request.transport().reactor(), move || {
            beating.write(b":\n\n");
        });
        drop(heartbeat.start(HEARTBEAT, false).add_errback(|_| ())); // It ends with the stream.
        let stream = Self(Rc::new(Stream { request, last_event_id, heartbeat }));
        let weak = Rc::downgrade(&stream.0);
        let gone = stream.notify_finish().add_errback(move |_| {
            if let Some(stream) = weak.upgrade() {
                stream.end();
            }
        });
        drop(gone);
        stream
    }

    /// What the browser had seen when it was last connected.
    pub fn last_event_id(&self) -> Option<String> {
        self.0.last_event_id.clone()
    }

    /// Sends an event: text, or a [`ServerEvent`].
    pub fn send(&self, event: impl Into<ServerEvent>) {
        if !self.is_open() {
            return;
        }
        let request = &self.0.request;
        request.write(event.into().encoded().as_bytes());
        if request.transport().buffered() > WAITING_BYTES_MAX {
            request.abort(Failure::new(FailureKind::Limit, "the client does not take its events"));
        }
    }

    /// Whether the client is there.
    pub fn is_open(&self) -> bool {
        !self.0.request.is_finished() && !self.0.request.is_client_gone()
    }

    /// Fires when the stream has been closed; fails when the client has left.
    pub fn notify_finish(&self) -> Deferred<()> {
        self.0.request.notify_finish()
    }

    /// Ends the stream. A browser comes again, unless its page says otherwise.
    pub fn close(&self) {
        self.0.end();
    }
}

impl Stream {
    fn end(&self) {
        if self.heartbeat.running() {
            self.heartbeat.stop();
        }
        self.request.finish();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end();
    }
}

impl ServerEvent {
    fn encoded(&self) -> String {
        let mut text = String::new();
        let one_line = |value: &str| value.replace(['\r', '\n', '\0'], " ");
        if let Some(id) = &self.id {
            let _ = writeln!(text, "id: {}", one_line(id));
        }
        if let Some(event) = &self.event {
            let _ = writeln!(text, "event: {}", one_line(event));
        }
        if let Some(retry) = self.retry {
            let _ = writeln!(text, "retry: {}", retry.as_millis());
        }
        for line in self.data.replace("\r\n", "\n").split(['\r', '\n']) {
            let _ = writeln!(text, "data: {line}");
        }
        text.push('\n');
        text
    }
}

impl From<&str> for ServerEvent {
    fn from(data: &str) -> Self {
        Self { data: data.to_owned(), ..Self::default() }
    }
}

impl From<String> for ServerEvent {
    fn from(data: String) -> Self {
        Self { data, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_cannot_become_two() {
        let event = ServerEvent {
            id: Some("1\nevent: x".to_owned()),
            event: Some("news".to_owned()),
            data: "a\r\nb\rc\n\nid: 5".to_owned(),
            retry: Some(Duration::from_secs(2)),
        };
        assert_eq!(
            event.encoded(),
            "id: 1 event: x\nevent: news\nretry: 2000\ndata: a\ndata: b\ndata: c\ndata: \ndata: id: 5\n\n"
        );
    }
}
