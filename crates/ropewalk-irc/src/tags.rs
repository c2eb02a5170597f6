//! [`Tags`], [`Tag`] and [`TagList`]: what IRCv3 hangs before a message.
//!
//! Tags are kept as they stand on the wire, escaped, and are read where somebody asks for one: most lines have
//! tags that nobody asks for, and what is passed on is passed on as it came.

use std::borrow::Cow;

use crate::MessageError;

/// The tags of a message, as text: `key=value;key`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tags<'a>(&'a str);

/// One tag of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag<'a> {
    /// Its name: `time`, `+typing`, `example.org/key`.
    pub key: &'a str,
    /// Its value as it stands on the wire, escaped; empty if there is none, which is the same.
    pub escaped: &'a str,
}

/// Tags to be sent.
///
/// # Example
/// ```
/// use ropewalk_irc::TagList;
/// let mut tags = TagList::new();
/// tags.push("label", "1")?;
/// tags.push("+draft/reply", "a; b")?;
/// assert_eq!(tags.as_tags().as_str(), r"label=1;+draft/reply=a\:\sb");
/// assert_eq!(tags.as_tags().get("+draft/reply").as_deref(), Some("a; b"));
/// # Ok::<(), ropewalk_irc::MessageError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct TagList(String);

impl<'a> Tags<'a> {
    /// No tags.
    pub const NONE: Self = Self("");

    /// What stands between `@` and the space.
    pub(crate) fn from_wire(text: &'a str) -> Self {
        Self(text)
    }

    /// All of it, as it stands on the wire.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Each tag, in order. A key that comes twice comes twice here; one without a name is passed over.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Tag<'a>> {
        self.0.split(';').map(Tag::from_wire).filter(|tag| !tag.key.is_empty())
    }

    /// The value of the tag `key`; of several, of the last, as IRCv3 says. Empty if it has none.
    pub fn get(self, key: &str) -> Option<Cow<'a, str>> {
        self.iter().rfind(|tag| tag.key == key).map(Tag::value)
    }

    /// Whether there is a tag `key`.
    pub fn has(self, key: &str) -> bool {
        self.iter().any(|tag| tag.key == key)
    }
}

impl<'a> Tag<'a> {
    fn from_wire(text: &'a str) -> Self {
        let (key, escaped) = text.split_once('=').unwrap_or((text, ""));
        Self { key, escaped }
    }

    /// Its value.
    pub fn value(self) -> Cow<'a, str> {
        unescape(self.escaped)
    }

    /// Whether it is one that clients give each other and servers pass on: it begins with `+`.
    pub fn is_client_only(self) -> bool {
        self.key.starts_with('+')
    }
}

impl TagList {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tag; without a value if that is empty.
    ///
    /// # Errors
    /// `TagKey`, `ForbiddenByte` (a NUL in the value; CR and LF have an escape). Nothing was added.
    pub fn push(&mut self, key: &str, value: &str) -> Result<(), MessageError> {
        check_key(key)?;
        if value.contains('\0') {
            return Err(MessageError::ForbiddenByte);
        }
        self.begin(key);
        if !value.is_empty() {
            self.0.push('=');
            value.chars().for_each(|c| escape(c, &mut self.0));
        }
        Ok(())
    }

    /// Adds a tag of a message that came, as it was.
    ///
    /// # Errors
    /// `TagKey`: what came may have any. Nothing was added.
    pub fn push_tag(&mut self, tag: Tag<'_>) -> Result<(), MessageError> {
        check_key(tag.key)?;
        if tag.escaped.contains([';', ' ', '\0', '\r', '\n']) {
            return Err(MessageError::ForbiddenByte);
        }
        self.begin(tag.key);
        if !tag.escaped.is_empty() {
            self.0.push('=');
            self.0.push_str(tag.escaped);
        }
        Ok(())
    }

    /// To be put before a message.
    pub fn as_tags(&self) -> Tags<'_> {
        Tags(&self.0)
    }

    fn begin(&mut self, key: &str) {
        if !self.0.is_empty() {
            self.0.push(';');
        }
        self.0.push_str(key);
    }
}

/// `[+][vendor/]name`, where a vendor is a host's name (IRCv3 message-tags, "Format").
fn check_key(key: &str) -> Result<(), MessageError> {
    let key = key.strip_prefix('+').unwrap_or(key);
    let (vendor, name) = key.split_once('/').map_or((None, key), |(v, name)| (Some(v), name));
    let is_name = |text: &str, also: &[u8]| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
    };
    if is_name(name, b"-") && vendor.is_none_or(|vendor| is_name(vendor, b"-.:")) {
        Ok(())
    } else {
        Err(MessageError::TagKey)
    }
}

fn escape(c: char, out: &mut String) {
    match c {
        ';' => out.push_str(r"\:"),
        ' ' => out.push_str(r"\s"),
        '\\' => out.push_str(r"\\"),
        '\r' => out.push_str(r"\r"),
        '\n' => out.push_str(r"\n"),
        _ => out.push(c),
    }
}

/// A backslash before anything else says nothing, nor does one at the end.
fn unescape(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('\\') else { return Cow::Borrowed(text) };
    let mut out = text[..first].to_owned();
    let mut rest = text[first..].chars();
    while let Some(c) = rest.next() {
        if c == '\\' {
            out.extend(rest.next().map(unescaped));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn unescaped(c: char) -> char {
    match c {
        ':' => ';',
        's' => ' ',
        'r' => '\r',
        'n' => '\n',
        c => c,
    }
}
