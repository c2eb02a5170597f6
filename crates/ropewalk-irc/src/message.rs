//! [`Message`]: one line of IRC, taken apart or to be put together.
//!
//! It borrows everything and fits the stack, so a server that hears ten thousand clients allocates nothing to
//! read what they say. Who keeps a message keeps its line, or what it learned from it.

use std::fmt;

use crate::{Source, Tags};

/// What one line says: tags, who it is from, a command, and parameters.
///
/// It is read with [`parse`](Self::parse), and written by [`new`](Self::new), the `with_…` methods and
/// [`encode`](Self::encode), which is where everything is checked.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub(crate) tags: Tags<'a>,
    pub(crate) source: Option<&'a str>,
    pub(crate) command: &'a str,
    params: [&'a str; PARAMS_MAX],
    /// How many of them there are; one more than there can be, if somebody gave too many.
    params_len: usize,
    /// The last parameter has a colon even where it needs none.
    pub(crate) has_trailing: bool,
}

/// The parameters that a line can have (RFC 2812 section 2.3.1).
pub const PARAMS_MAX: usize = 15;

impl<'a> Message<'a> {
    /// A message that is only a command: a word, or a numeric from [`numeric`](crate::numeric).
    pub const fn new(command: &'a str) -> Self {
        Self {
            tags: Tags::NONE,
            source: None,
            command,
            params: [""; PARAMS_MAX],
            params_len: 0,
            has_trailing: false,
        }
    }

    /// With these tags.
    #[must_use]
    pub const fn with_tags(mut self, tags: Tags<'a>) -> Self {
        self.tags = tags;
        self
    }

    /// From `nick!user@host`, or a server's name.
    #[must_use]
    pub const fn with_source(mut self, source: &'a str) -> Self {
        self.source = Some(source);
        self
    }

    /// With one more parameter.
    #[must_use]
    pub const fn with_param(mut self, param: &'a str) -> Self {
        if self.params_len < PARAMS_MAX {
            self.params[self.params_len] = param;
        }
        if self.params_len <= PARAMS_MAX {
            self.params_len += 1;
        }
        self
    }

    /// With some more parameters.
    #[must_use]
    pub fn with_params(self, params: &[&'a str]) -> Self {
        params.iter().fold(self, |message, param| message.with_param(param))
    }

    /// With a last parameter that is for people: it gets its colon even if it is one word, as it always had.
    #[must_use]
    pub const fn with_trailing(mut self, text: &'a str) -> Self {
        self = self.with_param(text);
        self.has_trailing = true;
        self
    }

    /// Its tags.
    pub fn tags(&self) -> Tags<'a> {
        self.tags
    }

    /// Who it is from, if it says so.
    pub fn source(&self) -> Option<Source<'a>> {
        self.source.map(Source::parse)
    }

    /// The same as it stands on the wire, without the colon.
    pub fn source_str(&self) -> Option<&'a str> {
        self.source
    }

    /// The command, as it was written: to be compared with [`is`](Self::is).
    pub fn command(&self) -> &'a str {
        self.command
    }

    /// Whether the command is this one, in upper or lower case.
    pub fn is(&self, command: &str) -> bool {
        self.command.eq_ignore_ascii_case(command)
    }

    /// Whether the command is a numeric: an answer of a server.
    pub fn is_numeric(&self) -> bool {
        self.command.starts_with(|c: char| c.is_ascii_digit())
    }

    /// The parameters, at most [`PARAMS_MAX`].
    pub fn params(&self) -> &[&'a str] {
        &self.params[..self.params_len.min(PARAMS_MAX)]
    }

    /// One parameter, counted from 0, if there are so many.
    pub fn param(&self, index: usize) -> Option<&'a str> {
        self.params().get(index).copied()
    }

    /// The last parameter.
    pub fn last_param(&self) -> Option<&'a str> {
        self.params().last().copied()
    }

    pub(crate) fn has_too_many_params(&self) -> bool {
        self.params_len > PARAMS_MAX
    }
}

/// Two that say the same are equal, whether or not a colon stood where none was needed.
impl PartialEq for Message<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.tags, self.source, self.command) == (other.tags, other.source, other.command)
            && self.params() == other.params()
            && self.has_too_many_params() == other.has_too_many_params()
    }
}

impl Eq for Message<'_> {}

/// What the line says, each part quoted: for logs.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.tags.is_empty() {
            write!(f, "@{:?} ", self.tags.as_str())?;
        }
        if let Some(source) = self.source {
            write!(f, ":{source:?} ")?;
        }
        write!(f, "{} {:?}", self.command, self.params())
    }
}
