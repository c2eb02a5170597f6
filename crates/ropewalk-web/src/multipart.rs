//! [`Multipart`]: cuts `multipart/form-data` into its parts as the bytes come (RFC 7578, RFC 2046 section 5.1).

use memchr::memmem;
use ropewalk_core::Failure;

use crate::FormError;

/// Where in a form it is. It holds no more than a part's head, or a piece that may be the beginning of a boundary.
pub(crate) struct Multipart {
    /// A line end, two dashes, and the boundary.
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Right behind a boundary: the end of its line, or of all.
    Boundary,
    Head,
    Data,
    Done,
}

/// What was found.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Event {
    Part(PartHead),
    Data(Vec<u8>),
    PartEnd,
}

/// What a part says of itself.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct PartHead {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
}

/// Bytes of a part's head: some fields, one of them with a long file name.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// RFC 2046 section 5.1.1.
const BOUNDARY_BYTES_MAX: usize = 70;

impl Multipart {
    /// For a `Content-Type`; `None` if it is none of a form in parts.
    pub(crate) fn for_type(content_type: &str) -> Option<Self> {
        let (kind, parameters) = content_type.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameter(parameters, "boundary")?;
        let is_fit = !boundary.is_empty() && boundary.len() <= BOUNDARY_BYTES_MAX;
        is_fit.then(|| Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // So that the first boundary needs no line before it.
            buffer: b"\r\n".to_vec(),
            state: State::Preamble,
        })
    }

    /// More of the form came.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.state != State::Done {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Whether the closing boundary has been found.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next event in what has come; `None` if it takes more bytes.
    ///
    /// # Errors
    /// `Peer` if it is no form.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            let event = match self.state {
                State::Preamble => self.skip_preamble(),
                State::Boundary => self.behind_boundary()?,
                State::Head => self.head()?,
                State::Data => return Ok(self.data()),
                State::Done => return Ok(None),
            };
            match event {
                Step::Again => {}
                Step::Wait => return Ok(None),
                Step::Found(event) => return Ok(Some(event)),
            }
        }
    }

    fn skip_preamble(&mut self) -> Step {
        if let Some(at) = memmem::find(&self.buffer, &self.delimiter) {
            self.buffer.drain(..at + self.delimiter.len());
            self.state = State::Boundary;
            return Step::Again;
        }
        let kept = self.buffer.len().min(self.delimiter.len() - 1);
        self.buffer.drain(..self.buffer.len() - kept);
        Step::Wait
    }

    fn behind_boundary(&mut self) -> Result<Step, Failure> {
        if self.buffer.starts_with(b"--") {
            self.state = State::Done;
            self.buffer = Vec::new();
            return Ok(Step::Again);
        }
        let padding = self.buffer.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match &self.buffer[padding..] {
            [b'\r', b'\n', ..] => {
                self.buffer.drain(..padding + 2);
                self.state = State::Head;
                Ok(Step::Again)
            }
            [] | [b'\r'] | [b'-'] if padding < HEAD_BYTES_MAX => Ok(Step::Wait),
            _ => Err(broken("a boundary's line goes on")),
        }
    }

    fn head(&mut self) -> Result<Step, Failure> {
        let end = if self.buffer.starts_with(b"\r\n") {
            Some((0, 2))
        } else {
            memmem::find(&self.buffer, b"\r\n\r\n").map(|at| (at, 4))
        };
        let Some((len, gap)) = end else {
            let is_long = self.buffer.len() > HEAD_BYTES_MAX;
            return if is_long { Err(broken("a part's head is too long")) } else { Ok(Step::Wait) };
        };
        let head = PartHead::parse(&self.buffer[..len])?;
        self.buffer.drain(..len + gap);
        self.state = State::Data;
        Ok(Step::Found(Event::Part(head)))
    }

    /// Up to the next boundary, or as much as cannot be a part of one.
    fn data(&mut self) -> Option<Event> {
        if let Some(at) = memmem::find(&self.buffer, &self.delimiter) {
            if at == 0 {
                self.buffer.drain(..self.delimiter.len());
                self.state = State::Boundary;
                return Some(Event::PartEnd);
            }
            return Some(Event::Data(self.buffer.drain(..at).collect()));
        }
        let free = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
        (free > 0).then(|| Event::Data(self.buffer.drain(..free).collect()))
    }
}

enum Step {
    Again,
    Wait,
    Found(Event),
}

fn broken(why: &'static str) -> Failure {
    FormError::Malformed(why).into_failure()
}

impl PartHead {
    fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let text = String::from_utf8_lossy(bytes);
        let mut head = Self::default();
        let mut is_form_data = false;
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            let (name, value) =
                line.split_once(':').ok_or_else(|| broken("a part's field has no colon"))?;
            if name.eq_ignore_ascii_case("content-disposition") {
                let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
                is_form_data = kind.trim().eq_ignore_ascii_case("form-data");
                head.name = parameter(parameters, "name").unwrap_or_default();
                head.file_name = parameter(parameters, "filename").map(|name| last_part(&name));
            } else if name.eq_ignore_ascii_case("content-type") {
                head.content_type = Some(value.trim().to_owned());
            }
        }
        if is_form_data { Ok(head) } else { Err(broken("a part is no form-data")) }
    }
}

/// A file's name without the directories that some browsers send along.
fn last_part(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}

/// A parameter of a field, with or without quotes. Browsers escape a quote as `%22` (WHATWG), others by a
/// backslash.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = behind.find(';').unwrap_or(behind.len());
                (behind[..end].trim().to_owned(), &behind[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = behind;
    }
}

fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value.replace("%22", "\""), &text[at + 1..])),
            '\\' if characters.peek().is_some_and(|(_, next)| matches!(next, '"' | '\\')) => {
                value.push(characters.next()?.1);
            }
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"xx y\"";

    /// All parts, with their data joined.
    fn parse(body: &[u8], piece: usize) -> Result<Vec<(PartHead, Vec<u8>)>, Failure> {
        let mut form = Multipart::for_type(TYPE).unwrap();
        let mut parts: Vec<(PartHead, Vec<u8>)> = Vec::new();
        for piece in body.chunks(piece) {
            form.feed(piece);
            while let Some(event) = form.next()? {
                match event {
                    Event::Part(head) => parts.push((head, Vec::new())),
                    Event::Data(data) => parts.last_mut().unwrap().1.extend(data),
                    Event::PartEnd => {}
                }
            }
        }
        if form.is_done() { Ok(parts) } else { Err(broken("not done")) }
    }

    #[test]
    fn parts_are_found_however_they_are_cut() {
        let body = b"preamble\r\n--xx y  \r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--xx\r\n\
            \r\n--xx y\r\nContent-Type: image/png\r\ncontent-disposition: form-data; name=f; filename=\"C:\\\\d\\\\e%22\\\"\xc3\xa9.png\"\r\n\r\n\
            \r\n--xx z\r\n\r\n--xx y\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--xx y--\r\nepilogue";
        for piece in [1, 2, 7, 1000] {
            let parts = parse(body, piece).unwrap();
            let names: Vec<&str> = parts.iter().map(|(head, _)| head.name.as_str()).collect();
            assert_eq!(names, ["a", "f", "empty"]);
            assert_eq!(parts[0].1, b"one\r\n--xx\r\n");
            assert_eq!(parts[1].1, b"\r\n--xx z\r\n");
            assert_eq!(parts[1].0.file_name.as_deref(), Some("e\"\"é.png"));
            assert_eq!(parts[1].0.content_type.as_deref(), Some("image/png"));
            assert!(parts[2].1.is_empty());
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        assert!(parse(b"--xx y\r\nno colon\r\n\r\n\r\n--xx y--", 5).is_err());
        assert!(parse(b"--xx yz\r\n\r\n", 5).is_err());
        assert!(
            parse(b"--xx y\r\nContent-Disposition: attachment\r\n\r\n\r\n--xx y--", 5).is_err()
        );
        assert!(
            parse(b"--xx y\r\nContent-Disposition: form-data; name=a\r\n\r\nno end", 5).is_err()
        );
        let long = [b"--xx y\r\n", "x".repeat(9000).as_bytes()].concat();
        assert!(parse(&long, 100).is_err());
        assert!(Multipart::for_type("multipart/form-data").is_none());
        assert!(Multipart::for_type("text/plain; boundary=x").is_none());
    }
}
