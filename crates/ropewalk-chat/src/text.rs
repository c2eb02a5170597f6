//! [`Text`]: something that was said, safe to show.
//!
//! A terminal does what the bytes say: an escape sequence from another member could clear the screen, change
//! its title or type at the prompt. So what is shown of others has no control characters, whichever protocol
//! it came by, and the room makes sure of it once, at its door.

use std::fmt;
use std::sync::Arc;

use crate::RoomError;

/// One message: a single line, not empty, with no control characters and nothing that turns the direction of
/// the line it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Arc<str>);

impl Text {
    /// Makes `text` safe: tabs and line breaks become spaces, other controls U+FFFD, as invalid UTF-8 does;
    /// white space at the ends goes.
    ///
    /// # Errors
    /// `TextEmpty` if nothing is left; `TextTooLong` if that is more than `bytes_max` bytes.
    pub fn new(text: &str, bytes_max: usize) -> Result<Self, RoomError> {
        let safe: String = text.trim().chars().map(made_safe).collect();
        if safe.is_empty() {
            return Err(RoomError::TextEmpty);
        }
        if safe.len() > bytes_max {
            return Err(RoomError::TextTooLong(bytes_max));
        }
        Ok(Self(safe.into()))
    }

    /// As it is to be shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `\u{2028}` and `\u{2029}` are line and paragraph separators; the ranges are the embeddings, overrides and
/// isolates of the bidirectional algorithm (UAX #9).
fn made_safe(character: char) -> char {
    match character {
        '\t' | '\r' | '\n' | '\u{2028}' | '\u{2029}' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        character => character,
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_reaches_a_terminal() {
        let text = Text::new("a\u{1b}[2Jb\u{9b}c\u{7f}d\re\u{202e}f\0", 100).expect("it is short");
        assert_eq!(text.as_str(), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d e\u{fffd}f\u{fffd}");
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for said in ["naïve café", "日本語", "e\u{301}", "👩\u{200d}🚀", "שלום"] {
            assert_eq!(Text::new(said, 100).expect(said).as_str(), said);
        }
    }

    #[test]
    fn a_message_is_neither_empty_nor_long() {
        assert_eq!(Text::new(" \t ", 10), Err(RoomError::TextEmpty));
        assert!(Text::new(&"x".repeat(10), 10).is_ok());
        assert_eq!(Text::new("\0\0\0\0", 10), Err(RoomError::TextTooLong(10)), "as it is shown");
    }
}
