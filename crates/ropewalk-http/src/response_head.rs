//! [`ResponseHead`]: the parsed head of a response, with what a client must know to go on.

use std::mem::MaybeUninit;

use http::{HeaderMap, Method, StatusCode, Version};
use httparse::{ParserConfig, Status};

use crate::fields::{has_token, map_of};
use crate::limits::HEADERS_CEILING;
use crate::message_length::{LengthFields, MessageLength};
use crate::request_head::version_of;
use crate::{HttpError, HttpLimits};

#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) length: MessageLength,
    pub(crate) keep_alive: bool,
}

impl ResponseHead {
    /// Reads `bytes`, which are one whole head; `method` is what was asked for.
    pub(crate) fn parse(
        bytes: &[u8],
        method: &Method,
        limits: &HttpLimits,
    ) -> Result<Self, HttpError> {
        let mut room = [const { MaybeUninit::uninit() }; HEADERS_CEILING];
        let room = &mut room[..limits.headers_max.min(HEADERS_CEILING)];
        let mut response = httparse::Response::new(&mut []);
        let config = ParserConfig::default();
        let parsed = config.parse_response_with_uninit_headers(&mut response, bytes, room);
        let Status::Complete(_) = parsed.map_err(error_of)? else {
            return Err(HttpError::StatusLine);
        };
        let status = StatusCode::from_u16(response.code.unwrap_or_default())
            .map_err(|_| HttpError::StatusLine)?;
        let version = version_of(response.version);
        let (said, keep_alive) = read_fields(response.headers, version)?;
        let length = length_of(method, status, said);
        let fields = response.headers.iter().map(|field| (field.name.as_bytes(), field.value));
        Ok(Self {
            status,
            version,
            headers: map_of(fields),
            length,
            keep_alive: keep_alive && length != MessageLength::UntilClose,
        })
    }
}

/// What the fields say of the body, and whether the connection can be used again.
fn read_fields(
    fields: &[httparse::Header<'_>],
    version: Version,
) -> Result<(Option<MessageLength>, bool), HttpError> {
    let mut lengths = LengthFields::default();
    let (mut closes, mut keeps) = (false, version == Version::HTTP_11);
    for field in fields {
        let name = field.name;
        if name.eq_ignore_ascii_case("content-length") {
            lengths.content_length(field.value)?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            lengths.transfer_encoding(field.value)?;
        } else if name.eq_ignore_ascii_case("connection") {
            closes |= has_token(field.value, b"close");
            keeps |= has_token(field.value, b"keep-alive");
        }
    }
    Ok((lengths.length()?, keeps && !closes))
}

/// RFC 9112 section 6.3, from the receiver's side.
fn length_of(method: &Method, status: StatusCode, said: Option<MessageLength>) -> MessageLength {
    let has_no_body = *method == Method::HEAD
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || (*method == Method::CONNECT && status.is_success());
    if has_no_body { MessageLength::Bytes(0) } else { said.unwrap_or(MessageLength::UntilClose) }
}

fn error_of(error: httparse::Error) -> HttpError {
    match error {
        httparse::Error::TooManyHeaders => HttpError::HeadTooLarge,
        httparse::Error::HeaderName => HttpError::FieldName,
        httparse::Error::HeaderValue => HttpError::FieldValue,
        httparse::Error::NewLine => HttpError::BareLineEnd,
        httparse::Error::Version => HttpError::Version,
        _ => HttpError::StatusLine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: &Method, head: &str) -> Result<ResponseHead, HttpError> {
        ResponseHead::parse(head.as_bytes(), method, &HttpLimits::default())
    }

    #[test]
    fn the_length_depends_on_what_was_asked_and_answered() {
        for (method, head, length) in [
            (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", MessageLength::Bytes(5)),
            (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", MessageLength::Bytes(0)),
            (
                Method::GET,
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
                MessageLength::Bytes(0),
            ),
            (Method::GET, "HTTP/1.1 204 No Content\r\n\r\n", MessageLength::Bytes(0)),
            (
                Method::GET,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                MessageLength::Chunked,
            ),
            (Method::GET, "HTTP/1.1 200 OK\r\n\r\n", MessageLength::UntilClose),
            (Method::CONNECT, "HTTP/1.1 200 OK\r\n\r\n", MessageLength::Bytes(0)),
        ] {
            assert_eq!(parse(&method, head).unwrap().length, length, "{head}");
        }
    }

    #[test]
    fn a_connection_is_kept_only_if_both_ends_can_tell_where_the_message_ends() {
        for (head, keeps) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\n\r\n", false),
        ] {
            assert_eq!(parse(&Method::GET, head).unwrap().keep_alive, keeps, "{head}");
        }
    }

    #[test]
    fn malformed_heads_are_refused() {
        for head in [
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 abc OK\r\n\r\n",
            "ICY 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        ] {
            assert!(parse(&Method::GET, head).is_err(), "{head}");
        }
    }
}
