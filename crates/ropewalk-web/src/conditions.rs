//! Conditional requests: whether a client has what it asks for already (RFC 9110 section 13).

use std::time::SystemTime;

use http::Method;

use crate::Request;

/// What identifies a state of a file.
pub(crate) struct Validators {
    /// With its quotes.
    pub(crate) etag: String,
    pub(crate) modified: SystemTime,
}

/// What becomes of a request by its conditions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Condition {
    /// It is answered as if it had none.
    Met,
    /// 304
    NotModified,
    /// 412
    Failed,
}

impl Validators {
    /// In the order of RFC 9110 section 13.2.2.
    pub(crate) fn check(&self, request: &Request) -> Condition {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if let Some(tags) = request.header_text("if-match") {
            if !self.matches_strongly(tags) {
                return Condition::Failed;
            }
        } else if date(request, "if-unmodified-since").is_some_and(|since| self.seconds() > since) {
            return Condition::Failed;
        }
        if let Some(tags) = request.header_text("if-none-match") {
            return match (self.matches_weakly(tags), reads) {
                (false, _) => Condition::Met,
                (true, true) => Condition::NotModified,
                (true, false) => Condition::Failed,
            };
        }
        let unchanged =
            date(request, "if-modified-since").is_some_and(|since| self.seconds() <= since);
        if reads && unchanged { Condition::NotModified } else { Condition::Met }
    }

    /// Whether a range of this state is what `If-Range` wants (RFC 9110 section 13.1.5).
    pub(crate) fn is_in_range_condition(&self, request: &Request) -> bool {
        let Some(value) = request.header_text("if-range") else { return true };
        if value.starts_with('"') || value.starts_with("W/") {
            return value == self.etag;
        }
        httpdate::parse_http_date(value).is_ok_and(|date| seconds_of(date) == self.seconds())
    }

    fn matches_strongly(&self, tags: &str) -> bool {
        let is_it = |tag: &str| tag == "*" || (tag == self.etag && !tag.starts_with("W/"));
        tags.split(',').any(|tag| is_it(tag.trim()))
    }

    fn matches_weakly(&self, tags: &str) -> bool {
        let opaque = |tag: &'_ str| tag.trim().trim_start_matches("W/").to_owned();
        let own = opaque(&self.etag);
        tags.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == own)
    }

    /// Dates of HTTP have no fractions.
    fn seconds(&self) -> u64 {
        seconds_of(self.modified)
    }
}

fn seconds_of(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn date(request: &Request, name: &str) -> Option<u64> {
    httpdate::parse_http_date(request.header_text(name)?).ok().map(seconds_of)
}
