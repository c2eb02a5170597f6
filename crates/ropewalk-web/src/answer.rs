//! [`Answer`]: what a resource gives for a request.

use bytes::Bytes;
use http::{Response, StatusCode};
use ropewalk_core::Deferred;
use ropewalk_http::Content;

/// What [`Resource::render`](crate::Resource::render) returns.
///
/// Text, bytes, a status, an [`http::Response`] and a [`Deferred`] of one of these turn into it. What is text is
/// HTML unless `Content-Type` was set.
///
/// # Example: all the same
/// ```
/// use http::StatusCode;
/// use ropewalk_web::Answer;
/// let answers: [Answer; 3] = [
///     "<h1>It works</h1>".into(),
///     (StatusCode::NOT_FOUND, "Nothing here").into(),
///     StatusCode::NO_CONTENT.into(),
/// ];
/// # let _ = answers;
/// ```
#[non_exhaustive]
pub enum Answer {
    /// The body, behind the status and the fields that were set on the request.
    Content(Content),
    /// Head and body. Its fields stand beside those that were set on the request.
    Response(Response<Content>),
    /// A status, with the site's page for it if it is an error.
    Status(StatusCode),
    /// It is given later. If the Deferred fails the answer is a 500, or what a [`FormError`](crate::FormError) says; if the connection is lost it is cancelled.
    Later(Box<Deferred<Answer>>),
    /// The request was kept, and is answered by itself, now or later: Twisted's `NOT_DONE_YET`.
    NotDoneYet,
}

impl From<Content> for Answer {
    fn from(content: Content) -> Self {
        Self::Content(content)
    }
}

impl From<&'static str> for Answer {
    fn from(text: &'static str) -> Self {
        Self::Content(text.into())
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::Content(text.into())
    }
}

impl From<Bytes> for Answer {
    fn from(bytes: Bytes) -> Self {
        Self::Content(bytes.into())
    }
}

impl From<Vec<u8>> for Answer {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Content(bytes.into())
    }
}

impl From<StatusCode> for Answer {
    fn from(status: StatusCode) -> Self {
        Self::Status(status)
    }
}

impl<C: Into<Content>> From<(StatusCode, C)> for Answer {
    fn from((status, content): (StatusCode, C)) -> Self {
        let mut response = Response::new(content.into());
        *response.status_mut() = status;
        Self::Response(response)
    }
}

impl<C: Into<Content>> From<Response<C>> for Answer {
    fn from(response: Response<C>) -> Self {
        Self::Response(response.map(Into::into))
    }
}

impl<A: Into<Self> + 'static> From<Deferred<A>> for Answer {
    fn from(later: Deferred<A>) -> Self {
        Self::Later(Box::new(later.add_callback(|answer| Ok(answer.into()))))
    }
}
