//! [`HttpError`]: what a peer's message can be wrong by, and what a server answers to it.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use ropewalk_core::{Failure, FailureKind};

/// A rule of HTTP/1.1 that a message breaks, or a limit that it passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HttpError {
    /// The first line of a request is not `METHOD target HTTP/1.x` (RFC 9112 section 3).
    RequestLine,
    /// The first line of a response is not `HTTP/1.x code reason` (RFC 9112 section 4).
    StatusLine,
    /// A version of HTTP that is not 1.0 or 1.1.
    Version,
    /// The method is no token.
    Method,
    /// The target has none of the four forms, or not that of its method (RFC 9112 section 3.2).
    Target,
    /// The target is longer than `target_bytes_max`.
    TargetTooLong,
    /// A line feed without a carriage return before it, or a carriage return alone (RFC 9112 section 2.2).
    BareLineEnd,
    /// A field's name is no token: a space before the colon, a folded line, a missing colon.
    FieldName,
    /// A field's value has bytes that no value may have.
    FieldValue,
    /// The head is longer than `head_bytes_max`, or its fields are more than `headers_max`.
    HeadTooLarge,
    /// A request of HTTP/1.1 without `Host`, or any with two (RFC 9112 section 3.2).
    Host,
    /// The target names another authority than `Host` does.
    HostMismatch,
    /// `Content-Length` is no decimal number, or stands there more than once (RFC 9112 section 6.3).
    ContentLength,
    /// Both `Transfer-Encoding` and `Content-Length`: one of the ways to smuggle a request.
    BothLengths,
    /// `Transfer-Encoding` does not end with `chunked`, names it twice, or comes with HTTP/1.0.
    TransferEncoding,
    /// A transfer coding other than `chunked`.
    UnknownCoding,
    /// A chunk's size, extension or end is wrong (RFC 9112 section 7.1).
    Chunk,
    /// The trailer behind the last chunk is wrong or too long.
    Trailer,
    /// The body is longer than `body_bytes_max`.
    BodyTooLarge,
    /// `Expect` asks for something else than `100-continue` (RFC 9110 section 10.1.1).
    Expectation,
    /// The head, or the body, came too slowly.
    TooSlow,
    /// The connection ended in the middle of the message.
    Truncated,
    /// The connection ended before the first byte of an answer.
    NoAnswer,
}

impl HttpError {
    /// What a server answers before it loses the connection.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnknownCoding => StatusCode::NOT_IMPLEMENTED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whose fault it is: a limit's, a timeout, or the peer's.
    pub(crate) fn kind(self) -> FailureKind {
        match self {
            Self::TargetTooLong | Self::HeadTooLarge | Self::BodyTooLarge => FailureKind::Limit,
            Self::TooSlow => FailureKind::Timeout,
            _ => FailureKind::Peer,
        }
    }

    /// The same as a [`Failure`].
    #[track_caller]
    pub fn into_failure(self) -> Failure {
        Failure::from_error(self.kind(), self)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestLine => "the request line is malformed",
            Self::StatusLine => "the status line is malformed",
            Self::Version => "the version of HTTP is not 1.0 or 1.1",
            Self::Method => "the method is no token",
            Self::Target => "the request's target is malformed, or not of its method's form",
            Self::TargetTooLong => "the request's target is too long (target_bytes_max)",
            Self::BareLineEnd => "a line does not end with CR LF",
            Self::FieldName => "the name of a header field is malformed",
            Self::FieldValue => "the value of a header field is malformed",
            Self::HeadTooLarge => {
                "the header fields are too long or too many (head_bytes_max, headers_max)"
            }
            Self::Host => "there is no Host, more than one, or a malformed one",
            Self::HostMismatch => "the target names another host than Host does",
            Self::ContentLength => "Content-Length is malformed or repeated",
            Self::BothLengths => "there are both Transfer-Encoding and Content-Length",
            Self::TransferEncoding => "Transfer-Encoding does not end with one chunked",
            Self::UnknownCoding => "the transfer coding is not supported",
            Self::Chunk => "a chunk is malformed",
            Self::Trailer => "the trailer is malformed or too long (trailer_bytes_max)",
            Self::BodyTooLarge => "the body is too long (body_bytes_max)",
            Self::Expectation => "the expectation is not 100-continue",
            Self::TooSlow => "the message came too slowly",
            Self::Truncated => "the connection ended in the middle of the message",
            Self::NoAnswer => "the connection ended before an answer came",
        })
    }
}

impl Error for HttpError {}
