//! [`Response`]: what a server has answered to an [`Agent`](crate::Agent).

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri, Version};
use ropewalk_core::{Cx, Deferred, Failure, FailureKind, Protocol, ProtocolRef};

use crate::Body;
use crate::client::ClientProtocol;

/// An answer: its head is here, its body is on its way.
///
/// Dropping it with its body unread gives the connection up, unless little is left to come.
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The version that the server speaks.
    pub version: Version,
    /// The header fields. Of a body that is decompressed, `Content-Encoding` and `Content-Length` are left out.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// Where it came from, after all redirects.
    pub url: Uri,
    /// The connection, if it is to become another protocol's: after 101, or a successful `CONNECT`.
    pub upgrade: Option<Upgrade>,
}

/// A connection that both sides have agreed to use for another protocol.
///
/// Nothing is received until it is switched; dropped, it loses the connection.
pub struct Upgrade(Option<ProtocolRef<ClientProtocol>>);

impl Response {
    /// The value of the first header field of that name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The whole body.
    ///
    /// # Errors
    /// `Limit` if it is more than `bytes_max`.
    pub fn collect(self, bytes_max: usize) -> Deferred<Bytes> {
        self.body.collect(bytes_max)
    }

    /// The whole body as text; what is not UTF-8 in it is replaced.
    ///
    /// # Errors
    /// `Limit` if it is more than `bytes_max`.
    pub fn text(self, bytes_max: usize) -> Deferred<String> {
        let text = |body: Bytes| Ok(String::from_utf8_lossy(&body).into_owned());
        self.collect(bytes_max).add_callback(text)
    }

    /// Itself, unless its status says that the request failed (4xx, 5xx).
    ///
    /// # Errors
    /// `Peer` with the status.
    pub fn error_for_status(self) -> Result<Self, Failure> {
        if self.status.is_client_error() || self.status.is_server_error() {
            let what = format!("{} answered {}", self.url, self.status);
            return Err(Failure::new(FailureKind::Peer, what));
        }
        Ok(self)
    }
}

impl Upgrade {
    pub(crate) fn of(connection: ProtocolRef<ClientProtocol>) -> Self {
        Self(Some(connection))
    }

    /// Hands the connection to `new`, with what the server has sent behind its answer.
    ///
    /// # Errors
    /// If the connection is lost already.
    pub fn switch(mut self, new: impl Protocol) -> Deferred<()> {
        let Some(connection) = self.0.take() else {
            return Deferred::fail(Failure::connection_done());
        };
        connection.call(|client: &mut ClientProtocol, cx: &mut Cx<'_>| {
            let rest = client.take_unread();
            cx.switch_protocol(new, rest);
            cx.transport().resume_producing();
        })
    }
}

impl Drop for Upgrade {
    fn drop(&mut self) {
        if let Some(transport) = self.0.take().and_then(|connection| connection.transport()) {
            transport.lose_connection();
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &self.body)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
