//! [`Name`]: what a member is called.
//!
//! A name is made of letters and digits of any script, and `-`, `_` and `.`. So it has no spaces, no controls,
//! no invisible or direction-changing characters, and none that combine with the one before them: what looks
//! like one `é` cannot be two names. Different scripts have letters that look alike; against that it does
//! nothing.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::RoomError;

/// What a member is called. Two names that differ in upper and lower case only are the same.
#[derive(Clone, Debug)]
pub struct Name {
    shown: Arc<str>,
    /// The same for all ways to write it.
    folded: Arc<str>,
}

impl Name {
    /// The name that `text` is, with at most `chars_max` characters.
    ///
    /// # Errors
    /// `NameEmpty`, `NameTooLong`, or `NameHas` with the first character that cannot be in one.
    pub fn new(text: &str, chars_max: usize) -> Result<Self, RoomError> {
        if text.is_empty() {
            return Err(RoomError::NameEmpty);
        }
        if text.chars().count() > chars_max {
            return Err(RoomError::NameTooLong(chars_max));
        }
        if let Some(character) = text.chars().find(|character| !is_allowed(*character)) {
            return Err(RoomError::NameHas(character));
        }
        Ok(Self { shown: text.into(), folded: fold(text).into() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.shown
    }
}

fn is_allowed(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_' | '.')
}

/// Upper case first, because some letters have two lower ones (`ς` and `σ`) and some none (`ß`).
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Name {}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<Name, RoomError> {
        Name::new(text, 8)
    }

    #[test]
    fn letters_of_any_script_are_a_name() {
        for text in ["a", "Zoë", "ボブ", "x-1_y.z", "Ольга"] {
            assert_eq!(name(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn what_cannot_be_seen_or_deceives_is_no_name() {
        for bad in
            [' ', '\n', '\u{1b}', '\u{7f}', '\u{9b}', '\u{200b}', '\u{202e}', '\u{301}', '/', '<']
        {
            let text = format!("a{bad}b");
            assert_eq!(name(&text).expect_err("it is no name"), RoomError::NameHas(bad));
        }
    }

    #[test]
    fn a_name_is_neither_empty_nor_long() {
        assert_eq!(name("").expect_err("empty"), RoomError::NameEmpty);
        assert!(name("éééééééé").is_ok(), "characters are counted, not bytes");
        assert_eq!(name("123456789").expect_err("long"), RoomError::NameTooLong(8));
    }

    #[test]
    fn case_makes_no_other_name() {
        for (one, other) in
            [("bob", "BOB"), ("Οδυσσεύς", "ΟΔΥΣΣΕΎΣ"), ("Straße", "STRASSE"), ("k", "\u{212a}")]
        {
            assert_eq!(name(one), name(other), "{one} and {other}");
        }
        assert_ne!(name("bob"), name("rob"));
    }
}
