//! [`Folded`]: a name as it was written, and what tells it from others.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::fold::fold;

/// A name. Two that differ in upper and lower case only are equal.
#[derive(Clone)]
pub(crate) struct Folded {
    /// As it was written; and behind that the key, unless it is the same.
    text: Arc<str>,
    shown_bytes: usize,
}

impl Folded {
    pub(crate) fn new(text: &str) -> Self {
        let key = fold(text);
        let both = if *key == *text { text.into() } else { [text, &key].concat().into() };
        Self { text: both, shown_bytes: text.len() }
    }

    /// As it was written.
    pub(crate) fn shown(&self) -> &str {
        &self.text[..self.shown_bytes]
    }

    /// The same for all ways to write it.
    pub(crate) fn key(&self) -> &str {
        let behind = &self.text[self.shown_bytes..];
        if behind.is_empty() { &self.text } else { behind }
    }
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Folded {}

impl Hash for Folded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for Folded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Folded {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key())
    }
}
