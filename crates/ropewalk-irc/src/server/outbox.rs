//! [`Outbox`]: what a client is sent, and what of it answers which of its commands.
//!
//! A command with a label (IRCv3 `labeled-response`) is answered as one: by a line with the label, by a batch of
//! several with it, or by an `ACK`. So while such a command runs, what answers it is collected, and what is told
//! besides goes out at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use ropewalk_core::{Deferred, Transport};

use super::capability::{Capabilities, Capability};
use super::shared::Shared;
use crate::{LineLimits, Message, TagList};

/// The way to one client. Clones are the same.
#[derive(Clone)]
pub(crate) struct Outbox(Rc<State>);

struct State {
    transport: Transport,
    shared: Rc<Shared>,
    nick: RefCell<Rc<str>>,
    caps: Cell<Capabilities>,
    /// Boxed, for few commands have a label, and there are thousands of clients.
    response: RefCell<Option<Box<Response>>>,
    /// Counts batches: each has another name.
    batches: Cell<u64>,
    /// What answers the present command when it is there.
    later: RefCell<Option<Deferred<Answer>>>,
    wrong_passwords: Cell<u32>,
    /// Why the connection is to be lost after the present command.
    end: RefCell<Option<Box<str>>>,
}

/// Writes an answer.
pub(crate) type Answer = Box<dyn FnOnce(&Outbox)>;

/// What answers a command with a label.
struct Response {
    label: String,
    lines: Vec<Vec<u8>>,
}

impl Outbox {
    pub(crate) fn new(transport: Transport, shared: Rc<Shared>) -> Self {
        Self(Rc::new(State {
            transport,
            shared,
            nick: RefCell::new("*".into()),
            caps: Cell::default(),
            response: RefCell::default(),
            batches: Cell::new(0),
            later: RefCell::default(),
            wrong_passwords: Cell::new(0),
            end: RefCell::default(),
        }))
    }

    fn server_name(&self) -> &str {
        &self.0.shared.settings.server_name
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    /// What the client is called by the server; `*` until it has told.
    pub(crate) fn nick(&self) -> Rc<str> {
        self.0.nick.borrow().clone()
    }

    pub(crate) fn set_nick(&self, nick: &str) {
        self.0.nick.replace(nick.into());
    }

    pub(crate) fn caps(&self) -> Capabilities {
        self.0.caps.get()
    }

    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.caps().has(capability)
    }

    pub(crate) fn set_caps(&self, caps: Capabilities) {
        self.0.caps.set(caps);
    }

    /// Answers with a numeric that ends in a text for people.
    pub(crate) fn numeric(&self, numeric: &str, params: &[&str], text: &str) {
        let nick = self.nick();
        let message = Message::new(numeric).with_param(&nick).with_params(params);
        self.answer(&message.with_trailing(text));
    }

    /// Answers with a numeric that does not.
    pub(crate) fn numeric_of(&self, numeric: &str, params: &[&str]) {
        let nick = self.nick();
        self.answer(&Message::new(numeric).with_param(&nick).with_params(params));
    }

    /// Answers with a standard reply (IRCv3): `FAIL`, `WARN` or `NOTE`.
    pub(crate) fn standard(&self, kind: &str, params: &[&str], text: &str) {
        self.answer(&Message::new(kind).with_params(params).with_trailing(text));
    }

    /// Answers with something else that is from the server.
    pub(crate) fn answer(&self, message: &Message<'_>) {
        self.answer_as(self.server_name(), message);
    }

    /// Answers with something that is from a user.
    pub(crate) fn answer_as(&self, source: &str, message: &Message<'_>) {
        self.answer_line(line(&message.with_source(source)));
    }

    /// Answers with a part of a batch, if there is one.
    pub(crate) fn answer_in_batch(&self, batch: Option<&str>, message: &Message<'_>) {
        let line = line(&message.with_source(self.server_name()));
        self.answer_line(match batch {
            Some(batch) => with_tag(&line, "batch", batch),
            None => line,
        });
    }

    /// Tells something from the server that answers nothing.
    pub(crate) fn tell_answer(&self, message: &Message<'_>) {
        self.tell(line(&message.with_source(self.server_name())).into());
    }

    /// One or several lines that answer the present command, or nothing.
    pub(crate) fn answer_line(&self, lines: Vec<u8>) {
        match &mut *self.0.response.borrow_mut() {
            Some(response) => {
                let lines = lines.split_inclusive(|byte| *byte == b'\n');
                response.lines.extend(lines.map(<[u8]>::to_vec));
            }
            None => self.tell(lines.into()),
        }
    }

    /// Tells something from nobody.
    pub(crate) fn tell_bare(&self, message: &Message<'_>) {
        self.tell(line(message).into());
    }

    /// Something that happened, which answers nothing.
    pub(crate) fn tell(&self, lines: Bytes) {
        if !lines.is_empty() {
            self.0.transport.write_bytes(lines);
        }
    }

    /// Something that the client did: it answers the present command.
    pub(crate) fn echo(&self, lines: Bytes) {
        if self.0.response.borrow().is_some() {
            self.answer_line(lines.to_vec());
        } else {
            self.tell(lines);
        }
    }

    /// A name for a batch, if the client knows what that is.
    pub(crate) fn batch_name(&self) -> Option<String> {
        self.has(Capability::Batch).then(|| self.next_batch())
    }

    fn next_batch(&self) -> String {
        self.0.batches.set(self.0.batches.get() + 1);
        self.0.batches.get().to_string()
    }

    /// From now on all answers are one response.
    pub(crate) fn begin_response(&self, label: String) {
        self.0.response.replace(Some(Box::new(Response { label, lines: Vec::new() })));
    }

    /// Keeps the response for later, when what it waits for is there.
    pub(crate) fn take_response(&self) -> Option<PendingResponse> {
        self.0.response.take().map(PendingResponse)
    }

    pub(crate) fn resume_response(&self, pending: Option<PendingResponse>) {
        self.0.response.replace(pending.map(|pending| pending.0));
    }

    /// Answers the present command when `later` has fired. Until then nothing more is heard of the client.
    pub(crate) fn answer_later(&self, later: Deferred<Answer>) {
        self.0.later.replace(Some(later));
    }

    pub(crate) fn take_later(&self) -> Option<Deferred<Answer>> {
        self.0.later.take()
    }

    /// Sends the response, if there is one.
    pub(crate) fn finish_response(&self) {
        let Some(response) = self.0.response.take() else { return };
        let Response { label, lines } = *response;
        match lines.as_slice() {
            [] => self.write_labeled(&label, &Message::new("ACK")),
            [line] => self.0.transport.write_bytes(with_tag(line, "label", &label)),
            lines => self.write_batch(&label, lines),
        }
    }

    fn write_batch(&self, label: &str, lines: &[Vec<u8>]) {
        let name = self.next_batch();
        let (begin, end) = (format!("+{name}"), format!("-{name}"));
        let begin = [begin.as_str(), "labeled-response"];
        self.write_labeled(label, &Message::new("BATCH").with_params(&begin));
        for line in lines {
            // What is in a batch inside of this one says so already.
            let is_inside = line.starts_with(b"@batch=");
            let line = if is_inside { line.clone() } else { with_tag(line, "batch", &name) };
            self.0.transport.write_bytes(line);
        }
        self.tell_answer(&Message::new("BATCH").with_param(&end));
    }

    fn write_labeled(&self, label: &str, message: &Message<'_>) {
        let line = line(&message.with_source(self.server_name()));
        self.0.transport.write_bytes(with_tag(&line, "label", label));
    }

    /// The connection is to be lost after the present command, for this reason.
    pub(crate) fn end_with(&self, reason: &str) {
        self.0.end.replace(Some(reason.into()));
    }

    /// A password was wrong; with too many of them the connection is to be lost.
    pub(crate) fn note_wrong_password(&self, wrong_passwords_max: u32) {
        let wrong_passwords = self.0.wrong_passwords.get() + 1;
        self.0.wrong_passwords.set(wrong_passwords);
        if wrong_passwords > wrong_passwords_max {
            self.end_with("Too many wrong passwords");
        }
    }

    pub(crate) fn take_end(&self) -> Option<Box<str>> {
        self.0.end.take()
    }

    /// The last that a client hears.
    pub(crate) fn say_goodbye(&self, reason: &str) {
        self.finish_response();
        let text = format!("Closing link: {reason}");
        self.tell_bare(&Message::new("ERROR").with_trailing(&text));
        self.0.transport.lose_connection();
    }
}

/// A response that waits for something.
pub(crate) struct PendingResponse(Box<Response>);

/// A message as it is sent; nothing if it cannot be, which is a mistake of this server.
fn line(message: &Message<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    if let Err(error) = message.encode_cut(&LineLimits::FROM_SERVER, &mut line) {
        tracing::warn!(%error, ?message, "an answer that is no line");
    }
    line
}

/// A line with one more tag before the others.
fn with_tag(line: &[u8], key: &str, value: &str) -> Vec<u8> {
    let mut tags = TagList::new();
    tags.push(key, value).expect("a label or the name of a batch is a tag");
    let tag = tags.as_tags();
    let (start, rest) = match line {
        [b'@', rest @ ..] => (format!("@{};", tag.as_str()), rest),
        rest => (format!("@{} ", tag.as_str()), rest),
    };
    [start.as_bytes(), rest].concat()
}
