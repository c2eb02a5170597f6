//! [`RequestHead`]: the head of a request as who answers reads it; and [`Terms`]: what a server must know to go on.
//!
//! The grammar is `httparse`'s. What it leaves open is decided here, to the strict side: the form of the
//! target, `Host`, the length of the body, the fields that concern the connection.

use std::cell::OnceCell;
use std::mem::MaybeUninit;

use http::{HeaderMap, Method, Version};
use httparse::{ParserConfig, Status};

use crate::fields::{Fields, Span, has_token};
use crate::limits::HEADERS_CEILING;
use crate::message_length::{LengthFields, MessageLength};
use crate::{HttpError, HttpLimits, target};

/// What was asked for. Nobody else needs it than who answers.
#[derive(Default, Debug)]
pub(crate) struct RequestHead {
    target: Span,
    fields: Fields,
    map: OnceCell<Box<HeaderMap>>,
}

/// On what terms a request is answered. Kept as long as that takes, so it is small.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) method: Method,
    pub(crate) version: Version,
    /// Whether the client would like to use the connection again.
    pub(crate) keep_alive: bool,
    /// Whether it waits for a `100 Continue` before it sends the body.
    pub(crate) expects_continue: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            method: Method::GET,
            version: Version::HTTP_11,
            keep_alive: true,
            expects_continue: false,
        }
    }
}

impl RequestHead {
    /// Reads `bytes`, which are one whole head, over whatever was here before; gives how long the body is, too.
    pub(crate) fn parse(
        &mut self,
        bytes: &[u8],
        limits: &HttpLimits,
    ) -> Result<(Terms, MessageLength), HttpError> {
        let mut room = [const { MaybeUninit::uninit() }; HEADERS_CEILING];
        let room = &mut room[..limits.headers_max.min(HEADERS_CEILING)];
        let mut request = httparse::Request::new(&mut []);
        let parsed =
            ParserConfig::default().parse_request_with_uninit_headers(&mut request, bytes, room);
        let Status::Complete(_) = parsed.map_err(|error| error_of(error, bytes))? else {
            return Err(HttpError::RequestLine);
        };
        let target = request.path.unwrap_or_default();
        if target.len() > limits.target_bytes_max {
            return Err(HttpError::TargetTooLong);
        }
        let method = Method::from_bytes(request.method.unwrap_or_default().as_bytes())
            .map_err(|_| HttpError::Method)?;
        let mut terms = Terms { method, version: version_of(request.version), ..Terms::default() };
        let (length, host) = terms.read_fields(request.headers)?;
        target::check(&terms.method, target, host)?;
        self.target = Span::of(target.as_bytes(), bytes);
        // Behind the target stands only the version: ` HTTP/1.1` and the line's end.
        self.fields.set(bytes, self.target.range().end + b" HTTP/1.1\r\n".len());
        Ok((terms, length))
    }

    /// The target as it stood in the request line.
    pub(crate) fn target(&self) -> &str {
        std::str::from_utf8(self.fields.bytes(self.target)).unwrap_or_default()
    }

    /// The value of the first field of that name, in any case.
    pub(crate) fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// Its fields as a map, made when it is first asked for.
    pub(crate) fn map(&self) -> &HeaderMap {
        self.map.get_or_init(|| Box::new(self.fields.to_map()))
    }

    /// Forgets everything, for the next one, but keeps up to so many bytes of what it has allocated.
    pub(crate) fn clear(&mut self, bytes_max: usize) {
        (self.target, self.map) = (Span::default(), OnceCell::new());
        self.fields.clear(bytes_max);
    }
}

impl Terms {
    /// What the fields say of the connection and the body; gives how long that is, and `Host`.
    fn read_fields<'a>(
        &mut self,
        fields: &[httparse::Header<'a>],
    ) -> Result<(MessageLength, Option<&'a [u8]>), HttpError> {
        let mut lengths = LengthFields::default();
        let (mut host, mut closes, mut keeps) = (None, false, false);
        for field in fields {
            match Known::of(field.name) {
                Some(Known::Host) if host.is_some() => return Err(HttpError::Host),
                Some(Known::Host) => host = Some(field.value),
                Some(Known::Connection) => {
                    closes |= has_token(field.value, b"close");
                    keeps |= has_token(field.value, b"keep-alive");
                }
                Some(Known::ContentLength) => lengths.content_length(field.value)?,
                Some(Known::TransferEncoding) if self.version == Version::HTTP_10 => {
                    return Err(HttpError::TransferEncoding); // RFC 9112 section 6.1
                }
                Some(Known::TransferEncoding) => lengths.transfer_encoding(field.value)?,
                Some(Known::Expect) if field.value.eq_ignore_ascii_case(b"100-continue") => {
                    // A client of 1.0 that says so is not waiting for one (RFC 9110 section 10.1.1).
                    self.expects_continue = self.version == Version::HTTP_11;
                }
                Some(Known::Expect) => return Err(HttpError::Expectation),
                None => {}
            }
        }
        if host.is_none() && self.version == Version::HTTP_11 {
            return Err(HttpError::Host);
        }
        let length = lengths.length()?.unwrap_or(MessageLength::Bytes(0));
        self.keep_alive = !closes && (keeps || self.version == Version::HTTP_11);
        self.expects_continue &= length != MessageLength::Bytes(0);
        Ok((length, host))
    }
}

/// The fields that a server must heed.
enum Known {
    Host,
    Connection,
    ContentLength,
    TransferEncoding,
    Expect,
}

impl Known {
    fn of(name: &str) -> Option<Self> {
        let (candidate, known) = match name.len() {
            4 => ("host", Self::Host),
            6 => ("expect", Self::Expect),
            10 => ("connection", Self::Connection),
            14 => ("content-length", Self::ContentLength),
            17 => ("transfer-encoding", Self::TransferEncoding),
            _ => return None,
        };
        name.eq_ignore_ascii_case(candidate).then_some(known)
    }
}

pub(crate) fn version_of(minor: Option<u8>) -> Version {
    if minor == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 }
}

/// What `httparse` found wrong, in our words.
fn error_of(error: httparse::Error, bytes: &[u8]) -> HttpError {
    match error {
        httparse::Error::TooManyHeaders => HttpError::HeadTooLarge,
        httparse::Error::HeaderName => HttpError::FieldName,
        httparse::Error::HeaderValue => HttpError::FieldValue,
        httparse::Error::NewLine => HttpError::BareLineEnd,
        httparse::Error::Version if names_a_version(bytes) => HttpError::Version,
        httparse::Error::Token => HttpError::RequestLine,
        _ => HttpError::RequestLine,
    }
}

/// Whether the first line is one of another version of HTTP, and not of another protocol.
fn names_a_version(bytes: &[u8]) -> bool {
    let line = bytes.trim_ascii_start().split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ').skip(2);
    let (version, behind) = (words.next().unwrap_or_default(), words.next());
    matches!(version, [b'H', b'T', b'T', b'P', b'/', a, b'.', b]
        if behind.is_none() && a.is_ascii_digit() && b.is_ascii_digit())
}

/// Whether these bytes, the beginning of a head, can still become one.
pub(crate) fn can_begin(bytes: &[u8]) -> Result<(), HttpError> {
    let mut room = [const { MaybeUninit::uninit() }; HEADERS_CEILING];
    let mut request = httparse::Request::new(&mut []);
    let parsed =
        ParserConfig::default().parse_request_with_uninit_headers(&mut request, bytes, &mut room);
    parsed.map(drop).map_err(|error| error_of(error, bytes))
}
