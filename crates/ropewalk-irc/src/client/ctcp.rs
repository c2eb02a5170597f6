//! CTCP: messages between clients, inside of messages (the modern CTCP specification).
//!
//! A message that begins with 0x01 is a word and its parameters; a 0x01 at the end belongs to it, and may be
//! missing. There is no quoting, as clients today have none.

const DELIMITER: char = '\u{1}';

/// The word and the parameters, if the text is a CTCP.
pub(crate) fn parse(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix(DELIMITER)?;
    let inner = inner.strip_suffix(DELIMITER).unwrap_or(inner);
    Some(inner.split_once(' ').unwrap_or((inner, "")))
}

/// The text that says it. What cannot be in it is left out.
pub(crate) fn encode(word: &str, params: &str) -> String {
    let space = if params.is_empty() { "" } else { " " };
    let inner = [word, space, params].concat().replace(DELIMITER, "");
    format!("{DELIMITER}{inner}{DELIMITER}")
}

/// Bytes that it takes besides its parameters.
pub(crate) fn overhead(word: &str) -> usize {
    word.len() + "\u{1} \u{1}".len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ctcp_is_a_word_and_its_parameters() {
        let rows = [
            ("\u{1}ACTION writes tests\u{1}", Some(("ACTION", "writes tests"))),
            ("\u{1}ACTION writes", Some(("ACTION", "writes"))),
            ("\u{1}VERSION\u{1}", Some(("VERSION", ""))),
            ("\u{1}ACTION  two \u{1}", Some(("ACTION", " two "))),
            ("\u{1}\u{1}", Some(("", ""))),
            ("\u{1}", Some(("", ""))),
            ("plain", None),
            ("not \u{1}ACTION at the beginning\u{1}", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text), expected, "{text:?}");
        }
        assert_eq!(encode("PING", "1\u{1}2"), "\u{1}PING 12\u{1}");
        assert_eq!(encode("VERSION", ""), "\u{1}VERSION\u{1}");
    }
}
