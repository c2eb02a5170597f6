//! [`Content`]: the body of a message that is to be sent.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use ropewalk_core::{Failure, FileRange};

use crate::Body;

/// What a message is to say: bytes that are there, or a body that is read while it is sent.
///
/// # Example
/// ```
/// use ropewalk_http::Content;
/// let page: Content = "<h1>It works</h1>".into();
/// assert_eq!(page.len(), Some(17));
/// ```
pub struct Content(pub(crate) Kind);

pub(crate) enum Kind {
    Bytes(Bytes),
    Stream(Stream),
}

/// A body whose frames are asked for one by one, as there is room to send them.
pub(crate) type Stream = Pin<Box<dyn FileStream>>;

/// A body that lies in files, at least in part.
pub trait FileStream: http_body::Body<Data = Bytes, Error = Failure> {
    /// The next piece, if it is a part of a file that can be sent from there without waiting for the disk. Asked for
    /// where that is possible, before each frame: a connection with TLS has to see the bytes.
    fn next_range(self: Pin<&mut Self>) -> Option<FileRange>;
}

impl Content {
    /// Nothing.
    pub fn empty() -> Self {
        Self(Kind::Bytes(Bytes::new()))
    }

    /// What `body` gives, frame by frame, its trailers too. If it knows its exact length, that is the
    /// message's `Content-Length`.
    pub fn stream<B>(body: B) -> Self
    where
        B: http_body::Body + 'static,
        B::Error: Into<Failure>,
    {
        Self(Kind::Stream(Box::pin(Frames(Box::pin(body)))))
    }

    /// The same of what lies in files.
    pub fn files(body: impl FileStream + 'static) -> Self {
        Self(Kind::Stream(Box::pin(body)))
    }

    /// How long it is, if that is known.
    pub fn len(&self) -> Option<u64> {
        match &self.0 {
            Kind::Bytes(bytes) => Some(bytes.len() as u64),
            Kind::Stream(stream) => stream.size_hint().exact(),
        }
    }

    /// Whether it is known to be nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }
}

/// The frames of any body, as `Bytes` and with our error.
struct Frames<B>(Pin<Box<B>>);

impl<B> http_body::Body for Frames<B>
where
    B: http_body::Body,
    B::Error: Into<Failure>,
{
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.0.as_mut().poll_frame(cx).map(|frame| {
            frame.map(|frame| {
                frame
                    .map(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                    .map_err(Into::into)
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl<B> FileStream for Frames<B>
where
    B: http_body::Body,
    B::Error: Into<Failure>,
{
    fn next_range(self: Pin<&mut Self>) -> Option<FileRange> {
        None
    }
}

impl FileStream for Body {
    fn next_range(self: Pin<&mut Self>) -> Option<FileRange> {
        None
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Bytes(bytes))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Content {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Content {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl From<()> for Content {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

/// What comes from one connection, to another: a proxy.
impl From<Body> for Content {
    fn from(body: Body) -> Self {
        Self(Kind::Stream(Box::pin(body)))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("len", &self.len()).finish()
    }
}
