//! [`Nick`]: what a user is called on our own network.
//!
//! A nick is made of letters and digits of any script and `-_[]\^{}|.` and the grave accent. So it has no spaces,
//! no controls, nothing that a mask, a channel, a prefix or a source begins or ends with, and none of what cannot
//! be seen or combines with the character before it: what looks like one `é` cannot be two names. Different
//! scripts have letters that look alike; against that it does nothing.
//!
//! What is said of it to clients is `CASEMAPPING=ascii`: all of them know that one, it is right for ASCII (the
//! other mappings would take `[` and `{` for the same letter), and beyond ASCII a client that folds less than the
//! server takes no two users for one.

use std::fmt;

use crate::NameError;
use crate::fold::is_invisible;
use crate::folded::Folded;

/// What a user is called. Two nicks that differ in upper and lower case only are the same.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nick(Folded);

impl Nick {
    /// The nick that `text` is, of at most `bytes_max` bytes: people count letters, but lines count bytes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str, bytes_max: usize) -> Result<Self, NameError> {
        match text.chars().next() {
            None => return Err(NameError::Empty),
            // A number may be an id of the network's, and a dash an option of a command.
            Some(first) if first == '-' || first.is_numeric() => {
                return Err(NameError::BeginsWith(first));
            }
            Some(_) => {}
        }
        if text.len() > bytes_max {
            return Err(NameError::TooLong(bytes_max));
        }
        if let Some(character) = text.chars().find(|&c| !is_allowed(c)) {
            return Err(NameError::Has(character));
        }
        Ok(Self(Folded::new(text)))
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
    let is_letter = c.is_alphanumeric() && !is_invisible(c);
    is_letter || matches!(c, '-' | '_' | '[' | ']' | '\\' | '`' | '^' | '{' | '}' | '|' | '.')
}

impl fmt::Display for Nick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Nick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nick({:?})", self.as_str())
    }
}
