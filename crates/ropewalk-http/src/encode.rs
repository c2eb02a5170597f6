//! Heads and chunks as they are on the wire.

use std::io::Write;

use http::{HeaderMap, HeaderName, StatusCode};

/// Appends the status line (RFC 9112 section 4).
pub(crate) fn put_status_line(out: &mut Vec<u8>, status: StatusCode) {
    if status == StatusCode::OK {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends one field. A name is written with capitals, as people and old clients expect it; what may not
/// stand in a value (CR, LF, NUL) becomes a space, so that no value can end its line.
pub(crate) fn put_field(out: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    put_name(out, name.as_str());
    out.extend_from_slice(b": ");
    let start = out.len();
    out.extend_from_slice(value);
    for byte in &mut out[start..] {
        if matches!(byte, b'\r' | b'\n' | 0) {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// The names that capitals alone do not make what people write.
const SPELLED: &[(&str, &str)] = &[
    ("etag", "ETag"),
    ("te", "TE"),
    ("dnt", "DNT"),
    ("www-authenticate", "WWW-Authenticate"),
    ("sec-websocket-key", "Sec-WebSocket-Key"),
    ("sec-websocket-accept", "Sec-WebSocket-Accept"),
    ("sec-websocket-version", "Sec-WebSocket-Version"),
    ("sec-websocket-protocol", "Sec-WebSocket-Protocol"),
    ("sec-websocket-extensions", "Sec-WebSocket-Extensions"),
];

fn put_name(out: &mut Vec<u8>, name: &str) {
    let spelled = SPELLED.iter().find(|(lower, _)| *lower == name);
    if let Some((_, spelled)) = spelled {
        return out.extend_from_slice(spelled.as_bytes());
    }
    let start = out.len();
    out.extend_from_slice(name.as_bytes());
    let mut is_first = true;
    for byte in &mut out[start..] {
        if is_first {
            byte.make_ascii_uppercase();
        }
        is_first = *byte == b'-';
    }
}

pub(crate) fn put_fields(out: &mut Vec<u8>, fields: &HeaderMap) {
    fields.iter().for_each(|(name, value)| put_field(out, name, value.as_bytes()));
}

/// Appends a number in decimal.
pub(crate) fn put_decimal(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut left = number;
    loop {
        at -= 1;
        digits[at] = b"0123456789"[(left % 10) as usize];
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends the line before a chunk (RFC 9112 section 7.1).
pub(crate) fn put_chunk_line(out: &mut Vec<u8>, size: usize) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{size:x}\r\n");
}

/// Appends the last chunk and the trailer.
pub(crate) fn put_last_chunk(out: &mut Vec<u8>, trailers: Option<&HeaderMap>) {
    out.extend_from_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        put_fields(out, trailers);
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_its_line() {
        let mut out = Vec::new();
        put_field(&mut out, &HeaderName::from_static("x-a"), b"b\r\nSet-Cookie: c\0");
        assert_eq!(out, b"X-A: b  Set-Cookie: c \r\n");
    }

    #[test]
    fn names_have_capitals() {
        let mut out = Vec::new();
        put_name(&mut out, "content-type");
        put_name(&mut out, "www-authenticate");
        assert_eq!(out, b"Content-TypeWWW-Authenticate");
    }

    #[test]
    fn numbers_are_decimal() {
        let mut out = Vec::new();
        put_decimal(&mut out, 0);
        put_decimal(&mut out, u64::MAX);
        assert_eq!(out, b"018446744073709551615");
    }
}
