//! [`Folded`]: a name as it was written, and what tells it from others.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::fold::fold;

/// A name. Two that differ in upper and lower case only are equal.
#[derive(Clone)]
pub(crate) struct Folded {
    shown: Arc<str>,
    /// The same memory as `shown` if the name was written so.
    key: Arc<str>,
}

impl Folded {
    pub(crate) fn new(text: &str) -> Self {
        let (shown, key) = (Arc::<str>::from(text), fold(text));
        let key = if *key == *shown { shown.clone() } else { key.into() };
        Self { shown, key }
    }

    /// As it was written.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The same for all ways to write it.
    pub(crate) fn key(&self) -> &Arc<str> {
        &self.key
    }
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Folded {}

impl Hash for Folded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl PartialOrd for Folded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Folded {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}
