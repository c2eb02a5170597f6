//! [`AccessLog`]: a line for each request that was answered.

use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use http::Version;

use crate::Request;

/// Notes each request once it has been answered, or its client has left.
#[derive(Clone)]
pub struct AccessLog {
    form: AccessLogForm,
    write: Rc<dyn Fn(&str)>,
}

/// What a line looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessLogForm {
    /// The combined format of Apache and nginx, which every log analyser reads.
    Combined,
    /// An object of JSON, with the request's number and the seconds it took.
    Json,
}

/// What a line says.
struct Line<'a> {
    request: &'a Request,
    peer: String,
    at: SystemTime,
    took: Duration,
    /// `None` if the client left before it was answered.
    status: Option<u16>,
}

/// nginx's code for a client that left before it was answered.
const CLIENT_LEFT: u16 = 499;

impl AccessLog {
    /// A log that gives each line, without its end, to `write`.
    pub fn new(form: AccessLogForm, write: impl Fn(&str) + 'static) -> Self {
        Self { form, write: Rc::new(write) }
    }

    /// Notes the request when it is over.
    pub(crate) fn follow(&self, request: &Request) {
        let log = self.clone();
        // A log keeps no request: one that all others have dropped is to be answered.
        let noted = request.downgrade();
        let peer = peer_of(request);
        let (at, began) = (SystemTime::now(), request.transport().reactor().now());
        let over = request.notify_finish().add_both(move |result| {
            let Some(noted) = noted() else { return };
            let status = result.is_ok().then(|| noted.status().as_u16());
            let took = noted.transport().reactor().now().since(began);
            let line = Line { request: &noted, peer, at, took, status };
            (log.write)(&match log.form {
                AccessLogForm::Combined => line.combined(),
                AccessLogForm::Json => line.json(),
            });
        });
        drop(over);
    }
}

fn peer_of(request: &Request) -> String {
    match request.peer() {
        ropewalk_core::Address::Ip(address) => address.ip().to_string(),
        _ => "-".to_owned(),
    }
}

fn version_name(version: Version) -> &'static str {
    if version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" }
}

impl Line<'_> {
    fn status(&self) -> u16 {
        self.status.unwrap_or(CLIENT_LEFT)
    }

    fn combined(&self) -> String {
        let request = self.request;
        let field = |name| request.header(name).map_or_else(|| "-".to_owned(), quotable);
        format!(
            "{} - {} [{}] \"{} {} {}\" {} {} \"{}\" \"{}\"",
            self.peer,
            request.user().map_or_else(|| "-".to_owned(), |user| quotable(user.as_bytes())),
            common_date(self.at),
            request.method(),
            quotable(request.target().as_bytes()),
            version_name(request.version()),
            self.status(),
            request.body_bytes(),
            field("referer"),
            field("user-agent"),
        )
    }

    fn json(&self) -> String {
        let request = self.request;
        let mut line = String::from("{");
        let text = |line: &mut String, name: &str, value: &str| {
            let _ = write!(line, "\"{name}\":\"{}\",", json_text(value));
        };
        text(&mut line, "time", &humantime(self.at));
        text(&mut line, "peer", &self.peer);
        text(&mut line, "method", request.method().as_str());
        text(&mut line, "target", request.target());
        text(&mut line, "version", version_name(request.version()));
        for (name, field) in
            [("host", "host"), ("referer", "referer"), ("user_agent", "user-agent")]
        {
            if let Some(value) = request.header(field) {
                text(&mut line, name, &String::from_utf8_lossy(value));
            }
        }
        if let Some(user) = request.user() {
            text(&mut line, "user", &user);
        }
        let (status, bytes, id) = (self.status(), request.body_bytes(), request.id());
        let seconds = self.took.as_secs_f64();
        let _ = write!(
            line,
            "\"status\":{status},\"bytes\":{bytes},\"seconds\":{seconds:.6},\"id\":{id}}}"
        );
        line
    }
}

/// What may stand between quotes in a line; the rest as `\xHH`, as Apache and nginx do.
fn quotable(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value {
        match byte {
            b'"' | b'\\' | 0..0x20 | 0x7f.. => {
                let _ = write!(text, "\\x{byte:02X}");
            }
            byte => text.push(char::from(*byte)),
        }
    }
    text
}

fn json_text(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            character if character.is_control() => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            character => text.push(character),
        }
    }
    text
}

/// Year, month, day, hour, minute, second, in UTC.
fn civil(at: SystemTime) -> (u32, u32, u32, u64, u64, u64) {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // httpdate knows the calendar: `Sun, 06 Nov 1994 08:49:37 GMT`.
    let text = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let number = |range: std::ops::Range<usize>| {
        text.get(range).and_then(|part| part.parse().ok()).unwrap_or(0)
    };
    let month = MONTHS.iter().position(|month| text.get(8..11) == Some(month)).unwrap_or(0);
    let year = number(12..16);
    let day_seconds = seconds % 86_400;
    let month = u32::try_from(month + 1).unwrap_or(1);
    let day = number(5..7);
    (year, month, day, day_seconds / 3600, day_seconds / 60 % 60, day_seconds % 60)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `06/Nov/1994:08:49:37 +0000`.
fn common_date(at: SystemTime) -> String {
    let (year, month, day, hour, minute, second) = civil(at);
    let month = MONTHS[(month as usize).saturating_sub(1) % 12];
    format!("{day:02}/{month}/{year}:{hour:02}:{minute:02}:{second:02} +0000")
}

/// `1994-11-06T08:49:37Z`.
fn humantime(at: SystemTime) -> String {
    let (year, month, day, hour, minute, second) = civil(at);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_their_readers_expect() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(common_date(at), "06/Nov/1994:08:49:37 +0000");
        assert_eq!(humantime(at), "1994-11-06T08:49:37Z");
    }

    #[test]
    fn a_client_cannot_forge_a_line() {
        assert_eq!(quotable(b"a\"b\\c\nd\xff"), r"a\x22b\x5Cc\x0Ad\xFF");
        assert_eq!(json_text("a\"b\\c\n"), "a\\\"b\\\\c\\u000a");
    }
}
