//! [`Speech`]: something that is said.

use std::sync::Arc;

use super::identity::ends_line;
use super::{NetworkLimits, Refusal};

/// Something that is said: one line, not empty.
///
/// It may hold the control characters by which IRC makes text bold or coloured, and others: who shows it on a
/// terminal or a page makes it safe there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speech {
    /// How it is meant.
    pub kind: SpeechKind,
    /// What is said.
    pub text: Arc<str>,
    /// Client-only tags that go with it (`+draft/reply=…;+example`), as on the wire; mostly empty.
    pub tags: Arc<str>,
}

/// How something that is said is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpeechKind {
    /// For people: `PRIVMSG`.
    Message,
    /// Not to be answered by a program: `NOTICE`.
    Notice,
}

impl Speech {
    /// A message, without tags.
    pub fn message(text: &str) -> Self {
        Self { kind: SpeechKind::Message, text: text.into(), tags: "".into() }
    }

    /// What the speaker does: `action("waves")` is "alice waves" (CTCP ACTION).
    pub fn action(text: &str) -> Self {
        Self::message(&format!("\u{1}ACTION {text}\u{1}"))
    }

    /// Not to be answered by a program.
    pub fn notice(text: &str) -> Self {
        Self { kind: SpeechKind::Notice, ..Self::message(text) }
    }

    /// With client-only tags, as on the wire.
    #[must_use]
    pub fn with_tags(self, tags: &str) -> Self {
        Self { tags: tags.into(), ..self }
    }

    /// What the speaker does, if it is that.
    pub fn as_action(&self) -> Option<&str> {
        let text = self.text.strip_prefix("\u{1}ACTION ")?;
        Some(text.strip_suffix('\u{1}').unwrap_or(text))
    }

    /// Whether it is for programs (CTCP) and not an action.
    pub fn is_ctcp(&self) -> bool {
        self.text.starts_with('\u{1}') && self.as_action().is_none()
    }

    pub(crate) fn check(&self, limits: &NetworkLimits) -> Result<(), Refusal> {
        if self.text.is_empty() || self.as_action().is_some_and(str::is_empty) {
            return Err(Refusal::TextEmpty);
        }
        if self.text.len() > limits.message_bytes_max {
            return Err(Refusal::TextTooLong(limits.message_bytes_max));
        }
        check_line(&self.text)?;
        check_tags(&self.tags, limits)
    }
}

pub(crate) fn check_tags(tags: &str, limits: &NetworkLimits) -> Result<(), Refusal> {
    if tags.len() > limits.tag_bytes_max {
        return Err(Refusal::TextTooLong(limits.tag_bytes_max));
    }
    if tags.contains(' ') { Err(Refusal::TextHasLineBreak) } else { check_line(tags) }
}

pub(crate) fn check_line(text: &str) -> Result<(), Refusal> {
    if text.contains(ends_line) { Err(Refusal::TextHasLineBreak) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(speech: &Speech) -> Result<(), Refusal> {
        speech.check(&NetworkLimits { message_bytes_max: 20, ..NetworkLimits::default() })
    }

    #[test]
    fn what_is_said_is_one_line_neither_empty_nor_long() {
        assert_eq!(check(&Speech::message("good evening")), Ok(()));
        assert_eq!(check(&Speech::message("")), Err(Refusal::TextEmpty));
        assert_eq!(check(&Speech::action("")), Err(Refusal::TextEmpty));
        assert_eq!(check(&Speech::message(&"x".repeat(21))), Err(Refusal::TextTooLong(20)));
        for bad in ["a\r\nQUIT", "a\nb", "a\0"] {
            assert_eq!(check(&Speech::message(bad)), Err(Refusal::TextHasLineBreak), "{bad:?}");
            let tagged = Speech::message("a").with_tags(bad);
            assert_eq!(check(&tagged), Err(Refusal::TextHasLineBreak), "{bad:?}");
        }
    }

    #[test]
    fn an_action_is_told_from_other_ctcp() {
        assert_eq!(Speech::action("waves").as_action(), Some("waves"));
        assert!(!Speech::action("waves").is_ctcp());
        assert!(Speech::message("\u{1}VERSION\u{1}").is_ctcp());
        assert!(!Speech::message("hello").is_ctcp());
    }
}
