//! [`fold`]: the names that our own network takes for the same, and the characters that none of them has.

/// The same for all ways to write a name in upper and lower case, in any script.
///
/// Upper case first, because some letters have two lower ones (`ς` and `σ`) and some no upper one of their own
/// (`ß`).
///
/// # Example
/// ```
/// assert_eq!(ropewalk_irc::fold("Straße"), ropewalk_irc::fold("STRASSE"));
/// ```
pub fn fold(text: &str) -> String {
    folded(text).collect()
}

/// The characters of [`fold`].
pub(crate) fn folded(text: &str) -> impl Iterator<Item = char> + Clone {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// Whether it is seen by nobody, or turns the direction of what is around it: two names that differ by it look
/// the same. Unicode's format characters and its letters that are blank (the fillers of Hangul, of Braille).
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}
