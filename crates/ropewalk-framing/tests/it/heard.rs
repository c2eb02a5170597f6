//! [`Heard`]: a protocol of frames and lines that writes down what it hears, and does what a test says.

use std::cell::RefCell;
use std::rc::Rc;

use ropewalk_core::{Cx, Failure};
use ropewalk_framing::{FrameProtocol, LineProtocol};

/// What a [`Heard`] heard: frames, lines and `raw:` bytes, `too long`, `read lost`, `lost: kind`.
#[derive(Clone, Default)]
pub(crate) struct Notes(Rc<RefCell<Vec<String>>>);

impl Notes {
    pub(crate) fn add(&self, note: impl Into<String>) {
        self.0.borrow_mut().push(note.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// Writes down what it hears. These frames and lines it obeys: `pause`, `lose`; and `raw N`, after which N raw
/// bytes are wanted, all at once.
pub(crate) struct Heard {
    notes: Notes,
    raw_wanted: Option<usize>,
    /// Whether lines that are too long cost the connection.
    strict: bool,
}

impl Heard {
    pub(crate) fn new(notes: &Notes) -> Self {
        Self { notes: notes.clone(), raw_wanted: None, strict: false }
    }

    pub(crate) fn strict(notes: &Notes) -> Self {
        Self { strict: true, ..Self::new(notes) }
    }

    fn obey(&mut self, cx: &mut Cx<'_>, said: &[u8]) {
        let said = String::from_utf8_lossy(said);
        self.notes.add(said.as_ref());
        match said.as_ref() {
            "pause" => cx.transport().pause_producing(),
            "lose" => cx.transport().lose_connection(),
            "switch" => cx.switch_protocol(Bytes(self.notes.clone()), b"first, ".to_vec()),
            _ => self.raw_wanted = said.strip_prefix("raw ").and_then(|count| count.parse().ok()),
        }
    }
}

impl FrameProtocol for Heard {
    fn frame_received(&mut self, cx: &mut Cx<'_>, frame: &[u8]) {
        self.obey(cx, frame);
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        self.notes.add(format!("lost: {:?}", reason.kind()));
    }
}

impl LineProtocol for Heard {
    fn line_received(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        self.obey(cx, line);
    }

    fn is_raw(&self) -> bool {
        self.raw_wanted.is_some()
    }

    fn raw_data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) -> usize {
        let Some(wanted) = self.raw_wanted.filter(|wanted| *wanted <= data.len()) else { return 0 };
        self.notes.add(format!("raw:{}", String::from_utf8_lossy(&data[..wanted])));
        self.raw_wanted = None;
        wanted
    }

    fn line_too_long(&mut self, cx: &mut Cx<'_>, failure: Failure) {
        self.notes.add("too long");
        if self.strict {
            cx.transport().abort_with(failure);
        }
    }

    fn read_connection_lost(&mut self, cx: &mut Cx<'_>) {
        self.notes.add("read lost");
        cx.transport().lose_connection();
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        self.notes.add(format!("lost: {:?}", reason.kind()));
    }
}

/// What a [`Heard`] hands over to: writes down all bytes, as `bytes:…`.
struct Bytes(Notes);

impl ropewalk_core::Protocol for Bytes {
    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        self.0.add(format!("bytes:{}", String::from_utf8_lossy(data)));
    }
}
