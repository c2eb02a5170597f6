//! What is compared of two readings of one message.

use std::fmt::Display;

/// A message, as one of the two read it.
#[derive(Default, Debug)]
pub(super) struct Reading {
    pub(super) questions: Vec<Item>,
    pub(super) records: Vec<Item>,
    /// Where the last of these ends.
    pub(super) ends_at: usize,
    /// Why the rest is not read.
    pub(super) refusal: Option<String>,
    /// Why the message as a whole is refused, though each of its records is read.
    pub(super) whole: Option<String>,
    /// What became of the question, if the message is accepted.
    pub(super) rcode: Option<u16>,
}

/// A question or a record.
#[derive(Debug)]
pub(super) struct Item {
    /// In wire form and small letters.
    pub(super) owner: Vec<u8>,
    pub(super) rtype: u16,
    pub(super) class: u16,
    pub(super) ttl: u32,
    pub(super) data: Data,
}

/// The data of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// In wire form, without compression.
    Read(Vec<u8>),
    /// It makes no sense, and why.
    Malformed(String),
    /// There is none, as they see it.
    Nothing,
    /// That of a question, or of another class than IN, which nobody looks at.
    Other,
}

impl Reading {
    pub(super) fn refused(mut self, why: &dyn Display) -> Self {
        self.refusal = Some(why.to_string());
        self
    }
}
