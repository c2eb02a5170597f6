//! [`Compression`]: makes answers smaller for clients that take it.

use flate2::{Compress, FlushCompress};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, VARY,
};
use http::{Method, StatusCode};
use ropewalk_http::{Filter, ReplyHead};

use crate::Request;

/// Compresses answers by gzip, if the client says that it takes it and the content is worth it: text, scripts,
/// fonts and the like, not what is compressed already.
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    /// 1 is fast, 9 is small. Default 5: most of what 9 saves, for a third of the time.
    pub level: u32,
    /// Bodies that are known to be shorter are left alone. Default 1,000 bytes: they fit into one packet anyhow.
    pub bytes_min: u64,
}

impl Default for Compression {
    fn default() -> Self {
        Self { level: 5, bytes_min: 1_000 }
    }
}

impl Compression {
    /// Has the answer compressed, if it turns out to be worth it.
    pub(crate) fn offer(&self, request: &Request) {
        let accepts = request
            .header_text(ACCEPT_ENCODING.as_str())
            .is_some_and(|value| accepts(value, "gzip"));
        request.set_filter(Gzip { options: *self, accepts, stream: None });
    }
}

/// Whether `Accept-Encoding` has `coding` with a weight above nothing (RFC 9110 section 12.5.3).
pub(crate) fn accepts(value: &str, coding: &str) -> bool {
    let mut any = false;
    for part in value.split(',') {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let refused = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0));
        if name.trim().eq_ignore_ascii_case(coding) {
            return !refused;
        }
        any |= name.trim() == "*" && !refused;
    }
    any
}

struct Gzip {
    options: Compression,
    accepts: bool,
    stream: Option<Compress>,
}

impl Filter for Gzip {
    fn begin(&mut self, _: &Method, head: &mut ReplyHead<'_>, length: Option<u64>) -> bool {
        if !self.is_worth_it(head, length) {
            return false;
        }
        let is_said = |value| contains(value, b"Accept-Encoding");
        if !head.get(&VARY).is_some_and(is_said) {
            head.append(&VARY, b"Accept-Encoding");
        }
        if !self.accepts {
            return false;
        }
        head.set(&CONTENT_ENCODING, b"gzip");
        // Not byte for byte what the tag is for (RFC 9110 section 8.8.3).
        let tag = head.get(&ETAG).filter(|tag| !tag.starts_with(b"W/")).map(<[u8]>::to_vec);
        if let Some(tag) = tag {
            head.set(&ETAG, &[b"W/", tag.as_slice()].concat());
        }
        self.stream = Some(Compress::new_gzip(flate2::Compression::new(self.options.level), 15));
        true // For HEAD, too: its length is that of the compressed body (RFC 9110 section 8.6).
    }

    fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        // To the last byte: somebody may wait for it.
        self.run(data, out, FlushCompress::Sync);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.run(b"", out, FlushCompress::Finish);
    }
}

impl Gzip {
    fn is_worth_it(&self, head: &ReplyHead<'_>, length: Option<u64>) -> bool {
        let is_fit = head.get(&CONTENT_ENCODING).is_none()
            && head.get(&CONTENT_RANGE).is_none()
            && !matches!(
                head.status(),
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT
            )
            && !head.get(&CACHE_CONTROL).is_some_and(|value| contains(value, b"no-transform"));
        let kind = head.get(&CONTENT_TYPE).is_some_and(is_compressible);
        is_fit && kind && length.is_none_or(|length| length >= self.options.bytes_min)
    }

    fn run(&mut self, data: &[u8], out: &mut Vec<u8>, flush: FlushCompress) {
        let Some(stream) = &mut self.stream else { return };
        let begin = stream.total_in();
        loop {
            out.reserve(data.len() / 2 + 256);
            let used = usize::try_from(stream.total_in() - begin).unwrap_or(data.len());
            // Memory to memory: this cannot fail but by a mistake here, and then the client sees a body cut short.
            let Ok(status) = stream.compress_vec(&data[used..], out, flush) else { return };
            let is_all_in = stream.total_in() - begin == data.len() as u64;
            let has_room = out.len() < out.capacity();
            if is_all_in
                && (status == flate2::Status::StreamEnd
                    || (flush != FlushCompress::Finish && has_room))
            {
                return;
            }
        }
    }
}

fn contains(value: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(value, word).is_some()
}

fn is_compressible(value: &[u8]) -> bool {
    const KINDS: &[&[u8]] = &[
        b"application/javascript",
        b"application/json",
        b"application/xml",
        b"application/wasm",
        b"application/manifest+json",
        b"application/ld+json",
        b"application/rss+xml",
        b"application/atom+xml",
        b"application/xhtml+xml",
        b"image/svg+xml",
        b"image/bmp",
        b"font/ttf",
        b"font/otf",
    ];
    let kind = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    (kind.starts_with(b"text/") && kind != b"text/event-stream")
        || KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_says_what_it_takes() {
        assert!(accepts("gzip, deflate, br", "gzip"));
        assert!(accepts("br;q=1, gzip;q=0.5", "gzip"));
        assert!(accepts("*", "gzip"));
        assert!(!accepts("gzip;q=0", "gzip"));
        assert!(!accepts("*, gzip;q=0.0", "gzip"));
        assert!(!accepts("br", "gzip"));
        assert!(!accepts("", "gzip"));
    }
}
