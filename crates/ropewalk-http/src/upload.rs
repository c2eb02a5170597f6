//! The sending of a client's request: its head, and its body as fast as the server takes it.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use ropewalk_core::{Deferred, Failure, Transport};

use crate::Content;
use crate::content::{Kind, Stream};
use crate::drain::drained;
use crate::encode::{put_chunk_line, put_decimal, put_last_chunk};

/// With more than this waiting to be sent, the next piece of the body is not asked for.
const UNSENT_BYTES_MAX: usize = 64 << 10;

/// Sends the head, which lacks the framing of the body and the empty line.
pub(crate) fn send_head(transport: &Transport, mut head: Vec<u8>, content: &Content) {
    match content.len() {
        // RFC 9110 section 8.6: a method that means nothing by a body needs no length for none.
        Some(0) if !wants_length(&head) => {}
        Some(length) => {
            head.extend_from_slice(b"Content-Length: ");
            put_decimal(&mut head, length);
            head.extend_from_slice(b"\r\n");
        }
        None => head.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    head.extend_from_slice(b"\r\n");
    transport.write_bytes(head);
}

/// Sends the body, if it is there; what is streamed is sent by the task that is returned. The server may take
/// nothing for as long as `stall_max`.
pub(crate) fn send_body(
    transport: &Transport,
    content: Content,
    stall_max: Duration,
) -> Option<Deferred<()>> {
    let is_chunked = content.len().is_none();
    match content.0 {
        Kind::Bytes(bytes) => {
            transport.write_bytes(bytes);
            None
        }
        Kind::Stream(stream) => {
            let body = Sending { transport: transport.clone(), is_chunked };
            let sending = transport.reactor().spawn(body.send(stream, stall_max));
            Some(sending.add_errback(|_| ())) // It has aborted the connection, which tells why.
        }
    }
}

fn wants_length(head: &[u8]) -> bool {
    [&b"POST "[..], b"PUT ", b"PATCH "].iter().any(|method| head.starts_with(method))
}

struct Sending {
    transport: Transport,
    is_chunked: bool,
}

impl Sending {
    async fn send(self, mut stream: Stream, stall_max: Duration) -> Result<(), Failure> {
        let mut trailers = None;
        while let Some(frame) = poll_fn(|cx| stream.as_mut().poll_frame(cx)).await {
            let frame = frame.inspect_err(|why| self.transport.abort_with(why.clone()))?;
            match frame.into_data() {
                Ok(data) => self.put(data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
            if self.transport.buffered() > UNSENT_BYTES_MAX {
                drained(&self.transport, stall_max).await?;
            }
        }
        self.end(trailers.as_ref());
        Ok(())
    }

    fn put(&self, data: Bytes) {
        if data.is_empty() {
            return;
        }
        if !self.is_chunked {
            return self.transport.write_bytes(data);
        }
        let mut line = Vec::new();
        put_chunk_line(&mut line, data.len());
        self.transport.write(&line);
        self.transport.write_bytes(data);
        self.transport.write(b"\r\n");
    }

    fn end(&self, trailers: Option<&HeaderMap>) {
        if self.is_chunked {
            let mut last = Vec::new();
            put_last_chunk(&mut last, trailers);
            self.transport.write(&last);
        }
    }
}
