//! [`ChannelName`]: what a channel is called on our own network.
//!
//! `#` and at least one character more, of any that can be seen: no space, no control (so no BEL, which RFC 1459
//! names), no comma, since commands have lists of channels.

use std::fmt;

use crate::NameError;
use crate::fold::is_invisible;
use crate::folded::Folded;

/// What a channel is called. Two names that differ in upper and lower case only are the same.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Folded);

impl ChannelName {
    /// The name that `text` is, of at most `bytes_max` bytes with its `#`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str, bytes_max: usize) -> Result<Self, NameError> {
        match text.chars().next() {
            None => return Err(NameError::Empty),
            Some('#') => {}
            Some(first) => return Err(NameError::BeginsWith(first)),
        }
        if text.len() == "#".len() {
            return Err(NameError::Empty);
        }
        if text.len() > bytes_max {
            return Err(NameError::TooLong(bytes_max));
        }
        if let Some(character) = text.chars().find(|&c| !is_allowed(c)) {
            return Err(NameError::Has(character));
        }
        Ok(Self(Folded::new(text)))
    }

    /// Whether `text` is meant for a channel, well formed or not: it begins as one does.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with('#')
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.shown()
    }

    /// The same for all ways to write it: a key.
    pub fn folded(&self) -> &str {
        self.0.key()
    }
}

fn is_allowed(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || c == ',' || is_invisible(c))
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelName({:?})", self.as_str())
    }
}
