//! [`lines_of`]: many words, in as many lines as they take.

/// The words in lines of at most `bytes_max`, with `separator` between those of one line. A longer word has a line of
/// its own.
pub(crate) fn lines_of(
    words: impl Iterator<Item = String>,
    separator: char,
    bytes_max: usize,
) -> Vec<String> {
    let mut lines = Vec::<String>::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + separator.len_utf8() + word.len() <= bytes_max => {
                line.push(separator);
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_as_many_words_as_it_has_room_for() {
        for (words, lines) in [
            (&[][..], &[][..]),
            (&["a", "b", "c"], &["a,b,c"]),
            (&["ab", "cd", "ef"], &["ab,cd", "ef"]),
            (&["a", "too long", "b"], &["a", "too long", "b"]),
        ] {
            let words = words.iter().map(ToString::to_string);
            assert_eq!(lines_of(words, ',', 5), lines);
        }
    }
}
