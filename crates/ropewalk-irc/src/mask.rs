//! [`Mask`]: whom a ban, or a question, is about.
//!
//! Matching goes back to the last `*` only. That finds every match, since a `*` further left could only give the
//! later one less to choose from, and it takes at most as many steps as the two lengths multiplied: a mask full of
//! `*` costs no more than any other.

use std::fmt;

use crate::fold::folded;

/// A pattern (RFC 2812 section 2.5): `*` is any text, `?` any one character, a backslash before one of the three
/// takes its meaning. Upper and lower case are the same, as they are in names.
///
/// # Limits
/// None of its own: a mask came in a line, and is no longer than that.
///
/// # Example
/// ```
/// use ropewalk_irc::Mask;
/// let mask = Mask::new("*!*@*.Example.org");
/// assert!(mask.matches("dan!d@host.example.org"));
/// assert!(!mask.matches("dan!d@example.org"));
/// assert!(Mask::new(r"\*").matches("*") && !Mask::new(r"\*").matches("x"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Mask {
    text: Box<str>,
    pieces: Box<[Piece]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Char(char),
}

impl Mask {
    /// The mask that `text` is: every text is one.
    pub fn new(text: &str) -> Self {
        let mut pieces = Vec::with_capacity(text.len());
        let mut chars = folded(text).peekable();
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '*' if pieces.last() == Some(&Piece::Any) => continue,
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => Piece::Char(chars.next_if(|&c| is_special(c)).unwrap_or('\\')),
                c => Piece::Char(c),
            });
        }
        Self { text: text.into(), pieces: pieces.into() }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it means more than one text.
    pub fn has_wildcards(&self) -> bool {
        self.pieces.iter().any(|piece| !matches!(piece, Piece::Char(_)))
    }

    /// Whether `text` is one that it means.
    pub fn matches(&self, text: &str) -> bool {
        let mut rest = folded(text);
        let mut at = 0;
        // The place behind the last `*`, and the text that the pieces from there on were last tried with.
        let mut retry = None;
        loop {
            if self.pieces.get(at) == Some(&Piece::Any) {
                at += 1;
                retry = Some((at, rest.clone()));
                continue;
            }
            let Some(c) = rest.next() else { return at == self.pieces.len() };
            match self.pieces.get(at) {
                Some(Piece::One) => at += 1,
                Some(Piece::Char(expected)) if *expected == c => at += 1,
                _ => {
                    let Some((behind, tried)) = &mut retry else { return false };
                    tried.next(); // The `*` takes one character more.
                    (at, rest) = (*behind, tried.clone());
                }
            }
        }
    }
}

fn is_special(c: char) -> bool {
    matches!(c, '*' | '?' | '\\')
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({:?})", self.text)
    }
}
